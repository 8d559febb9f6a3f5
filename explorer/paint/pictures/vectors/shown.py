"""The vector that is shown: its row, its numbers, and how they are written and coloured."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from explorer.engine.engines import plain
from explorer.paint.row import text_for
from explorer.paint.spans import Action, ends_of, spread_of
from explorer.provenance.explanation import Explanation
from explorer.walk.session import Session
from gpt.ops import Vector


@dataclass(frozen=True)
class Shown:
    """One row of an activation in its surroundings, made anew for every drawing."""

    session: Session
    halves: bool  # two values may share a cell, one above the other

    @cached_property
    def name(self) -> str:
        part = self.session.cursor.part
        assert part
        return part.activation

    @cached_property
    def rows(self) -> list[Any]:
        """One row a position, as the engine left it."""
        return rows_of(self.session, self.name)

    @cached_property
    def vector(self) -> Vector:
        """The row that the user stands in."""
        return plain(self.rows[self.session.position])

    @cached_property
    def spread(self) -> float:
        """The size at which the colours end."""
        return spread_of(self.rows)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The least and the largest number of this row and of some of all rows."""
        seen = [*ends_of(self.rows), *filter(isfinite, self.vector)]
        return min(seen), max(seen)

    @cached_property
    def column(self) -> int:
        return self.session.cursor.column

    @property
    def as_computed(self) -> bool:
        """Whether the numbers are what the model made of those before: no edit is at them, and no two runs differ."""
        what_if = self.session.what_if
        return what_if.difference is None and not what_if.edits_at(self.name)

    @cached_property
    def text(self) -> Callable[[float], str]:
        """How its numbers are written."""
        return text_for(max((abs(value) for value in self.vector if isfinite(value)), default=0.0))

    @property
    def label(self) -> str:
        """The token that the row belongs to."""
        return self.session.label(self.session.ids[self.session.position])

    @cached_property
    def axis(self) -> str:
        """The name of one of its numbers' places."""
        return "neuron" if self.session.cursor.axes[-1] == "m" else "dimension"

    def action(self, column: int) -> Action:
        """A click on one of its numbers puts the cursor there."""
        return ("cell", self.session.position, column)

    @cached_property
    def explanation(self) -> Explanation | None:
        """The number under the cursor taken apart; None in a difference of two runs."""
        cell = self.session.cell()
        if cell is None or self.session.what_if.difference:
            return None
        return self.session.provenance.explain(cell)


def rows_of(session: Session, name: str) -> list[Any]:
    """One row a position of an activation, of the cursor's head where there are heads."""
    value = session.trace.value(name)
    return [row[session.cursor.head] for row in value] if session.trace.axes[name] == "THe" else value


def row_at(session: Session, name: str) -> Vector | None:
    """The row of an activation at the cursor's position; None where it is not known."""
    if session.trace.positions(name) <= session.position:
        return None
    return plain(rows_of(session, name)[session.position])
