"""The state behind the screen: the prompt, its tokens, what was computed of them, what was drawn, and the cursor.

Its moves are plain methods, to be called and tested without a terminal.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from explorer.analysis.compare import BEGINNING
from explorer.edits import Edits
from explorer.errors import EditError
from explorer.provenance.names import axes_of
from explorer.provenance.provenance import Provenance
from explorer.runs.activations import Activations
from explorer.runs.cells import Cell
from explorer.runs.trace import LiveRun, RecordedRun, Trace
from explorer.stages import Kind, Stage
from explorer.terminal.text import visible
from explorer.walk.cursor import Cursor
from explorer.walk.draws import Draws
from explorer.walk.largest import LargestInRow
from explorer.walk.text import Tokens, WalkedText
from explorer.walk.what_if import OtherRun, WhatIf
from explorer.walk.why import Why
from gpt import GPT, GPTConfig, InputError, Sampling
from gpt.tokenizer import Piece

if TYPE_CHECKING:
    from explorer.code.stepping import Stepper


NO_OTHER_PROMPT = "This is a recorded run: there is no model that could run another prompt."


class Session:
    """One user's walk through one model, or through a run that was recorded without its model.

    Three things are told apart: `run` is what is computed and edited; `trace` is what is shown, which is that run or
    what Compare shows in its place; and `what_if.pair` is what is compared.
    """

    def __init__(
        self, source: GPT | RecordedRun, tokenizer: Tokens, sampling: Sampling = Sampling(), seed: int = 0
    ) -> None:
        self.tokenizer = tokenizer
        self.label: Callable[[int], str] = cache(lambda token: visible(tokenizer.token_bytes(token)))
        self.what_if = WhatIf(source if isinstance(source, RecordedRun) else LiveRun(source, []))
        self.draws = Draws(self, sampling, seed)
        self.stopped = False  # the user ended the computation of what is missing
        self.cursor = Cursor(source.config, LargestInRow(self))
        self.provenance = Provenance(self)
        self.why: Why | None = None  # the number that is being explained, and the way to it
        self.code: Stepper | None = None  # the code that is being stepped through
        self._own = WalkedText()  # of the run
        self._in_its_place: WalkedText | None = None  # of what is shown, where its tokens are others

    # What is run, and what is shown

    @property
    def run(self) -> Trace:
        """The run that is computed and edited."""
        return self.what_if.run

    @property
    def trace(self) -> Activations:
        """The run that is walked: with the edits in force, or what Compare shows in its place."""
        return self.what_if.shown or self.what_if.run

    @property
    def model(self) -> GPT | None:
        """The model that is walked; None where the run was recorded without it."""
        return self.run.model if isinstance(self.run, LiveRun) else None

    @property
    def recorded(self) -> bool:
        """Whether this is a recorded run, without its model."""
        return isinstance(self.run, RecordedRun)

    @property
    def config(self) -> GPTConfig:
        return self.cursor.config

    @property
    def written(self) -> WalkedText:
        """The text of what is shown."""
        return self._in_its_place or self._own

    @property
    def text(self) -> str:
        """The prompt, and what was drawn after it."""
        return self.written.text

    @property
    def prompt_length(self) -> int:
        """How many of the tokens were typed; the others were drawn."""
        return self.written.prompt_length

    @property
    def ids(self) -> list[int]:
        return self.trace.ids

    def labels(self) -> list[str]:
        """The texts of all tokens of the sequence."""
        return [self.label(token) for token in self.ids]

    @property
    def computing(self) -> bool:
        """Whether some of the tokens have not been through the whole model, or edits have not taken hold."""
        return self.run.complete < len(self.run.ids) or self.what_if.waiting

    @property
    def stage(self) -> Stage:
        return self.cursor.stage

    @property
    def position(self) -> int:
        return self.cursor.position

    # The prompt and its tokens

    def submit(self, text: str) -> None:
        """Take a new prompt; what it shares with the old one at its beginning is not computed again.

        InputError, and nothing changes, if there is none, or too much of it for the model.
        """
        self.show(None)
        if text == self.text and self.ids:
            return
        if not text:
            raise InputError("The prompt is empty: type something for the model to continue.")
        model, ids = self.model, self.tokenizer.encode(text)
        if model is None:
            raise InputError(NO_OTHER_PROMPT)
        model.check(ids)
        pieces = self.tokenizer.pieces(text)
        self.what_if.begin(self.what_if.base)  # the edits are made again, on what this prompt gives without them
        self._go_on_with(ids)
        self._own = WalkedText(text, pieces, len(ids), typed=text)
        self.cursor.forget_columns()

    def begin(self, run: Trace, text: str, pieces: Sequence[Piece] = ()) -> None:
        """Walk a run whose tokens were all typed, from its last token on; `pieces` are those of its text."""
        self.what_if.begin(run)
        self._own = WalkedText(text, pieces, len(run.ids))
        self.cursor.length = len(run.ids)
        self.cursor.go_to_position(len(run.ids) - 1)

    def _go_on_with(self, ids: list[int]) -> None:
        """Keep what was computed of the beginning that the old tokens and these share."""
        known = self.run.ids[: self.run.complete]
        shared = next((i for i, (old, new) in enumerate(zip(known, ids)) if old != new), min(len(known), len(ids)))
        self.what_if.go_on(ids, shared)
        self.why = self.code = None
        self.cursor.length = len(ids)
        self.cursor.go_to_position(len(ids) - 1)

    def compute_with(self, model: GPT) -> LiveRun:
        """Begin again with the same tokens on another model or engine; returns the run before."""
        self.show(None)
        before = self.run
        assert isinstance(before, LiveRun)
        self.what_if.begin(LiveRun(model, before.ids))
        return before

    def compare_with(self, other: "Session", name: str) -> None:
        """Hold this run against that of another model; InputError, where its tokens are others."""
        spelled = [self.tokenizer.token_bytes(token) for token in self.ids]
        if other.config.vocab_size != self.config.vocab_size or spelled != [
            other.tokenizer.token_bytes(token) for token in self.ids
        ]:
            raise InputError(f"{name} has another tokenizer: its tokens are not those of this model.")
        if other.model is None:
            raise InputError(f"{name} is a recorded run: there is no model that could run this prompt.")
        other.model.check(self.ids)
        self.show(None)
        self.what_if.other = OtherRun(self.text, LiveRun(other.model, list(self.ids)), name)

    def edit(self, move: Callable[[Edits], object]) -> None:
        """Change the edits in force; EditError, and everything as it was, where that cannot be run."""
        if self.recorded:
            raise EditError("this is a recorded run: there is no model that could run it edited.")
        self.show(None)
        self.what_if.change(move, self.prompt_length)
        self.code = None

    def show(self, run: Activations | None, text: str = "") -> None:
        """Walk another run in place of this one, that of `text` if its tokens are others; None: this one again."""
        what_if, position = self.what_if, self.position
        from_end = 0 if what_if.aligned == BEGINNING else len(self.ids) - position
        if run is what_if.shown:
            return
        what_if.shown, self._in_its_place = run, None
        if run and run.ids != what_if.run.ids:
            self._in_its_place = WalkedText(text or self._own.text, self.tokenizer.pieces(text), len(run.ids))
        self.why = self.code = None
        self.cursor.length = len(self.ids)
        self.cursor.go_to_position(len(self.ids) - from_end if from_end else position)

    # Generation

    def take_token(self, chosen: int | None = None) -> bool:
        """Append the drawn token, or one that is chosen in its place: one step of generation.

        False if it is not known yet; InputError if none fits.
        """
        if self.recorded:
            raise InputError("This is a recorded run: there is no model that could go on from here.")
        self.show(None)
        if len(self.ids) >= self.config.n_positions:
            raise InputError(f"The context is full: this model sees {self.config.n_positions} tokens at most.")
        drawn = self.draws.next(len(self.ids) - 1, chosen) if self.ids and not self.computing else None
        if drawn is None:
            return False
        self._go_on_with([*self.ids, drawn.step.token])
        self._own = self._own.with_token(len(self.ids) - 1, drawn, self._own.decoded(self.ids, self.tokenizer))
        return True

    def untake_token(self) -> bool:
        """Take the last drawn token back. False if the last one was typed."""
        self.show(None)
        if len(self.ids) <= self.prompt_length:
            return False
        last = len(self.ids) - 1
        self._go_on_with(self.ids[:-1])
        self._own = self._own.without_token(last, self._own.decoded(self.ids, self.tokenizer))
        return True

    # The number under the cursor

    def cell(self, cursor: Cursor | None = None) -> Cell | None:
        """The number under the cursor, or another one; None in the tokenizer's stage, which has no numbers."""
        cursor = cursor or self.cursor
        if not cursor.part:
            return None
        name, column = cursor.part.activation, cursor.column
        if cursor.axes == "TV" and (order := self.trace.order(cursor.position)):
            column = order[column]
        shares = cursor.stage.kind in (Kind.LEDGER, Kind.DRAW) and not self.what_if.difference
        if shares and self.trace.computed(cursor.stage, cursor.position):
            name = "probabilities"
        return Cell(name, cursor.index(column))

    def go_to(self, cell: Cell) -> None:
        """Put the cursor on a number, or, where no stage shows it by itself, on the stage that it belongs to."""
        if not self.cursor.go_to_value(cell.name):
            return
        cursor = self.cursor
        axes = axes_of(cell.name, self.trace.axes)
        for axis, i in sorted(zip(axes, cell.index)):  # T before V: the ranks are those at a position
            if axis == "T":
                cursor.go_to_position(i)
            elif axis == "H":
                cursor.go_to_head(i)
            elif axis != "1":
                cursor.go_to_column(self.trace.order(self.position).index(i) if axis == "V" else i)
