"""The weights of a model's directory: safetensors files as Hugging Face lays them out -> arrays, and rows for `gpt`.

Either `model.safetensors` holds all tensors, or `model.safetensors.index.json` says which of several files holds which.
"""

import json
import math
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open

from explorer.errors import CheckpointError
from explorer.json_file import read_json
from explorer.loading.other_formats import INDEX, SINGLE, no_weights
from explorer.terminal.glyphs import quoted
from explorer.terminal.text import printable
from gpt.ops import Matrix, Vector
from gpt.weights import Shape, plain_name

_LONGEST_NAME = 255  # bytes: what file systems allow
AGAIN = "Download it again."

_AS_THEY_LIE: dict[str, Any] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
_NUMBERS_AT_ONCE = 2**17
_NUMBERS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies."""

    path: Path
    name: str  # in the file, which may put `transformer.` and other prefixes before it
    dtype: str  # safetensors' name: "F16"
    shape: Shape
    start: int = 0  # its first byte in the file
    turned: bool = False  # stored the other way round: `shape` is that of the transpose
    zeros: bool = False  # not stored at all


class StoredTensors:
    """The tensors of a directory by name (without prefixes, and without masks); read one at a time.

    `tensors` can be looked at before anything is read: only the headers of the files have been.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / SINGLE  # for messages
        if self.path.is_file():
            stored = _header(self.path)
        elif (directory / INDEX).is_file():
            self.path = directory / INDEX
            stored = _sharded(self.path)
        else:
            raise CheckpointError(no_weights(directory))
        self.tensors = _plain_names(self.path, stored)
        for name, tensor in self.tensors.items():
            if tensor.dtype not in _NUMBERS:
                raise CheckpointError(
                    f"{tensor.path}: {name} is stored as {tensor.dtype}; {', '.join(_NUMBERS)} can be read. "
                    "Use the checkpoint before it was quantized, or convert it."
                )

    @property
    def shapes(self) -> dict[str, Shape]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    @property
    def rearranged(self) -> bool:
        """Whether transformers would not find these tensors in the file, or not the right way round."""
        return any(
            stored.turned or stored.name.removesuffix(name) not in ("", "transformer.")
            for name, stored in self.tensors.items()
        )

    def turn(self, names: Iterable[str]) -> None:
        """Read these matrices the other way round from now on."""
        for name in names:
            stored = self.tensors[name]
            self.tensors[name] = replace(stored, shape=stored.shape[::-1], turned=not stored.turned)

    def fill(self, shapes: Mapping[str, Shape]) -> None:
        """Take tensors that are not stored for zeros."""
        for name, shape in shapes.items():
            self.tensors[name] = StoredTensor(self.path, name, "F32", shape, zeros=True)

    def array(self, name: str) -> np.ndarray:
        """The tensor of that name in the precision it is stored in (BF16 in float32, which holds the same numbers).

        CheckpointError unless all of them are finite.
        """
        stored = self.tensors[name]
        if stored.zeros:
            return np.zeros(stored.shape, np.float32)
        try:
            # opened anew for each tensor: what was read from a mapped file counts as memory in use until it is closed
            with safe_open(stored.path, framework="numpy") as file:
                values = file.get_tensor(stored.name)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(_damaged(stored.path, error)) from error
        if values.dtype == ml_dtypes.bfloat16:
            values = values.astype(np.float32)
        _check_finite(values, f"{stored.path}: {name}")
        return values.T if stored.turned else values

    def mapped(self, name: str) -> np.ndarray:
        """The same numbers where they lie in the file, which is mapped into memory: read-only, and nothing is copied.

        What is not stored as an array of this machine's float32 or float64 is read as by `array`.
        """
        stored = self.tensors[name]
        dtype = _AS_THEY_LIE.get(stored.dtype)
        if dtype is None or stored.zeros or not stored.start or sys.byteorder != "little":
            return self.array(name)
        shape = stored.shape[::-1] if stored.turned else stored.shape
        try:
            values = np.memmap(stored.path, dtype, "r", stored.start, shape).view(np.ndarray)
        except (OSError, ValueError) as error:
            raise CheckpointError(_damaged(stored.path, error)) from error
        return values.T if stored.turned else values


class Rows:
    """A TensorSource for `gpt` in plain Python: rows of floats, as lists, or as arrays where they must be small.

    A list is the quicker to compute with, and takes 32 bytes a number; an array takes 4 (8 for float64).
    """

    def __init__(self, stored: StoredTensors, compact: bool) -> None:
        self.stored = stored
        self.compact = compact

    def vector(self, name: str) -> Vector:
        return self.stored.array(name).tolist()

    def matrix(self, name: str, *, transpose: bool = False) -> Matrix:
        values = self.stored.array(name)
        if transpose:
            values = values.T
        if not self.compact:
            return [row.tolist() for row in values]  # not in one call, for which every other thread would wait
        typecode = "d" if values.dtype == np.float64 else "f"
        return [array(typecode, row.tobytes()) for row in np.ascontiguousarray(values, dtype=typecode)]


class Arrays:
    """A TensorSource for NumPy: arrays of one precision. `largest` is the largest size of a number so far.

    Where that is the precision of the file, they are parts of it, mapped into memory, and lie as they are stored.
    """

    def __init__(self, stored: StoredTensors, dtype: type[np.floating] = np.float32) -> None:
        self.stored = stored
        self.dtype = dtype
        self.largest = 0.0

    def vector(self, name: str) -> Any:
        values = self.stored.mapped(name)
        largest = _largest(values)
        if not math.isfinite(largest):
            _check_finite(values, f"{self.stored.tensors[name].path}: {name}")
        self.largest = max(self.largest, largest)
        with np.errstate(over="ignore"):
            return values.astype(self.dtype, copy=False)

    def matrix(self, name: str, *, transpose: bool = False) -> Any:
        values = self.vector(name)
        return values.T if transpose else values


def _largest(values: np.ndarray) -> float:
    """The largest size of a number, NaN where one is none: in parts that fit the processor's cache."""
    numbers = values.T.reshape(-1) if values.flags.f_contiguous else values.reshape(-1)  # as they lie
    parts = (numbers[start : start + _NUMBERS_AT_ONCE] for start in range(0, numbers.size, _NUMBERS_AT_ONCE))
    ends = [(float(part.max()), -float(part.min())) for part in parts]
    return float(np.max(ends, initial=0.0))


def _check_finite(values: np.ndarray, where: str) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        first = np.argwhere(~finite)[0]
        raise CheckpointError(
            f"{where} must hold finite numbers; {np.count_nonzero(~finite)} of {values.size} are not, the first at "
            f"{first.tolist()}: {values[tuple(first)]}. The checkpoint is damaged or overflowed: use another one."
        )


def _header(path: Path) -> dict[str, StoredTensor]:
    """Every tensor of one file, by the name it has there."""
    try:
        with safe_open(path, framework="numpy") as file:  # checks that the header is sound and the file complete
            starts = _starts(path)
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            return {
                name: StoredTensor(path, name, part.get_dtype(), tuple(part.get_shape()), starts.get(name, 0))
                for name, part in slices.items()
            }
    except (SafetensorError, OSError) as error:
        raise CheckpointError(_damaged(path, error)) from error


def _starts(path: Path) -> dict[str, int]:
    """Where each tensor of a sound file begins. Source: github.com/huggingface/safetensors, "Format"."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {name: 8 + length + part["data_offsets"][0] for name, part in header.items() if name != "__metadata__"}


def _damaged(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            pointer = file.read(20).startswith(b"version https://git")
        size = path.stat().st_size
    except OSError:
        return f"{path}: this file cannot be read: {error}."
    if pointer:
        return f"{path}: this is a Git LFS pointer, not the weights themselves: run `git lfs pull` where it came from."
    return f"{path}: this is no complete safetensors file ({size:,} bytes): {error}. {AGAIN}"


def _sharded(index: Path) -> dict[str, StoredTensor]:
    """The tensors that an index lists, each from the file it says."""
    given = read_json(index, CheckpointError)
    files = given.get("weight_map") if isinstance(given, dict) else None
    if not isinstance(files, dict) or not files:
        raise CheckpointError(f"{index}: weight_map must be an object with a file for each tensor. {AGAIN}")
    for name, file in files.items():
        if not _is_file_name(file):
            said = quoted(file) if isinstance(file, str) else repr(file)
            raise CheckpointError(f"{index}: {name} is said to be in {said}: it must be the name of a file beside it.")
    headers = {}
    for file in sorted(set(files.values())):
        path = index.with_name(file)
        if not path.is_file():
            missing = ", ".join([name for name in files if files[name] == file][:3])
            raise CheckpointError(
                f"{path}: this file is missing; {INDEX} says that it holds {missing}. Download it too."
            )
        headers[file] = _header(path)
    for name, file in files.items():
        if name not in headers[file]:
            raise CheckpointError(f"{index.with_name(file)}: {name} is not in it, where {INDEX} says it is. {AGAIN}")
    return {name: headers[file][name] for name, file in files.items()}


def _is_file_name(file: object) -> bool:
    """Whether this can be the name of a file beside another."""
    if not isinstance(file, str) or not file or file != Path(file).name:
        return False
    return len(file.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME


def _plain_names(path: Path, stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Hugging Face's names without the prefixes that some checkpoints have, and without masks."""
    found: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        plain = plain_name(name)
        if plain in found:
            raise CheckpointError(
                f"{path}: {plain} is there twice, as {printable(found[plain].name)} and as {printable(name)}."
            )
        if plain:
            found[plain] = tensor
    return found
