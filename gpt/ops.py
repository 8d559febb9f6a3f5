"""The laws of physics: every operation of GPT-2, written out over plain Python lists.

A vector is a list of floats, a matrix a list of rows, a tensor a list of matrices. Nothing is ever changed in place, so
a value that somebody recorded stays what it was.

This module is the default arithmetic of the model. Another one that offers the same functions (over arrays, say) can
take its place: `GPT(config, weights, ops=...)`.
"""

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Any

Vector = Sequence[float]
Matrix = Sequence[Vector]
Tensor = Sequence[Matrix]

Arithmetic = Any
"""This module, or whatever offers the same functions."""

if hasattr(math, "sumprod"):  # Python 3.12 and later: one call in C, and rounded only once
    dot: Callable[[Vector, Vector], float] = math.sumprod
else:

    def dot(a: Vector, b: Vector) -> float:  # [n], [n] -> one number
        """Multiply pairwise and add up: dot([1, 2], [3, 4]) = 1·3 + 2·4 = 11."""
        return sum(map(mul, a, b))


# Products of matrices


def matmul_transposed(a: Matrix, b: Matrix) -> list[list[float]]:  # [n, k], [m, k] -> [n, m]
    """a · bᵀ: the dot product of every row of a with every row of b.

    matmul_transposed([[1, 2]], [[3, 4], [5, 6]]) = [[11, 17]]
    """
    return [[dot(row, other) for other in b] for row in a]


def matmul(a: Matrix, b: Matrix) -> list[list[float]]:  # [n, k], [k, m] -> [n, m]
    """a · b: the dot product of every row of a with every column of b.

    matmul([[1, 2]], [[3, 5], [4, 6]]) = [[11, 17]]
    """
    return matmul_transposed(a, transpose(b))


def linear(x: Matrix, weight: Matrix, bias: Vector) -> list[list[float]]:  # [T, n], [m, n], [m] -> [T, m]
    """x · Wᵀ + b: each output is one dot product and one bias.

    linear([[1, 2]], [[3, 4]], [0.5]) = [[11.5]]
    """
    return [[dot(row, w) + b for w, b in zip(weight, bias)] for row in x]


# Sums and scalings


def add(a: Matrix, b: Matrix) -> list[list[float]]:  # [T, d], [T, d] -> [T, d]
    """a + b, number by number: add([[1, 2]], [[3, 4]]) = [[4, 6]]."""
    return [[x + y for x, y in zip(row, other)] for row, other in zip(a, b)]


def add_all(parts: Tensor, bias: Vector) -> list[list[float]]:  # [T, H, d], [d] -> [T, d]
    """For every position the sum of its rows, and the bias: add_all([[[1, 2], [3, 4]]], [0, 1]) = [[4, 7]]."""
    return [[sum(column) + b for column, b in zip(zip(*rows), bias)] for rows in parts]


def divide(x: Tensor, divisor: float) -> list[list[list[float]]]:  # [H, T, S] -> [H, T, S]
    """Every number over the same divisor: divide([[[2, 4]]], 2) = [[[1, 2]]]."""
    return [[[value / divisor for value in row] for row in matrix] for matrix in x]


# Layer norm, in its steps


def mean(x: Matrix) -> list[list[float]]:  # [T, d] -> [T, 1]
    """The mean of each row: mean([[1, 3]]) = [[2]]."""
    return [[sum(row) / len(row)] for row in x]


def variance(x: Matrix, mean: Matrix) -> list[list[float]]:  # [T, d], [T, 1] -> [T, 1]
    """The biased variance of each row (divided by d, not d - 1): variance([[1, 3]], [[2]]) = [[1]]."""
    centred = [[value - mu for value in row] for row, (mu,) in zip(x, mean)]
    return [[dot(row, row) / len(row)] for row in centred]


def standard_deviation(variance: Matrix, epsilon: float) -> list[list[float]]:  # [T, 1] -> [T, 1]
    """sqrt(variance + epsilon), where epsilon keeps a constant row from dividing by zero."""
    return [[math.sqrt(value + epsilon) for value in row] for row in variance]


def normalize(x: Matrix, mean: Matrix, scale: Matrix) -> list[list[float]]:  # [T, d], [T, 1], [T, 1] -> [T, d]
    """Each row shifted to mean 0 and shrunk to variance 1: normalize([[1, 3]], [[2]], [[1]]) = [[-1, 1]]."""
    return [[(value - mu) / sigma for value in row] for row, (mu,), (sigma,) in zip(x, mean, scale)]


def scale_and_shift(x: Matrix, gamma: Vector, beta: Vector) -> list[list[float]]:  # [T, d], [d], [d] -> [T, d]
    """x · gamma + beta, dimension by dimension: scale_and_shift([[-1, 1]], [2, 3], [0, 1]) = [[-2, 4]]."""
    return [[value * g + b for value, g, b in zip(row, gamma, beta)] for row in x]


# Attention


def causal_mask(scores: Tensor) -> list[list[list[float]]]:  # [H, T, S] -> [H, T, S]
    """-inf wherever a position would look at a later one; the last row of scores belongs to the last position.

    causal_mask([[[1, 2], [3, 4]]]) = [[[1, -inf], [3, 4]]]
    """
    return [[_mask(row, last) for last, row in enumerate(head, len(head[0]) - len(head))] for head in scores]


def _mask(row: Vector, last: int) -> list[float]:
    """The scores up to and with `last`; nothing can listen to what comes after."""
    return [*row[: last + 1], *[-math.inf] * (len(row) - last - 1)]


def softmax(scores: Tensor) -> list[list[list[float]]]:  # [H, T, S] -> [H, T, S]
    """Each row of scores as a row of probabilities."""
    return [[softmax_row(row) for row in head] for head in scores]


def softmax_row(scores: Vector) -> list[float]:  # [n] -> [n]
    """exp(score) over the sum of them all: positive, and adding up to 1. softmax_row([0, log 3]) = [0.25, 0.75]

    The largest score is taken off first, which changes no ratio and keeps exp from overflowing.
    """
    largest = max(scores)
    exps = [math.exp(score - largest) for score in scores]
    total = sum(exps)
    return [value / total for value in exps]


# Activations: one number in, one number out


def gelu_new(x: float) -> float:
    """GELU in its tanh form, GPT-2's own. Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2."""
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
    """The rows of those numbers: take([[1], [2], [3]], [2, 0]) = [[3], [1]]."""
    return [list(matrix[row]) for row in rows]


def transpose(matrix: Matrix) -> list[Vector]:  # [n, m] -> [m, n]
    """Rows become columns: transpose([[1, 2], [3, 4]]) = [(1, 3), (2, 4)]."""
    return list(zip(*matrix))


def concatenate(a: Sequence, b: Sequence) -> list:  # [P, ...], [T, ...] -> [P + T, ...]
    """The rows of a, then those of b."""
    return [*a, *b]


def split_heads(x: Matrix, n_head: int) -> list[list[Vector]]:  # [T, H·e] -> [T, H, e]
    """Each row cut into one piece for each head: split_heads([[1, 2, 3, 4]], 2) = [[[1, 2], [3, 4]]]."""
    width = len(x[0]) // n_head
    return [[row[start : start + width] for start in range(0, len(row), width)] for row in x]


def merge_heads(x: Tensor) -> list[list[float]]:  # [T, H, e] -> [T, H·e]
    """The pieces of each row end to end, what split_heads undoes: merge_heads([[[1, 2], [3, 4]]]) = [[1, 2, 3, 4]]."""
    return [[value for head in heads for value in head] for heads in x]


def split_columns(x: Matrix, parts: int) -> list[list[Vector]]:  # [T, parts·d] -> parts x [T, d]
    """The matrix cut into that many side by side: split_columns([[1, 2, 3]], 3) = [[[1]], [[2]], [[3]]]."""
    width = len(x[0]) // parts
    return [[row[part * width : (part + 1) * width] for row in x] for part in range(parts)]


def swap(x: Tensor) -> list[list[Vector]]:  # [A, B, e] -> [B, A, e]
    """The first two axes exchanged: rows by position become rows by head, and back."""
    return [list(rows) for rows in zip(*x)]


def stack(matrices: Sequence[Matrix]) -> list[Matrix]:  # H x [T, S] -> [H, T, S]
    """Matrices of one shape as one tensor; for lists there is nothing to do."""
    return list(matrices)
