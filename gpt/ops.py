"""Every operation of GPT-2, written out over plain Python lists.

A vector is a list of floats, a matrix a list of rows, a tensor a list of matrices. Nothing is ever changed in place, so
a value that somebody recorded stays what it was. Letters in shapes that model.py does not list are any size.

This module is the default arithmetic of the model. Another one that offers the same functions (over arrays, say) can
take its place: `Arithmetic`, at the end, lists them.
"""

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Any, Protocol

Vector = Sequence[float]
Matrix = Sequence[Vector]
Tensor = Sequence[Matrix]


# Products: nearly all of GPT-2's time is spent in `dot`


def dot(a: Vector, b: Vector) -> float:  # [n], [n] -> one number
    """Multiply pairwise and add up.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    total = 0.0
    for x, y in zip(a, b):
        total += x * y
    return total


def matmul_transposed(a: Matrix, b: Matrix) -> list[list[float]]:  # [a, n], [b, n] -> [a, b]
    """a · bᵀ: the dot product of every row of a with every row of b.

    >>> matmul_transposed([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])
    [[11.0, 17.0]]
    """
    return [[dot(row, other) for other in b] for row in a]


def matmul(a: Matrix, b: Matrix) -> list[list[float]]:  # [a, n], [n, b] -> [a, b]
    """a · b: the dot product of every row of a with every column of b.

    >>> matmul([[1.0, 2.0]], [[3.0, 5.0], [4.0, 6.0]])
    [[11.0, 17.0]]
    """
    return matmul_transposed(a, transpose(b))


def linear(x: Matrix, weight: Matrix, bias: Vector) -> list[list[float]]:  # [T, n], [b, n], [b] -> [T, b]
    """x · Wᵀ + bias: each of the b outputs is one dot product and one bias.

    >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5])
    [[11.5]]
    """
    return [[dot(row, w) + b for w, b in zip(weight, bias)] for row in x]


# Sums and scalings


def add(a: Matrix, b: Matrix) -> list[list[float]]:  # [T, d], [T, d] -> [T, d]
    """a + b, number by number."""
    return [[x + y for x, y in zip(row, other)] for row, other in zip(a, b)]


def add_all(parts: Tensor, bias: Vector) -> list[list[float]]:  # [T, H, d], [d] -> [T, d]
    """For every position the sum of its rows, and the bias.

    >>> add_all([[[1, 2], [3, 4]]], [0, 1])
    [[4, 7]]
    """
    return [[sum(column) + b for column, b in zip(zip(*rows), bias)] for rows in parts]


def divide(x: Tensor, divisor: float) -> list[list[list[float]]]:  # [H, T, S] -> [H, T, S]
    """Every number over the same divisor."""
    return [[[value / divisor for value in row] for row in matrix] for matrix in x]


# Layer norm, in its steps


def mean(x: Matrix) -> list[list[float]]:  # [T, d] -> [T, 1]
    """The mean of each row.

    >>> mean([[0, 0, 2, 2]])
    [[1.0]]
    """
    return [[sum(row) / len(row)] for row in x]


def variance(x: Matrix, means: Matrix) -> list[list[float]]:  # [T, d], [T, 1] -> [T, 1]
    """The mean squared distance of each row from its mean. (It is divided by d, not by d - 1.)

    >>> variance([[0, 0, 2, 2]], [[1.0]])
    [[1.0]]
    """
    centred = [[value - mu for value in row] for row, (mu,) in zip(x, means)]
    return [[dot(row, row) / len(row)] for row in centred]


def standard_deviation(variances: Matrix, epsilon: float) -> list[list[float]]:  # [T, 1] -> [T, 1]
    """sqrt(variance + epsilon); an epsilon above 0 keeps a constant row from being divided by zero.

    >>> standard_deviation([[3.0]], 1.0)
    [[2.0]]
    """
    return [[math.sqrt(value + epsilon) for value in row] for row in variances]


def normalize(x: Matrix, means: Matrix, scales: Matrix) -> list[list[float]]:  # [T, d], [T, 1], [T, 1] -> [T, d]
    """Each row shifted to mean 0 and brought to variance 1.

    >>> normalize([[0, 0, 2, 2]], [[1.0]], [[1.0]])
    [[-1.0, -1.0, 1.0, 1.0]]
    """
    return [[(value - mu) / sigma for value in row] for row, (mu,), (sigma,) in zip(x, means, scales)]


def scale_and_shift(x: Matrix, gamma: Vector, beta: Vector) -> list[list[float]]:  # [T, d], [d], [d] -> [T, d]
    """x · gamma + beta, dimension by dimension.

    >>> scale_and_shift([[-1, 1]], [2, 3], [0, 1])
    [[-2, 4]]
    """
    return [[value * g + b for value, g, b in zip(row, gamma, beta)] for row in x]


# Attention


def causal_mask(scores: Tensor) -> list[list[list[float]]]:  # [H, T, S] -> [H, T, S]
    """-inf wherever a position would look at a later one; the last row of scores belongs to the last position.

    In training every position of a text guesses the token after it, all at once, so none may see a later one. All steps
    outside attention work on one position alone. So nothing that is computed at a position depends on what comes later,
    and its cached keys and values stay valid.

    With one position in the cache, two new ones may look at two and at three positions:

    >>> causal_mask([[[1, 2, 3], [4, 5, 6]]])
    [[[1, 2, -inf], [4, 5, 6]]]
    """
    return [[_mask(row, last) for last, row in enumerate(head, len(head[0]) - len(head))] for head in scores]


def _mask(row: Vector, last: int) -> list[float]:
    """The scores up to and including `last`, and -inf for what comes after."""
    return [*row[: last + 1], *[-math.inf] * (len(row) - last - 1)]


def softmax(scores: Tensor) -> list[list[list[float]]]:  # [H, T, S] -> [H, T, S]
    """Each row of scores as a row of probabilities."""
    return [[softmax_row(row) for row in head] for head in scores]


def softmax_row(scores: Vector) -> list[float]:  # [n] -> [n]
    """exp(score) over the sum of them all: positive, and adding up to 1. A masked score becomes exactly 0.

    To subtract one number from all scores divides every exp, and their sum, by the same factor: no probability changes.
    So the largest is subtracted first. No exp is then above exp(0) = 1, and none overflows (exp(710) would).

    >>> softmax_row([0.0, math.log(3), -math.inf])
    [0.25, 0.75, 0.0]
    """
    largest = max(scores)
    exps = [math.exp(score - largest) for score in scores]
    total = sum(exps)
    return [value / total for value in exps]


# Activations: one number in, one number out


def gelu_new(x: float) -> float:
    """GELU in its tanh form, GPT-2's own, a smooth relu: nearly 0 below -3 and nearly x above 3.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.

    >>> [round(gelu_new(x), 3) for x in (-3, -1, 0, 1, 3)]
    [-0.004, -0.159, 0.0, 0.841, 2.996]
    """
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


def gelu(x: float) -> float:
    """x · Φ(x), Φ the normal distribution's cumulative function. Source: the same paper, equation 1."""
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def relu(x: float) -> float:
    """x where it is positive, else 0."""
    return max(x, 0.0)


def silu(x: float) -> float:
    """x · sigmoid(x). Source: Hendrycks and Gimpel 2016, section 2. Also known as swish."""
    # exp of a negative number only: exp(1000) would overflow
    return x / (1 + math.exp(-x)) if x >= 0 else x * math.exp(x) / (1 + math.exp(x))


def tanh(x: float) -> float:
    """The hyperbolic tangent."""
    return math.tanh(x)


ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "gelu_new": gelu_new,
    "gelu_pytorch_tanh": gelu_new,
    "gelu": gelu,
    "relu": relu,
    "silu": silu,
    "swish": silu,
    "tanh": tanh,
}


def activate(x: Matrix, activation: str) -> list[list[float]]:  # [T, m] -> [T, m]
    """The activation of that name (a key of ACTIVATIONS) on every number."""
    function = ACTIVATIONS[activation]
    return [[function(value) for value in row] for row in x]


# Rearranging: no arithmetic, only other lists of the same numbers


def take(matrix: Matrix, rows: Sequence[int]) -> list[list[float]]:  # [V, d], [T] -> [T, d]
    """The rows of those numbers: [2, 0] takes the third and the first."""
    return [list(matrix[row]) for row in rows]


def transpose(matrix: Matrix) -> list[Vector]:  # [a, b] -> [b, a]
    """Rows become columns."""
    return list(zip(*matrix))


def concatenate(a: Sequence, b: Sequence) -> list:  # [P, ...], [T, ...] -> [P + T, ...]
    """The rows of a, then those of b."""
    return [*a, *b]


def split_heads(x: Matrix, n_head: int) -> list[list[Vector]]:  # [T, H·e] -> [T, H, e]
    """Each row cut into one piece for each head.

    >>> split_heads([[1, 2, 3, 4]], 2)
    [[[1, 2], [3, 4]]]
    """
    width = len(x[0]) // n_head
    return [[row[start : start + width] for start in range(0, len(row), width)] for row in x]


def merge_heads(x: Tensor) -> list[list[float]]:  # [T, H, e] -> [T, H·e]
    """The pieces of each row end to end: the inverse of split_heads."""
    return [[value for head in heads for value in head] for heads in x]


def split_columns(x: Matrix, parts: int) -> list[list[Vector]]:  # [T, parts·d] -> parts x [T, d]
    """The matrix cut into that many, side by side: [[1, 2, 3]] into [[1]], [[2]] and [[3]]."""
    width = len(x[0]) // parts
    return [[row[part * width : (part + 1) * width] for row in x] for part in range(parts)]


def swap(x: Tensor) -> list[list[Vector]]:  # [a, b, n] -> [b, a, n]
    """The first two axes exchanged: rows by position become rows by head, and back."""
    return [list(rows) for rows in zip(*x)]


def stack(matrices: Sequence[Matrix]) -> list[Matrix]:  # H x [a, b] -> [H, a, b]
    """Matrices of one shape as one tensor; for lists there is nothing to do."""
    return list(matrices)


# What `dot` is when the model runs: faster than the loop above, which is there to be read


def mapped_dot(a: Vector, b: Vector) -> float:  # [n], [n] -> one number
    """The loop run by Python's own C code: the same products, added up in the same order."""
    return sum(map(mul, a, b))


looped_dot = dot
dot = getattr(math, "sumprod", mapped_dot)  # sumprod (Python 3.12 and later) rounds only once: the last digits differ


class Arithmetic(Protocol):
    """The operations that a model runs on: this module, or whatever offers the same functions over other values."""

    def matmul_transposed(self, a: Any, b: Any, /) -> Any: ...
    def matmul(self, a: Any, b: Any, /) -> Any: ...
    def linear(self, x: Any, weight: Any, bias: Any, /) -> Any: ...
    def add(self, a: Any, b: Any, /) -> Any: ...
    def add_all(self, parts: Any, bias: Any, /) -> Any: ...
    def divide(self, x: Any, divisor: float, /) -> Any: ...
    def mean(self, x: Any, /) -> Any: ...
    def variance(self, x: Any, means: Any, /) -> Any: ...
    def standard_deviation(self, variances: Any, epsilon: float, /) -> Any: ...
    def normalize(self, x: Any, means: Any, scales: Any, /) -> Any: ...
    def scale_and_shift(self, x: Any, gamma: Any, beta: Any, /) -> Any: ...
    def causal_mask(self, scores: Any, /) -> Any: ...
    def softmax(self, scores: Any, /) -> Any: ...
    def activate(self, x: Any, activation: str, /) -> Any: ...
    def take(self, matrix: Any, rows: Sequence[int], /) -> Any: ...
    def transpose(self, matrix: Any, /) -> Any: ...
    def concatenate(self, a: Any, b: Any, /) -> Any: ...
    def split_heads(self, x: Any, n_head: int, /) -> Any: ...
    def merge_heads(self, x: Any, /) -> Any: ...
    def split_columns(self, x: Any, parts: int, /) -> Any: ...
    def swap(self, x: Any, /) -> Any: ...
    def stack(self, matrices: Sequence[Any], /) -> Any: ...
