"""How far from the formula a program can be: the arithmetic of rounding errors.

The tolerances of `gpt-explorer verify` are computed, not chosen. Two programs are compared, and each has its own order
of operations: one adds a bias last, another begins with it; one adds up every head and then the heads, another all of
it at once. So each has a bound of its own, on how far its result may be from the exact value of the formula, and the
tolerance is the sum of the two (`Pair`).

`Rounding` is one such program. It offers the functions of `gpt.ops` on pairs of a value and a bound; handed to the
forward pass, `GPT(config, weights, ops=Rounding())`, it bounds every intermediate number. A reference that is put
together differently is bounded by a run in its own order (`reference` of a check), and PyTorch's fused kernels by
`Kernels`.

With u the unit roundoff (2^-53 in float64, 2^-24 in float32, 2^-8 in bfloat16):

    a basic operation        (+ - * /, and sqrt in Python and NumPy) is rounded correctly (IEEE 754): off by
                             u · |result|. The same inputs give the same bits: where a number comes from nothing else
                             in both programs, the tolerance is 0.
    a product and a sum      may be one instruction, rounded once (fused multiply-add), or two.
    a sum                    in which no term is rounded more than n times is off by n·u/(1 - n·u) · sum |terms|, in
                             any order, with or without fused multiply-add (Higham, Accuracy and Stability of Numerical
                             Algorithms, section 3.1). For n products it is n, with a bias n + 1: where the bias comes
                             first, it is rounded as often as the products.
    exp, tanh, erf           come from a library: at most 4 units in the last place (NumPy 1.22's limit). PyTorch's
                             sqrt: 1; its attention's exp in float32: 20 (it is named exp_u20).
    an error in the input    is multiplied by the derivative: |W| for a product, 1/scale in a layer norm, ...
    what is nearly 0         may be flushed to 0 by any operation: 2^-1022 in float64, 2^-126 in float32.

These add up to the worst case. Through many blocks the worst case grows beyond all use, since it supposes that every
rounding error pushes the same way. For the whole model they are taken as independent: squares are added, a sum of n
counts sqrt(n), and the result is multiplied by CONFIDENCE = 8, past which an independent error falls with a probability
below 1e-13 (Higham and Mary 2019, doi:10.1137/18M1226312).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from explorer.engine import array_ops

Array = Any

DOUBLE, SINGLE, BRAIN = 2.0**-53, 2.0**-24, 2.0**-8
TINY = {DOUBLE: 2.0**-1022, SINGLE: 2.0**-126, BRAIN: 2.0**-126}
"""Below it a number loses digits, or is flushed to zero."""

LIBRARY_ULPS = 4
CONFIDENCE = 8
STEEPEST = 1.13  # no activation of gpt.ops is steeper, gelu at 1.41


class Uncertain:
    """Values, and how far a program may be from each; with an array's axes.

    `settled` are those that come from basic operations alone: every program that does the same ones has the same bits.
    """

    def __init__(self, value: Array, error: Array = 0.0, settled: Array = False) -> None:
        self.value = np.asarray(value, dtype=np.float64)
        self.error = np.broadcast_to(np.asarray(error, dtype=np.float64), self.value.shape)
        self.settled = np.broadcast_to(np.asarray(settled, dtype=bool), self.value.shape)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> "Uncertain":
        return self.rearranged(lambda array: array[index])

    def __iter__(self) -> Iterator["Uncertain"]:
        return (self[index] for index in range(len(self)))

    def rearranged(self, move: Callable[[Array], Array]) -> "Uncertain":
        """The same numbers, moved to other places."""
        return Uncertain(move(self.value), move(self.error), move(self.settled))


def uncertain(x: Any) -> Uncertain:
    """The value as `Uncertain`; a plain array is given to both programs and has no error."""
    return x if isinstance(x, Uncertain) else Uncertain(x, 0.0, True)


class Errors:
    """How the errors of one program come together. `independent` adds squares instead of supposing the worst."""

    def __init__(self, unit: float, independent: bool) -> None:
        self.unit = unit
        self.tiny = TINY[unit]
        self.independent = independent

    def join(self, *errors: Array) -> Array:
        if self.independent:
            return reduce(np.hypot, errors)  # unlike squares, it does not underflow
        return sum(errors)

    def total(self, errors: Array, axis: int, keepdims: bool = False) -> Array:
        if self.independent:
            return np.sqrt(np.square(errors).sum(axis=axis, keepdims=keepdims))
        return errors.sum(axis=axis, keepdims=keepdims)

    def through(self, weights: Array, errors: Array) -> Array:  # [n, k], [k, m] -> [n, m]
        """Errors that pass through a product: each times the size of what it is multiplied by."""
        if not np.any(errors):
            return np.zeros((*np.shape(weights)[:-1], np.shape(errors)[-1]))
        if self.independent:
            return np.sqrt(np.square(weights) @ np.square(errors))
        return np.abs(weights) @ errors

    def summing(self, n: int, sizes: Array) -> Array:
        """The rounding of a sum whose terms' sizes add up to `sizes`, none of them rounded more than n times."""
        times = math.sqrt(n) if self.independent else n / (1 - n * self.unit)
        return times * self.unit * sizes + 2 * n * self.tiny

    def basic(self, value: Array, settled: Array, *errors: Array, times: float = 1) -> Uncertain:
        """The result of so many basic operations, one after the other; settled where all of their inputs are."""
        rounding = times * (self.unit * np.abs(value) + self.tiny)
        return Uncertain(value, self.join(*errors, rounding), settled)

    def product(self, a: Uncertain, b: Uncertain, times: int) -> Uncertain:  # [n, k], [m, k] -> [n, m]
        error = self.join(
            self.through(a.value, b.error.T),
            self.through(b.value, a.error.T).T,
            self.through(a.error, b.error.T),
            self.summing(times, np.abs(a.value) @ np.abs(b.value).T),
        )
        return Uncertain(a.value @ b.value.T, error)


class Rounding:
    """The functions of `gpt.ops` on `Uncertain` values, for one program that may add up in any order.

    `unit` is its unit roundoff; `independent` adds squares instead of supposing the worst.
    """

    root = 1.0  # of sqrt, in units of roundoff
    root_settled = True

    def __init__(self, unit: float = DOUBLE, independent: bool = False) -> None:
        self.unit = unit
        self.tiny = TINY[unit]
        self.independent = independent
        self.errors = Errors(unit, independent)

    # Products of matrices

    def matmul_transposed(self, a: Any, b: Any) -> Uncertain:
        a, b = uncertain(a), uncertain(b)
        return self.errors.product(a, b, a.value.shape[-1])

    def matmul(self, a: Any, b: Any) -> Uncertain:
        a = uncertain(a)
        return self.errors.product(a, self.transpose(b), a.value.shape[-1])

    def linear(self, x: Any, weight: Any, bias: Any) -> Uncertain:
        x, weight, bias = uncertain(x), uncertain(weight), uncertain(bias)
        sizes = np.abs(x.value) @ np.abs(weight.value).T + np.abs(bias.value)
        error = self.errors.join(
            self.errors.through(weight.value, x.error.T).T, self.errors.summing(x.value.shape[-1] + 1, sizes)
        )
        return Uncertain(x.value @ weight.value.T + bias.value, error)

    # Sums and scalings

    def add(self, a: Any, b: Any) -> Uncertain:
        a, b = uncertain(a), uncertain(b)
        return self.errors.basic(a.value + b.value, a.settled & b.settled, a.error, b.error)

    def add_all(self, parts: Any, bias: Any) -> Uncertain:
        parts = uncertain(parts)
        sizes = np.abs(parts.value).sum(axis=1) + np.abs(bias)
        error = self.errors.join(
            self.errors.total(parts.error, axis=1), self.errors.summing(parts.value.shape[1], sizes)
        )
        return Uncertain(parts.value.sum(axis=1) + np.asarray(bias), error)

    def divide(self, x: Any, divisor: float) -> Uncertain:
        x = uncertain(x)
        return self.errors.basic(x.value / divisor, x.settled, x.error / abs(divisor))

    # Layer norm

    def mean(self, x: Any) -> Uncertain:
        """The terms are added up, and divided."""
        x = uncertain(x)
        n = x.value.shape[-1]
        rounding = self.errors.summing(n, np.abs(x.value).sum(axis=-1, keepdims=True))
        error = self.errors.join(self.errors.total(x.error, -1, keepdims=True), rounding) / n
        return Uncertain(x.value.mean(axis=-1, keepdims=True), error)

    def variance(self, x: Any, mean: Any) -> Uncertain:
        """An error of the mean hardly counts: around another point c the mean square is only (c - mean)² larger."""
        x, mean = uncertain(x), uncertain(mean)
        n, centred = x.value.shape[-1], x.value - mean.value
        squares = np.square(centred).sum(axis=-1, keepdims=True)
        shifted = 2 * np.abs(centred.mean(axis=-1, keepdims=True)) * mean.error + np.square(mean.error)
        errors = 2 * np.abs(centred) * x.error + np.square(x.error)
        same = x.settled.all() and mean.settled.all()  # what is squared has two roundings, else; the square another
        rounding = self.errors.summing(n + (1 if same else 3), squares)
        error = self.errors.join(self.errors.join(self.errors.total(errors, -1, keepdims=True), rounding) / n, shifted)
        return Uncertain(squares / n, error)

    def standard_deviation(self, variance: Any, epsilon: float) -> Uncertain:
        variance = uncertain(variance)
        square = variance.value + epsilon
        scale = np.sqrt(square)
        least = np.sqrt(np.maximum(square - variance.error, 0))  # the root is steepest there
        passed_on = variance.error / np.where(scale > 0, scale + least, 1)
        rounding = (0.5 + self.root) * self.unit * scale  # half of what the sum is off
        return Uncertain(scale, self.errors.join(passed_on, rounding), variance.settled & self.root_settled)

    def normalize(self, x: Any, mean: Any, scale: Any) -> Uncertain:
        x, mean, scale = uncertain(x), uncertain(mean), uncertain(scale)
        value = (x.value - mean.value) / scale.value
        settled = x.settled & mean.settled & scale.settled
        return self.errors.basic(value, settled, *_normalized(value, x, mean, scale), times=2)

    def scale_and_shift(self, x: Any, gamma: Any, beta: Any) -> Uncertain:
        """Two roundings, or one: it is not settled."""
        x, gamma = uncertain(x), np.asarray(gamma)
        product = self.errors.basic(x.value * gamma, False, x.error * np.abs(gamma))
        return self.errors.basic(product.value + np.asarray(beta), False, product.error)

    # Attention

    def causal_mask(self, scores: Any) -> Uncertain:
        scores = uncertain(scores)
        masked = array_ops.causal_mask(scores.value)
        hidden = np.isinf(masked)
        return Uncertain(masked, np.where(hidden, 0.0, scores.error), scores.settled | hidden)

    def softmax(self, scores: Any) -> Uncertain:
        return self._softmax(uncertain(scores), 1, LIBRARY_ULPS)

    def _softmax(self, scores: Uncertain, exponentials: int, ulps: float) -> Uncertain:
        """Every share is a product of so many exponentials, over their sum."""
        value = array_ops.softmax(scores.value)
        below = scores.value.max(axis=-1, keepdims=True) - scores.value
        moved = self.errors.join(scores.error, self.unit * np.where(np.isinf(below), 0.0, below))
        own = np.where(value > 0, self.errors.join(moved, 2 * ulps * exponentials * self.unit), 0.0)
        common = self.errors.total(value * own, -1, keepdims=True)
        relative = self.errors.join(own, common, self.errors.summing(value.shape[-1] + 2 * exponentials - 1, 1.0))
        return Uncertain(value, value * relative + 4 * self.tiny)

    # Activations

    def activate(self, x: Any, activation: str) -> Uncertain:
        """Errors in x, and those of evaluating the function: of its library function, and of a few basic operations."""
        x = uncertain(x)
        value = array_ops.activate(x.value, activation)
        if activation == "relu":
            return Uncertain(value, x.error, x.settled)
        if activation.startswith("gelu"):
            rounding = _in_gelu(x.value, value, exact=activation == "gelu")
        else:
            rounding = (2 * LIBRARY_ULPS + 5) * np.abs(value)
        return Uncertain(value, self.errors.join(STEEPEST * x.error, self.unit * rounding + 4 * self.tiny))

    # Rearranging

    def take(self, matrix: Any, rows: Sequence[int]) -> Uncertain:
        return uncertain(np.asarray(matrix)[list(rows)])

    def transpose(self, matrix: Any) -> Uncertain:
        return uncertain(matrix).rearranged(lambda array: array.T)

    def concatenate(self, a: Any, b: Any) -> Uncertain:
        return _together(np.concatenate, [a, b])

    def split_heads(self, x: Any, n_head: int) -> Uncertain:
        return uncertain(x).rearranged(lambda array: array_ops.split_heads(array, n_head))

    def merge_heads(self, x: Any) -> Uncertain:
        return uncertain(x).rearranged(array_ops.merge_heads)

    def split_columns(self, x: Any, parts: int) -> list[Uncertain]:
        x = uncertain(x)
        split = (array_ops.split_columns(array, parts) for array in (x.value, x.error, x.settled))
        return [Uncertain(*part) for part in zip(*split)]

    def swap(self, x: Any) -> Uncertain:
        return uncertain(x).rearranged(lambda array: np.swapaxes(array, 0, 1))

    def stack(self, matrices: Sequence[Any]) -> Uncertain:
        return _together(np.stack, matrices)


def _together(join: Callable[[list[Array]], Array], parts: Sequence[Any]) -> Uncertain:
    found = [uncertain(part) for part in parts]
    return Uncertain(
        join([part.value for part in found]),
        join([part.error for part in found]),
        join([part.settled for part in found]),
    )


def _normalized(value: Array, x: Uncertain, mean: Uncertain, scale: Uncertain) -> tuple[Array, Array, Array]:
    """The error of (x - mean) / scale that comes from the errors of x, of its mean and of its scale."""
    smallest = np.where(scale.value > scale.error, scale.value - scale.error, scale.value)
    moved = mean.error / smallest + np.zeros_like(value)
    return x.error / smallest, moved, np.abs(value) * scale.error / smallest


def _in_gelu(x: Array, value: Array, exact: bool) -> Array:
    """Rounding in x/2 · (1 + f(w)), in units of roundoff: of f, of w before it, and afterwards.

    w · f'(w) says how much of a relative error of w comes out. w is rounded at most 14 times: 4 times as constants and
    factors, and where it is of x + 0.044715 x³, by a power of the library and in two more operations. erf'(w) is
    1.13 exp(-w²), tanh'(w) at most 4 exp(-2w).
    """
    size = np.abs(x)
    if exact:
        w = np.minimum(size / math.sqrt(2), 30)
        passed = 4 * 1.13 * w * np.exp(-w * w)
    else:
        w = np.minimum(math.sqrt(2 / math.pi) * (size + 0.044715 * np.minimum(size, 100.0) ** 3), 300)
        passed = 14 * w * np.minimum(1, 4 * np.exp(-2 * w))
    return size / 2 * (2 * LIBRARY_ULPS + 1 + passed) + 4 * np.abs(value)


class Torch(Rounding):
    """PyTorch's own operations: its sqrt may be a unit in the last place off."""

    root = 2.0
    root_settled = False


class Brain(Torch):
    """PyTorch's own operations in bfloat16: a sum is added up in float32, and rounded when it is done."""

    def __init__(self, independent: bool = False) -> None:
        super().__init__(BRAIN, independent)
        self.errors = _InSingle(BRAIN, independent)


class _InSingle(Errors):
    """Sums in float32, whose terms and results are rounded to another precision a few times."""

    often = 5  # of a variance: a difference, its square, the sum, the quotient, and once more

    def summing(self, n: int, sizes: Array) -> Array:
        return Errors(SINGLE, self.independent).summing(n, sizes) + self.often * self.unit * sizes


class Kernels(Torch):
    """PyTorch's fused kernels, layer_norm and scaled_dot_product_attention, and the models that are made of them.

    layer_norm updates mean and variance number by number (Welford 1962), and multiplies by a reciprocal. Attention
    multiplies the scores by a rounded scale, or both of their factors by its root; and it takes the keys in blocks,
    each relative to the largest score up to there, so that a share is the product of several exponentials.
    """

    block = 32  # keys, at the least

    def matmul_transposed(self, a: Any, b: Any) -> Uncertain:
        a, b = uncertain(a), uncertain(b)
        return self.errors.product(a, b, a.value.shape[-1] + 4)  # two factors, each times a root that was rounded

    def divide(self, x: Any, divisor: float) -> Uncertain:
        """A power, a quotient and a product in place of one division."""
        x = uncertain(x)
        return self.errors.basic(x.value / divisor, False, x.error / abs(divisor), times=6)

    def mean(self, x: Any) -> Uncertain:
        """mean += (number - mean) · (1/k): three roundings of the step, and one of the mean itself."""
        x = uncertain(x)
        sizes, n = np.abs(x.value), x.value.shape[-1]
        rounding = self.errors.summing(n + 4, sizes.sum(axis=-1, keepdims=True)) / n
        steps = 3 * self.unit * (sizes.mean(axis=-1, keepdims=True) + sizes.max(axis=-1, keepdims=True))
        error = self.errors.join(self.errors.total(x.error, -1, keepdims=True) / n, rounding, steps)
        return Uncertain(x.value.mean(axis=-1, keepdims=True), error)

    def variance(self, x: Any, mean: Any) -> Uncertain:
        """The sum of (number - mean before) · (number - mean after): errors of the means on the way do count.

        The squares of the first factors add up to twice the sum at the most, those of the second to no more.
        """
        x, mean = uncertain(x), uncertain(mean)
        n, centred = x.value.shape[-1], x.value - mean.value
        squares = np.square(centred).sum(axis=-1, keepdims=True)
        on_the_way = mean.error + 6 * self.unit * np.abs(x.value).max(axis=-1, keepdims=True)
        spread = np.sqrt(squares / n)
        errors = 2 * np.abs(centred) * x.error + np.square(x.error)
        rounding = self.errors.summing(n + 6, squares)
        means = math.sqrt(8) * spread * on_the_way
        error = self.errors.join(self.errors.join(self.errors.total(errors, -1, keepdims=True), rounding) / n, means)
        return Uncertain(squares / n, error + np.square(on_the_way))

    def standard_deviation(self, variance: Any, epsilon: float) -> Uncertain:
        """Its reciprocal is rounded once more."""
        scale = super().standard_deviation(variance, epsilon)
        return Uncertain(scale.value, self.errors.join(scale.error, self.unit * scale.value))

    def normalize(self, x: Any, mean: Any, scale: Any) -> Uncertain:
        """(x - mean) / scale, or x / scale - mean / scale."""
        x, mean, scale = uncertain(x), uncertain(mean), uncertain(scale)
        value = (x.value - mean.value) / scale.value
        parts = self.unit * (np.abs(x.value) + np.abs(mean.value)) / scale.value
        return self.errors.basic(value, False, *_normalized(value, x, mean, scale), parts)

    def softmax(self, scores: Any) -> Uncertain:
        scores = uncertain(scores)
        exponentials = 1 + math.ceil(scores.value.shape[-1] / self.block)
        return self._softmax(scores, exponentials, LIBRARY_ULPS if self.unit == DOUBLE else 20)


@dataclass(frozen=True)
class Pair:
    """Two programs that are compared, each with its own rounding."""

    ours: Rounding
    theirs: Rounding

    def tolerance(self, ours: Any, theirs: Any) -> Array:
        """How far apart two correct results may be; not at all where both programs must have the same bits."""
        ours, theirs = uncertain(ours), uncertain(theirs)
        error = (ours.error + theirs.error) * (CONFIDENCE if self.ours.independent else 1)
        same = ours.settled & theirs.settled & (self.ours.unit == self.theirs.unit)
        return np.where(same, 0.0, error)
