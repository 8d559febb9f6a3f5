"""The operations on arrays: the same in every library, each held against plain Python; the standard's names alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.engine import array_ops
from gpt import ops
from tests.helpers.modules import modules_after


def _normal(*shape: int) -> Any:
    return np.random.default_rng(shape[-1]).normal(size=shape)


CASES: dict[str, tuple[Any, ...]] = {
    "dot": (_normal(5), _normal(5)),
    "matmul_transposed": (_normal(3, 4), _normal(5, 4)),
    "matmul": (_normal(3, 4), _normal(4, 2)),
    "linear": (_normal(3, 4), _normal(5, 4), _normal(5)),
    "add": (_normal(2, 3), _normal(2, 3)),
    "add_all": (_normal(2, 3, 4), _normal(4)),
    "divide": (_normal(2, 3, 3), 2.0),
    "mean": (_normal(3, 4),),
    "variance": (_normal(3, 4), _normal(3, 1)),
    "standard_deviation": (abs(_normal(3, 1)), 1e-5),
    "normalize": (_normal(3, 4), _normal(3, 1), abs(_normal(3, 1))),
    "scale_and_shift": (_normal(3, 4), _normal(4), _normal(4)),
    "causal_mask": (_normal(2, 3, 5),),
    "softmax": (_normal(2, 3, 3),),
    "softmax_row": (_normal(7),),
    "take": (_normal(5, 3), [4, 0, 4]),
    "transpose": (_normal(2, 3),),
    "concatenate": (_normal(2, 2, 3), _normal(1, 2, 3)),
    "split_heads": (_normal(2, 6), 3),
    "merge_heads": (_normal(2, 3, 2),),
    "split_columns": (_normal(2, 6), 3),
    "swap": (_normal(2, 3, 4),),
    **{f"activate {name}": (3 * _normal(3, 40), name) for name in ops.ACTIVATIONS},
}


def _library(name: str) -> Callable[[Any], Any]:
    """A function from NumPy's arrays to those of that library; skips where it is not installed."""
    if name == "lists":
        return lambda values: values.tolist()
    if name == "numpy":
        return lambda values: values
    xp = pytest.importorskip(name)
    return xp.from_numpy if name == "torch" else xp.asarray


@pytest.mark.parametrize("library", ["lists", "numpy", "array_api_strict", "torch"])
@pytest.mark.parametrize("case", CASES)
def test_each_operation_is_that_of_plain_python(case: str, library: str) -> None:
    """`array_api_strict` has nothing but what the standard says: what runs there runs on any library."""
    convert, name = _library(library), case.split()[0]

    def given(argument: Any, convert: Callable[[Any], Any]) -> Any:
        return convert(argument) if isinstance(argument, np.ndarray) else argument

    arguments = [given(argument, convert) for argument in CASES[case]]
    found = getattr(array_ops, name)(*arguments)
    if library not in ("lists", "numpy") and name != "dot":
        some = found[0] if isinstance(found, list) else found
        assert type(some) is type(arguments[0]), "it stays in its library"
    wanted = getattr(ops, name)(*(given(argument, lambda values: values.tolist()) for argument in CASES[case]))
    found = np.stack([np.asarray(part) for part in found]) if isinstance(found, list) else np.asarray(found)
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-12, atol=1e-14)
    for argument, before in zip(arguments, CASES[case]):
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(np.asarray(argument), before, "nothing is changed in place")


@pytest.mark.parametrize("library", ["numpy", "array_api_strict", "torch"])
def test_stacked_matrices_are_a_tensor(library: str) -> None:
    convert = _library(library)
    matrices = [_normal(2, 3), _normal(2, 3) + 1]
    found = array_ops.stack([convert(matrix) for matrix in matrices])
    np.testing.assert_array_equal(np.asarray(found), np.stack(matrices))


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_a_list_beside_an_array_takes_its_library_and_precision(library: str) -> None:
    xp = pytest.importorskip(library)
    row = xp.asarray([[1.0, 2.0]], dtype=xp.float32)
    found = array_ops.linear([[1.0, 1.0]], row, np.array([0.5]))
    assert type(found) is type(row)
    assert found.dtype == xp.float32
    assert np.asarray(found).tolist() == [[3.5]]


def test_numpy_does_without_the_layer_for_other_libraries() -> None:
    code = "from explorer.cli import main; main(['generate', 'Once', '--engine', 'numpy', '--max-new-tokens', '1'])"
    loaded = modules_after(code)
    assert "explorer.engine.array_ops" in loaded
    assert not {"array_api_compat", "torch"} & loaded
