"""NumPy as the second engine: the same forward pass, names and pictures, in another arithmetic."""

from typing import Any

import numpy as np
import pytest

from explorer.engine import array_ops, engines
from explorer.engine.engines import AUTO, NUMPY, PYTHON, in_words, largest_difference, on_engine
from explorer.loading.checkpoints import LISTS_UP_TO
from explorer.runs import running
from explorer.runs.trace import LiveRun
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from gpt import GPTConfig, generate, ops
from gpt.sampling import Sampling
from tests.helpers.models import CONFIGS, Bytes, finish, full_run, never, small_model, traced

IDS = [3, 1, 4, 1, 5, 9, 2]


def test_both_arithmetics_offer_the_same_functions() -> None:
    def names(module: Any) -> set[str]:
        mine = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        return {name for name in mine if not name.startswith("_")}

    listed = {name for name in vars(ops.Arithmetic) if not name.startswith("_")}
    assert listed <= names(ops)
    assert listed <= names(array_ops)
    ours = names(ops) - {"Arithmetic", "looped_dot", "mapped_dot"} | {"dot"}  # math.sumprod, where there is one
    assert ours <= names(array_ops)
    assert set(ops.ACTIVATIONS) == set(array_ops.ACTIVATIONS)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_they_agree_on_every_activation(config: dict[str, Any]) -> None:
    plain = small_model(**config)
    arrays = on_engine(plain, NUMPY)
    ours, theirs = full_run(plain, IDS), full_run(arrays, IDS)
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert value.dtype == np.float32, name
        np.testing.assert_allclose(value, np.asarray(ours[name]), rtol=1e-4, atol=1e-4, err_msg=name)
    gap, name = largest_difference(ours, theirs)
    assert 0 < gap < 1e-3
    assert np.nanmax(np.abs(np.asarray(ours[name]) - theirs[name])) == pytest.approx(gap)


def test_there_and_back_is_float32() -> None:
    plain = small_model()
    back = on_engine(on_engine(plain, NUMPY), PYTHON)
    assert back.ops is ops
    rounded = np.asarray(plain.weights.blocks[1].mlp_in.weight, dtype=np.float32).tolist()
    assert back.weights.blocks[1].mlp_in.weight == rounded
    assert back.weights.unembedding is back.weights.token_embedding, "a tied head stays one"
    assert on_engine(plain, PYTHON) is plain


def test_compact_rows_hold_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = on_engine(small_model(), NUMPY)
    lists = on_engine(arrays, PYTHON)
    monkeypatch.setattr(engines, "LISTS_UP_TO", 10)
    compact = on_engine(arrays, PYTHON)
    assert compact.weights.token_embedding[0].typecode == "f"  # type: ignore[attr-defined]
    assert full_run(compact, IDS) == full_run(lists, IDS)


def test_which_engine_auto_means() -> None:
    small, large = GPTConfig(n_layer=1, n_embd=96, n_head=12), GPTConfig()
    assert [engines.choose(name, small) for name in (PYTHON, NUMPY, AUTO)] == [PYTHON, NUMPY, PYTHON]
    assert [engines.choose(name, large) for name in (PYTHON, NUMPY, AUTO)] == [PYTHON, NUMPY, NUMPY]
    assert LISTS_UP_TO == engines.LISTS_UP_TO
    assert in_words(small_model()) == "plain Python"
    assert in_words(on_engine(small_model(), NUMPY)) == "NumPy float32"


def test_a_trace_grows_and_shrinks_on_numpy_too() -> None:
    model = on_engine(small_model(scale_attn_by_inverse_layer_idx=True), NUMPY)
    whole = traced(model, IDS)
    grown = LiveRun(model, IDS[:3])
    assert running.complete(grown, never)
    grown = grown.first(3)
    grown.ids = IDS
    assert running.complete(grown, never)
    for name, value in whole.values.items():
        np.testing.assert_allclose(grown.values[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(whole.first(4).matrix(name, 1), grown.first(4).matrix(name, 1), rtol=1e-5, atol=1e-6)
    assert grown.logits(2) == pytest.approx(whole.logits(2), rel=1e-4)


def test_a_session_on_numpy_draws_what_numpy_generates() -> None:
    model = on_engine(small_model(vocab_size=256, n_positions=20), NUMPY)
    session = Session(model, Bytes(), Sampling(0.9, 20), seed=5)
    session.submit("Once")
    finish(session)
    for _ in range(6):
        assert session.take_token()
        finish(session)
    steps = generate(model, list(b"Once"), 6, Sampling(0.9, 20), seed=5)
    assert session.ids[4:] == [step.token for step in steps]
    session.cursor.go_to_stage(1)
    assert isinstance(value_under_cursor(session), float)


def test_a_run_on_numpy_can_be_cancelled() -> None:
    trace = LiveRun(on_engine(small_model(), NUMPY), IDS)
    assert not running.complete(trace, lambda: len(trace.values) > 10)
    assert 10 < len(trace.values) < 15
    assert running.complete(trace, never)
