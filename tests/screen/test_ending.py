"""Signals, at any moment: the terminal is restored, seen through a pseudo-terminal as a person would."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Callable

LONG = "Once upon a time there was a little girl named Lily. She liked to play in the park with her friend Tom. " * 8
ALTERNATE, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
ON_AND_OFF = [
    (b"\x1b[?1049h", b"\x1b[?1049l"),
    *((f"\x1b[?{mode}h".encode(), f"\x1b[?{mode}l".encode()) for mode in (1000, 1003, 1006, 1015, 2004)),
    (b"\x1b[?25l", b"\x1b[?25h"),
]
PATIENCE = 60  # seconds, on a machine however slow


class Program:
    """The explorer in a pseudo-terminal."""

    def __init__(self, *arguments: str, code: str = "import explorer.__main__") -> None:
        self.seen = b""
        self.process, self.screen = pty.fork()
        if not self.process:
            os.environ |= {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "36"}
            program = "import sys; from explorer.cli import main; " + code + "; sys.exit(main(sys.argv[1:]))"
            os.execv(sys.executable, [sys.executable, "-c", program, *arguments])
        self.before = termios.tcgetattr(self.screen)

    def until(self, happened: Callable[[], object]) -> None:
        """Read on until something is on the screen; the end of the program is the end of reading."""
        until = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < until, self.seen[-2000:]
            if not self._read():
                return

    def _read(self) -> bool:
        if select.select([self.screen], [], [], 0.05)[0]:
            try:
                got = os.read(self.screen, 65536)
            except OSError:  # it has ended
                return False
            self.seen += got
            return bool(got)
        return True

    def press(self, keys: bytes, shown: bytes) -> None:
        start = len(self.seen)
        os.write(self.screen, keys)
        self.until(lambda: shown in self.seen[start:])

    def end(self, number: int) -> int:
        """Send the signal; the exit status."""
        os.kill(self.process, number)
        self.until(lambda: False)
        after = termios.tcgetattr(self.screen) if sys.platform == "linux" else self.before
        os.close(self.screen)
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        assert after[3] == self.before[3], "echo and line by line, as before"
        return status


def restored(seen: bytes) -> bool:
    """Whether the last word on each of the modes is that it is off, and nothing is drawn after it."""
    drawn = seen.rpartition(LEFT)[2]
    return all(seen.rfind(off) > seen.rfind(on) for on, off in ON_AND_OFF if on in seen) and b"\x1b[?1049h" not in drawn


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_while_it_computes(number: int) -> None:
    program = Program(LONG)
    program.until(lambda: b"computing" in program.seen)
    assert program.end(number) == 128 + number
    assert restored(program.seen)
    assert b"Traceback" not in program.seen


@pytest.mark.parametrize("keys", [b"?", b"s", b"\x10"], ids=["help", "settings", "palette"])
def test_in_a_dialog(keys: bytes) -> None:
    shown = {b"?": b"Help", b"s": b"How the next token", b"\x10": b"Search"}[keys]
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    program.press(keys, shown)
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


def test_as_soon_as_the_alternate_screen_is_entered() -> None:
    program = Program("Once")
    program.until(lambda: ALTERNATE in program.seen)
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


def test_before_anything_is_on_the_screen() -> None:
    """The signal comes while the app is made."""
    late = (
        "import os, signal; from explorer.screen import ending; real = ending.asyncio.Runner; "
        "ending.asyncio.Runner = lambda **options: os.kill(os.getpid(), signal.SIGTERM) or real(**options)"
    )
    program = Program("Once", code=late)
    program.until(lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1]) == 128 + signal.SIGTERM
    assert ALTERNATE not in program.seen
    assert b"Traceback" not in program.seen


def test_with_a_screen_that_hangs() -> None:
    """The screen's thread does nothing any more: another one restores the terminal."""
    hanging = (
        "import os, time; from explorer.screen.panes.picture import PicturePane; "
        "PicturePane.action_overview = lambda self: [os.write(2, b'HANGS'), *(time.sleep(0.1) for _ in iter(int, 1))]"
    )
    program = Program("Once", code=hanging)
    program.until(lambda: b"computed in" in program.seen)
    program.press(b"o", b"HANGS")
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


def test_an_ignored_signal_stays_ignored() -> None:
    program = Program("Once", code="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    program.until(lambda: b"computed in" in program.seen)
    os.kill(program.process, signal.SIGHUP)
    program.press(b"\x1b[C", b"Token embedding")
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM


def test_quitting_is_no_signal() -> None:
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    os.write(program.screen, b"q")
    program.until(lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1]) == 0
    assert restored(program.seen)
