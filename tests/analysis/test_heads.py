"""Labels of heads, on patterns made by hand whose label is known."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from explorer.analysis import heads
from explorer.analysis.errors import AnalysisError
from explorer.analysis.heads import Behaviour
from explorer.engine.engines import NUMPY, on_engine, plain
from explorer.runs.trace import LiveRun, Trace
from tests.helpers.models import recorded, small_model, traced

REPEATED = [5, 9, 2, 7, 4, 5, 9, 2, 7, 4, 5, 9]
"""A sequence of five, twice and a bit."""


def pattern(length: int, attend: Callable[[int], int | None]) -> list[list[float]]:
    """A row puts nine tenths on the position it is sent to and spreads the rest; sent nowhere, it spreads all."""
    rows = []
    for position in range(length):
        to = attend(position)
        free = 1.0 if to is None else 0.1
        row = [free / (position + 1)] * (position + 1) + [0.0] * (length - position - 1)
        if to is not None:
            row[to] += 0.9
        rows.append(row)
    return rows


def repeats(back: int) -> Callable[[int], int]:
    """Goes back so far where the sequence has begun again, and rests on the first token before."""
    return lambda position: position - back if position >= 5 else 0


MADE: dict[str, tuple[Callable[[int], int | None], Behaviour | None]] = {
    "previous": (lambda position: max(position - 1, 0), Behaviour.PREVIOUS_TOKEN),
    "first": (lambda position: 0, Behaviour.FIRST_TOKEN),
    "itself": (lambda position: position, Behaviour.ITSELF),
    "the same token before": (repeats(5), Behaviour.DUPLICATE_TOKEN),
    "what came after it": (repeats(4), Behaviour.INDUCTION),
    "two back": (lambda position: max(position - 2, 0), None),
    "everything": (lambda position: None, None),
}


@pytest.mark.parametrize("made", MADE)
def test_a_pattern_made_by_hand_gets_its_label(made: str) -> None:
    attend, expected = MADE[made]
    scores = heads.scores_of(pattern(len(REPEATED), attend), REPEATED)
    assert heads.label(scores) == expected
    if expected is not None:
        assert scores[expected].value == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize(
    "made", [name for name, (_, label) in MADE.items() if label in (Behaviour.DUPLICATE_TOKEN, Behaviour.INDUCTION)]
)
def test_without_repetition_a_head_is_not_what_it_might_be(made: str) -> None:
    ids = list(range(12))
    scores = heads.scores_of(pattern(12, lambda position: 0), ids)
    for name in (Behaviour.DUPLICATE_TOKEN, Behaviour.INDUCTION):
        assert scores[name] == heads.Score(None, None, 0)
    assert heads.label(scores) == Behaviour.FIRST_TOKEN


def test_a_sink_is_no_duplicate_head_because_the_first_token_comes_again() -> None:
    ids = [1, 2, 3, 1, 4, 5, 1, 6, 7, 1]
    scores = heads.scores_of(pattern(len(ids), lambda position: 0), ids)
    assert heads.label(scores) == Behaviour.FIRST_TOKEN
    assert scores[Behaviour.DUPLICATE_TOKEN].value is None, "wherever the token came before, it also came first"


def test_a_previous_token_head_is_no_induction_head_in_a_short_loop() -> None:
    ids = [1, 2] * 6
    scores = heads.scores_of(pattern(len(ids), lambda position: max(position - 1, 0)), ids)
    assert scores[Behaviour.INDUCTION].value is None
    assert heads.label(scores) == Behaviour.PREVIOUS_TOKEN


def test_a_head_for_itself_is_no_induction_head_where_a_token_is_doubled() -> None:
    ids = [1, 2, 2, 3, 3, 4, 4]
    scores = heads.scores_of(pattern(len(ids), lambda position: position), ids)
    assert scores[Behaviour.INDUCTION].value is None
    assert heads.label(scores) == Behaviour.ITSELF


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_prompt_too_short_labels_no_head_by_chance(length: int) -> None:
    for attend, _ in MADE.values():
        scores = heads.scores_of(pattern(length, attend), list(range(length)))
        label = heads.label(scores)
        assert label in (None, Behaviour.ITSELF), "a row of its own choosing is needed, twice"
        assert scores[Behaviour.PREVIOUS_TOKEN].rows == max(0, length - 2)


def test_one_token_measures_nothing() -> None:
    scores = heads.scores_of([[1.0]], [7])
    assert all(score == heads.Score(None, None, 0) for score in scores.values())


def test_chance_is_what_even_attention_scores() -> None:
    even = heads.scores_of(pattern(len(REPEATED), lambda position: None), REPEATED)
    for score in even.values():
        assert score.value == pytest.approx(score.even)


def test_targets() -> None:
    assert heads.targets(Behaviour.PREVIOUS_TOKEN, [7, 8, 9]) == [(), (), (1,)]
    assert heads.targets(Behaviour.ITSELF, [7, 8, 9]) == [(), (1,), (2,)]
    assert heads.targets(Behaviour.DUPLICATE_TOKEN, REPEATED)[6:8] == [(1,), (2,)]
    assert heads.targets(Behaviour.INDUCTION, REPEATED)[5:7] == [(1,), (2,)]
    assert heads.targets(Behaviour.INDUCTION, REPEATED)[10] == (1, 6)


def test_every_behaviour_has_a_definition_and_a_source() -> None:
    assert list(Behaviour) == list(heads.scores_of([[1.0]], [0]))
    for behaviour in Behaviour:
        assert behaviour.definition.endswith(".")
        assert behaviour.source
    assert "0.4" in heads.LABELLING


# On runs


def test_every_head_of_a_model_has_scores() -> None:
    model = small_model()
    run = traced(model, [3, 1, 4, 1, 5, 9, 2])
    for layer in range(2):
        found = heads.head_scores(run, layer)
        assert [(head.layer, head.head) for head in found] == [(layer, head) for head in range(3)]


def test_a_recorded_run_has_labels_but_no_norms() -> None:
    ids = [3, 1, 4, 1, 5]
    run = recorded(small_model(), ids)
    live = traced(small_model(), ids)
    for layer in range(2):
        assert list(heads.head_scores(run, layer)) == list(heads.head_scores(live, layer))
    with pytest.raises(AnalysisError, match="without its model"):
        heads.value_weighted(run, 0, 0)


def test_a_run_without_patterns_says_so() -> None:
    run = LiveRun(small_model(), [1, 2])
    with pytest.raises(AnalysisError, match=r"blocks\.0\.attn\.hook_pattern was not recorded"):
        next(heads.head_scores(run, 0))


def norms(trace: Trace, layer: int, head: int) -> list[float]:
    """‖v·W_O‖ by the definition, number by number."""
    width, weight = trace.config.head_width, trace.model.weights.blocks[layer].attn_out.weight
    found = []
    for values in trace.values[f"blocks.{layer}.attn.hook_v"]:
        moved = [sum(values[head][i] * row[head * width + i] for i in range(width)) for row in weight]
        found.append(math.hypot(*moved))
    return found


@pytest.mark.parametrize("engine", ["python", NUMPY])
def test_value_weighted(engine: str) -> None:
    model = small_model()
    run: Any = traced(on_engine(model, engine), [3, 1, 4, 1])
    expected = norms(traced(model, [3, 1, 4, 1]), 1, 2)
    for row, weights in zip(heads.value_weighted(run, 1, 2), plain(run.values["blocks.1.attn.hook_pattern"])[2]):
        assert row == pytest.approx([weight * norm for weight, norm in zip(weights, expected)], rel=1e-5)
    assert [heads.moved_norms(run, 1, position)[2] for position in range(4)] == pytest.approx(expected, rel=1e-5)
