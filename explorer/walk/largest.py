"""The largest number of the row that the cursor stands in: it stands there until the user moves it."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from explorer.engine.engines import plain
from explorer.runs.activations import Activations
from explorer.stages import Kind

if TYPE_CHECKING:
    from explorer.walk.session import Session


class LargestInRow:
    """The column of the largest number, found once for each row that the cursor comes to."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: tuple[Any, int] = (None, 0)  # which row, and the column found in it

    def __call__(self) -> int:
        """Of scores and a pattern the largest among the keys up to the query, of neurons before their activation the
        largest, of any other vector the largest by size, of the logits the first in rank; 0 where nothing is computed.
        """
        cursor, trace = self._session.cursor, self._session.trace
        if cursor.part is None or cursor.axes[-1:] == "V":
            return 0
        name, head, position = cursor.part.activation, cursor.head if "H" in cursor.axes else 0, cursor.position
        if trace.positions(name) <= position:
            return 0
        row = (trace, trace.version, name, head, position)
        if self._known[0] != row:
            signed = self._session.what_if.difference is None and (
                self._session.stage.kind in (Kind.SCORES, Kind.PATTERN) or name.endswith("mlp.hook_pre")
            )
            self._known = row, largest(row_of(trace, name, head, position), signed)
        return self._known[1]


def row_of(trace: Activations, name: str, head: int, position: int) -> list[float]:
    """One row of an activation: that of a head, where it has heads; of scores up to the query."""
    value, axes = trace.value(name), trace.axes[name]
    if axes == "HTS":
        return list(plain(value[head][position][: position + 1]))
    return list(plain(value[position][head] if axes == "THe" else value[position]))


def largest(row: Sequence[float], signed: bool) -> int:
    """The index of the largest number, or, if not `signed`, of the one farthest from zero; the first of equals."""
    return max(range(len(row)), key=lambda column: size_of(row[column], signed))


def size_of(value: float, signed: bool) -> float:
    """A number's place in an order by size; what is no number comes last."""
    if value != value:
        return float("-inf")
    return value if signed else abs(value) if isfinite(value) else float("inf")
