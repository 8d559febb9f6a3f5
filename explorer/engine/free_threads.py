"""Threads that multiply with a share of the rows each, on an interpreter that runs several at a time (no global lock).

They read the model's own weights: there is nothing to share out, to start or to leave behind.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from explorer.engine.processes import Check
from explorer.engine.worker import products, share
from gpt import ops
from gpt.ops import Matrix, Vector

_LOOKS_EVERY = 0.01  # seconds


class FreeThreads:
    """As many threads as there are cores, for these matrices."""

    def __init__(self, matrices: Sequence[Matrix], workers: int) -> None:
        self._held = {id(matrix) for matrix in matrices}
        self._workers = workers
        self._pid = os.getpid()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="products")

    def holds(self, matrix: Matrix) -> bool:
        """Whether that matrix is one of them."""
        return id(matrix) in self._held and os.getpid() == self._pid

    def products(self, x: Matrix, matrix: Matrix, bias: Vector | None, check: Check) -> list[list[float]]:
        """x · Wᵀ + bias, [T, n], [b, n], [b] -> [T, b]; what `check` raises ends it."""
        given_up = threading.Event()

        def part(mine: range) -> list[float]:
            rows, own = matrix[mine.start : mine.stop], bias and bias[mine.start : mine.stop]
            found: list[float] = []
            for some in products(x, rows, own, ops.dot):
                if given_up.is_set():
                    break
                found += some or ()
            return found

        found = self._divided(part, len(matrix), given_up, check)
        return [found[position :: len(x)] for position in range(len(x))]

    def activate(self, x: Matrix, activation: str, check: Check) -> list[list[float]]:
        """The activation of that name on every number, [T, m] -> [T, m]."""

        def part(mine: range) -> list[list[float]]:
            return ops.activate(x[mine.start : mine.stop], activation)

        return self._divided(part, len(x), threading.Event(), check)

    def _divided(
        self, part: Callable[[range], list[Any]], rows: int, given_up: threading.Event, check: Check
    ) -> list[Any]:
        """The results of a function on every thread's share of so many rows, in one list."""
        shares = [share(rows, index, self._workers) for index in range(self._workers)]
        waiting: list[Future[list[Any]]] = [self._pool.submit(part, mine) for mine in shares]
        try:
            while wait(waiting, _LOOKS_EVERY).not_done:
                check()
        except BaseException:
            given_up.set()
            raise
        return [value for future in waiting for value in future.result()]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
