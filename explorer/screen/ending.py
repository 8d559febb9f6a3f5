"""Ending on a signal: whichever comes, whenever it comes, the terminal is left as it was found.

The program is asked to end as on ctrl+c, which draws nothing more and restores the terminal. Where that takes too
long, because the screen's thread or a computing one is busy, a separate thread restores it and ends the program.
"""

import asyncio
import errno
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

_PATIENCE = 2.0  # seconds for the usual way
_LOOKS_EVERY = 5.0  # seconds between two looks whether the terminal is still there
_ENDING = (
    *("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGBREAK", "SIGABRT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM"),
    *("SIGPROF", "SIGXCPU", "SIGIO", "SIGPWR", "SIGSYS", "SIGTRAP", "SIGSTKFLT", "SIGEMT"),
)
"""The signals that end a program and can be caught. Not those of a fault in the program itself (SIGSEGV and its kind):
a handler in Python would return to the same fault, for ever. Suspending (SIGTSTP, SIGCONT) is Textual's."""

_SIGNALS = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]  # no system has them all

# The other modes that a full-screen program sets: pasting, wrapping, the keyboard's, sizes. All before leaving the
# alternate screen, for which the terminal keeps some of them.
_MODES = b"\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1004l\x1b[<u"
_SCREEN = b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1049l\x1b[?25h"  # mouse, screen, cursor

Result = TypeVar("Result")


class _Ending:
    """Waits for a signal, and ends the program."""

    def __init__(self) -> None:
        self.number = 0  # of the signal that came
        self.stop: Callable[[], object] | None = None  # ends the usual way; may be called in a signal handler
        self._terminal = _Terminal()
        self._waiting, self._waking = os.pipe()
        self._done = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="ending").start()

    def received(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal. It may come at any moment, so nothing here may wait for a lock."""
        if self.number:
            return
        self.number = number
        os.write(self._waking, b"!")
        if self.stop is None:  # nothing is on the screen yet, or nothing any more
            if threading.current_thread() is not threading.main_thread():
                return
            raise SystemExit(128 + number)
        self.stop()

    def _watch(self) -> None:
        while not self._signalled():
            if self._terminal.gone():  # where SIGHUP is ignored, nothing else says so, and reading keys would spin
                self.received(signal.SIGHUP, None)
        if os.read(self._waiting, 1) == b"!" and not self._done.wait(_PATIENCE):
            self._terminal.restore(_MODES + _SCREEN)
            os._exit(128 + self.number)

    def _signalled(self) -> bool:
        """Wait for a signal, or for the end of waiting; False where it is time to look at the terminal again."""
        if sys.platform == "win32":  # it cannot wait for a pipe and a time at once, and closes programs by itself
            return True
        return bool(select.select([self._waiting], [], [], _LOOKS_EVERY)[0])

    def leave(self) -> NoReturn:
        """Exit at once, after the usual ending; computing threads are not waited for."""
        self._terminal.restore(_SCREEN)
        os._exit(128 + self.number)

    def crashed(self) -> None:
        """Restore the terminal, for the report that follows."""
        self._terminal.restore(_MODES + _SCREEN)

    def over(self) -> None:
        """Stop waiting for a signal."""
        self._done.set()
        os.write(self._waking, b".")


class _Terminal:
    """The terminal, with the attributes that it had at the start."""

    def __init__(self) -> None:
        drawn = sys.__stderr__.fileno() if sys.__stderr__ else None  # where Textual draws
        self._output = drawn if drawn is not None and os.isatty(drawn) else None
        self._attributes: Any = None
        with suppress(ImportError, OSError, ValueError):
            import termios

            with suppress(termios.error):
                self._attributes = termios.tcgetattr(0)

    def gone(self) -> bool:
        """Whether there was a terminal, and it has been closed."""
        if self._attributes is None:
            return False
        import termios

        try:
            termios.tcgetattr(0)
        except termios.error as error:
            return error.args[0] == errno.EIO
        return False

    def restore(self, last: bytes) -> None:
        """Restore the attributes, then write these bytes last. Errors are ignored: the terminal may be gone."""
        with suppress(Exception):
            if self._attributes is not None:
                import termios

                termios.tcsetattr(0, termios.TCSANOW, self._attributes)
        with suppress(OSError):
            if self._output is not None:
                os.write(self._output, last)


def run(main: Callable[[], Coroutine[Any, Any, Result]], new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Result:
    """Run a program that draws on the terminal. Ended by a signal, its exit status is 128 + the signal's number."""
    with _watching() as ending, asyncio.Runner(loop_factory=new_loop) as runner:

        async def stoppable() -> Result:
            task, loop = asyncio.current_task(), asyncio.get_running_loop()
            assert task
            ending.stop = lambda: loop.call_soon_threadsafe(task.cancel)
            return await main()

        try:
            return runner.run(stoppable())
        except Exception:  # not even Textual foresaw it, and has restored nothing
            ending.crashed()
            raise
        finally:
            ending.stop = None
            if ending.number:
                ending.leave()


@contextmanager
def _watching() -> Iterator[_Ending]:
    """Handle the signals. One that is ignored, as under nohup, stays ignored."""
    ending = _Ending()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ending.received)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ending.over()
