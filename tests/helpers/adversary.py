"""Correct arithmetics that differ as much as they can: other orders of sums, fused multiply-add or not.

An `Adversary` offers the functions of `gpt.ops`, so it takes their place in the model; `Fused` works like PyTorch's
kernels. `hostile` draws numbers on which the order of a sum matters most. All of it is float arithmetic that IEEE 754
fixes, and so the same on every machine, but for exp, tanh and erf, which are moved by about what a library may be off.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from gpt import ops

Terms = Sequence[tuple[float, float]]

ORDERS: dict[str, Callable[[int, random.Random], list[list[int]]]] = {
    "in order": lambda n, draw: [list(range(n))],
    "reversed": lambda n, draw: [list(range(n))[::-1]],
    "random": lambda n, draw: [draw.sample(range(n), n)],
    "pairwise": lambda n, draw: [[index] for index in range(n)],
    "blocked": lambda n, draw: [list(range(start, min(start + 4, n))) for start in range(0, n, 4)],
    "lanes": lambda n, draw: [list(range(lane, n, 8)) for lane in range(min(8, n))],
}
"""In which groups n terms are added up; then the groups are, two and two."""


def fma(a: float, b: float, c: float) -> float:
    """a · b + c, rounded once."""
    p = a * b
    if not 1e-250 < abs(p) < 1e250 or max(abs(a), abs(b)) > 1e250:
        return p + c  # what rounding leaves of the product could not be held
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return math.fsum((p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2, c))


def _halves(a: float) -> tuple[float, float]:
    """Two numbers of 26 bits that add up to it (Dekker 1971)."""
    large = 134217729.0 * a
    upper = large - (large - a)
    return upper, a - upper


class Adversary:
    """The functions of `gpt.ops`: what is a sum is added up in that order."""

    ulps = 3  # that exp, tanh and erf are off, at the most

    def __init__(self, order: str, fused: bool, bias_first: bool, seed: int = 0) -> None:
        self.groups = ORDERS[order]
        self.fused = fused
        self.bias_first = bias_first
        self.draw = random.Random(seed)

    def __getattr__(self, name: str) -> Any:  # everything in which there is no sum
        return getattr(ops, name)

    def _plus(self, total: float, a: float, b: float) -> float:
        return fma(a, b, total) if self.fused else total + a * b

    def dot(self, a: Sequence[float], b: Sequence[float], bias: float = 0.0) -> float:
        sums: list[float] = []
        for group in self.groups(len(a), self.draw):
            total = bias if self.bias_first and not sums else 0.0
            for index in group:
                total = self._plus(total, a[index], b[index])
            sums.append(total)
        while len(sums) > 1:
            sums = [sum(sums[start : start + 2]) for start in range(0, len(sums), 2)]
        return sums[0] if self.bias_first else sums[0] + bias

    def sum(self, terms: Sequence[float], bias: float = 0.0) -> float:
        return self.dot(terms, [1.0] * len(terms), bias)

    def near(self, value: float) -> float:
        """The value with an error that a library may have."""
        return value + self.draw.randint(-self.ulps, self.ulps) * math.ulp(value)

    # The functions of `gpt.ops`

    def matmul_transposed(self, a: Any, b: Any) -> Any:
        return [[self.dot(row, other) for other in b] for row in a]

    def matmul(self, a: Any, b: Any) -> Any:
        return [[self.dot(row, column) for column in zip(*b)] for row in a]

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        return [[self.dot(row, w, b) for w, b in zip(weight, bias)] for row in x]

    def add_all(self, parts: Any, bias: Any) -> Any:
        return [[self.sum(column, b) for column, b in zip(zip(*rows), bias)] for rows in parts]

    def mean(self, x: Any) -> Any:
        return [[self.sum(row) / len(row)] for row in x]

    def variance(self, x: Any, mean: Any) -> Any:
        centred = [[value - mu for value in row] for row, (mu,) in zip(x, mean)]
        return [[self.dot(row, row) / len(row)] for row in centred]

    def scale_and_shift(self, x: Any, gamma: Any, beta: Any) -> Any:
        return [[self._plus(b, value, g) for value, g, b in zip(row, gamma, beta)] for row in x]

    def softmax(self, scores: Any) -> Any:
        return [[self.softmax_row(row) for row in head] for head in scores]

    def softmax_row(self, scores: Sequence[float]) -> list[float]:
        exps = [self.near(math.exp(score - max(scores))) for score in scores]
        total = self.sum(exps)
        return [value * (1 / total) for value in exps] if self.fused else [value / total for value in exps]

    def activate(self, x: Any, activation: str) -> Any:
        return [[self.activated(value, activation) for value in row] for row in x]

    def activated(self, x: float, activation: str) -> float:
        if activation == "gelu":
            return x * (0.5 * (1 + self.near(math.erf(x * math.sqrt(0.5)))))
        if activation.startswith("gelu"):
            inner = fma(0.044715, x * x * x, x) if self.fused else x + 0.044715 * x**3
            return x / 2 * (1 + self.near(math.tanh(math.sqrt(2) * 2 / math.sqrt(math.pi) * 0.5 * inner)))
        if activation in ("silu", "swish") and x > -700:
            return x / (1 + self.near(math.exp(-x)))
        return self.near(ops.ACTIVATIONS[activation](x)) if activation == "tanh" else ops.ACTIVATIONS[activation](x)


class Fused(Adversary):
    """As PyTorch's kernels do it: mean and variance number by number, products with reciprocals, keys in blocks."""

    def _moments(self, row: Sequence[float]) -> tuple[float, float]:
        mean = squares = 0.0
        for count, index in enumerate(self.draw.sample(range(len(row)), len(row)), 1):
            step = row[index] - mean
            mean = self._plus(mean, step, 1 / count)
            squares = self._plus(squares, step, row[index] - mean)
        return mean, squares / len(row)

    def mean(self, x: Any) -> Any:
        return [[self._moments(row)[0]] for row in x]

    def variance(self, x: Any, mean: Any) -> Any:
        return [[self._moments(row)[1]] for row in x]

    def normalize(self, x: Any, mean: Any, scale: Any) -> Any:
        rows = zip(x, mean, scale)
        return [[self._plus(-(mu * (1 / sigma)), value, 1 / sigma) for value in row] for row, (mu,), (sigma,) in rows]

    def divide(self, x: Any, divisor: float) -> Any:
        scale = (divisor * divisor) ** -0.5
        return [[[value * scale for value in row] for row in matrix] for matrix in x]

    def matmul_transposed(self, a: Any, b: Any) -> Any:
        """Both factors times something first, as where each takes the root of the scale."""
        times, over = math.sqrt(3), 1 / math.sqrt(3)
        a, b = ([[value * by for value in row] for row in matrix] for matrix, by in ((a, times), (b, over)))
        return super().matmul_transposed(a, b)

    def softmax_row(self, scores: Sequence[float]) -> list[float]:
        """In blocks of 32, each relative to the largest score up to there."""
        largest, total, exps = -math.inf, 0.0, list[float]()
        for start in range(0, len(scores), 32):
            block = scores[start : start + 32]
            before, largest = largest, max(largest, *block)
            if largest == -math.inf:
                exps += [0.0] * len(block)
                continue
            less = self.near(math.exp(before - largest))
            new = [self.near(math.exp(score - largest)) for score in block]
            exps, total = [value * less for value in exps] + new, self._plus(self.sum(new), total, less)
        return [value * (1 / total) for value in exps]


def adversaries(kind: type[Adversary] = Adversary, seed: int = 0) -> Iterator[Adversary]:
    """Every order, with and without fused multiply-add, the bias first and last."""
    for order, fused, bias_first in product(ORDERS, (False, True), (False, True)):
        yield kind(order, fused, bias_first, seed)


# Numbers on which the order matters


def hostile(draw: np.random.Generator, rows: int, n: int) -> dict[str, Any]:  # [rows, n] each
    """Matrices whose rows cancel, differ widely in size, have one sign, lie far from 0, or nearly vanish."""
    plain = draw.normal(size=(rows, n))
    halves = draw.normal(size=(rows, (n + 1) // 2))
    cancelling = np.concatenate([halves, -halves * (1 + 1e-12 * draw.normal(size=halves.shape))], axis=1)[:, :n]
    return {
        "plain": plain,
        "cancelling": draw.permuted(cancelling, axis=1),
        "wide": plain * 10.0 ** draw.integers(-9, 9, size=plain.shape),
        "one sign": np.abs(plain),
        "far from 0": plain + 1e6,
        "lost in 1": np.full((rows, n), 0.45 * 2.0**-52) * draw.uniform(0.9, 1.1, size=plain.shape),
        "very small": plain * 1e-170,
    }


def biases(draw: np.random.Generator, count: int) -> dict[str, Any]:  # [count] each
    """Ordinary ones, ones that dominate everything, and none."""
    plain = draw.normal(size=count)
    return {"plain": plain, "dominant": np.sign(plain) * (1 + np.abs(plain)), "huge": plain * 1e12, "none": plain * 0}
