"""The error of dot products, measured with exact rational arithmetic.

A float is a fraction, so the dot product of two vectors of floats has an exact value. Where Python has math.sumprod
(3.12 and later) the whole sum is rounded once: half a unit in the last place at most. A sum in order, and NumPy's and
PyTorch's sums in blocks, round at every step.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from gpt import ops

LENGTHS = (16, 192, 768)
PAIRS = 60

Dot = Callable[[Any, Any], float]


def ways(torch: bool) -> dict[str, Dot]:
    """Each implementation of the dot product, by the name it is shown under."""
    own = "math.sumprod" if hasattr(math, "sumprod") else "sum(map(mul))"
    found: dict[str, Dot] = {
        f"gpt.ops: {own}": lambda a, b: ops.dot(a.tolist(), b.tolist()),
        "NumPy: a @ b": lambda a, b: float(a @ b),
    }
    if torch:
        import torch as library

        found["PyTorch: torch.dot"] = lambda a, b: float(library.dot(library.from_numpy(a), library.from_numpy(b)))
    return found


def dot_errors(seed: int, torch: bool, lengths: Sequence[int] = LENGTHS, pairs: int = PAIRS) -> list[dict[str, Any]]:
    """For each length and each way: the mean and the largest error, in units in the last place of the exact value."""
    random = np.random.default_rng(seed)
    rows = []
    for length in lengths:
        vectors = [(random.normal(size=length), random.normal(size=length)) for _ in range(pairs)]
        exact = [sum(map(_product, a.tolist(), b.tolist()), Fraction()) for a, b in vectors]
        for name, dot in ways(torch).items():
            errors = [error_in_ulps(dot(a, b), value) for (a, b), value in zip(vectors, exact)]
            mean, largest = math.fsum(errors) / pairs, max(errors)
            rows.append({"dot": name, "length": length, "pairs": pairs, "mean_ulp": mean, "max_ulp": largest})
    return rows


def _product(a: float, b: float) -> Fraction:
    return Fraction(a) * Fraction(b)


def error_in_ulps(found: float, exact: Fraction) -> float:
    """How far off, in units in the last place: error_in_ulps(1.0, Fraction(1)) = 0."""
    return float(abs(Fraction(found) - exact) / Fraction(math.ulp(float(exact))))
