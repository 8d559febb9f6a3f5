"""A checkpoint's file -> its tensors: the safetensors format, read with the standard library.

    8 bytes       n, the length of the header, little-endian
    n bytes       JSON: {"wte.weight": {"dtype": "F32", "shape": [50257, 768], "data_offsets": [0, 154389504]}, ...}
    the rest      the numbers of all tensors, row by row; offsets count from here

Source: https://github.com/huggingface/safetensors, "Format". The file is checked before a number of it is used: a
WeightError says what does not fit together.
"""

import json
import math
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt.errors import WeightError
from gpt.ops import Matrix, Vector
from gpt.weights import Shape, plain_name

_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_LONGEST_HEADER = 100_000_000  # bytes; the library's own limit


@dataclass(frozen=True)
class _Entry:
    """Where a tensor lies, and as what."""

    dtype: str
    shape: Shape
    start: int  # in the file
    end: int


class SafeTensors:
    """The tensors of one file, by Hugging Face's names: a TensorSource for `load_weights`.

    `compact` keeps matrices in arrays of 4 bytes a number (8 for F64). Lists take 32, and compute faster.
    """

    def __init__(self, path: Path | str, compact: bool = False) -> None:
        self.path = Path(path)
        self.compact = compact
        self._entries = {name: entry for stored, entry in self._header().items() if (name := plain_name(stored))}

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of every tensor."""
        return {name: entry.shape for name, entry in self._entries.items()}

    def vector(self, name: str) -> Vector:
        return self._numbers(name).tolist()

    def matrix(self, name: str, *, transpose: bool = False) -> Matrix:
        numbers, (rows, columns) = self._numbers(name), self._entries[name].shape
        if transpose:
            vectors = [numbers[column::columns] for column in range(columns)]
        else:
            vectors = [numbers[row * columns : (row + 1) * columns] for row in range(rows)]
        return vectors if self.compact else [vector.tolist() for vector in vectors]

    def _numbers(self, name: str) -> array:
        """The numbers of a tensor, row by row."""
        entry = self._entries[name]
        with self.path.open("rb") as file:
            file.seek(entry.start)
            data = file.read(entry.end - entry.start)
        return floats(data, entry.dtype)

    def _header(self) -> dict[str, _Entry]:
        try:
            with self.path.open("rb") as file:
                size = self.path.stat().st_size
                length = int.from_bytes(file.read(8), "little")
                if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                    raise WeightError(f"{self.path}: this is no complete safetensors file ({size:,} bytes).")
                given = json.loads(file.read(length))
        except OSError as error:
            raise WeightError(f"{self.path}: this file cannot be read: {error.strerror}.") from error
        except (ValueError, RecursionError) as error:
            raise WeightError(f"{self.path}: the header is not JSON: {error}.") from error
        if not isinstance(given, dict):
            raise WeightError(f"{self.path}: the header must be a JSON object.")
        entries = {name: self._entry(name, fields) for name, fields in given.items() if name != "__metadata__"}
        _check_tiling(self.path, entries, size - 8 - length)
        return {name: _Entry(e.dtype, e.shape, e.start + 8 + length, e.end + 8 + length) for name, e in entries.items()}

    def _entry(self, name: str, fields: Any) -> _Entry:
        try:
            dtype, shape, (start, end) = fields["dtype"], fields["shape"], fields["data_offsets"]
            whole = all(type(number) is int and number >= 0 for number in (*shape, start, end))
        except (TypeError, KeyError, ValueError) as error:
            raise WeightError(f"{self.path}: {name} lacks a dtype, a shape or two offsets.") from error
        if not isinstance(dtype, str) or dtype not in _SIZES:
            raise WeightError(f"{self.path}: {name} is stored as {dtype!r}; {', '.join(_SIZES)} can be read.")
        if not whole or end - start != math.prod(shape) * _SIZES[dtype]:
            raise WeightError(f"{self.path}: {name} of shape {shape} does not fill bytes {start} to {end}.")
        return _Entry(dtype, tuple(shape), start, end)


def _check_tiling(path: Path, entries: dict[str, _Entry], size: int) -> None:
    """The tensors lie end to end and fill the file: none overlaps another, and nothing is hidden between them."""
    reached = 0
    for name, entry in sorted(entries.items(), key=lambda pair: (pair[1].start, pair[1].end)):
        if entry.start != reached:
            raise WeightError(f"{path}: {name} begins at byte {entry.start}, where byte {reached} comes next.")
        reached = entry.end
    if reached != size:
        raise WeightError(f"{path}: the tensors end at byte {reached}, the file at {size}. Download it again.")


def floats(data: bytes, dtype: str) -> array:
    """Little-endian bytes as numbers: F64 in 8 bytes, all others in 4, which hold each of them exactly.

    A BF16 is the upper half of an F32: sign, exponent, and 7 of 23 binary digits.

    >>> floats(bytes([0x80, 0x3F, 0x00, 0xC0]), "BF16").tolist()
    [1.0, -2.0]
    >>> floats(bytes([0x00, 0x3C]), "F16").tolist()
    [1.0]
    """
    if dtype == "F16":
        return array("f", struct.unpack(f"<{len(data) // 2}e", data))
    if dtype == "BF16":
        widened = bytearray(2 * len(data))
        widened[2::4], widened[3::4] = data[::2], data[1::2]
        data = bytes(widened)
    numbers = array("d" if dtype == "F64" else "f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
