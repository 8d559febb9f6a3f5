"""The two engines: plain Python and NumPy. One forward pass, two arithmetics; what they record can be read alike.

NumPy is imported only where it is used: plain Python does without.
"""

from array import array
from collections.abc import Callable
from typing import Any

from explorer.engine.weights import leaves, map_weights
from gpt import GPT, GPTConfig, ops

PYTHON, NUMPY, AUTO = "python", "numpy", "auto"
NAMES = (PYTHON, NUMPY, AUTO)

PYTHON_UP_TO = 30_000_000
"""Parameters: larger models take plain Python seconds for every token, so `auto` gives them to NumPy."""

LISTS_UP_TO = 8_000_000
"""Parameters: larger models are kept in arrays in plain Python, where a list takes 32 bytes a number."""

SINGLE_UP_TO = 1e6
"""The size of a weight: with larger ones a run may leave the range of float32, and NumPy works in float64."""


def choose(name: str, config: GPTConfig) -> str:
    """The engine that a name stands for: choose("auto", GPT-2 small's configuration) = "numpy"."""
    if name == AUTO:
        return PYTHON if config.parameters <= PYTHON_UP_TO else NUMPY
    return name


def engine_of(model: GPT | None) -> str:
    """The engine a model runs on: its weights are arrays of NumPy, or lists."""
    return NUMPY if model and model.weights and hasattr(model.weights.token_embedding, "dtype") else PYTHON


def on_arrays(model: GPT | None) -> bool:
    """Whether the model computes on arrays, and so costs little more for many rows than for one."""
    return engine_of(model) != PYTHON


def in_words(model: GPT | None) -> str:
    """The same for people: "plain Python", "NumPy float32"; "recorded" where there is no model."""
    if model is None:
        return "recorded"
    if engine_of(model) == PYTHON:
        return "plain Python"
    weights: Any = model.weights.token_embedding
    return f"NumPy {weights.dtype}"


def on_engine(model: GPT, engine: str) -> GPT:
    """The same model on that engine; NumPy works in float32, as long as its range is enough."""
    if engine == engine_of(model):
        return model
    if engine == PYTHON:
        return GPT(model.config, map_weights(model.weights, _rows(model.config)), ops=ops)
    import numpy as np

    from explorer.engine import array_ops

    def largest(values: Any) -> float:
        return float(np.abs(np.asarray(values, dtype=np.float64)).max(initial=0))

    wide = max(model.config.layer_norm_epsilon, *map(largest, leaves(model.weights))) > SINGLE_UP_TO
    dtype = np.float64 if wide else np.float32
    return GPT(model.config, map_weights(model.weights, lambda values: np.asarray(values, dtype=dtype)), ops=array_ops)


def _rows(config: GPTConfig) -> Callable[[Any], Any]:
    """A function from arrays to what plain Python computes with."""
    if config.parameters <= LISTS_UP_TO:
        return lambda values: values.tolist()
    typecode = "f"
    return lambda values: (
        values.tolist() if values.ndim == 1 else [array(typecode, row.tobytes()) for row in values.copy(order="C")]
    )


# What an engine recorded


def plain(values: Any) -> Any:
    """The same numbers as lists of floats."""
    return values.tolist() if hasattr(values, "tolist") else values


def as_numpy(values: Any) -> Any:
    """The same numbers as an array of NumPy."""
    import numpy as np

    return np.asarray(values)


def crop(scores: Any, size: int) -> Any:  # [H, T, S] -> [H, size, size]
    """The scores of the first positions for the first positions."""
    if hasattr(scores, "shape"):
        return scores[:, :size, :size]
    return [[row[:size] for row in head[:size]] for head in scores]


def grow(known: Any, beyond: Any, new: Any) -> Any:  # [H, P, P], [H, P, T], [H, T, P + T] -> [H, P + T, P + T]
    """The scores of earlier positions, widened to the later keys, and below them those of the new positions."""
    if hasattr(known, "shape"):
        import numpy as np

        return np.concatenate([np.concatenate([known, np.asarray(beyond, known.dtype)], axis=2), new], axis=1)
    return [[*([*row, *extra] for row, extra in zip(old, more)), *rows] for old, more, rows in zip(known, beyond, new)]


def largest_difference(a: dict[str, Any], b: dict[str, Any]) -> tuple[float, str]:
    """How far two recordings of one run are apart at most, and at which activation."""
    import numpy as np

    def apart(name: str) -> float:
        ours, theirs = (np.asarray(values[name], dtype=np.float64) for values in (a, b))
        with np.errstate(invalid="ignore"):
            gaps = np.where(ours == theirs, 0.0, np.abs(ours - theirs))  # -inf and -inf are no distance apart
        return float(gaps.max())

    return max((apart(name), name) for name in a)
