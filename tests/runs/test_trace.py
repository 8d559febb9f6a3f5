"""A trace that grew in pieces is the trace of one run; what it works out of it is NumPy's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from gpt import GPT, activation_shapes
from tests.helpers.models import CONFIGS, full_run, never, small_model, traced

IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5]
MODELS = {name: small_model(seed=7, **config) for name, config in CONFIGS.items()}
IDS_OF_MODEL = st.lists(st.integers(0, 10), min_size=1, max_size=9)


def assert_holds(trace: Trace, expected: dict[str, Any]) -> None:
    """Value by value the same numbers, not only nearly: the same arithmetic made them."""
    assert set(trace.values) == {name for name, _ in activation_shapes(trace.config)} == set(expected)
    for name, value in expected.items():
        found, whole = np.array(trace.values[name]), np.array(value)
        assert found.shape == whole.shape, name
        assert np.array_equal(found, whole), name


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def model(request: pytest.FixtureRequest) -> GPT:
    return request.param


@pytest.mark.parametrize("ends", [[9], [1, 9], [8, 9], [2, 3, 9], list(range(1, 10))], ids=str)
def test_grown_in_pieces_it_equals_one_run(model: GPT, ends: list[int]) -> None:
    trace = LiveRun(model, IDS)
    for end in ends:
        trace.ids = IDS[:end]
        assert running.complete(trace, never)
        assert_holds(trace, full_run(model, IDS[:end]))


@given(IDS_OF_MODEL, st.data())
def test_any_pieces_of_any_tokens_do(ids: list[int], data: st.DataObject) -> None:
    model = MODELS[data.draw(st.sampled_from(sorted(MODELS)))]
    trace, end = LiveRun(model, []), 0
    while end < len(ids):
        end = data.draw(st.integers(end + 1, len(ids)))
        trace.ids = ids[:end]
        assert running.complete(trace, never)
    assert trace.complete == len(ids)
    assert_holds(trace, full_run(model, ids))


@pytest.mark.parametrize("positions", [1, 4, 9])
def test_its_beginning_is_the_run_of_the_beginning(model: GPT, positions: int) -> None:
    trace = traced(model, IDS)
    cut = trace.first(positions)
    assert cut.ids == IDS[:positions]
    assert_holds(cut, full_run(model, IDS[:positions]))
    assert_holds(trace, full_run(model, IDS))  # which stays as it was


def test_another_end_can_be_put_to_the_beginning(model: GPT) -> None:
    trace = traced(model, IDS).first(4)
    trace.ids = [*IDS[:4], 10, 0, 10]
    assert running.complete(trace, never)
    assert_holds(trace, full_run(model, trace.ids))


def test_the_first_none_and_the_first_of_too_many() -> None:
    model = MODELS["small"]
    nothing = traced(model, IDS).first(0)
    assert (nothing.ids, nothing.values, nothing.cache, nothing.complete) == ([], {}, None, 0)
    assert traced(model, IDS[:3]).first(20).ids == IDS[:3]


def stopping_at(name: str) -> Callable[[Trace], None]:
    """Runs a trace until that activation is recorded, and no further."""

    def run(trace: Trace) -> None:
        assert not running.complete(trace, lambda: trace.positions(name) == len(trace.ids))

    return run


@pytest.mark.parametrize(
    "name", ["blocks.0.attn.hook_q", "blocks.0.attn.hook_attn_scores_raw", "blocks.1.attn.hook_pattern"]
)
@pytest.mark.parametrize("known", [0, 1, 5])
def test_a_cancelled_run_that_is_resumed_gives_the_same(name: str, known: int) -> None:
    model = MODELS["small"]
    trace = traced(model, IDS).first(known)
    trace.ids = IDS
    stopping_at(name)(trace)
    assert trace.complete == known
    assert trace.positions(name) == len(IDS)
    assert trace.positions("logits") == known
    trace.ids = [*IDS[:7], 0]  # other tokens may follow by the time it goes on
    assert running.complete(trace, never)
    assert_holds(trace, full_run(model, trace.ids))


def test_the_beginning_of_a_cancelled_run_is_what_was_complete() -> None:
    model = MODELS["by inverse layer"]
    trace = traced(model, IDS).first(3)
    trace.ids = IDS
    stopping_at("blocks.1.attn.hook_attn_scores")(trace)
    assert_holds(trace.first(7), full_run(model, IDS[:3]))


def test_the_version_counts_what_was_recorded() -> None:
    trace = LiveRun(MODELS["small"], IDS)
    assert trace.version == 0
    running.complete(trace, never)
    assert trace.version == len(trace.values)
    assert [trace.positions(name) for name in trace.values] == [len(IDS)] * len(trace.values)
    assert trace.positions("blocks.0.hook_nothing") == 0


def test_a_row_for_each_position(model: GPT) -> None:
    trace = traced(model, IDS)
    for name, axes in activation_shapes(model.config):
        value = np.array(trace.values[name])
        for head in range(model.config.n_head):
            expected = {"HTS": value[head], "THe": value[:, head]} if value.ndim == 3 else {}
            assert np.array_equal(trace.matrix(name, head), expected.get("".join(axes), value)), name


def test_the_ranking_is_numpys(model: GPT) -> None:
    trace = traced(model, IDS)
    for position in range(len(IDS)):
        logits = np.array(trace.values["logits"][position])
        ranking = trace.ranking("logits", position)
        assert ranking is not None
        assert ranking.order == np.argsort(-logits, kind="stable").tolist()
        weights = np.exp(logits - logits.max())
        np.testing.assert_allclose(ranking.probabilities, weights / weights.sum(), rtol=1e-12)
        assert trace.ranking(trace.last_residual, position) is ranking
        assert trace.ranking("logits", position) is ranking  # and it is worked out once


def test_the_lens_of_a_residual_stream_is_the_models_read_out(model: GPT) -> None:
    trace = traced(model, IDS)
    streams = ["hook_embed", *(name for name in trace.values if "resid" in name)]
    for name in streams:
        for position in (0, len(IDS) - 1):
            assert trace.ranking(name, position) is None or name == trace.last_residual
            assert running.look_through_lens(trace, name, position, never)
            (expected,) = model.read_out([trace.values[name][position]])
            assert trace.derived[name, position] == expected
            ranking = trace.ranking(name, position)
            assert ranking is not None
            assert ranking.logits == expected


def test_what_the_heads_wrote_adds_up_to_what_attention_wrote(model: GPT) -> None:
    trace = traced(model, IDS)
    expected: dict[str, Any] = {}
    model.forward(IDS, hook=expected.__setitem__, head_results=True)
    for layer in range(model.config.n_layer):
        bias = np.array(model.weights.blocks[layer].attn_out.bias)
        for position in range(len(IDS)):
            writes = trace.head_writes(layer, position)
            results = expected[f"blocks.{layer}.attn.hook_result"][position]  # which add up in another order
            np.testing.assert_allclose(writes, results, rtol=1e-9, atol=1e-9)
            written = trace.values[f"blocks.{layer}.hook_attn_out"][position]
            np.testing.assert_allclose(np.sum(writes, axis=0) + bias, written, rtol=1e-9, atol=1e-9)


def test_nothing_is_said_of_what_is_not_computed() -> None:
    trace = LiveRun(MODELS["small"], IDS)
    assert trace.ranking("logits", 0) is None
    assert trace.head_writes(0, 0) is None
    stopping_at("blocks.0.attn.hook_z")(trace)
    assert trace.head_writes(0, 8) is not None
    assert trace.head_writes(1, 0) is None


def test_what_was_worked_out_stays_with_the_positions_that_stay() -> None:
    trace = traced(MODELS["small"], IDS)
    for position in (2, 3):
        running.look_through_lens(trace, "hook_embed", position, never)
        trace.ranking("logits", position)
        trace.head_writes(0, position)
    cut = trace.first(3)
    assert {position for _, position in cut.derived} == {2}
    assert len(cut.derived) == 3
    assert cut.ranking("logits", 2) is trace.ranking("logits", 2)
