"""The explorer in a pseudo-terminal, as a person sees it; POSIX only."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress

ALTERNATE, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
ON_AND_OFF = [
    (b"\x1b[?1049h", b"\x1b[?1049l"),
    *((f"\x1b[?{mode}h".encode(), f"\x1b[?{mode}l".encode()) for mode in (1000, 1003, 1006, 1015, 2004)),
    (b"\x1b[?25l", b"\x1b[?25h"),
]
PATIENCE = 60  # seconds, on a machine however slow


class Program:
    """The explorer in a pseudo-terminal."""

    def __init__(
        self, *arguments: str, code: str = "import explorer.__main__", size: tuple[int, int] = (120, 36)
    ) -> None:
        self.seen = b""
        self.process, self.screen = pty.fork()
        if not self.process:
            for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):  # perhaps, by who runs the tests
                signal.signal(ignored, signal.SIG_DFL)
            os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(size[0]), "LINES": str(size[1])}
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

    def send(self, keys: bytes) -> None:
        """Type, or move the mouse; nothing where the program has ended."""
        with suppress(OSError):
            os.write(self.screen, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Another size of the terminal."""
        with suppress(OSError):
            fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read_some(self) -> None:
        """Read what there is by now."""
        while select.select([self.screen], [], [], 0.01)[0] and self._read():
            pass

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
        status = self.status()
        assert after[3] == self.before[3], "echo and line by line, as before"
        return status

    def wait_until_stopped(self) -> None:
        """Wait until the program is suspended."""
        until = time.monotonic() + PATIENCE
        while True:
            self.read_some()
            ended, status = os.waitpid(self.process, os.WUNTRACED | os.WNOHANG)
            if ended:
                assert os.WIFSTOPPED(status), "it has ended"
                return
            assert time.monotonic() < until, self.seen[-2000:]

    def check_attributes(self) -> None:
        """AssertionError unless the terminal echoes and reads line by line, as before."""
        if sys.platform == "linux":
            assert termios.tcgetattr(self.screen)[3] == self.before[3]

    def status(self) -> int:
        """The exit status of the program, which has ended."""
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def restored(seen: bytes) -> bool:
    """Whether the last word on each of the modes is that it is off, and nothing is drawn after it."""
    drawn = seen.rpartition(LEFT)[2]
    return all(seen.rfind(off) > seen.rfind(on) for on, off in ON_AND_OFF if on in seen) and b"\x1b[?1049h" not in drawn
