"""The engines: plain Python, NumPy, PyTorch. One forward pass, two arithmetics; what they record can be read alike.

NumPy and PyTorch are imported only where they are used: plain Python does without.
"""

from array import array
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

from explorer.engine.weights import leaves, map_weights
from explorer.errors import EngineError, UsageError
from gpt import GPT, GPTConfig, ops
from gpt.ops import Arithmetic

PYTHON, NUMPY, TORCH, AUTO = "python", "numpy", "torch", "auto"
NAMES = (PYTHON, NUMPY, TORCH, AUTO)

DEVICES = (AUTO, "cpu", "cuda", "mps")
DTYPES = ("float32", "bfloat16", "float64")

PYTHON_UP_TO = 30_000_000
"""Parameters: larger models take plain Python seconds for every token, so `auto` gives them to NumPy."""

LISTS_UP_TO = 8_000_000
"""Parameters: larger models are kept in arrays in plain Python, where a list takes 32 bytes a number."""

SINGLE_UP_TO = 1e6
"""The size of a weight: with larger ones a run may leave the range of float32, and arrays are of float64."""

_INSTALL = "--engine torch needs PyTorch: pip install 'gpt2-explorer[torch]' (or pip install torch)."


class Engine(NamedTuple):
    """An engine, and where and how it computes; "" leaves that to it."""

    name: str
    device: str = ""
    dtype: str = ""

    def __str__(self) -> str:
        """In one line, as sessions keep it: "torch cuda bfloat16"."""
        return " ".join(filter(None, self))


def asked(name: str, device: str | None = None, dtype: str | None = None) -> Engine:
    """The engine that is asked for; UsageError where it has no such device or precision."""
    if name not in NAMES:
        raise UsageError(f"there is no engine {name!r}: there are {', '.join(NAMES)}.")
    if device and device not in DEVICES:
        raise UsageError(f"there is no device {device!r}: there are {', '.join(DEVICES)}.")
    if dtype and dtype not in DTYPES:
        raise UsageError(f"there is no dtype {dtype!r}: there are {', '.join(DTYPES)}.")
    if device not in (None, "", AUTO) and name != TORCH:
        raise UsageError("a device is chosen for PyTorch alone: use --engine torch with --device.")
    if dtype and name in (PYTHON, AUTO):
        of = "plain Python computes in float64" if name == PYTHON else "auto may choose plain Python"
        raise UsageError(f"{of}: use --engine numpy or --engine torch with --dtype.")
    if dtype == "bfloat16" and name == NUMPY:
        raise UsageError("NumPy has no bfloat16: use --engine torch with it, or --dtype float32.")
    return Engine(name, "" if device in (None, AUTO) else str(device), dtype or "")


def parsed(line: str) -> Engine:
    """The engine of such a line, in any order after the name; UsageError for what is none."""
    name, *rest = line.split() or [""]
    devices, others = [word for word in rest if word in DEVICES], [word for word in rest if word not in DEVICES]
    if len(devices) > 1 or len(others) > 1:
        raise UsageError(f"{line!r} is no engine: a name, a device and a dtype.")
    return asked(name, *(devices or [""]), *(others or [""]))


def check_installed(engine: str) -> None:
    """EngineError where the library of an engine is not installed."""
    if parsed(engine).name == TORCH and not find_spec("torch"):
        raise EngineError(_INSTALL)


def nearest(engine: str) -> str:
    """The engine, or where it is not here, the one of the same precision that is nearest to it."""
    wanted = parsed(engine)
    if wanted.name != TORCH:
        return engine
    if not find_spec("torch"):
        return str(Engine(NUMPY, dtype="float64" if wanted.dtype == "float64" else ""))
    from explorer.engine.on_torch import device_of

    try:
        device_of(wanted.device, wanted.dtype)
    except EngineError:
        return str(wanted._replace(device="cpu"))
    return engine


def choose(name: str, config: GPTConfig) -> str:
    """The engine that a name stands for: choose("auto", GPT-2 small's configuration) = "numpy"."""
    if name == AUTO:
        return PYTHON if config.parameters <= PYTHON_UP_TO else NUMPY
    return name


def engine_of(model: GPT | None) -> str:
    """The name of the engine that a model runs on: its weights are lists, or arrays of NumPy, or of PyTorch."""
    weights: Any = model.weights.token_embedding if model and model.weights else None
    if hasattr(weights, "tensor"):
        return TORCH
    return NUMPY if hasattr(weights, "dtype") else PYTHON


def engine_in_full(model: GPT) -> Engine:
    """The engine that a model runs on, with all that decides its numbers."""
    name, weights = engine_of(model), model.weights.token_embedding
    single = Engine(name, dtype="" if str(getattr(weights, "dtype", "float32")) == "float32" else "float64")
    if name == TORCH:
        tensor = weights.tensor  # type: ignore[attr-defined]
        return Engine(name, tensor.device.type, str(tensor.dtype).removeprefix("torch."))
    return single if name == NUMPY else Engine(name)


def on_arrays(model: GPT | None) -> bool:
    """Whether the model computes on arrays, and so costs little more for many rows than for one."""
    return engine_of(model) != PYTHON


def in_words(model: GPT | None) -> str:
    """The same for people: "plain Python", "PyTorch float32 on cuda"; "recorded" where there is no model."""
    return "recorded" if model is None else words_for(str(engine_in_full(model)))


def words_for(engine: str) -> str:
    """An engine in one line, for people: words_for("torch cuda bfloat16") = "PyTorch bfloat16 on cuda"."""
    wanted = parsed(engine)
    if wanted.name == PYTHON:
        return "plain Python"
    where = f" on {wanted.device}" if wanted.device else ""
    return f"{'NumPy' if wanted.name == NUMPY else 'PyTorch'} {wanted.dtype or 'float32'}{where}"


def roundoff(model: GPT | None) -> float:
    """The unit roundoff of a model's arithmetic: 2^-53 in float64, 2^-24 in float32, 2^-8 in bfloat16."""
    engine = engine_in_full(model) if model else Engine(PYTHON)
    if engine.name == PYTHON or engine.dtype == "float64":
        return 2.0**-53
    return 2.0**-8 if engine.dtype == "bfloat16" else 2.0**-24


def on_engine(model: GPT, engine: str) -> GPT:
    """The same model on that engine; arrays are of float32, as long as its range is enough.

    EngineError where PyTorch, or the device, is not there.
    """
    wanted, now = parsed(engine), engine_in_full(model)
    if wanted.name == now.name and wanted.device in ("", now.device) and wanted.dtype in ("", now.dtype or "float32"):
        return model
    if now.name == TORCH:
        model = GPT(model.config, map_weights(model.weights, lambda values: values.given), ops=model.ops)
    if wanted.name == PYTHON:
        return GPT(model.config, map_weights(model.weights, rows_of(model.config)), ops=ops)
    dtype = wanted.dtype or ("float64" if _is_wide(model) else "float32")
    if wanted.name == TORCH:
        check_installed(engine)
        from explorer.engine.on_torch import on_torch

        return on_torch(model, wanted.device, dtype)
    import numpy as np

    from explorer.engine import array_ops

    weights = map_weights(model.weights, lambda values: np.asarray(values, dtype=dtype))
    return GPT(model.config, weights, ops=array_ops)


def for_many_runs(model: GPT) -> GPT:
    """The same model on arrays: as it is where it runs on them, else on NumPy."""
    return model if on_arrays(model) else on_engine(model, NUMPY)


def _is_wide(model: GPT) -> bool:
    """Whether a run may leave the range of float32."""
    import numpy as np

    def largest(values: Any) -> float:
        return float(np.abs(np.asarray(values, dtype=np.float64)).max(initial=0))

    return max(model.config.layer_norm_epsilon, *map(largest, leaves(model.weights))) > SINGLE_UP_TO


def rows_of(config: GPTConfig) -> Callable[[Any], Any]:
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


def like(original: Any, value: Any) -> Any:
    """A value as the engine would hold it that computed the original: on its device, in its precision."""
    return original.like(value) if hasattr(original, "tensor") else value


def crop(scores: Any, size: int) -> Any:  # [H, T, S] -> [H, size, size]
    """The scores of the first positions for the first positions."""
    if hasattr(scores, "shape"):
        return scores[:, :size, :size]
    return [[row[:size] for row in head[:size]] for head in scores]


def grow(
    known: Any, beyond: Any, new: Any, ops: Arithmetic
) -> Any:  # [H, P, P], [H, P, T], [H, T, P + T] -> [H, P + T, P + T]
    """The scores of earlier positions, widened to the later keys, and below them those of the new positions."""
    if hasattr(known, "shape"):
        arrays: Any = ops
        return arrays.grow(known, beyond, new)
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
