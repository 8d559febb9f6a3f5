"""The products of a run alone: every pair of matrices that it multiplies, without all that stands around them."""

from typing import Any

from gpt import GPT, ops
from gpt.model import Cache

Pair = tuple[Any, Any]


class _Noting:
    """A wrapped arithmetic that notes what is multiplied."""

    def __init__(self, inner: Any, pairs: list[Pair]) -> None:
        self._inner = inner
        self._pairs = pairs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        self._pairs.append((x, weight))
        return self._inner.linear(x, weight, bias)

    def matmul_transposed(self, a: Any, b: Any) -> Any:
        self._pairs.append((a, b))
        return self._inner.matmul_transposed(a, b)

    def matmul(self, a: Any, b: Any) -> Any:
        self._pairs.append((a, self._inner.transpose(b)))
        return self._inner.matmul(a, b)


def products(model: GPT, ids: list[int], cache: Cache | None = None) -> list[Pair]:
    """The pairs of matrices that a forward pass multiplies, a · bᵀ each."""
    pairs: list[Pair] = []
    noting: Any = _Noting(model.ops, pairs)
    GPT(model.config, model.weights, ops=noting).forward(ids, cache)
    return pairs


def dots(pairs: list[Pair]) -> None:
    """Every dot product of plain Python, one after the other, and nothing done with it."""
    dot = ops.dot
    for a, b in pairs:
        for row in a:
            for other in b:
                dot(row, other)


def bare(pairs: list[Pair]) -> None:
    """Every product of arrays, and nothing done with it."""
    for a, b in pairs:
        a @ b.T
