"""Runs that can be interrupted: the same numbers, and soon over when nobody wants them any more."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.runs import running
from explorer.runs.trace import LiveRun
from gpt import GPT, ops
from tests.helpers.models import CONFIGS, full_run, never, small_model, traced

IDS = [3, 1, 4, 1, 5, 9, 2, 6]
MODEL = small_model(seed=3)
LARGE = small_model(seed=4, vocab_size=9000, n_embd=2, n_head=1)  # more tokens than are multiplied at once


class Patience:
    """Wants a run for so many questions, and remembers how often it was asked."""

    def __init__(self, questions: int) -> None:
        self.left = questions
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        self.left -= 1
        return self.left < 0


def questions_of(model: GPT, ids: list[int], known: int = 0) -> int:
    """How often a run that nobody cancels asks whether to go on."""
    patience = Patience(10**9)
    trace = traced(model, ids).first(known)
    trace.ids = ids
    assert running.complete(trace, patience)
    return patience.asked


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_numbers_are_the_plain_ones_bit_for_bit(config: dict[str, Any]) -> None:
    model = small_model(**config)
    assert traced(model, IDS).values == full_run(model, IDS)


def test_a_vocabulary_in_pieces_gives_the_same_logits() -> None:
    trace = traced(LARGE, IDS)
    assert trace.values["logits"] == LARGE.forward(IDS).logits
    assert running.look_through_lens(trace, "hook_embed", 1, never)
    assert trace.derived["hook_embed", 1] == LARGE.read_out([trace.values["hook_embed"][1]])[0]


@given(st.integers(0, questions_of(MODEL, IDS) - 1), st.integers(0, len(IDS) - 1))
def test_cancelled_at_any_moment_it_keeps_what_was_complete(moment: int, known: int) -> None:
    trace = traced(MODEL, IDS).first(known)
    trace.ids = IDS
    before = {name: trace.matrix(name)[:known] for name in trace.values}
    patience = Patience(moment % questions_of(MODEL, IDS, known))
    assert running.complete(trace, patience) is False
    assert patience.left == -1  # it was over with the first no
    assert trace.complete == known
    assert trace.positions("logits") == known
    for name, rows in before.items():
        assert [row[: len(old)] for row, old in zip(trace.matrix(name), rows)] == list(rows), name
    assert running.complete(trace, never) is True
    assert trace.values == full_run(MODEL, IDS)


def test_a_run_that_nobody_wants_records_no_more_than_the_embeddings() -> None:
    trace = LiveRun(MODEL, IDS)
    assert not running.complete(trace, lambda: True)
    assert not {name for name in trace.values if "attn" in name or "mlp" in name}
    assert trace.complete == 0


def test_there_is_nothing_to_do_for_a_complete_trace() -> None:
    trace = traced(MODEL, IDS)
    version = trace.version
    assert running.complete(trace, lambda: True)
    assert trace.version == version
    assert running.complete(LiveRun(MODEL, []), lambda: True)


def test_a_cancelled_lens_is_not_kept() -> None:
    trace = traced(LARGE, IDS)
    for questions in range(3):
        patience = Patience(questions)
        assert not running.look_through_lens(trace, "hook_embed", 0, patience)
        assert patience.asked == questions + 1
        assert trace.ranking("hook_embed", 0) is None
    assert running.look_through_lens(trace, "hook_embed", 0, Patience(3))


def multiplying(count: Callable[[int], None]) -> SimpleNamespace:
    """The plain arithmetic, which says of every product of matrices how many numbers it multiplies."""

    def counted(function: Callable[..., Any], inner: Callable[..., int]) -> Callable[..., Any]:
        def call(a: Any, b: Any, *rest: Any) -> Any:
            count(len(a) * len(a[0]) * inner(b))
            return function(a, b, *rest)

        return call

    parts = {name: getattr(ops, name) for name in dir(ops) if not name.startswith("_")}
    parts |= {name: counted(parts[name], len) for name in ("linear", "matmul_transposed")}
    parts["matmul"] = counted(ops.matmul, lambda b: len(b[0]))
    return SimpleNamespace(**parts)


@pytest.mark.parametrize(("vocabulary", "ids"), [(11, list(range(10)) * 5), (9000, [1, 2])])
def test_between_two_questions_little_is_multiplied(vocabulary: int, ids: list[int]) -> None:
    """No more than one row of the largest matrix, or so many tokens of the vocabulary: never all positions at once."""
    config = {"n_positions": 50, "vocab_size": vocabulary, "n_embd": 4, "n_head": 1}
    plain, done, most = small_model(**config), 0, 0

    def count(products: int) -> None:
        nonlocal done, most
        done += products
        most = max(most, done)

    def cancelled() -> bool:
        nonlocal done
        done = 0
        return False

    model = GPT(plain.config, plain.weights, ops=multiplying(count))  # type: ignore[arg-type]
    assert running.complete(LiveRun(model, ids), cancelled)
    row = max(plain.config.mlp_width, len(ids), min(vocabulary, running._ROWS_AT_ONCE)) * plain.config.n_embd
    assert 0 < most <= row
