"""The operations of `gpt.ops` on NumPy arrays: the same names, the same shapes, another arithmetic.

Handed to the same forward pass, `GPT(config, weights, ops=numpy_ops)`, it is the second engine; set beside `gpt.ops`,
function by function, it verifies the first. The precision is that of the weights: float64 where they are, else float32.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]


def dot(a: ArrayLike, b: ArrayLike) -> float:  # [n], [n] -> one number
    """Multiply pairwise and add up."""
    return np.asarray(a) @ np.asarray(b)


# Products of matrices


def matmul_transposed(a: ArrayLike, b: ArrayLike) -> Array:  # [n, k], [m, k] -> [n, m]
    """a · bᵀ."""
    return np.asarray(a) @ np.asarray(b).T


def matmul(a: ArrayLike, b: ArrayLike) -> Array:  # [n, k], [k, m] -> [n, m]
    """a · b."""
    return np.asarray(a) @ np.asarray(b)


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> Array:  # [T, n], [m, n], [m] -> [T, m]
    """x · Wᵀ + b."""
    product = np.asarray(x) @ np.asarray(weight).T
    return np.add(product, np.asarray(bias), out=product)


# Sums and scalings


def add(a: ArrayLike, b: ArrayLike) -> Array:  # [T, d], [T, d] -> [T, d]
    """a + b."""
    return np.asarray(a) + np.asarray(b)


def add_all(parts: ArrayLike, bias: ArrayLike) -> Array:  # [T, H, d], [d] -> [T, d]
    """For every position the sum of its rows, and the bias."""
    return np.asarray(parts).sum(axis=1) + np.asarray(bias)


def divide(x: ArrayLike, divisor: float) -> Array:  # [H, T, S] -> [H, T, S]
    """Every number over the same divisor."""
    return np.asarray(x) / divisor


# Layer norm, in its steps


def mean(x: ArrayLike) -> Array:  # [T, d] -> [T, 1]
    """The mean of each row."""
    return _row_means(np.asarray(x))


def variance(x: ArrayLike, mean: ArrayLike) -> Array:  # [T, d], [T, 1] -> [T, 1]
    """The biased variance of each row."""
    apart = np.asarray(x) - np.asarray(mean)
    return _row_means(np.multiply(apart, apart, out=apart))


def _row_means(x: Array) -> Array:
    """`x.mean` without its checks: for one row they take longer than the sum."""
    return np.add.reduce(x, axis=-1, keepdims=True) / x.dtype.type(x.shape[-1])


def standard_deviation(variance: ArrayLike, epsilon: float) -> Array:  # [T, 1] -> [T, 1]
    """sqrt(variance + epsilon)."""
    return np.sqrt(np.asarray(variance) + epsilon)


def normalize(x: ArrayLike, mean: ArrayLike, scale: ArrayLike) -> Array:  # [T, d], [T, 1], [T, 1] -> [T, d]
    """Each row shifted to mean 0 and shrunk to variance 1."""
    apart = np.asarray(x) - np.asarray(mean)
    return np.divide(apart, np.asarray(scale), out=apart)


def scale_and_shift(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike) -> Array:  # [T, d], [d], [d] -> [T, d]
    """x · gamma + beta, dimension by dimension."""
    stretched = np.asarray(x) * np.asarray(gamma)
    return np.add(stretched, np.asarray(beta), out=stretched)


# Attention


def causal_mask(scores: ArrayLike) -> Array:  # [H, T, S] -> [H, T, S]
    """-inf wherever a position would look at a later one."""
    scores = np.asarray(scores)
    rows, columns = scores.shape[-2:]
    if rows == 1:  # the last position sees all others
        return scores
    return np.where(np.tri(rows, columns, columns - rows, dtype=bool), scores, scores.dtype.type(-math.inf))


def softmax(scores: ArrayLike) -> Array:  # [H, T, S] -> [H, T, S]
    """Each row of scores as a row of probabilities."""
    scores = np.asarray(scores)
    exps = scores - np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(exps, out=exps)
    return np.divide(exps, np.add.reduce(exps, axis=-1, keepdims=True), out=exps)


softmax_row = softmax  # [n] -> [n]


# Activations


def gelu_new(x: ArrayLike) -> Array:
    """GELU in its tanh form."""
    x = np.asarray(x)
    found = x * x
    found *= x  # in place: a large array that is made anew takes longer than what is done with it
    found *= 0.044715
    found += x
    found *= math.sqrt(2 / math.pi)
    np.tanh(found, out=found)
    found += 1
    found *= x
    found *= 0.5
    return found


def gelu(x: ArrayLike) -> Array:
    """x · Φ(x)."""
    x = np.asarray(x)
    # NumPy has no erf: the standard library's, number by number
    return (0.5 * x * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2)))).astype(x.dtype)


def relu(x: ArrayLike) -> Array:
    """x where it is positive, else 0."""
    return np.maximum(x, 0)


def silu(x: ArrayLike) -> Array:
    """x · sigmoid(x)."""
    x = np.asarray(x)
    small = np.exp(-np.abs(x))
    return x * np.where(x >= 0, 1, small) / (1 + small)


def tanh(x: ArrayLike) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


ACTIVATIONS: dict[str, Callable[[ArrayLike], Array]] = {
    "gelu_new": gelu_new,
    "gelu_pytorch_tanh": gelu_new,
    "gelu": gelu,
    "relu": relu,
    "silu": silu,
    "swish": silu,
    "tanh": tanh,
}


def activate(x: ArrayLike, activation: str) -> Array:  # [T, m] -> [T, m]
    """The activation of that name on every number."""
    return ACTIVATIONS[activation](x)


# Rearranging


def take(matrix: ArrayLike, rows: Sequence[int]) -> Array:  # [V, d], [T] -> [T, d]
    """The rows of those numbers."""
    return np.asarray(matrix)[list(rows)]


def transpose(matrix: ArrayLike) -> Array:  # [n, m] -> [m, n]
    """Rows become columns."""
    return np.asarray(matrix).T


def concatenate(a: ArrayLike, b: ArrayLike) -> Array:  # [P, ...], [T, ...] -> [P + T, ...]
    """The rows of a, then those of b."""
    return np.concatenate([np.asarray(a), np.asarray(b)])


def split_heads(x: ArrayLike, n_head: int) -> Array:  # [T, H·e] -> [T, H, e]
    """Each row cut into one piece for each head."""
    x = np.asarray(x)
    return x.reshape(len(x), n_head, -1)


def merge_heads(x: ArrayLike) -> Array:  # [T, H, e] -> [T, H·e]
    """The pieces of each row end to end."""
    x = np.asarray(x)
    return x.reshape(len(x), -1)


def split_columns(x: ArrayLike, parts: int) -> list[Array]:  # [T, parts·d] -> parts x [T, d]
    """The matrix cut into that many side by side."""
    x = np.asarray(x)
    width = x.shape[-1] // parts
    return [x[..., part * width : (part + 1) * width] for part in range(parts)]


def swap(x: ArrayLike) -> Array:  # [A, B, e] -> [B, A, e]
    """The first two axes exchanged."""
    return np.swapaxes(x, 0, 1)


def stack(matrices: Sequence[ArrayLike]) -> Array:  # H x [T, S] -> [H, T, S]
    """Matrices of one shape as one tensor."""
    return np.array(matrices)
