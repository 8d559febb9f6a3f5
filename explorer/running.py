"""Runs that can be interrupted: the model's own forward pass, asked now and then whether anybody still wants it."""

from collections.abc import Callable, Sequence
from typing import Any

from explorer.engines import NUMPY, engine_of, plain
from explorer.trace import Trace
from gpt import GPT, StopRun
from gpt.ops import Arithmetic, Matrix, Vector

_ROWS_AT_ONCE = 4096


class Interruptible:
    """An arithmetic that works as the one it wraps does, and calls `check` before every bit of a long product."""

    def __init__(self, ops: Arithmetic, check: Callable[[], None]) -> None:
        self._ops = ops
        self._check = check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def linear(self, x: Matrix, weight: Matrix, bias: Vector) -> Matrix:
        """One position at a time."""
        rows: list[Vector] = []
        for position in x:
            self._check()
            rows += self._ops.linear([position], weight, bias)
        return rows

    def matmul(self, a: Matrix, b: Matrix) -> Matrix:
        return self.matmul_transposed(a, self._ops.transpose(b))

    def matmul_transposed(self, a: Matrix, b: Matrix) -> Matrix:
        """One row at a time, and of a whole vocabulary a few thousand tokens."""
        return [self._products(row, b) for row in a]

    def _products(self, row: Vector, b: Matrix) -> list[float]:
        products: list[float] = []
        for start in range(0, len(b), _ROWS_AT_ONCE):
            self._check()
            products += self._ops.matmul_transposed([row], b[start : start + _ROWS_AT_ONCE])[0]
        return products


class Asking:
    """An arithmetic so quick that it is enough to call `check` before each of its products."""

    def __init__(self, ops: Arithmetic, check: Callable[[], None]) -> None:
        self._ops = ops
        self._check = check

    def __getattr__(self, name: str) -> Any:
        self._check()
        return getattr(self._ops, name)


def _interruptible(model: GPT, cancelled: Callable[[], bool]) -> GPT:
    def check() -> None:
        if cancelled():
            raise StopRun

    if engine_of(model) == NUMPY:
        return GPT(model.config, model.weights, ops=Asking(model.ops, check))
    return GPT(model.config, model.weights, ops=Interruptible(model.ops, check))


def complete(trace: Trace, cancelled: Callable[[], bool]) -> bool:
    """Compute the positions of the trace that are not known yet; False if it was cancelled on the way.

    What a cancelled run has recorded stays in the trace, and the next one begins where the last complete one ended.
    """
    missing: Sequence[int] = trace.ids[trace.complete :]
    if missing:
        model = _interruptible(trace.model, cancelled)
        try:
            output = model.forward(missing, trace.cache, hook=trace.record)
        except StopRun:
            return False
        trace.cache, trace.complete = output.cache, len(trace.ids)
    return True


def look_through_lens(trace: Trace, residual: str, position: int, cancelled: Callable[[], bool]) -> bool:
    """The logit lens: what the model would say if it read this residual stream out now. Kept in `trace.derived`."""
    model = _interruptible(trace.model, cancelled)
    try:
        (logits,) = model.read_out([trace.values[residual][position]])
    except StopRun:
        return False
    trace.derived[residual, position] = plain(logits)
    return True
