"""The edits of a session, its run without them, and the run with them in force."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.analysis.compare import END, Alignment, align
from explorer.analysis.difference import Difference, Pair
from explorer.edits import Editor, Edits, edited
from explorer.edits.edit import Edit, Entry
from explorer.edits.where import ActivationPart, first_position
from explorer.errors import EditError
from explorer.runs.activations import Activations
from explorer.runs.ranking import Ranking, rank
from explorer.runs.trace import LiveRun, RecordedRun, Trace
from explorer.terminal.text import counted, printable
from gpt import activation_shapes
from gpt.ops import Vector


class OtherRun(NamedTuple):
    """Another run, to be held against this one."""

    text: str
    trace: LiveRun
    model: str = ""  # its name, where it is another one

    @property
    def title(self) -> str:
        """The prompt in quotation marks; of another model its name."""
        return f"{printable(self.model)}, the same prompt" if self.model else f"“{printable(self.text)}”"


class WhatIf:
    """Two runs of the same tokens: `base` as the model is, `run` with the edits. Without edits the two are one.

    Edits take hold once the base is computed, for they share all of it that lies upstream.
    """

    def __init__(self, run: Trace) -> None:
        self.edits = Edits(run.config)
        self.base: Trace = run
        self.run: Trace = run
        self.other: OtherRun | None = None  # the run of another prompt, for comparing and patching
        self.aligned = END  # where the two are aligned, if their prompts differ in length
        self.shown: Activations | None = None  # what is walked in place of `run`, while two are compared
        self.waiting = False  # there are edits that have not taken hold
        self._early: tuple[Trace, Ranking] | None = None  # the answer of a run that is not recorded yet
        self._latest: tuple[tuple[Edit, ...], Trace, Trace] | None = None  # edits, on which base, and what they made

    @property
    def edited(self) -> bool:
        """Whether the run that is shown is another one than the model's own."""
        return self.run is not self.base

    @property
    def missing(self) -> list[LiveRun]:
        """The runs that are to be computed: first the one that is shown."""
        runs = dict.fromkeys((self.run, self.base))
        return [run for run in runs if isinstance(run, LiveRun) and run.complete < len(run.ids)]

    @property
    def idle(self) -> list[int]:
        """The numbers of the edits in force that changed nothing in this run; none while it is not computed."""
        run, editor = self.run, self.run.editor
        if not self.edited or not isinstance(editor, Editor) or run.complete < len(run.ids):
            return []
        active = [number for number, entry in enumerate(self.edits) if entry.on]
        idle = [number for place, number in enumerate(active) if place not in editor.effective]
        return [number for number in idle if self._first_position(number) < len(run.ids)]

    def _first_position(self, number: int) -> int:
        """The first position that an edit of the stack is meant for."""
        return first_position(self.edits.entries[number].edit.where, self.edits.config)

    def places_edited(self) -> list[ActivationPart]:
        """Where the run that is walked is edited; nowhere while another one is shown in its place."""
        if not self.edited or self.shown not in (None, self.run):
            return []
        return [place for edit in self.edits.active for place in edit.where.places]

    def heads_edited(self, layer: int) -> set[int]:
        """The heads of a block of which something is edited: q, k, scores, pattern, v or z."""
        heads: set[int] = set()
        shapes = dict(activation_shapes(self.edits.config))
        for place in self.places_edited():
            axes = shapes[place.name]
            if "H" in axes and place.name.startswith(f"blocks.{layer}."):
                named = place.index[axes.index("H")]
                heads.update(range(self.edits.config.n_head) if named is None else named)
        return heads

    def edits_at(self, name: str) -> bool:
        """Whether an edit in force is at that activation."""
        return self.edited and any(place.name == name for edit in self.edits.active for place in edit.where.places)

    def begin(self, base: Trace) -> None:
        """Other tokens, or another engine: the edits stay, and take hold when this is computed."""
        self.base = self.run = base
        self.waiting = bool(self.edits.active)

    def go_on(self, ids: list[int], shared: int) -> None:
        """The same text with a token more, or less: both runs go on, as far as they were computed."""
        base, run = self.base, self.run
        assert isinstance(base, LiveRun)
        assert isinstance(run, LiveRun)
        self.base = base.first(shared)
        self.run = self.base if run is base else run.first(shared)
        self.base.ids = self.run.ids = ids

    def change(self, move: Callable[[Edits], object], prompt: int) -> None:
        """Change the stack; EditError, and everything as it was, where that cannot be run."""
        before = self.edits.entries
        try:
            move(self.edits)
            self.apply(prompt)
        except EditError:
            self.edits.entries = before
            raise

    def apply(self, prompt: int) -> None:
        """Put the active edits in force, now or as soon as the base is computed. `prompt`: how many were typed."""
        active, base = self.edits.active, self.base
        self.waiting = bool(active) and base.complete < len(base.ids)
        if not active or self.waiting:
            self.run = base
        elif self._latest and self._latest[:2] == (active, base) and self._latest[2].complete:
            self.run = self._latest[2]  # it was switched off for a moment
        else:
            self.run = edited(base, active, prompt)
            self._latest = active, base, self.run

    def take_up(self, entries: tuple[Entry, ...], run: Trace) -> None:
        """Put edits in force whose run was computed elsewhere, on this base."""
        self.edits.entries, self.run, self.waiting = entries, run, False
        if run is self.base or not isinstance(run, LiveRun) or not run.passes:
            return
        first = min(first_position(edit.where, self.edits.config) for edit in self.edits.active)
        begun = run.passes[-2].end if len(run.passes) > 1 else 0
        if begun == first and run.passes[-1].of == len(run.ids):
            self._latest = self.edits.active, self.base, run  # it stays so when it is switched off for a moment

    def give_up(self, prompt: int) -> Edit | None:
        """Switch off the last active edit, because the run with it has infinite or undefined numbers; return it."""
        numbers = [number for number, entry in enumerate(self.edits) if entry.on]
        if not numbers:
            return None
        self._latest = None
        self.change(lambda edits: edits.toggle(numbers[-1]), prompt)
        return self.edits.entries[numbers[-1]].edit

    # Two runs side by side

    @property
    def pair(self) -> Pair | None:
        """A and B: this run and another prompt's, or before and after the edits; None where there is only one."""
        if self.other:
            title = "this prompt, edited" if self.edited else "this prompt"
            return Pair(self.run, self.other.trace, title, self.other.title, self.aligned)
        return Pair(self.base, self.run, "without the edits", "with the edits") if self.edited else None

    @property
    def alignment(self) -> Alignment | None:
        """Which position of this run stands beside which of the other one; None where there is no other."""
        return align(self.run, self.other.trace, self.aligned) if self.other else None

    @property
    def difference(self) -> Difference | None:
        """B − A, while that is what is walked."""
        return self.shown if isinstance(self.shown, Difference) else None

    @property
    def showing(self) -> str:
        """The run that is walked in place of this one, in words: "A (without the edits)"; "" where there is none."""
        pair = self.pair
        if self.shown is None or pair is None:
            return ""
        if self.difference:
            return "B − A"
        return f"A ({pair.title_a})" if self.shown is pair.a else f"B ({pair.title_b})"

    # The answer

    def answer_early(self, run: Trace, logits: Vector) -> None:
        """Take the logits of the last position, which are known before the run is recorded."""
        self._early = run, rank(logits)

    def answer(self, position: int) -> Ranking | None:
        """The next tokens of the run after a position; None while they are not known."""
        known = self.run.ranking("logits", position)
        if known is None and self._early and self._early[0] is self.run and position == len(self.run.ids) - 1:
            return self._early[1]
        return known

    def answer_before(self, position: int) -> Ranking | None:
        """The same without the edits; None where there are none in force, or it is not computed."""
        return self.base.ranking("logits", position) if self.edited else None

    # In words

    def in_words(self, labels: Sequence[str]) -> str:
        """The edits in force: "head 3.3 zeroed", "3 edits"; "" where there are none."""
        if isinstance(self.run, RecordedRun) and self.run.edits:
            edits = self.run.edits
            return f"recorded with {edits[0] if len(edits) == 1 else counted(len(edits), 'edit')}"
        active = self.edits.active if self.edited else ()
        if len(active) > 1:
            return f"{len(active)} edits"
        if not active:
            return ""
        return active[0].words(labels).replace(": ", " ", 1) + (" (changes nothing)" if self.idle else "")

    def lines(self, labels: Sequence[str]) -> list[str]:
        """The stack, an edit a line, with what keeps it from having an effect."""
        length, idle = len(self.base.ids), self.idle
        return [
            entry.edit.words(labels)
            + ("" if entry.on else " (off)")
            + (" (changes nothing)" if number in idle else "")
            + (" (no such position yet)" if self._first_position(number) >= length else "")
            for number, entry in enumerate(self.edits)
        ]


def toggle_all(edits: Edits) -> None:
    """Switch all edits off; where all are off, on again."""
    on = bool(edits.active)
    for number, entry in enumerate(edits.entries):
        if entry.on == on:
            edits.toggle(number)
