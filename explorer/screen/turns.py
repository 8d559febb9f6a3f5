"""Taking turns: while the screen's thread has something to do, the computing threads wait for it.

One thread runs Python at a time. Beside a computing thread, the one that draws a frame gets half of the time at best,
and less each time it releases the lock: for a file, a lock, a write. So the event loop notes when it is idle. A
computing thread checks between two products whether it is cancelled, and waits there until the loop is idle.
"""

import asyncio
import selectors
import sys
import threading
from collections.abc import Callable

from textual.worker import Worker, get_current_worker

_LONGEST = 0.05  # seconds that a computing thread waits at most, however busy the screen is

_resting = threading.Event()  # the event loop waits for something to happen
_resting.set()


class _Noting(selectors.DefaultSelector):
    """The selector of an event loop, which notes when the loop is idle."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:  # else it just looks: there is more to do
            _resting.set()
        try:
            return super().select(timeout)
        finally:
            _resting.clear()

    def close(self) -> None:
        _resting.set()
        super().close()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop that notes when it is idle; on Windows, where loops wait in another way, the usual one."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(_Noting())


def cancelled(worker: Worker[None]) -> Callable[[], bool]:
    """A function that tells whether a worker is cancelled; it first waits while the screen has something to do."""

    def asked() -> bool:
        give_way()
        return worker.is_cancelled

    return asked


def give_way(longest: float = _LONGEST) -> None:
    """Wait until the screen's thread is idle, but not longer than this many seconds. Called in other threads."""
    _resting.wait(longest)


def cancellation() -> Callable[[], bool]:
    """A function that tells whether the current worker is cancelled."""
    worker = get_current_worker()
    return lambda: worker.is_cancelled
