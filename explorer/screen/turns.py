"""Taking turns: while the screen's thread has something to do, the threads that compute wait for it.

One thread runs Python at a time. Beside one that computes, whoever draws a frame gets half of the time at best, and
less the more often it lets go: for a file, a lock, a write. So the event loop notes when it rests, and a computing
thread, which asks between two products whether it is still wanted, waits there until it does.
"""

import asyncio
import selectors
import sys
import threading
from collections.abc import Callable

from textual.worker import Worker, get_current_worker

_LONGEST = 0.05  # seconds that a computing thread waits at once: it goes on, however busy the screen is

_resting = threading.Event()  # the event loop waits for something to happen
_resting.set()


class _Noting(selectors.DefaultSelector):
    """What an event loop rests in; notes that it does."""

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
    """An event loop that notes when it rests; on Windows, where loops wait in another way, a usual one."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(_Noting())


def cancelled(worker: Worker[None]) -> Callable[[], bool]:
    """Asks whether a worker's thread may stop; while the screen has something to do, it waits before it answers."""

    def asked() -> bool:
        give_way()
        return worker.is_cancelled

    return asked


def give_way(longest: float = _LONGEST) -> None:
    """Let the screen's thread finish what it is doing, or have so many seconds for it. Called in other threads."""
    _resting.wait(longest)


def cancellation() -> Callable[[], bool]:
    """A function that tells whether the worker that asks for it now has been cancelled."""
    worker = get_current_worker()
    return lambda: worker.is_cancelled
