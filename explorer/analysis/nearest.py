"""The rows of an embedding that point in nearly the direction of a vector: by cosine, lengths left out of account.

Cosine is taken with the tables as they are: they are not centred, so that all tokens share part of their direction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import isfinite
from typing import Any

from explorer.analysis.directions import length
from explorer.analysis.recorded import OF_THE_MODEL
from explorer.engine.engines import plain
from explorer.runs.activations import Activations
from explorer.runs.running import interruptible_ops
from explorer.runs.trace import LiveRun
from gpt import StopRun
from gpt.ops import Vector
from gpt.weights import Weights

MOST = 24
_TOKEN, _POSITION = "hook_embed", "hook_pos_embed"
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Near:
    """A row of the table, which is a token's id or a position, and the cosine of its vector with the one asked for."""

    row: int
    cosine: float


def of_positions(name: str) -> bool:
    """Whether an activation is compared with the position embeddings, and not with those of the tokens."""
    return name == _POSITION


def known(trace: Activations, name: str, position: int) -> tuple[Near, ...] | None:
    """The nearest rows, nearest first; none where the vector has no direction; None while they are not computed."""
    return trace.derived.get((f"nearest to {name}", position))


def find(trace: Activations, name: str, position: int, cancelled: Callable[[], bool]) -> bool:
    """Compute the nearest rows to a row of an activation, itself left out, and keep them in `trace.derived`.

    False if it was cancelled, or if the model of the run is not there.
    """
    if not isinstance(trace, LiveRun):
        return False
    vector = plain(trace.values[name][position])
    itself = {_TOKEN: trace.ids[position], _POSITION: position}.get(name)
    found: tuple[Near, ...] = ()
    size = length(vector)
    if size and isfinite(size):
        try:
            cosines = _cosines(trace, [value / size for value in vector], of_positions(name), cancelled)
        except StopRun:
            return False
        rows = nlargest(MOST, (row for row in range(len(cosines)) if row != itself), key=cosines.__getitem__)
        found = tuple(Near(row, cosines[row]) for row in rows)
    trace.derived[f"nearest to {name}", position] = found
    return True


def _cosines(trace: LiveRun, direction: Vector, positions: bool, cancelled: Callable[[], bool]) -> Vector:  # [V] or [C]
    """The cosine of every row of a table with a vector of length 1; StopRun if cancelled."""
    table = _table(trace.model.weights, positions)
    key = (f"lengths of {'wpe' if positions else 'wte'}", OF_THE_MODEL)
    if key not in trace.derived:
        trace.derived[key] = _lengths(table, cancelled)
    rows: Any = [direction]
    if hasattr(table, "dtype"):  # a product of two precisions would begin by copying the whole table
        import numpy as np

        rows = np.asarray(rows, dtype=table.dtype)
    products = plain(interruptible_ops(trace, cancelled).matmul_transposed(rows, table)[0])
    return [value / size if size else 0.0 for value, size in zip(products, trace.derived[key])]


def _table(weights: Weights, positions: bool) -> Any:  # [V, d] or [C, d]
    return weights.position_embedding if positions else weights.token_embedding


def _lengths(table: Any, cancelled: Callable[[], bool]) -> Sequence[float]:
    """The length of every row; StopRun if cancelled."""
    lengths: list[float] = []
    for start in range(0, len(table), _ROWS_AT_ONCE):
        if cancelled():
            raise StopRun
        part = table[start : start + _ROWS_AT_ONCE]
        if hasattr(part, "dtype"):
            import numpy as np

            lengths += np.sqrt(np.einsum("ij,ij->i", part, part)).tolist()
        else:
            lengths += [length(row) for row in part]
    return lengths
