"""Threads that multiply with a share of the rows each, on an interpreter that runs several at a time (no global lock).

They read the model's own weights: there is nothing to share out, to start or to leave behind.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

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

        def part(index: int) -> list[float]:
            mine = share(len(matrix), index, self._workers)
            rows, own = matrix[mine.start : mine.stop], bias and bias[mine.start : mine.stop]
            found: list[float] = []
            for some in products(x, rows, own, ops.dot):
                if given_up.is_set():
                    break
                found += some or ()
            return found

        waiting: list[Future[list[float]]] = [self._pool.submit(part, index) for index in range(self._workers)]
        try:
            while wait(waiting, _LOOKS_EVERY).not_done:
                check()
        except BaseException:
            given_up.set()
            raise
        found = [value for future in waiting for value in future.result()]
        return [found[position :: len(x)] for position in range(len(x))]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
