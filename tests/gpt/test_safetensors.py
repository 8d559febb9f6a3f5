"""The reader of safetensors files: what it reads is what the library reads; what the library refuses, it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from explorer.loading.places import embedded
from gpt.errors import WeightError
from gpt.safetensors import SafeTensors

TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)
def test_every_number_is_the_librarys(tmp_path: Path, dtype: Any, compact: bool) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(5, 7)) * 10.0 ** random.integers(-6, 5, (5, 7))
    special = [0.0, -0.0, np.inf, -np.inf, 1e-7, 6e-8, 65504.0, 1 / 3]
    tensors = {
        "wte.weight": values.astype(dtype),
        "ln_f.bias": np.array(special).astype(dtype),
        "h.0.x": np.ones((0, 3), dtype),
    }
    path = tmp_path / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    found = SafeTensors(path, compact)
    assert found.shapes == {name: tensor.shape for name, tensor in tensors.items()}
    with safe_open(path, framework="numpy") as file:
        matrix, vector = (file.get_tensor(name).astype(np.float64) for name in ("wte.weight", "ln_f.bias"))
    assert np.array(found.matrix("wte.weight")).tolist() == matrix.tolist()
    assert np.array(found.matrix("wte.weight", transpose=True)).tolist() == matrix.T.tolist()
    assert list(map(repr, found.vector("ln_f.bias"))) == list(map(repr, vector.tolist()))
    assert len(found.matrix("h.0.x")) == 0


def test_every_float16_and_bfloat16(tmp_path: Path) -> None:
    """All 65,536 of each, NaNs included."""
    for dtype in (np.float16, ml_dtypes.bfloat16):
        every = np.arange(65536, dtype=np.uint16).view(dtype)
        save_file({"x": every}, tmp_path / "x.safetensors")
        with np.errstate(invalid="ignore"):  # signalling NaNs
            expected = every.astype(np.float64)
        np.testing.assert_array_equal(SafeTensors(tmp_path / "x.safetensors").vector("x"), expected)


def test_the_embedded_model() -> None:
    path = embedded() / "model.safetensors"
    found = SafeTensors(path)
    with safe_open(path, framework="numpy") as file:
        for name, shape in found.shapes.items():
            read = found.vector(name) if len(shape) == 1 else found.matrix(name)
            np.testing.assert_array_equal(read, file.get_tensor(f"transformer.{name}"))


def written(path: Path, header: Any, data: bytes, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(start: int, end: int, shape: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


BROKEN: dict[str, tuple[Any, bytes, str]] = {
    "no JSON": (b"{", b"", "the header is not JSON"),
    "no object": ([], b"", "the header must be a JSON object"),
    "no offsets": ({"x": {"dtype": "F32", "shape": [1]}}, bytes(4), "x lacks a dtype, a shape or two offsets"),
    "an entry that is none": ({"x": 3}, bytes(4), "x lacks a dtype"),
    "a type that is none": ({"x": entry(0, 4, [1], "F33")}, bytes(4), "x is stored as 'F33'"),
    "a type that is a list": ({"x": entry(0, 4, [1], ["F32"])}, bytes(4), "x is stored as"),
    "a type that is an object": ({"x": entry(0, 4, [1], {"F32": 1})}, bytes(4), "x is stored as"),
    "a shape below zero": ({"x": entry(0, 4, [-1])}, bytes(4), r"x of shape \[-1\] does not fill bytes 0 to 4"),
    "a shape that is too large": ({"x": entry(0, 4, [2])}, bytes(4), r"x of shape \[2\] does not fill bytes 0 to 4"),
    "a fraction": ({"x": entry(0, 4, [1.0])}, bytes(4), "does not fill"),
    "offsets the wrong way round": ({"x": entry(4, 0, [1])}, bytes(4), "does not fill"),
    "an overlap": (
        {"x": entry(0, 8, [2]), "y": entry(4, 8, [1])},
        bytes(8),
        "y begins at byte 4, where byte 8 comes next",
    ),
    "a gap": (
        {"x": entry(0, 4, [1]), "y": entry(8, 12, [1])},
        bytes(12),
        "y begins at byte 8, where byte 4 comes next",
    ),
    "beyond the end": ({"x": entry(0, 8, [2])}, bytes(4), "the tensors end at byte 8, the file at 4"),
    "something behind": ({"x": entry(0, 4, [1])}, bytes(8), "the tensors end at byte 4, the file at 8"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, fault: str) -> None:
    header, data, said = BROKEN[fault]
    path = written(tmp_path / "x.safetensors", header, data)
    with pytest.raises(WeightError, match=said):
        SafeTensors(path)
    with pytest.raises(SafetensorError), safe_open(path, framework="numpy"):
        pass


@pytest.mark.parametrize(
    "content", [b"", b"1234567", (1 << 60).to_bytes(8, "little") + b"{}", (3).to_bytes(8, "little") + b"{}"]
)
def test_a_file_that_ends_too_soon(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightError, match="no complete safetensors file"):
        SafeTensors(path)
    with pytest.raises(WeightError, match=re.escape(f"{tmp_path}/none: this file cannot be read: No such file")):
        SafeTensors(tmp_path / "none")


GOOD = {"x": entry(0, 24, [2, 3]), "y": entry(24, 28, [2], "F16")}


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_file_is_read_as_the_library_reads_it_or_refused(tmp_path_factory: Any, data: st.DataObject) -> None:
    content = bytearray(written(tmp_path_factory.mktemp("x") / "x", GOOD, bytes(range(28))).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("x") / "x.safetensors"
    path.write_bytes(content)
    try:
        found = SafeTensors(path)
    except WeightError:
        return  # it may be stricter than the library: fewer types
    with safe_open(path, framework="numpy") as file:
        for name, shape in found.shapes.items():
            theirs = file.get_tensor(name)
            assert theirs.shape == shape
            if len(shape) == 2:
                np.testing.assert_array_equal(np.array(found.matrix(name)).reshape(shape), theirs)
