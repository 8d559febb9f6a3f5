"""Why a number has its value: the state behind the pane that opens it, and the trail of numbers walked back."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol

from explorer.provenance.explanation import Explanation, Factor, Term
from explorer.provenance.nodes import Lazy
from explorer.provenance.path import follow_biggest
from explorer.provenance.provenance import Provenance
from explorer.runs.cells import Cell


class TrailSession(Protocol):
    """The parts of a session that a walk backwards asks for."""

    provenance: Provenance

    def go_to(self, cell: Cell) -> None: ...


class Look(Enum):
    """How the trail is looked at."""

    TERMS = auto()  # one number and its terms
    PATH = auto()  # all numbers of the trail


class TermRow(NamedTuple):
    """A line that can be chosen: a term, and which of its factors are doors of this line."""

    term: Term
    factors: tuple[int, ...]


@dataclass
class Visit:
    """A number on the trail, and what was chosen there."""

    cell: Cell
    row: int = 0
    column: int = 0


class Why:
    """A walk backwards: from a number through its terms to the numbers that they came from."""

    def __init__(self, session: TrailSession, cell: Cell) -> None:
        self._session = session
        self.visits = [Visit(cell)]
        self.at = 0  # which of them is open
        self.unrolled = True  # sums of sums are taken apart, until the user wants it otherwise
        self.look = Look.TERMS

    @property
    def here(self) -> Visit:
        return self.visits[self.at]

    @property
    def explanation(self) -> Explanation:
        """The explanation of the number that is open."""
        return self.explanation_of(self.at)

    def explanation_of(self, index: int) -> Explanation:
        """The explanation of a number on the trail."""
        return self._session.provenance.explain(self.visits[index].cell, self.unrolled)

    @property
    def rows(self) -> Lazy[TermRow]:
        """The rows to choose from: the terms, the largest first; where there is only one, the numbers it is made of."""
        explanation = self.explanation
        if len(explanation.terms) == 1:
            term = explanation.terms[0]
            return Lazy(lambda number: TermRow(term, (number,)), range(len(term.factors)))
        ranked = explanation.ranked
        return Lazy(
            lambda number: TermRow(ranked[number], tuple(range(len(ranked[number].factors)))), range(len(ranked))
        )

    @property
    def chosen(self) -> tuple[int, int]:
        """The chosen row, and the factor in it; rows may have become fewer since."""
        rows = self.rows
        row = min(self.here.row, len(rows) - 1)
        return row, rows[row].factors[min(self.here.column, len(rows[row].factors) - 1)] if rows else 0

    @property
    def door(self) -> Factor | None:
        """The number that is chosen; None where there is nothing to choose."""
        row, factor = self.chosen
        return self.rows[row].term.factors[factor] if self.rows and self.rows[row].factors else None

    def move_row(self, by: int) -> None:
        """Along the terms; in the picture of the path, along the trail."""
        if self.look is Look.PATH:
            self.go(self.at + by)
        else:
            self.choose(self.chosen[0] + by)

    def choose(self, row: int, column: int | None = None) -> None:
        """A row, and one of its factors."""
        self.here.row = max(0, min(row, len(self.rows) - 1))
        if column is not None:
            self.here.column = column

    def move_column(self, by: int) -> None:
        """Along the factors of a term: the input, the weight."""
        if rows := self.rows:
            self.here.column = max(0, min(self.here.column + by, len(rows[self.chosen[0]].factors) - 1))

    def enter(self) -> bool:
        """Through the door: to the chosen number. False where it leads nowhere."""
        if self.look is Look.PATH:
            self.look = Look.TERMS
            return True
        if self.door is None or self.door.at is None:
            return False
        self.visits[self.at + 1 :] = [Visit(self.door.at)]
        self.go(self.at + 1)
        return True

    def back(self) -> bool:
        """To the number before. False at the first one."""
        if not self.at:
            return False
        self.go(self.at - 1)
        return True

    def go(self, index: int) -> None:
        """To a number on the trail; what comes after it stays there."""
        self.at = max(0, min(index, len(self.visits) - 1))
        self._session.go_to(self.here.cell)

    def toggle_unrolled(self) -> None:
        self.unrolled = not self.unrolled
        self.here.row = 0

    def follow(self) -> None:
        """The largest contribution, back as far as it goes: it becomes the trail, shown as one picture."""
        path = follow_biggest(self._session.provenance, self.here.cell)
        self.visits[self.at + 1 :] = map(Visit, path[1:])
        self.look = Look.PATH
