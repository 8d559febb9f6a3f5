"""Who wrote the answer: every part's contribution to a logit, or to its lead over another, and that they add up."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from math import fsum
from typing import Any

from explorer.analysis import attribution
from explorer.analysis.attribution import Contribution, PartKind
from explorer.paint.spans import Line
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.views.attribution.picture import AGAINST, CONVENTION, in_words, picture
from explorer.views.attribution.state import (
    CONVENTIONS,
    RIVALS,
    AttributionState,
    Grouping,
    RankedParts,
    ViewConvention,
)
from explorer.views.parts import ROW, guarded, scene_of
from explorer.views.view import View
from explorer.walk.session import Session

_MODES = ("by component", "by head", "by head and token", "by token", "by neuron")


class AttributionView(View):
    """Key 3. Its cursor is a row of the table; above the first row it stands on the convention."""

    title = "Attribution · who wrote the answer"
    modes = _MODES
    measures = tuple(CONVENTIONS)
    chooses_measure = CONVENTION
    looks = ("mode", "measure", "against", "row")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.against = 1  # the rank of the token that the answer is held against; 0: of none
        self.row = 0  # -1: the convention

    # What is asked

    def _order(self) -> list[int]:
        """The likeliest tokens here; none while there are no logits."""
        return self.session.run.order(self.session.position)[: RIVALS + 1]

    def _held_against(self) -> int:
        return max(0, min(self.against, len(self._order()) - 1))

    def questions(self) -> list[Hashable]:
        order, against = self._order(), self._held_against()
        if not order:
            return []
        versus = order[against] if against else None
        return [(self.session.position, order[0], versus, Grouping(self.mode), CONVENTIONS[self.measure])]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[RankedParts]:
        position, token, versus, grouping, convention = question
        centred = convention is not ViewConvention.PLAIN
        found = attribution.attribute(run, position, token, versus, grouping.level, convention.folding, centred=centred)
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
        if which == AGAINST:
            self.against = number
        elif which == CONVENTION:
            self.measure = number
        else:
            self.row = number

    def enter(self) -> bool:
        if self.row < 0:
            self.click(CONVENTION, (self.measure + 1) % len(CONVENTIONS))
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

    def state(self) -> AttributionState:
        """Everything that is known by now."""
        return AttributionState(
            scene_of(self.session),
            Grouping(self.mode),
            CONVENTIONS[self.measure],
            tuple(self._order()),
            self._held_against(),
            self._at(len(self._rows()) - 1),
            self.found(),
        )

    def lines(self, cells: int, height: int) -> list[Line]:
        return guarded(lambda cells, height: picture(self.state(), cells, height), cells, height)

    def about(self, cells: int) -> list[Line]:
        return guarded(lambda cells, height: in_words(self.state(), cells), cells, 2)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        which, row = numbers
        if which != ROW or row >= len(self._rows()):
            return []
        return guarded(lambda cells, height: in_words(replace(self.state(), row=row), cells), cells, 2)


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
