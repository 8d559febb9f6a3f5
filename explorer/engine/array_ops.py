"""The operations of `gpt.ops` on arrays of any library: the same names, the same shapes, another arithmetic.

Written against the array API standard (https://data-apis.org/array-api), and computed by the library whose arrays are
given: NumPy, or PyTorch. Lists are NumPy's. Handed to the same forward pass, `GPT(config, weights, ops=array_ops)`, it
is the second engine; set beside `gpt.ops`, function by function, it verifies the first. The precision is that of the
weights.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

Array = Any
"""An array of some library; where one is taken, so is a list."""


def dot(a: Array, b: Array) -> float:  # [n], [n] -> one number
    """Multiply pairwise and add up."""
    a, b = arrays(a, b)
    return a @ b


# Products of matrices


def matmul_transposed(a: Array, b: Array) -> Array:  # [n, k], [m, k] -> [n, m]
    """a · bᵀ."""
    a, b = arrays(a, b)
    return a @ b.T


def matmul(a: Array, b: Array) -> Array:  # [n, k], [k, m] -> [n, m]
    """a · b."""
    a, b = arrays(a, b)
    return a @ b


def linear(x: Array, weight: Array, bias: Array) -> Array:  # [T, n], [m, n], [m] -> [T, m]
    """x · Wᵀ + b."""
    x, weight, bias = arrays(x, weight, bias)
    product = x @ weight.T
    product += bias
    return product


# Sums and scalings


def add(a: Array, b: Array) -> Array:  # [T, d], [T, d] -> [T, d]
    """a + b."""
    a, b = arrays(a, b)
    return a + b


def add_all(parts: Array, bias: Array) -> Array:  # [T, H, d], [d] -> [T, d]
    """For every position the sum of its rows, and the bias."""
    parts, bias = arrays(parts, bias)
    return library(parts).sum(parts, axis=1) + bias


def divide(x: Array, divisor: float) -> Array:  # [H, T, S] -> [H, T, S]
    """Every number over the same divisor."""
    x = x if type(x) is ndarray else array(x)
    return x / divisor


# Layer norm, in its steps


def mean(x: Array) -> Array:  # [T, d] -> [T, 1]
    """The mean of each row."""
    x = x if type(x) is ndarray else array(x)
    return _row_means(x)


def variance(x: Array, mean: Array) -> Array:  # [T, d], [T, 1] -> [T, 1]
    """The biased variance of each row."""
    x, mean = arrays(x, mean)
    apart = x - mean
    apart *= apart
    return _row_means(apart)


def _row_means(x: Array) -> Array:
    return _row_sums(x) / float(x.shape[-1])


def standard_deviation(variance: Array, epsilon: float) -> Array:  # [T, 1] -> [T, 1]
    """sqrt(variance + epsilon)."""
    variance = variance if type(variance) is ndarray else array(variance)
    return library(variance).sqrt(variance + epsilon)


def normalize(x: Array, mean: Array, scale: Array) -> Array:  # [T, d], [T, 1], [T, 1] -> [T, d]
    """Each row shifted to mean 0 and shrunk to variance 1."""
    x, mean, scale = arrays(x, mean, scale)
    apart = x - mean
    apart /= scale
    return apart


def scale_and_shift(x: Array, gamma: Array, beta: Array) -> Array:  # [T, d], [d], [d] -> [T, d]
    """x · gamma + beta, dimension by dimension."""
    x, gamma, beta = arrays(x, gamma, beta)
    stretched = x * gamma
    stretched += beta
    return stretched


# Attention


def causal_mask(scores: Array) -> Array:  # [H, T, S] -> [H, T, S]
    """-inf wherever a position would look at a later one."""
    scores = scores if type(scores) is ndarray else array(scores)
    rows, columns = scores.shape[-2:]
    if rows == 1:  # the last position sees all others
        return scores
    seen, hidden = _masks(library(scores), rows, columns, scores.dtype, scores.device if _others(scores) else None)
    return library(scores).where(seen, scores, hidden)


@lru_cache(maxsize=8)
def _masks(xp: Any, rows: int, columns: int, dtype: Any, device: Any) -> tuple[Array, Array]:  # [T, S], []
    """What each position sees, and -inf, on a device: the same in all blocks."""
    if xp is np:
        return np.tri(rows, columns, columns - rows, dtype=bool), dtype.type(-math.inf)
    ones = xp.ones((rows, columns), dtype=xp.bool, device=device)
    return xp.tril(ones, k=columns - rows), xp.asarray(-math.inf, dtype=dtype, device=device)


def softmax(scores: Array) -> Array:  # [H, T, S] -> [H, T, S]
    """Each row of scores as a row of probabilities."""
    scores = scores if type(scores) is ndarray else array(scores)
    exps = _exp(scores - _row_maxima(scores))
    exps /= _row_sums(exps)
    return exps


softmax_row = softmax  # [n] -> [n]


# Activations


def gelu_new(x: Array) -> Array:
    """GELU in its tanh form."""
    x = x if type(x) is ndarray else array(x)
    found = x * x
    found *= x  # in place: a large array that is made anew takes longer than what is done with it
    found *= 0.044715
    found += x
    found *= math.sqrt(2 / math.pi)
    found = _tanh(found)
    found += 1
    found *= x
    found *= 0.5
    return found


def gelu(x: Array) -> Array:
    """x · Φ(x)."""
    x = x if type(x) is ndarray else array(x)
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def relu(x: Array) -> Array:
    """x where it is positive, else 0."""
    x = x if type(x) is ndarray else array(x)
    return library(x).clip(x, 0.0, None)


def silu(x: Array) -> Array:
    """x · sigmoid(x)."""
    x = x if type(x) is ndarray else array(x)
    xp = library(x)
    small = xp.exp(-xp.abs(x))
    return x * xp.where(x >= 0, xp.ones_like(x), small) / (1 + small)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    x = x if type(x) is ndarray else array(x)
    return library(x).tanh(x)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu_new": gelu_new,
    "gelu_pytorch_tanh": gelu_new,
    "gelu": gelu,
    "relu": relu,
    "silu": silu,
    "swish": silu,
    "tanh": tanh,
}


def activate(x: Array, activation: str) -> Array:  # [T, m] -> [T, m]
    """The activation of that name on every number."""
    return ACTIVATIONS[activation](x)


# Rearranging


def take(matrix: Array, rows: Sequence[int] | ndarray) -> Array:  # [V, d], [T] -> [T, d]
    """The rows of those numbers."""
    matrix = matrix if type(matrix) is ndarray else array(matrix)
    if type(matrix) is ndarray:
        return matrix[rows if type(rows) is ndarray else list(rows)]
    xp = library(matrix)
    return xp.take(matrix, xp.asarray(np.asarray(rows), dtype=xp.int64, device=matrix.device), axis=0)


def transpose(matrix: Array) -> Array:  # [n, m] -> [m, n]
    """Rows become columns."""
    matrix = matrix if type(matrix) is ndarray else array(matrix)
    return matrix.T


def concatenate(a: Array, b: Array) -> Array:  # [P, ...], [T, ...] -> [P + T, ...]
    """The rows of a, then those of b."""
    a, b = arrays(a, b)
    return np.concatenate([a, b]) if type(a) is ndarray else library(a).concat([a, b])


def split_heads(x: Array, n_head: int) -> Array:  # [T, H·e] -> [T, H, e]
    """Each row cut into one piece for each head."""
    x = x if type(x) is ndarray else array(x)
    return reshape(x, (x.shape[0], n_head, -1))


def merge_heads(x: Array) -> Array:  # [T, H, e] -> [T, H·e]
    """The pieces of each row end to end."""
    x = x if type(x) is ndarray else array(x)
    return reshape(x, (x.shape[0], -1))


def split_columns(x: Array, parts: int) -> list[Array]:  # [T, parts·d] -> parts x [T, d]
    """The matrix cut into that many side by side."""
    x = x if type(x) is ndarray else array(x)
    width = x.shape[-1] // parts
    return [x[..., part * width : (part + 1) * width] for part in range(parts)]


def swap(x: Array) -> Array:  # [A, B, e] -> [B, A, e]
    """The first two axes exchanged."""
    x = x if type(x) is ndarray else array(x)
    return x.swapaxes(0, 1) if type(x) is ndarray else library(x).moveaxis(x, 0, 1)


def stack(matrices: Sequence[Array]) -> Array:  # H x [T, S] -> [H, T, S]
    """Matrices of one shape as one tensor."""
    found = arrays(*matrices)
    return np.array(found) if type(found[0]) is ndarray else library(found[0]).stack(found)


def reshape(x: Array, shape: tuple[int, ...]) -> Array:
    """The same numbers in another shape."""
    x = x if type(x) is ndarray else array(x)
    return x.reshape(shape) if type(x) is ndarray else library(x).reshape(x, shape)


def tile(x: Array, repetitions: tuple[int, ...]) -> Array:
    """The same numbers again and again, so many times along each axis."""
    x = x if type(x) is ndarray else array(x)
    return library(x).tile(x, repetitions)


def grow(known: Array, beyond: Array, new: Array) -> Array:  # [H, P, P], [H, P, T], [H, T, P + T] -> [H, P + T, P + T]
    """Scores of earlier positions, widened to the later keys, and below them those of the new positions."""
    known, beyond, new = arrays(known, beyond, new)
    if type(known) is ndarray:
        return np.concatenate([np.concatenate([known, beyond.astype(known.dtype, copy=False)], axis=2), new], axis=1)
    xp = library(known)
    return xp.concat([xp.concat([known, beyond], axis=2), new], axis=1)


# Libraries


def array(value: Array) -> Array:
    """The value as an array: as it is, or a list's numbers in one of NumPy."""
    return value if type(value) is ndarray or _others(value) else np.asarray(value)


def arrays(*values: Array) -> Sequence[Array]:
    """The values as arrays of one library: of the first of them that is an array of another than NumPy, else NumPy's.

    What is a list, or NumPy's, takes that array's precision and goes to its device.
    """
    for value in values:
        if type(value) is not ndarray:
            return _of_one_library(values)
    return values


def _of_one_library(values: Sequence[Array]) -> Sequence[Array]:
    first = next((value for value in values if _others(value)), None)
    if first is None:
        return [np.asarray(value) for value in values]
    if all(type(value) is type(first) for value in values):
        return values
    xp, dtype, device = library(first), first.dtype, first.device
    return [value if _others(value) else xp.asarray(np.asarray(value), dtype=dtype, device=device) for value in values]


def library(x: Array) -> Any:
    """The functions of an array's library, by the names of the standard; None for what is no array.

    NumPy's own have these names, as far as they are used here, and do without the detour.
    """
    kind = type(x)
    if kind is ndarray:
        return np
    if kind not in _libraries:
        _libraries[kind] = _library_of(x)
    return _libraries[kind]


_libraries: dict[type, Any] = {}  # looking takes as long as multiplying a small matrix


def _library_of(x: Any) -> Any:
    if isinstance(x, ndarray | np.generic):
        return np
    if isinstance(x, list | tuple | float | int):
        return None
    import array_api_compat  # only here: with NumPy alone it need not be loaded

    return array_api_compat.array_namespace(x) if array_api_compat.is_array_api_obj(x) else None


def _others(value: Any) -> bool:
    """Whether this is an array of another library than NumPy."""
    return library(value) not in (None, np)


# For few numbers NumPy's functions take longer than the sums; its ufuncs do not, and can write into their argument


def _row_sums(x: Array) -> Array:  # [..., n] -> [..., 1]
    if type(x) is ndarray:
        return np.add.reduce(x, axis=-1, keepdims=True)
    return library(x).sum(x, axis=-1, keepdims=True)


def _row_maxima(x: Array) -> Array:  # [..., n] -> [..., 1]
    if type(x) is ndarray:
        return np.maximum.reduce(x, axis=-1, keepdims=True)
    return library(x).max(x, axis=-1, keepdims=True)


def _exp(x: Array) -> Array:
    """exp of a value that nobody else has."""
    return np.exp(x, out=x) if type(x) is ndarray else library(x).exp(x)


def _tanh(x: Array) -> Array:
    """tanh of a value that nobody else has."""
    return np.tanh(x, out=x) if type(x) is ndarray else library(x).tanh(x)


def _erf(x: Array) -> Array:
    """The error function: no part of the standard, nor of NumPy. PyTorch has it; else the standard library's."""
    xp = library(x)
    if hasattr(xp, "erf"):
        return xp.erf(x)
    found = np.vectorize(math.erf, otypes=[float])(np.asarray(x))
    return found.astype(x.dtype) if xp is np else xp.asarray(found, dtype=x.dtype, device=x.device)
