"""The same values in three forms: nested lists for `gpt`, arrays for NumPy, tensors for PyTorch."""

from functools import cached_property
from typing import Any

import numpy as np

from explorer.engine.weights import Convert, map_weights
from gpt import GPTConfig, Weights


class Model:
    """A configuration and its weights in each of the three forms; made when first asked for, and kept."""

    def __init__(self, config: GPTConfig, weights: Weights) -> None:
        self.config = config
        self.lists = weights

    @cached_property
    def arrays(self) -> Any:
        """The weights in float64; a tied head stays the embedding itself."""
        return map_weights(self.lists, lambda rows: np.asarray(rows, dtype=np.float64))

    @cached_property
    def tensors(self) -> Any:
        """The same numbers as tensors of PyTorch."""
        return map_weights(self.arrays, _tensor)


def as_lists(tree: Any) -> Any:
    """Arrays as lists, wherever they are in a tuple of arguments; everything else as it is."""
    return _arguments(tree, lambda array: array.tolist(), "lists")


def as_arrays(tree: Any) -> Any:
    return _arguments(tree, lambda array: array, "arrays")


def as_tensors(tree: Any) -> Any:
    return _arguments(tree, _tensor, "tensors")


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


def _arguments(tree: Any, convert: Convert, form: str) -> Any:
    if isinstance(tree, Model):
        return getattr(tree, form)
    if isinstance(tree, np.ndarray):
        return convert(tree)
    if isinstance(tree, tuple):
        parts = [_arguments(part, convert, form) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree
