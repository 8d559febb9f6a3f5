"""Every operation of `gpt.ops` against NumPy, with either definition of the dot product."""

import importlib.util
import math
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpt.ops
from tests.helpers import numpy_gpt2

TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}


def ops_without_sumprod() -> ModuleType:
    """gpt.ops as Python 3.11 sees it, whose math has no sumprod."""
    spec = importlib.util.spec_from_file_location("ops_without_sumprod", gpt.ops.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(math, "sumprod", raising=False)
        spec.loader.exec_module(module)
    return module


FALLBACK = ops_without_sumprod()


@pytest.fixture(params=[gpt.ops, FALLBACK], ids=["sumprod", "fallback"])
def ops(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape)


def same(found: object, expected: np.ndarray) -> None:
    """Equal up to rounding, and of the same shape."""
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, **TOLERANCE)


# The dot product


def test_the_fallback_is_not_sumprod() -> None:
    assert FALLBACK.dot is not getattr(math, "sumprod", None)
    assert not hasattr(math, "sumprod") or gpt.ops.dot is math.sumprod


numbers = st.floats(-1e100, 1e100, allow_subnormal=False)


@pytest.mark.parametrize("module", [gpt.ops, FALLBACK], ids=["sumprod", "fallback"])
@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40))
@settings(max_examples=60)
def test_dot_is_exact_up_to_rounding(module: ModuleType, pairs: list[tuple[float, float]]) -> None:
    a, b = map(list, zip(*pairs))
    exact = sum(Fraction(x) * Fraction(y) for x, y in pairs)
    size = sum(abs(Fraction(x) * Fraction(y)) for x, y in pairs)
    # each product and each sum is rounded once, and the least number there is stands for those too small to be written
    bound = (len(pairs) + 1) * (Fraction(2) ** -53 * size * 2 + Fraction(5e-324))
    assert abs(Fraction(module.dot(a, b)) - exact) <= bound


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (3, 4, 5), (5, 1, 2), (1, 64, 1)])
def test_products(ops: ModuleType, n: int, k: int, m: int) -> None:
    a, b, bias = random(n, k), random(k, m, seed=1), random(m, seed=2)
    same(ops.matmul(a.tolist(), b.tolist()), a @ b)
    same(ops.matmul_transposed(a.tolist(), b.T.tolist()), a @ b)
    same(ops.linear(a.tolist(), b.T.tolist(), bias.tolist()), a @ b + bias)
    same([ops.dot(row, row) for row in a.tolist()], (a * a).sum(axis=1))


# Sums, layer norm


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 4), (4, 1, 5)])
def test_sums_and_quotients(ops: ModuleType, shape: tuple[int, int, int]) -> None:
    x, y, bias = random(*shape), random(*shape, seed=1), random(shape[-1], seed=2)
    same(ops.add(x[0].tolist(), y[0].tolist()), x[0] + y[0])
    same(ops.add_all(x.tolist(), bias.tolist()), x.sum(axis=1) + bias)
    same(ops.divide(x.tolist(), 0.37), x / 0.37)


@given(
    rows=st.integers(1, 4),
    width=st.integers(1, 70),
    exponent=st.integers(-60, 60),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_the_steps_of_layer_norm(rows: int, width: int, exponent: int, seed: int) -> None:
    x = (random(rows, width, seed=seed) + 0.5) * 2.0**exponent
    for ops in (gpt.ops, FALLBACK):
        mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        found = ops.variance(x.tolist(), mean.tolist())
        np.testing.assert_allclose(ops.mean(x.tolist()), mean, rtol=1e-12, atol=1e-14 * abs(x).max())
        np.testing.assert_allclose(found, variance, rtol=1e-12, atol=1e-28 * x.max() ** 2)
        same(ops.standard_deviation(variance.tolist(), 1e-5), np.sqrt(variance + 1e-5))
        scale = np.sqrt(variance + 1e-5)
        same(ops.normalize(x.tolist(), mean.tolist(), scale.tolist()), (x - mean) / scale)


def test_a_constant_row_has_no_variance(ops: ModuleType) -> None:
    x = [[0.1] * 7]
    variance = ops.variance(x, ops.mean(x))
    assert 0 <= variance[0][0] < 1e-30
    assert ops.standard_deviation([[0.0]], 0.25) == [[0.5]]


def test_scale_and_shift(ops: ModuleType) -> None:
    x, gamma, beta = random(3, 5), random(5, seed=1), random(5, seed=2)
    same(ops.scale_and_shift(x.tolist(), gamma.tolist(), beta.tolist()), x * gamma + beta)


# Attention


@given(heads=st.integers(1, 3), positions=st.integers(1, 6), cached=st.integers(0, 5))
@settings(max_examples=50)
def test_the_causal_mask_counts_from_the_last_position(heads: int, positions: int, cached: int) -> None:
    scores = random(heads, positions, cached + positions)
    visible = np.arange(cached + positions)[None, :] <= np.arange(cached, cached + positions)[:, None]
    masked = np.array(gpt.ops.causal_mask(scores.tolist()))
    np.testing.assert_array_equal(masked, np.where(visible, scores, -np.inf))


@given(
    scores=st.lists(st.one_of(st.floats(-1e300, 1e300), st.floats(-30, 30), st.just(-math.inf)), max_size=30),
    finite=st.floats(-1e300, 1e300),
    place=st.integers(0, 30),
)
@settings(max_examples=150)
def test_softmax_of_any_scores(scores: list[float], finite: float, place: int) -> None:
    scores.insert(place, finite)
    found = gpt.ops.softmax_row(scores)
    np.testing.assert_allclose(found, numpy_gpt2.softmax(np.array(scores)), **TOLERANCE)
    assert math.fsum(found) == pytest.approx(1, abs=1e-14)
    assert all(value == 0 for value, score in zip(found, scores) if score == -math.inf)


def test_softmax_takes_each_row_by_itself(ops: ModuleType) -> None:
    scores = random(2, 3, 4)
    same(ops.softmax(scores.tolist()), np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True))
    assert ops.softmax([[[-7.5]]]) == [[[1.0]]]


# Activations


@pytest.mark.parametrize("name", sorted(gpt.ops.ACTIVATIONS))
def test_activations(ops: ModuleType, name: str) -> None:
    x = np.concatenate([np.linspace(-12, 12, 401), [0.0, 1e-300, -1e-300, 40.0, -40.0, 1000.0, -1000.0]])
    found = np.array(ops.activate([x.tolist(), x[::-1].tolist()], name))
    np.testing.assert_allclose(found[0], numpy_gpt2.ACTIVATIONS[name](x), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(found[1], found[0][::-1])


def test_activations_by_name_are_the_functions_of_that_name(ops: ModuleType) -> None:
    assert all(ops.ACTIVATIONS[name] is getattr(ops, name) for name in ("gelu_new", "gelu", "relu", "silu", "tanh"))


def test_silu_overflows_nowhere(ops: ModuleType) -> None:
    assert ops.silu(1000.0) == 1000.0
    assert ops.silu(-1000.0) == 0.0


# Rearranging


@given(positions=st.integers(1, 4), heads=st.integers(1, 4), width=st.integers(1, 4))
@settings(max_examples=40)
def test_rearranging(positions: int, heads: int, width: int) -> None:
    ops = gpt.ops
    flat = np.arange(float(positions * heads * width)).reshape(positions, heads * width)
    tensor = flat.reshape(positions, heads, width)
    np.testing.assert_array_equal(ops.split_heads(flat.tolist(), heads), tensor)
    np.testing.assert_array_equal(ops.merge_heads(tensor.tolist()), flat)
    np.testing.assert_array_equal(ops.split_columns(flat.tolist(), heads), np.split(flat, heads, axis=1))
    np.testing.assert_array_equal(ops.swap(tensor.tolist()), tensor.swapaxes(0, 1))
    np.testing.assert_array_equal(ops.transpose(flat.tolist()), flat.T)
    np.testing.assert_array_equal(ops.stack(tensor.tolist()), tensor)
    np.testing.assert_array_equal(ops.concatenate(flat.tolist(), flat[:1].tolist()), np.concatenate([flat, flat[:1]]))


def test_take_copies_the_rows_it_is_asked_for(ops: ModuleType) -> None:
    table = [[1.0], [2.0], [3.0]]
    taken = ops.take(table, [2, 0, 2])
    assert taken == [[3.0], [1.0], [3.0]]
    taken[1][0] = 9.0
    assert table == [[1.0], [2.0], [3.0]]
