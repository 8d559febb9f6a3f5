"""How far apart two correct computations can be: the arithmetic of rounding errors.

The tolerances of `gpt-explorer verify` are computed, not chosen. `Rounding` offers the functions of `gpt.ops` on pairs
of a value and a bound: how far two programs that both follow the formula may be apart there. Handed to the same forward
pass, `GPT(config, weights, ops=Rounding())`, it gives every intermediate number a tolerance of its own.

With u the unit roundoff (2^-53 in float64, 2^-24 in float32), for each of the two programs:

    a basic operation (+ - * /)        is rounded correctly (IEEE 754): the same inputs give the same bits, tolerance 0;
                                       inputs that differ may be rounded differently, by u · |result| each
    a sum of n products, in any order  is off by at most n·u/(1 - n·u) · sum |products|
                                       (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1)
    sqrt                               is too in Python and NumPy; PyTorch's can be a unit in the last place off
    exp, tanh, erf                     come from a library: at most 4 units in the last place (NumPy 1.22's limit)
    an error in the input              is multiplied by the derivative: |W| for a product, 1/scale in a layer norm, ...

These add up to the worst case. Through many blocks the worst case grows beyond all use, since it supposes that every
rounding error pushes the same way. For the whole model they are taken as independent: squares are added, a sum of n
counts sqrt(n), and the result is multiplied by CONFIDENCE = 8, past which an independent error falls with a probability
below 1e-13 (Higham and Mary 2019, doi:10.1137/18M1226312).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from explorer import numpy_ops

Array = Any

DOUBLE, SINGLE = 2.0**-53, 2.0**-24
LIBRARY_ULPS = 4
CONFIDENCE = 8
TINY = 2.0**-1022  # below it a number loses digits, or is flushed to zero
STEEPEST = 1.13  # no activation of gpt.ops is steeper, gelu at 1.41


class Uncertain:
    """Values, and how far two programs may be apart at each; with an array's axes."""

    def __init__(self, value: Array, error: Array = 0.0) -> None:
        self.value = np.asarray(value, dtype=np.float64)
        self.error = np.broadcast_to(np.asarray(error, dtype=np.float64), self.value.shape)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> "Uncertain":
        return Uncertain(self.value[index], self.error[index])

    def __iter__(self) -> Iterator["Uncertain"]:
        return (self[index] for index in range(len(self)))


def uncertain(x: Any) -> Uncertain:
    """Plain arrays are certain."""
    return x if isinstance(x, Uncertain) else Uncertain(x)


class Rounding:
    """The functions of `gpt.ops` on `Uncertain` values.

    `units` are those of the two programs; `independent` adds squares instead of supposing the worst; `same` says that
    basic operations on the same inputs give the same bits, which they do where both work in one precision.
    """

    def __init__(self, units: tuple[float, float] = (DOUBLE, DOUBLE), independent: bool = False) -> None:
        self.both = sum(units)  # what one rounding in each of the two can be apart
        self.same = units[0] == units[1]
        self.independent = independent

    def tolerance(self, x: Uncertain) -> Array:
        """How far apart two correct results may be."""
        return x.error * CONFIDENCE if self.independent else x.error

    # How errors come together

    def _join(self, *errors: Array) -> Array:
        if self.independent:
            return np.sqrt(sum(np.square(error) for error in errors))
        return sum(errors)

    def _through(self, weights: Array, errors: Array) -> Array:  # [n, k], [k, m] -> [n, m]
        """Errors that pass through a product: each times the size of what it is multiplied by."""
        if not np.any(errors):
            return np.zeros((*np.shape(weights)[:-1], np.shape(errors)[-1]))
        if self.independent:
            return np.sqrt(np.square(weights) @ np.square(errors))
        return np.abs(weights) @ errors

    def _summing(self, n: int, sizes: Array) -> Array:
        """The rounding of a sum of n products whose sizes add up to `sizes`."""
        terms = math.sqrt(n) if self.independent else n / (1 - n * self.both)
        return terms * self.both * sizes + n * TINY

    def _basic(self, value: Array, *errors: Array) -> Uncertain:
        """A basic operation: rounded alike where its inputs are the same."""
        error = self._join(*errors)
        rounding = np.where((error > 0) | (not self.same), self.both * np.abs(value), 0.0)
        return Uncertain(value, self._join(error, rounding))

    # Products of matrices

    def matmul_transposed(self, a: Any, b: Any) -> Uncertain:
        a, b = uncertain(a), uncertain(b)
        sizes = np.abs(a.value) @ np.abs(b.value).T
        error = self._join(
            self._through(a.value, b.error.T),
            self._through(b.value, a.error.T).T,
            self._summing(a.value.shape[-1], sizes),
        )
        return Uncertain(a.value @ b.value.T, error)

    def matmul(self, a: Any, b: Any) -> Uncertain:
        return self.matmul_transposed(a, self.transpose(b))

    def linear(self, x: Any, weight: Any, bias: Any) -> Uncertain:
        x, weight, bias = uncertain(x), uncertain(weight), uncertain(bias)
        sizes = np.abs(x.value) @ np.abs(weight.value).T + np.abs(bias.value)
        error = self._join(self._through(weight.value, x.error.T).T, self._summing(x.value.shape[-1] + 1, sizes))
        return Uncertain(x.value @ weight.value.T + bias.value, error)

    # Sums and scalings

    def add(self, a: Any, b: Any) -> Uncertain:
        a, b = uncertain(a), uncertain(b)
        return self._basic(a.value + b.value, a.error, b.error)

    def add_all(self, parts: Any, bias: Any) -> Uncertain:
        parts = uncertain(parts)
        sizes = np.abs(parts.value).sum(axis=1) + np.abs(bias)
        errors = self._total(parts.error, axis=1)
        error = self._join(errors, self._summing(parts.value.shape[1] + 1, sizes))
        return Uncertain(parts.value.sum(axis=1) + np.asarray(bias), error)

    def divide(self, x: Any, divisor: float) -> Uncertain:
        x = uncertain(x)
        return self._basic(x.value / divisor, x.error / abs(divisor))

    def _total(self, errors: Array, axis: int, keepdims: bool = False) -> Array:
        if self.independent:
            return np.sqrt(np.square(errors).sum(axis=axis, keepdims=keepdims))
        return errors.sum(axis=axis, keepdims=keepdims)

    # Layer norm

    def mean(self, x: Any) -> Uncertain:
        x = uncertain(x)
        n = x.value.shape[-1]
        rounding = self._summing(n, np.abs(x.value).sum(axis=-1, keepdims=True))
        error = self._join(self._total(x.error, -1, keepdims=True), rounding) / n
        return Uncertain(x.value.mean(axis=-1, keepdims=True), error)

    def variance(self, x: Any, mean: Any) -> Uncertain:
        x, mean = uncertain(x), uncertain(mean)
        centred = self._basic(x.value - mean.value, x.error, np.broadcast_to(mean.error, x.error.shape))
        n = x.value.shape[-1]
        squares = np.square(centred.value).sum(axis=-1, keepdims=True)
        errors = 2 * np.abs(centred.value) * centred.error + np.square(centred.error)
        error = self._join(self._total(errors, -1, keepdims=True), self._summing(n + 1, squares)) / n
        return Uncertain(squares / n, error)

    def standard_deviation(self, variance: Any, epsilon: float) -> Uncertain:
        variance = uncertain(variance)
        scale = np.sqrt(variance.value + epsilon)
        passed_on = variance.error / np.where(scale > 0, 2 * scale, 1)
        return Uncertain(scale, self._join(passed_on, self.both * scale))

    def normalize(self, x: Any, mean: Any, scale: Any) -> Uncertain:
        x, mean, scale = uncertain(x), uncertain(mean), uncertain(scale)
        value = (x.value - mean.value) / scale.value
        return self._basic(
            value,
            x.error / scale.value,
            mean.error / scale.value + np.zeros_like(value),
            np.abs(value) * scale.error / scale.value,
        )

    def scale_and_shift(self, x: Any, gamma: Any, beta: Any) -> Uncertain:
        x, gamma = uncertain(x), np.asarray(gamma)
        product = self._basic(x.value * gamma, x.error * np.abs(gamma))
        return self._basic(product.value + np.asarray(beta), product.error)

    # Attention

    def causal_mask(self, scores: Any) -> Uncertain:
        scores = uncertain(scores)
        masked = numpy_ops.causal_mask(scores.value)
        return Uncertain(masked, np.where(np.isinf(masked), 0.0, scores.error))

    def softmax(self, scores: Any) -> Uncertain:
        scores = uncertain(scores)
        value = numpy_ops.softmax(scores.value)
        below = scores.value.max(axis=-1, keepdims=True) - scores.value
        moved = self._basic(np.where(np.isinf(below), 0.0, below), scores.error).error
        own = np.where(value > 0, self._join(moved, self.both * 2 * LIBRARY_ULPS), 0.0)
        common = self._total(value * own, -1, keepdims=True)
        relative = self._join(own, common, self._summing(value.shape[-1] + 1, 1.0))
        return Uncertain(value, value * relative + TINY)

    # Activations

    def activate(self, x: Any, activation: str) -> Uncertain:
        """Errors in x, and those of evaluating the function: its library function's and about eight roundings."""
        x = uncertain(x)
        size, value = np.abs(x.value), numpy_ops.activate(x.value, activation)
        if activation == "relu":
            return Uncertain(value, x.error)
        if activation.startswith("gelu"):
            # x/2 · (1 + f(w)), |f| <= 1: four roundings before f reach it by w · f'(w) <= 4w · exp(-w)
            inner = np.abs(math.sqrt(2 / math.pi) * (x.value + 0.044715 * x.value**3))
            argument = inner if activation != "gelu" else size / math.sqrt(2)
            slope = 4 * 4 * argument * np.exp(-np.minimum(argument, 300))
            rounding = self.both * (size / 2) * (2 * LIBRARY_ULPS + 2 + slope) + 8 * self.both * np.abs(value)
        else:
            rounding = self.both * np.abs(value) * (2 * LIBRARY_ULPS + 8)
        return Uncertain(value, self._join(STEEPEST * x.error, rounding + TINY))

    # Rearranging

    def take(self, matrix: Any, rows: Sequence[int]) -> Uncertain:
        return uncertain(np.asarray(matrix)[list(rows)])

    def transpose(self, matrix: Any) -> Uncertain:
        matrix = uncertain(matrix)
        return Uncertain(matrix.value.T, matrix.error.T)

    def concatenate(self, a: Any, b: Any) -> Uncertain:
        a, b = uncertain(a), uncertain(b)
        return Uncertain(np.concatenate([a.value, b.value]), np.concatenate([a.error, b.error]))

    def split_heads(self, x: Any, n_head: int) -> Uncertain:
        x = uncertain(x)
        return Uncertain(numpy_ops.split_heads(x.value, n_head), numpy_ops.split_heads(x.error, n_head))

    def merge_heads(self, x: Any) -> Uncertain:
        x = uncertain(x)
        return Uncertain(numpy_ops.merge_heads(x.value), numpy_ops.merge_heads(x.error))

    def split_columns(self, x: Any, parts: int) -> list[Uncertain]:
        x = uncertain(x)
        values, errors = (numpy_ops.split_columns(part, parts) for part in (x.value, x.error))
        return [Uncertain(value, error) for value, error in zip(values, errors)]

    def swap(self, x: Any) -> Uncertain:
        x = uncertain(x)
        return Uncertain(np.swapaxes(x.value, 0, 1), np.swapaxes(x.error, 0, 1))

    def stack(self, matrices: Sequence[Any]) -> Uncertain:
        parts = [uncertain(matrix) for matrix in matrices]
        return Uncertain(np.stack([part.value for part in parts]), np.stack([part.error for part in parts]))
