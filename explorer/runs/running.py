"""Runs that can be interrupted: the model's own forward pass, with checks on the way whether it was cancelled."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from explorer.engine.cores import on_cores
from explorer.engine.engines import on_arrays, plain
from explorer.errors import CheckpointError, EditError
from explorer.runs.activations import Activations
from explorer.runs.passes import Pass
from explorer.runs.trace import LiveRun, Trace
from gpt import GPT, Hook, Output, StopRun
from gpt.ops import Arithmetic, Matrix, Vector

_ROWS_AT_ONCE = 4096
_NO_NUMBERS = (
    "these edits give infinite or undefined numbers (by a division by zero, say, or the root of a negative number): "
    "undo the last edit, or use smaller numbers."
)

NOT_FINITE = (
    "this model's numbers become infinite or undefined on this text (by a division by zero, say, or an overflow): its "
    "weights or its layer_norm_epsilon are damaged. Use another copy of the model."
)


class Interruptible:
    """A wrapped arithmetic that calls `check` before every part of a long product."""

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


class Checking:
    """An arithmetic so quick that it is enough to call `check` before each of its products."""

    def __init__(self, ops: Arithmetic, check: Callable[[], None]) -> None:
        self._ops = ops
        self._check = check

    def __getattr__(self, name: str) -> Any:
        self._check()
        return getattr(self._ops, name)


def interruptible(model: GPT, cancelled: Callable[[], bool]) -> GPT:
    """The same model, whose products raise StopRun as soon as they are cancelled."""

    def check() -> None:
        if cancelled():
            raise StopRun

    if on_arrays(model):
        return GPT(model.config, model.weights, ops=Checking(model.ops, check))
    return GPT(model.config, model.weights, ops=on_cores(model, Interruptible(model.ops, check), check))


def interruptible_ops(trace: LiveRun, cancelled: Callable[[], bool]) -> Arithmetic:
    """The arithmetic of questions to a run, whose products raise StopRun as soon as they are cancelled."""
    model = trace.model if trace.ops is trace.model.ops else GPT(trace.config, trace.model.weights, ops=trace.ops)
    return interruptible(model, cancelled).ops


def complete(trace: Trace, cancelled: Callable[[], bool]) -> bool:
    """Compute the positions of the trace that are not known yet; False if it was cancelled on the way.

    What a cancelled run has recorded stays in the trace, and the next one begins where the last complete one ended.
    A run that was read from a file is complete. EditError where edits make its numbers infinite or undefined.
    """
    if not isinstance(trace, LiveRun):
        return True
    model = interruptible(trace.model, cancelled)
    try:
        with within_numbers(trace):
            while trace.complete < len(trace.ids):
                ids, output = _run_on(trace, model, trace.hook)
                check_numbers(trace, output.logits)
                layer = trace.upstream.layer if trace.upstream and ids is trace.upstream.ids else 0
                trace.passes += (Pass(len(ids), len(ids), layer),)
                trace.cache, trace.complete, trace.upstream = output.cache, len(ids), None
    except StopRun:
        return False
    return True


def last_logits(branch: LiveRun, cancelled: Callable[[], bool]) -> Vector | None:  # [V]
    """Logits of the last position of a complete run's branch; the branch records nothing.

    None if it was cancelled.
    """
    if branch.complete == len(branch.ids):
        return branch.logits(branch.complete - 1)
    hook = _editing(branch)
    model = interruptible(branch.model, cancelled)
    try:
        with within_numbers(branch):
            _, output = _run_on(branch, model, hook, last_only=True)
            check_numbers(branch, output.logits)
    except StopRun:
        return None
    return plain(output.logits[-1])


def _run_on(trace: LiveRun, model: GPT, hook: Hook, last_only: bool = False) -> tuple[list[int], Output]:
    """Run the missing positions, or those of them whose first blocks are known; and all ids that are known then."""
    upstream, known = trace.upstream, trace.complete
    if upstream and _to_run(trace) is upstream.ids:
        entering = trace.values[f"blocks.{upstream.layer - 1}.hook_resid_post"][known : len(upstream.ids)]
        output = model.forward_from(upstream.layer, entering, upstream.cache, hook=hook, last_only=last_only)
        return upstream.ids, output
    return trace.ids, model.forward(trace.ids[known:], trace.cache, hook=hook, last_only=last_only)


def _to_run(trace: LiveRun) -> list[int]:
    """The tokens up to where the next pass goes: those whose first blocks are known, or all."""
    upstream = trace.upstream
    return upstream.ids if upstream and trace.ids[: len(upstream.ids)] == upstream.ids else trace.ids


def _editing(trace: LiveRun) -> Hook:
    """The hook that edits as the trace does, and records nothing: of a run that reads out its last position alone."""
    editor, first, last = trace.editor, trace.complete, len(_to_run(trace)) - 1

    def hook(name: str, value: Any) -> Any:
        at = last if name.startswith(("ln_final.", "logits")) else first
        edited = editor(name, value, at) if editor else value
        return None if edited is value else edited

    return hook


@contextmanager
def within_numbers(trace: LiveRun) -> Iterator[None]:
    """EditError where edits make a run divide by zero, or take the root of what is negative."""
    try:
        with _silent(trace):
            yield
    except (ArithmeticError, ValueError) as error:
        if trace.editor is None:
            raise CheckpointError(NOT_FINITE) from error
        raise EditError(_NO_NUMBERS) from error


def _silent(trace: LiveRun) -> AbstractContextManager[None]:
    """No warnings of NumPy about infinite or undefined numbers: the end of the run checks for them."""
    if not on_arrays(trace.model):
        return nullcontext()
    import numpy as np

    return np.errstate(all="ignore")


def check_numbers(trace: LiveRun, logits: Matrix) -> None:
    """EditError where the logits of an edited run are infinite or undefined."""
    if not trace.editor:
        return
    finite = logits.finite if hasattr(logits, "tensor") else all(map(_finite, logits))  # type: ignore[attr-defined]
    if not finite:
        raise EditError(_NO_NUMBERS)


def _finite(row: Any) -> bool:
    if not hasattr(row, "dtype"):
        return all(map(math.isfinite, row))
    largest = abs(row).max()  # NaN where one of them is
    return math.isfinite(largest)


def read_out(trace: Activations, residual: str, position: int, cancelled: Callable[[], bool]) -> Vector | None:  # [V]
    """The logit lens: the logits if the model read this residual stream out now.

    None if it was cancelled, or if the model of the run is not there.
    """
    if not isinstance(trace, LiveRun):
        return None
    model = interruptible(trace.model, cancelled)
    try:
        (logits,) = model.read_out([trace.values[residual][position]])
    except StopRun:
        return None
    return plain(logits)


def look_through_lens(trace: Activations, residual: str, position: int, cancelled: Callable[[], bool]) -> bool:
    """The same, kept in `trace.derived`. False if there is nothing to keep."""
    logits = read_out(trace, residual, position, cancelled)
    if logits is None:
        return False
    trace.derived[residual, position] = logits
    return True
