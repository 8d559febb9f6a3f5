"""Two runs side by side: aligned from the right, their differences, and what became of the next token."""

import math
from typing import Any

import pytest

from explorer.analysis import compare
from explorer.analysis.errors import AnalysisError
from explorer.engine.engines import NUMPY, on_engine
from explorer.runs.trace import LiveRun
from tests.helpers.models import recorded, small_model, traced

LONG, SHORT = [3, 1, 4, 1, 5], [2, 7, 1]


def test_positions_are_aligned_from_the_right() -> None:
    model = small_model()
    sides = compare.align(LiveRun(model, LONG), LiveRun(model, SHORT))
    assert [sides.in_a(position) for position in range(3)] == [2, 3, 4]
    assert [sides.in_b(position) for position in range(5)] == [None, None, 0, 1, 2]
    assert sides.length == 3
    back = compare.align(LiveRun(model, SHORT), LiveRun(model, LONG))
    assert [back.in_a(position) for position in range(5)] == [None, None, 0, 1, 2]


def test_the_difference_of_a_run_with_itself_is_nothing() -> None:
    run = traced(small_model(), LONG)
    for name in run.values:
        assert all(value == 0 for row in compare.difference(run, run, name) for value in row), name


@pytest.mark.parametrize("engine", ["python", NUMPY])
def test_differences(engine: str) -> None:
    model = on_engine(small_model(), engine)
    a, b = traced(model, LONG), traced(model, SHORT)
    name = "blocks.1.hook_resid_post"
    before, after = a.matrix(name), b.matrix(name)
    expected = [[y - x for x, y in zip(*rows)] for rows in zip(before[2:], after)]
    assert compare.difference(a, b, name) == expected
    assert compare.difference(b, a, name) == [[-value for value in row] for row in expected]
    queries = compare.difference(a, b, "blocks.0.attn.hook_q", 1)
    assert queries[0][0] == b.at("blocks.0.attn.hook_q", (0, 1, 0)) - a.at("blocks.0.attn.hook_q", (2, 1, 0))
    pattern = compare.difference(a, b, "blocks.0.attn.hook_pattern", 2)
    assert [len(row) for row in pattern] == [3, 3, 3]
    assert pattern[2][1] == b.at("blocks.0.attn.hook_pattern", (2, 2, 1)) - a.at(
        "blocks.0.attn.hook_pattern", (2, 4, 3)
    )
    masked = compare.difference(a, b, "blocks.0.attn.hook_attn_scores")
    assert masked[0][1:] == [0.0, 0.0], "masked in both"


def test_recorded_runs_can_be_compared() -> None:
    runs = [recorded(small_model(seed=seed), LONG) for seed in range(2)]
    own = [traced(small_model(seed=seed), LONG) for seed in range(2)]
    assert compare.difference(*runs, "hook_embed") == compare.difference(*own, "hook_embed")
    assert compare.compare(*runs) == compare.compare(*own)


def test_next_tokens() -> None:
    before, after = [math.log(p) for p in (0.5, 0.25, 0.25)], [math.log(p) for p in (0.125, 0.25, 0.625)]
    found = compare.next_tokens(before, after)
    assert [change.token for change in found.changes] == [0, 2, 1], "the largest change first; the lower id of equals"
    points = [change.points for change in found.changes]
    assert points == pytest.approx([-37.5, 37.5, 0])
    assert [change.bits for change in found.changes] == pytest.approx([-2, math.log2(2.5), 0], abs=1e-12)
    expected = 0.5 * math.log2(4) + 0.25 * math.log2(0.4)
    assert found.kl == pytest.approx(expected)
    assert compare.kl(before, after) == found.kl
    assert compare.kl(after, before) != pytest.approx(expected), "it has a direction"


def test_the_divergence_of_a_run_from_itself_is_nothing() -> None:
    run = traced(small_model(), LONG)
    assert compare.compare(run, run).kl == 0
    assert compare.compare(run, run, 2).kl == 0


def test_probabilities_that_underflow_still_have_bits() -> None:
    found = compare.next_tokens([0.0, 2000.0], [2000.0, 0.0])
    assert [change.bits for change in found.changes] == pytest.approx([2000 / math.log(2), -2000 / math.log(2)])
    assert found.kl == pytest.approx(2000 / math.log(2))


def test_what_does_not_fit_together() -> None:
    run, wide = traced(small_model(), LONG), traced(small_model(n_embd=9), LONG)
    with pytest.raises(AnalysisError, match="hook_embed is 6 wide in A and 9 in B"):
        compare.difference(run, wide, "hook_embed")
    assert compare.compare(run, wide).kl > 0, "their next tokens can be compared"
    more: Any = traced(small_model(vocab_size=12), LONG)
    with pytest.raises(AnalysisError, match="A has 11 tokens and B has 12"):
        compare.compare(run, more)
    with pytest.raises(AnalysisError, match=r"blocks\.3\.hook_resid_mid is not known for all positions of A"):
        compare.difference(run, run, "blocks.3.hook_resid_mid")
    with pytest.raises(AnalysisError, match="no head 3"):
        compare.difference(run, run, "blocks.0.attn.hook_q", 3)
    with pytest.raises(AnalysisError, match="position 0 of B has no partner in A"):
        compare.compare(traced(small_model(), SHORT), run, 0)
    with pytest.raises(AnalysisError, match="not known in both runs"):
        compare.compare(run, LiveRun(small_model(), LONG))


@pytest.mark.parametrize(
    ("position", "at", "closer"), [(0, compare.END, "a later"), (4, compare.BEGINNING, "an earlier")]
)
def test_a_position_without_a_partner_says_where_the_others_are(position: int, at: str, closer: str) -> None:
    model = small_model()
    with pytest.raises(AnalysisError, match=f"position {position} of B has no partner in A.*choose {closer} one"):
        compare.compare(traced(model, SHORT), traced(model, LONG), position, at)
