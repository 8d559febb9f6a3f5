"""Who wrote the answer: every part's contribution to a logit, or to its lead over another, and that they add up."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from enum import Enum
from math import fsum
from typing import Any

from explorer.analysis import attribution
from explorer.analysis.attribution import Contribution, Convention, Level, PartKind
from explorer.paint.spans import Line, Span, length, wrapped
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.text import fit, number, short, width
from explorer.views.attribution.table import RankedParts, table, table_and_map
from explorer.views.parts import ROW, Scene, guarded, scene_of, to_choose
from explorer.views.view import View
from explorer.walk.session import Session


class Grouping(Enum):
    """How the parts are listed."""

    COMPONENT = 0
    HEAD = 1
    HEAD_AND_TOKEN = 2
    TOKEN = 3
    NEURON = 4

    @property
    def level(self) -> Level:
        """How finely the parts are told apart before they are listed."""
        return _LEVELS[self.value]


_LEVELS = (Level.COMPONENT, Level.HEAD, Level.POSITION, Level.POSITION, Level.NEURON)
_MODES = ("by component", "by head", "by head and token", "by token", "by neuron")
_RIVALS = 10  # tokens that the answer can be held against
_CONVENTIONS = tuple(Convention)
_NAMES = {Convention.PLAIN: "plain", Convention.TRANSFORMER_LENS: "TransformerLens"}
_BRIEFLY = {
    Convention.PLAIN: "the logit as it is; biases have lines of their own",
    Convention.TRANSFORMER_LENS: "against the mean logit; biases folded in",
}
_CONVENTION, _AGAINST = range(1, 3)


class AttributionView(View):
    """Key 3. Its cursor is a row of the table; above the first row it stands on the convention."""

    title = "Attribution · who wrote the answer"
    modes = _MODES

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.against = 1  # the rank of the token that the answer is held against; 0: of none
        self.convention = Convention.PLAIN
        self.row = 0  # -1: the convention

    # What is asked

    def _order(self) -> list[int]:
        """The likeliest tokens here; none while there are no logits."""
        return self.session.run.order(self.session.position)[: _RIVALS + 1]

    def _held_against(self) -> int:
        return max(0, min(self.against, len(self._order()) - 1))

    def questions(self) -> list[Hashable]:
        order, against = self._order(), self._held_against()
        if not order:
            return []
        versus = order[against] if against else None
        return [(self.session.position, order[0], versus, Grouping(self.mode), self.convention)]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[RankedParts]:
        position, token, versus, grouping, convention = question
        found = attribution.attribute(run, position, token, versus, grouping.level, convention)
        if grouping is Grouping.TOKEN:
            found = replace(found, contributions=tuple(_by_token(found.contributions)))
        values = [part.value for part in found.contributions]
        yield RankedParts(found.ranked(), found.sum, found.logit, min(values), max(values))

    def found(self) -> Any:
        """The answer to the question that is asked: None, an error or the terms."""
        asked = self.questions()
        return self.known.of(asked[0]) if asked else None

    # The cursor

    def _rows(self) -> list[Contribution]:
        found = self.found()
        return found.ranked if isinstance(found, RankedParts) else []

    def move(self, across: int, down: int) -> None:
        if order := self._order():
            self.against = max(0, min(self._held_against() + across, len(order) - 1))
        last = len(self._rows()) - 1
        self.row = max(-1, min(self._at(last) + down, max(last, 0)))

    def _at(self, last: int) -> int:
        """The chosen row; of a table that has become shorter, the last one."""
        return min(self.row, max(last, 0))

    def next_mode(self) -> None:
        super().next_mode()
        self.row = min(self.row, 0)

    def click(self, *numbers: int) -> None:
        which, number = numbers
        if which == _AGAINST:
            self.against = number
        elif which == _CONVENTION:
            self.convention = _CONVENTIONS[number]
        else:
            self.row = number

    def enter(self) -> bool:
        if self.row < 0:
            self.convention = _CONVENTIONS[1 - _CONVENTIONS.index(self.convention)]
            return False
        rows = self._rows()
        return bool(rows) and self._go_to(rows[self._at(len(rows) - 1)])

    def _go_to(self, part: Contribution) -> bool:
        """The session's cursor on what wrote that part."""
        session, position, block = self.session, self.session.position, f"blocks.{part.layer}"
        if part.kind is PartKind.SOURCE and part.head is None and part.source is not None:
            session.cursor.go_to_position(part.source)
        elif part.kind is PartKind.SOURCE and part.head is not None and part.source is not None:
            session.go_to(Cell(f"{block}.attn.hook_pattern", (part.head, position, part.source)))
        elif part.kind is PartKind.HEAD and part.head is not None:
            session.cursor.go_to_value(f"{block}.attn.hook_pattern")
            session.cursor.go_to_head(part.head)
        elif part.neuron is not None:
            session.go_to(Cell(f"{block}.mlp.hook_post", (position, part.neuron)))
        else:
            session.cursor.go_to_value(part.name)
        return True

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        return guarded(self._painted, cells, height)

    def _painted(self, cells: int, height: int) -> list[Line]:
        found, scene = self.found(), scene_of(self.session)
        if waiting := scene.waiting(found, cells):
            return waiting
        head, foot = self._head(scene, found, cells), self._foot(found, cells, height)
        head += [[]] if height >= 22 else []
        room = height - len(head) - len(foot)
        chosen, by_head = self._at(len(found.ranked) - 1), Grouping(self.mode) is Grouping.HEAD
        paint = table_and_map if by_head else table
        return [*head, *paint(scene, found, chosen, cells, room), *foot]

    def _head(self, scene: Scene, found: RankedParts, cells: int) -> list[Line]:
        """The question, and what can be chosen in it."""
        order, against = self._order(), self._held_against()
        answer, here = scene.label(order[0]), scene.label(scene.ids[scene.position])
        what = "the lead of " if against else "the logit of "
        line = [Span(what), Span(answer, "answer")]
        line += [Span(" over "), Span(scene.label(order[against]), "lens")] if against else []
        line += [Span(" after "), Span(here, "here-text"), Span(" = "), Span(number(found.logit, 4), "value")]
        rivals = ["nothing", *map(scene.label, order[1:])]
        labels = [fit(label, min(12, width(label))) for label in rivals]
        chosen = self.row < 0
        names = [_NAMES[convention] for convention in _CONVENTIONS]
        mark = Span("▶ " if chosen else "  ", "here-text", ("view", ROW, -1))
        title = Span("convention", "here-text" if chosen else "dim", ("view", ROW, -1))
        convention = [mark, title, *to_choose(_CONVENTION, names, _CONVENTIONS.index(self.convention), cells)]
        words = "⏎ other" if chosen else _BRIEFLY[self.convention]
        hint = Span(f" {words}", "dim")
        return [
            line,
            [Span("  against ←→", "dim"), *to_choose(_AGAINST, labels, against, cells - 14)],
            [*convention, hint] if length([*convention, hint]) <= cells else convention,
        ]

    def _foot(self, found: RankedParts, cells: int, height: int) -> list[Line]:
        """That the terms add up."""
        what = "recorded"
        if self._held_against():
            what = "recorded lead"
        elif self.convention is Convention.TRANSFORMER_LENS:
            what = "recorded − mean"
        small = cells < 60
        line = [
            Span("Σ " if small else f"Σ of {len(found.ranked)} ", "bold"),
            Span(number(found.sum, 4 if small else 6), "value"),
            Span("  recorded " if small else f"  {what} ", "dim"),
            Span(number(found.logit, 4 if small else 6)),
            Span("  gap ", "dim"),
            Span("0" if not found.gap else short(found.gap, 2)),
        ]
        words = wrapped(attribution.IN_WORDS[self.convention], cells, "dim") if height >= 22 else []
        return [[], line, *([[]] if words else []), *words]


def _by_token(parts: tuple[Contribution, ...]) -> Iterator[Contribution]:
    """The parts that heads moved from the same token, added up; the other parts as they are."""
    moved: dict[int, list[float]] = {}
    for part in parts:
        if part.source is None:
            yield part
        else:
            moved.setdefault(part.source, []).append(part.value)
    for source, values in moved.items():
        yield Contribution(f"heads from position {source}", fsum(values), PartKind.SOURCE, source=source)
