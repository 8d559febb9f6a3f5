"""A campaign of random cases: the same seed and number give the same case, whatever ran before it."""

import faulthandler
import random
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HANGS_AFTER = 300  # seconds for one case, on a machine however slow

Case = Callable[[random.Random, Path], int]
"""Runs one case in a folder of its own, raises on a finding, and returns how many cases it was (of keys: how many)."""


@dataclass
class Campaign:
    """One kind of input, and what was found with it."""

    name: str
    case: Case
    cases: int = 0
    calls: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    def run(self, seed: int, number: int) -> None:
        """Run the case of that number."""
        dice = random.Random(f"{seed} {self.name} {number}")
        began = time.monotonic()
        faulthandler.dump_traceback_later(HANGS_AFTER, exit=True, file=sys.__stderr__)
        again = f"python -m tests.fuzz --only {self.name} --seed {seed} --first {number} --cases 1"
        hanging = threading.Timer(HANGS_AFTER - 5, lambda: print(f"{again} hangs", file=sys.stderr, flush=True))
        hanging.daemon = True
        hanging.start()
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            try:
                self.cases += self.case(dice, Path(folder))
            except Exception:
                self.cases += 1
                self.findings.append(f"{again}\n{traceback.format_exc(limit=-12)}")
        hanging.cancel()
        faulthandler.cancel_dump_traceback_later()
        self.calls += 1
        self.seconds += time.monotonic() - began
