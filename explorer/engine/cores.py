"""Plain Python on all cores: the long products of a model are divided by rows over worker processes, or over threads.

The rows are the same, and so is `dot`: every bit of the result is what one process computes. Whatever is short stays in
the process, and everything does where workers cannot start or are lost, on one core, and on Windows.
"""

import atexit
import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.engine.free_threads import FreeThreads
from explorer.engine.processes import Check, Failed, Processes
from gpt import GPT, ops
from gpt.ops import Arithmetic, Matrix, Vector
from gpt.weights import Weights

VARIABLE = "GPT_EXPLORER_CORES"
"""The environment's word on how many cores plain Python and batches on arrays may use; with 1 nothing is divided."""

MOST = 8  # with more, the part of a run that is not divided counts for more than what they save
_PRODUCT = 50_000  # multiplications: about a millisecond, and asking the workers takes a tenth
_ACTIVATION = 4_000  # numbers: the same for GELU, of which each takes as long as ten multiplications
_SHORT = 4_096  # dot products of a head: they need not be interrupted
_PARAMETERS = 500_000  # in a smaller model there is nothing to divide
_WORK = 20_000_000  # multiplications, done and in sight: starting the workers costs about as much as a quarter of them
_SMALL = 1_000_000_000  # bytes of shared weights for which nobody asks how much memory is free

_known: dict[int, "_Cores"] = {}
_guard = threading.RLock()  # weights may be collected, and forgotten, while it is held


def cores() -> int:
    """How many cores this process may use."""
    with contextlib.suppress(ValueError):
        return max(1, int(os.environ.get(VARIABLE, "")))
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, MOST)


def without_lock() -> bool:
    """Whether this interpreter runs several threads at a time."""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def on_cores(model: GPT, inner: Arithmetic, check: Check = lambda: None) -> Arithmetic:
    """An arithmetic that divides the long products of a model in plain Python; `inner` computes what it does not.

    `check` is called again and again while workers multiply; what it raises ends the product at once.
    """
    if model.ops is not ops or model.config.parameters < _PARAMETERS or cores() < 2:
        return inner
    return Divided(inner, _of(model), check)


def divided(model: GPT) -> GPT:
    """The same model on all cores; itself where that would change nothing."""
    ops = on_cores(model, model.ops)
    return model if ops is model.ops else GPT(model.config, model.weights, ops=ops)


class Divided:
    """A wrapped arithmetic whose products with the model's matrices are computed by all cores."""

    def __init__(self, inner: Arithmetic, workers: "_Cores", check: Check) -> None:
        self._inner = inner
        self._workers = workers
        self._check = check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def linear(self, x: Matrix, weight: Matrix, bias: Vector) -> Matrix:
        found = self._workers.products(x, weight, bias, self._check)
        return self._inner.linear(x, weight, bias) if found is None else found

    def matmul_transposed(self, a: Matrix, b: Matrix) -> Matrix:
        found = self._workers.products(a, b, None, self._check)
        if found is not None:
            return found
        if len(a) * len(b) > _SHORT:
            return self._inner.matmul_transposed(a, b)
        self._check()
        return ops.matmul_transposed(a, b)  # attention's: too short to be interrupted

    def matmul(self, a: Matrix, b: Matrix) -> Matrix:
        return self.matmul_transposed(a, ops.transpose(b))

    def activate(self, x: Matrix, activation: str) -> Matrix:
        found = self._workers.activate(x, activation, self._check)
        return self._inner.activate(x, activation) if found is None else found


class _Cores:
    """The workers of one model's weights: started in a thread of their own once there is enough to do."""

    def __init__(self, weights: Weights) -> None:
        matrices: list[Matrix] = [
            part.weight
            for block in weights.blocks
            for part in (block.attn_qkv, block.attn_out, block.mlp_in, block.mlp_out)
        ]
        self._matrices = [*matrices, weights.unembedding]
        self._sizes = {id(matrix): len(matrix) * len(matrix[0]) for matrix in self._matrices}
        self._work = 0
        self._thread: threading.Thread | None = None
        self._workers: Processes | FreeThreads | None = None
        self._over = False

    def products(self, x: Matrix, matrix: Matrix, bias: Vector | None, check: Check) -> Matrix | None:
        """x · Wᵀ + bias by the workers; None where it is not theirs to compute, or they are not there (yet)."""
        size = self._sizes.get(id(matrix), 0) * len(x)
        if not size or self._over:
            return None
        self._work += size
        if self._thread is None and self._work + sum(self._sizes.values()) * len(x) >= _WORK:
            self.start()
        workers = self._workers
        if size < _PRODUCT or workers is None or not workers.holds(matrix) or not _floats(x):
            return None
        return self._asked(lambda: workers.products(x, matrix, bias, check))

    def activate(self, x: Matrix, activation: str, check: Check) -> Matrix | None:
        """The activation by the workers; None where it is not theirs to compute, or they are not there."""
        workers = self._workers
        if workers is None or len(x) * len(x[0]) < _ACTIVATION or not workers.holds(self._matrices[0]):
            return None
        return self._asked(lambda: workers.activate(x, activation, check)) if _floats(x) else None

    def _asked(self, ask: Callable[[], Matrix]) -> Matrix | None:
        try:
            return ask()
        except Failed:
            self.close()
            return None
        except (KeyboardInterrupt, SystemExit):  # their end: others start when there is enough to do again
            self._workers = self._thread = None
            raise

    def start(self) -> None:
        """Start the workers, unless somebody has."""
        with _guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._start, daemon=True, name="cores")
                self._thread.start()

    def wait(self) -> list[int]:
        """Start the workers and wait for them; their process ids."""
        self.start()
        assert self._thread
        self._thread.join()
        return getattr(self._workers, "pids", [])

    def _start(self) -> None:
        compact = not isinstance(self._matrices[0][0], list)
        if not without_lock() and (
            sys.platform == "win32" or not _enough_memory(sum(self._sizes.values()) * (4 if compact else 8))
        ):
            return
        try:
            if without_lock():
                workers: Processes | FreeThreads = FreeThreads(self._matrices, cores())
            else:
                workers = Processes(self._matrices, cores(), lists=not compact)
        except Failed:
            return
        with _guard:
            if not self._over:
                self._workers = workers
                return
        workers.close()  # nobody wants them any more

    def close(self) -> None:
        """End the workers: from here on one process does it all."""
        with _guard:
            self._over, workers, self._workers = True, self._workers, None
        if workers:
            workers.close()


def _of(model: GPT) -> _Cores:
    """The workers of a model's weights, which end with the weights."""
    key = id(model.weights)
    with _guard:
        if key not in _known:
            _known[key] = _Cores(model.weights)
            weakref.finalize(model.weights, _forget, key)
        return _known[key]


def start(model: GPT) -> list[int]:
    """Start the workers of a model now and wait for them; their process ids, none where they cannot start."""
    return _of(model).wait()


def _forget(key: int) -> None:
    with _guard:
        forgotten = _known.pop(key, None)
    if forgotten:
        forgotten.close()


@atexit.register
def close_all() -> None:
    """End all workers of this process."""
    for key in list(_known):
        _forget(key)


def _floats(x: Matrix) -> bool:
    """Whether the rows hold Python's own numbers: NumPy's, which a hook may give, are added up in another way."""
    return all(type(sum(row)) is float for row in x)


def _enough_memory(size: int) -> bool:
    """Whether the weights can lie in memory a second time."""
    if size <= _SMALL:
        return True
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024 > 2 * size
    return False
