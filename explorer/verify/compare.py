"""The comparison of two results: how far apart, in what units, and how many are the same to the last bit."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SAME = "bit-for-bit"
_MAGNITUDE = np.uint64(2**63 - 1)  # the bits of a float64 but for its sign
_TINY = np.float64(2.0**-1022).view(np.uint64)  # of the least with all its digits; what is less may be flushed to 0


@dataclass
class Component:
    """The comparison of one function of the model with one reference, over all cases."""

    name: str
    against: str
    why: str  # in a word, the reason for a difference that is no fault
    max_abs: float = 0.0
    max_ulp: float = 0.0  # of numbers with the same sign: others have no digit in common
    equal: int = 0
    of: int = 0
    used: float = 0.0  # the largest difference as a share of what is allowed there
    tolerance: float = 0.0  # what is allowed there
    zero_signs: int = 0  # 0.0 on one side, -0.0 on the other: equal numbers, not the same bits
    other_sign: int = 0  # of another sign on the other side, or 0 there
    flushed: int = 0  # 0 on one side, nearer to 0 on the other than a number with all its digits can be
    nan: int = 0  # not a number on both sides
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
        if self.equal == self.of:
            return SAME
        return self.why if self.max_abs else "sign of zero" if self.zero_signs else "flushed to zero"

    @property
    def remarks(self) -> Iterator[str]:
        """The counts of numbers that a difference or a unit in the last place does not describe."""
        if self.nan:
            yield f"{self.nan:,} not a number on both sides"
        if self.zero_signs:
            yield f"{self.zero_signs:,} differ in the sign of zero only"
        if self.flushed:
            yield f"{self.flushed:,} too near to 0 to have all digits, and flushed to 0 on one side"
        if self.other_sign:
            yield f"{self.other_sign:,} of another sign on the other side, or 0 there"

    def add(self, ours: Any, theirs: Any, tolerance: Any) -> None:
        """One more case."""
        a, b = (np.asarray(values, dtype=np.float64) for values in (ours, theirs))
        if a.shape != b.shape:
            self.failures.append(f"its shape is {list(a.shape)}, not {list(b.shape)}")
            return
        # by bits: where small numbers are flushed to 0, they are equal to it as well
        bits, others = a.view(np.uint64), b.view(np.uint64)
        size, other = bits & _MAGNITUDE, others & _MAGNITUDE
        nan, zero = np.isnan(a) & np.isnan(b), (size == 0) & (other == 0)
        flushed = ((size == 0) | (other == 0)) & ~zero & (np.maximum(size, other) < _TINY)
        signs = zero & (bits != others)
        with np.errstate(invalid="ignore", over="ignore"):
            # -inf and -inf are no distance apart
            apart = np.where(nan | flushed | (a == b), 0.0, np.abs(a - b))
        allowed = np.broadcast_to(tolerance, apart.shape)
        other_sign = (apart > 0) & (np.sign(a) != np.sign(b))
        self.of += a.size
        self.equal += int((nan | (bits == others)).sum())
        self.nan += int(nan.sum())
        self.zero_signs += int(signs.sum())
        self.flushed += int(flushed.sum())
        self.other_sign += int(other_sign.sum())
        ulps = _in_ulps(apart, np.maximum(np.abs(a), np.abs(b)))
        self._widest(apart, np.where(other_sign, 0.0, ulps), allowed)
        if (wrong := ~(apart <= allowed)).any():
            place = tuple(map(int, np.argwhere(wrong)[0]))
            self.failures.append(_failure(place, a[place], b[place], ulps[place], allowed[place]))

    def fail(self, reason: str) -> None:
        self.failures.append(reason)

    def _widest(self, apart: np.ndarray, ulps: np.ndarray, allowed: np.ndarray) -> None:
        """Keep the largest differences: as such, in units in the last place (math.ulp), and in what is allowed."""
        if not apart.size:
            return
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            shares = np.where(apart > 0, apart / allowed, np.where(np.isnan(apart), np.inf, 0.0))
        worst = int(np.argmax(shares))
        self.max_abs = max(self.max_abs, _largest(apart))
        self.max_ulp = max(self.max_ulp, _largest(ulps))
        if shares.flat[worst] >= self.used:
            self.used, self.tolerance = float(shares.flat[worst]), float(allowed.flat[worst])

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "against": self.against,
            "passed": self.passed,
            "max_abs": _finite(self.max_abs),
            "max_ulp": _finite(self.max_ulp),
            "equal": self.equal,
            "of": self.of,
            "zero_signs": self.zero_signs,
            "other_sign": self.other_sign,
            "flushed": self.flushed,
            "nan": self.nan,
            "note": self.note,
            "tolerance": _finite(self.tolerance),
            "used": _finite(self.used),
        }


def _in_ulps(apart: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(apart > 0, apart / np.spacing(np.where(np.isfinite(sizes), sizes, 1.0)), 0.0)


def _failure(place: tuple[int, ...], a: float, b: float, ulps: float, allowed: float) -> str:
    """Where, with as many digits as tell the two apart, and by how much."""
    said = f"{list(place)} is {float(a)!r}, not {float(b)!r}"
    if not np.isfinite(a - b):
        return said
    if not allowed:
        return f"{said}: {ulps:.3g} ulp apart, and the bits must be the same"
    return f"{said}: {ulps:.3g} ulp apart, {abs(a - b) / allowed:.3g} times what rounding allows"


def _largest(values: np.ndarray) -> float:
    """Infinite where one is not a number: that is as far apart as can be."""
    return float("inf") if np.isnan(values).any() else float(values.max())


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if np.isfinite(value) else None
