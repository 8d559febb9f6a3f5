"""The state behind the screen: the prompt, its tokens, what was computed of them, what was drawn, and the cursor.

Its moves are plain methods, to be called and tested without a terminal.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.analysis.compare import BEGINNING
from explorer.edits import Edits
from explorer.errors import EditError
from explorer.provenance.names import axes_of
from explorer.provenance.provenance import Provenance
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.stages import Kind, Stage
from explorer.walk.cursor import Cursor
from explorer.walk.sequence import Tokens, TokenSequence
from explorer.walk.what_if import Other
from explorer.walk.why import Why
from gpt import GPT, InputError, Sampling, Step
from gpt.tokenizer import Piece

if TYPE_CHECKING:
    from explorer.code.stepping import Stepper


class Session(TokenSequence):
    """One user's walk through one model."""

    def __init__(self, model: GPT, tokenizer: Tokens, sampling: Sampling = Sampling(), seed: int = 0) -> None:
        super().__init__(model, tokenizer, sampling, seed)
        self.stopped = False  # the user ended the computation of what is missing
        self.cursor = Cursor(model.config)
        self.provenance = Provenance(self)
        self.why: Why | None = None  # the number that is being explained, and the way to it
        self.code: Stepper | None = None  # the code that is being stepped through
        self._own: tuple[str, list[Piece], int, dict[int, Step], dict[int, tuple[Sampling, int]]] | None = None

    # The prompt and its tokens

    @property
    def stage(self) -> Stage:
        return self.cursor.stage

    @property
    def position(self) -> int:
        return self.cursor.position

    def submit(self, text: str) -> None:
        """Take a new prompt; what it shares with the old one at its beginning is not computed again.

        InputError, and nothing changes, if there is none, or too much of it for the model.
        """
        self.show(None)
        if text == self.text and self.ids:
            return
        if not text:
            raise InputError("The prompt is empty: type something for the model to continue.")
        ids = self.tokenizer.encode(text)
        self.model.check(ids)
        pieces = self.tokenizer.pieces(text)
        self.trace = self.what_if.base  # the edits are made again, on what this prompt gives without them
        self._go_on_with(ids)
        self.text, self.pieces, self.prompt_length = text, pieces, len(ids)
        self.steps, self._settings = {}, {}

    def show_recorded(self, trace: Trace, text: str) -> None:
        """Walk a run that was recorded elsewhere. There is no model: nothing can be computed any more."""
        self.trace, self.text, self.prompt_length = trace, text, len(trace.ids)
        self.cursor.length = len(trace.ids)
        self.cursor.go_to_position(len(trace.ids) - 1)

    def _go_on_with(self, ids: list[int]) -> None:
        """Keep what was computed of the beginning that the old tokens and these share."""
        known = self.ids[: self.trace.complete]
        shared = next((i for i, (old, new) in enumerate(zip(known, ids)) if old != new), min(len(known), len(ids)))
        self.what_if.go_on(ids, shared)
        self.why = self.code = None
        self._chances = None
        self.cursor.length = len(ids)
        self.cursor.go_to_position(len(ids) - 1)

    def compute_with(self, model: GPT) -> Trace:
        """Begin again with the same tokens on another model or engine; returns what the one before had recorded."""
        self.show(None)
        before = self.trace
        self.model = model
        self.trace = Trace(model, before.ids)
        self._chances = None
        return before

    def compare_with(self, other: "Session", name: str) -> None:
        """Hold this run against that of another model; InputError, where its tokens are others."""
        spelled = [self.tokenizer.token_bytes(token) for token in self.ids]
        if other.model.config.vocab_size != self.model.config.vocab_size or spelled != [
            other.tokenizer.token_bytes(token) for token in self.ids
        ]:
            raise InputError(f"{name} has another tokenizer: its tokens are not those of this model.")
        other.model.check(self.ids)
        self.show(None)
        self.what_if.other = Other(self.text, Trace(other.model, list(self.ids)), name)

    def edit(self, move: Callable[[Edits], object]) -> None:
        """Change the edits in force; EditError, and everything as it was, where that cannot be run."""
        if self.recorded:
            raise EditError("this is a recorded run: there is no model that could run it edited.")
        self.show(None)
        self.what_if.change(move, self.prompt_length)
        self.code = None

    def show(self, run: Trace | None, text: str = "") -> None:
        """Walk another run in place of this one, that of `text` if its tokens are others; None: this one again."""
        what_if, position = self.what_if, self.position
        from_end = 0 if what_if.aligned == BEGINNING else len(self.ids) - position
        if run is what_if.shown:
            return
        if self._own:
            self.text, self.pieces, self.prompt_length, self.steps, self._settings = self._own
            self._own = None
        what_if.shown = run
        if run and run.ids != what_if.run.ids:
            self._own = self.text, self.pieces, self.prompt_length, self.steps, self._settings
            self.pieces, self.prompt_length = self.tokenizer.pieces(text), len(run.ids)
            self.text = text or self.text
            self.steps, self._settings = {}, {}
        self.why = self.code = None
        self._chances = None
        self.cursor.length = len(self.ids)
        self.cursor.go_to_position(len(self.ids) - from_end if from_end else position)

    # Generation

    def take_token(self) -> bool:
        """Append the drawn token: one step of generation. False if it is not known yet; InputError if none fits."""
        if self.recorded:
            raise InputError("This is a recorded run: there is no model that could go on from here.")
        self.show(None)
        if len(self.ids) >= self.model.config.n_positions:
            raise InputError(f"The context is full: this model sees {self.model.config.n_positions} tokens at most.")
        step = self.step_after(len(self.ids) - 1) if self.ids and not self.computing else None
        if step is None:
            return False
        self._go_on_with([*self.ids, step.token])
        self.steps[len(self.ids) - 1] = step
        self._settings[len(self.ids) - 1] = self.sampling, self.seed
        self.text = self.tokenizer.decode(self.ids)
        return True

    def untake_token(self) -> bool:
        """Take the last drawn token back. False if the last one was typed."""
        self.show(None)
        if len(self.ids) <= self.prompt_length:
            return False
        self.steps.pop(len(self.ids) - 1, None)
        self._settings.pop(len(self.ids) - 1, None)
        self._go_on_with(self.ids[:-1])
        self.text = self.tokenizer.decode(self.ids)
        return True

    # What the user sees

    def computed(self, stage: Stage, position: int | None = None) -> bool:
        """Whether a stage can be shown at a position (the cursor's)."""
        position = self.position if position is None else position
        return all(self.trace.positions(part.activation) > position for part in stage.parts)

    def progress(self) -> float:
        """The share of the activations that are known for all tokens, from 0 to 1."""
        names = self.trace.axes
        return sum(self.trace.positions(name) >= len(self.ids) for name in names) / len(names)

    def shape_in_words(self) -> str:
        """The name and the shape of what is shown: "blocks.2.attn.hook_pattern [6, 8, 8]"."""
        cursor, config = self.cursor, self.model.config
        if not cursor.part:
            return ""
        sizes = {"T": len(self.ids), "S": len(self.ids), "H": config.n_head, "e": config.head_width}
        sizes |= {"d": config.n_embd, "m": config.mlp_width, "V": config.vocab_size, "1": 1}
        return f"{cursor.part.activation} {[sizes[axis] for axis in cursor.axes]}"

    def ranked(self, position: int) -> list[int]:
        """All tokens, the likeliest to follow first; none while there are no logits."""
        ranking = self.trace.ranking("logits", position)
        return ranking.order if ranking else []

    def cell(self) -> Cell | None:
        """The number under the cursor; None in the tokenizer's stage, which has no numbers."""
        cursor = self.cursor
        if not cursor.part:
            return None
        name, column = cursor.part.activation, cursor.column
        if cursor.axes == "TV" and (order := self.ranked(self.position)):
            column = order[column]
        if self.stage.kind in (Kind.LEDGER, Kind.DRAW) and self.computed(self.stage) and not self.what_if.difference:
            name = "probabilities"
        return Cell(name, cursor.index(column))

    def value(self) -> float | None:
        """Its value; None where there is no number, or none yet."""
        cell, apart = self.cell(), self.what_if.difference
        if cell and apart:
            return apart.at(cell.name, cell.index) if apart.positions(cell.name) else None
        return self.provenance.value(cell) if cell else None

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
                cursor.go_to_column(self.ranked(self.position).index(i) if axis == "V" else i)

    def ask_why(self) -> bool:
        """Open the number under the cursor. False where there is none."""
        cell = None if self.what_if.difference else self.cell()
        self.why = Why(self, cell) if cell else None
        return cell is not None

    def step_into_code(self) -> bool:
        """Open the code that computes this stage. False where there is none, or nothing computed; CodeError."""
        from explorer.code.excerpts import excerpt, merging  # only now: it reads the source

        cursor, cell = self.cursor, self.cell()
        if self.stage.kind is Kind.MERGES:
            piece = self.piece_at(self.position)
            self.code = merging(piece).step() if piece else None
            return piece is not None
        if cell is None or cursor.part is None:
            return False
        settings, _ = self.settings_shown(self.position)
        part = excerpt(
            self.stage,
            self.trace,
            self.position,
            cursor.head,
            cell.index[-1],
            activation=cursor.part.activation,
            sampling=settings,
            number=self.number(self.position),
        )
        self.code = part.step() if part else None
        return part is not None

    def wanted_lenses(self) -> list[tuple[str, int]]:
        """The lenses that this view asks for and that can be computed, but have not been."""
        trace, position = self.trace, self.position
        names = [] if self.recorded or self.what_if.difference else [self.stage.residual, self.cursor.residual_before]
        return [
            (name, position)
            for name in names
            if name
            and name != trace.last_residual
            and trace.positions(name) > position
            and trace.ranking(name, position) is None
        ]
