"""Two results set against each other: how far apart, in what units, and how many are the same to the last bit."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

SAME = "bit-for-bit"


@dataclass
class Component:
    """What was found of one function of the model against one reference, over all of its cases."""

    name: str
    against: str
    why: str  # in a word, the reason for a difference that is no fault
    max_abs: float = 0.0
    max_ulp: float = 0.0
    equal: int = 0
    of: int = 0
    used: float = 0.0  # the largest difference as a share of what is allowed there
    tolerance: float = 0.0  # what is allowed there
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures and self.of > 0

    @property
    def note(self) -> str:
        """Why it failed, or why not every bit is the same; "bit-for-bit" only where all are."""
        if self.failures:
            return self.failures[0]
        if not self.of:
            return "was not compared"
        return SAME if self.equal == self.of else self.why

    def add(self, ours: Any, theirs: Any, tolerance: Any) -> None:
        """One more case."""
        a, b = (np.asarray(values, dtype=np.float64) for values in (ours, theirs))
        if a.shape != b.shape:
            self.failures.append(f"its shape is {list(a.shape)}, not {list(b.shape)}")
            return
        same = a.view(np.int64) == b.view(np.int64) if a.ndim else np.asarray(a == b)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(same | (a == b), 0.0, np.abs(a - b))  # -inf and -inf are no distance apart
        allowed = np.broadcast_to(tolerance, apart.shape)
        self.of += a.size
        self.equal += int(same.sum())
        self._widest(apart, np.maximum(np.abs(a), np.abs(b)), allowed)
        if not (wrong := ~(apart <= allowed)).any():
            return
        place = tuple(map(int, np.argwhere(wrong)[0]))
        self.failures.append(f"{list(place)} is {a[place]:.6g}, not {b[place]:.6g}")

    def fail(self, reason: str) -> None:
        self.failures.append(reason)

    def _widest(self, apart: np.ndarray, sizes: np.ndarray, allowed: np.ndarray) -> None:
        """Keep the largest differences: as such, in units in the last place (math.ulp), and in what is allowed."""
        if not apart.size:
            return
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            ulps = np.where(apart > 0, apart / np.spacing(np.where(np.isfinite(sizes), sizes, 1.0)), 0.0)
            shares = np.where(apart > 0, apart / allowed, 0.0)
        worst = int(np.nanargmax(shares))
        self.max_abs = max(self.max_abs, _largest(apart))
        self.max_ulp = max(self.max_ulp, _largest(ulps))
        if _largest(shares) >= self.used:
            self.used, self.tolerance = _largest(shares), float(allowed.flat[worst])

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "against": self.against,
            "passed": self.passed,
            "max_abs": _finite(self.max_abs),
            "max_ulp": _finite(self.max_ulp),
            "equal": self.equal,
            "of": self.of,
            "note": self.note,
            "tolerance": self.tolerance,
            "used": _finite(self.used),
        }


def _largest(values: np.ndarray) -> float:
    """Infinite where one is not a number: that is as far apart as can be."""
    return float("inf") if np.isnan(values).any() else float(values.max())


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if np.isfinite(value) else None
