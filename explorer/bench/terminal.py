"""The program in a pseudo-terminal, as a person would run it: keys in, the time until words come out."""

import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import termios
import time
from collections.abc import Callable

from explorer.loading.checkpoints import open_checkpoint
from explorer.screen.palette import NAMES
from explorer.stages import walk

PROMPT = "Once upon a time there was a little girl named Lily. One"  # 13 tokens, of which 12 are walked
_BETWEEN_KEYS = 0.05  # seconds


class Terminal:
    """A Python program in a pseudo-terminal, as a person would run it."""

    def __init__(self, *arguments: str) -> None:
        self.began = time.perf_counter()
        self.process, self.screen = pty.fork()
        if not self.process:
            os.environ |= {"TERM": "xterm-256color", "GPT_EXPLORER_STATE": ""}  # nothing remembered, nothing offered
            os.execv(sys.executable, [sys.executable, *arguments])
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self.screen, b"q")
        self._read_until(lambda seen: False, 3)
        os.close(self.screen)
        os.waitpid(self.process, 0)

    def wait_for(self, text: str) -> float:
        """Seconds from the start until the text is on the screen."""
        self._read_until(lambda seen: text.encode() in seen, 60)
        return time.perf_counter() - self.began

    def answers(self) -> float:
        """The median of the seconds from a key to the stage that it leads to."""
        os.write(self.screen, b"\x1b[C")
        self._read_until(lambda seen: b"Token embedding" in seen, 30)
        times = []
        for _ in range(15):
            for key, title in ((b"\x1b[C", "Position embedding"), (b"\x1b[D", "Token embedding")):
                times.append(self.answer(key, title))
                time.sleep(_BETWEEN_KEYS)
        return statistics.median(times)

    def changes_colours(self) -> list[float]:
        """The seconds from the key of the colours to each palette's name."""
        times = []
        for name in (*NAMES[1:], NAMES[0]):
            times.append(self.answer(b"c", f"Colours: {name}"))
            self._read_until(lambda seen: False, _BETWEEN_KEYS)
        return times

    def walks(self, count: int) -> list[float]:
        """The seconds from each of so many keys to the stage that it leads to, from the first stage on."""
        places = [stage.place for stage in walk(open_checkpoint().config)[1 : count + 1]]
        times = []
        for place in places:
            times.append(self.answer(b"\x1b[C", place[:1].upper() + place[1:]))
            self._read_until(lambda seen: False, _BETWEEN_KEYS)
        return times

    def rest(self, seconds: float) -> None:
        """Wait, and read what comes meanwhile."""
        self._read_until(lambda seen: False, seconds)

    def answer(self, key: bytes, text: str) -> float:
        """Seconds from a key until the text is on the screen."""
        began = time.perf_counter()
        os.write(self.screen, key)
        self._read_until(lambda seen: text.encode() in seen, 30)
        return time.perf_counter() - began

    def opens_help(self) -> float:
        """The median of the seconds from its key to the help."""
        times = []
        for _ in range(10):
            times.append(self.answer(b"?", "Help"))
            os.write(self.screen, b"?")  # closes it
            self._read_until(lambda seen: False, 0.2)
        return statistics.median(times)

    def _read_until(self, enough: Callable[[bytes], bool], seconds: float) -> bytes:
        """The output on its way to the screen, until it is enough or the time is over."""
        seen, until = b"", time.perf_counter() + seconds
        while time.perf_counter() < until and not enough(seen):
            if select.select([self.screen], [], [], 0.05)[0]:
                try:
                    seen += os.read(self.screen, 65536)
                except OSError:  # the program has ended
                    break
        return seen
