"""Pieces of work on arrays that do not depend on each other: one thread for each core, and one of BLAS in each.

So all cores work on what lies between the products too, and none waits for another within a product, which on a busy
machine may take longer than to compute it. A number does not depend on how many cores there are.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from explorer.engine.cores import cores
from explorer.engine.engines import NUMPY, engine_of
from explorer.engine.threads import chosen_by_user, one_is_quickest, one_thread
from gpt import GPT

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Cancelled = Callable[[], bool]


def in_order(
    model: GPT | None, work: Callable[[Piece, Cancelled], Result], pieces: Iterable[Piece], cancelled: Cancelled
) -> Iterator[Result]:
    """The results of the pieces in their order. What `work` is to ask for is True too when no more results are wanted.

    A small model's pieces are over before another thread has begun: they, and all of whoever has set the number of
    threads, are worked on one after the other.
    """
    if model is None or engine_of(model) != NUMPY or one_is_quickest(model.config) or chosen_by_user():
        yield from (work(piece, cancelled) for piece in pieces)
        return
    count, over, waiting = cores(), threading.Event(), deque[Future[Result]]()
    with one_thread(), ThreadPoolExecutor(count) as pool:
        try:
            for piece in pieces:
                waiting.append(pool.submit(work, piece, lambda: over.is_set() or cancelled()))
                if len(waiting) > count:  # one is ready for the thread that is the next to be free
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            over.set()
            for future in waiting:
                future.cancel()
