"""All weights of a model at once: each of its vectors and matrices converted, or listed."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from gpt.weights import Weights

Convert = Callable[[Any], Any]
"""A vector or a matrix in one form -> the same in another."""


def map_weights(weights: Weights, convert: Convert) -> Weights:
    """The same weights with every vector and matrix converted, each once: a tied head stays the embedding itself."""
    converted: dict[int, Any] = {}

    def once(value: Any) -> Any:
        if id(value) not in converted:
            converted[id(value)] = convert(value)
        return converted[id(value)]

    result: Weights = _mapped(weights, once)
    return result


def leaves(weights: Weights) -> list[Any]:
    """Every vector and matrix of the weights, always in the same order; a tied head comes a second time."""
    found: list[Any] = []
    _mapped(weights, found.append)
    return found


def _mapped(value: Any, convert: Convert) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: _mapped(getattr(value, field.name), convert) for field in fields(value)})
    if isinstance(value, tuple):  # the blocks
        return tuple(_mapped(part, convert) for part in value)
    return convert(value)
