"""Edited runs: against an independent NumPy, bit for bit against runs that share nothing, and by their own laws."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpt.model
from explorer.edits import (
    Edit,
    Mean,
    Patch,
    Scale,
    Zero,
    edited,
    where,
)
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from gpt import Sampling, activation_shapes, distribution
from tests.helpers.edited_runs import (
    BASE,
    CONFIG,
    GIVEN,
    IDS,
    KINDS,
    MODEL,
    OTHER,
    PATTERN,
    SINGLE,
    assert_same,
    full_edited,
    oracle,
    run,
)
from tests.helpers.models import embedded, never, small_model, traced


@pytest.fixture
def blocks_run(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The blocks that the model runs, each with the number of positions."""
    seen: list[tuple[int, int]] = []
    block = gpt.model.block

    def counted(residual: Any, weights: Any, run: Any, past: Any) -> Any:
        seen.append((run.layer, len(residual)))
        return block(residual, weights, run, past)

    monkeypatch.setattr(gpt.model, "block", counted)
    return seen


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_an_edited_run_is_numpys(kind: str) -> None:
    edit, changes, _ = KINDS[kind]
    expected = oracle(changes)
    expected = {name: value for name, value in expected.items() if not name.endswith("hook_result")}
    assert_same(run(BASE, edit).values, expected, 1e-9)


@every_kind
def test_what_was_not_computed_again_is_no_different(kind: str) -> None:
    """To the last bit that of a run which takes nothing from another one."""
    edit = KINDS[kind][0]
    assert_same(run(BASE, edit).values, full_edited(MODEL, IDS, [edit], BASE, len(IDS)))


@every_kind
def test_only_what_lies_downstream_is_run(kind: str, blocks_run: list[tuple[int, int]]) -> None:
    edit, _, positions = KINDS[kind]
    run(BASE, edit)
    assert blocks_run == [(3 - len(positions) + i, count) for i, count in enumerate(positions)]


@every_kind
def test_edits_stay_in_force_for_tokens_that_come_later(kind: str) -> None:
    edit = KINDS[kind][0]
    changed = run(BASE, edit)
    for count in (1, 3):
        changed = changed.first(changed.complete)
        changed.ids = [*changed.ids, *[7] * count]
        assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, [*IDS, 7, 7, 7, 7], [edit], BASE, len(IDS)))


@every_kind
def test_what_is_not_computed_yet_is_computed_with_the_edit(kind: str) -> None:
    """A run that has come to its fifth position only."""
    edit = KINDS[kind][0]
    base = BASE.first(5)
    base.ids = IDS
    if isinstance(edit.what, Mean):
        with pytest.raises(EditError, match="not known yet"):
            edited(base, [edit])
        return
    assert_same(run(base, edit).values, full_edited(MODEL, IDS, [edit], BASE, len(IDS)))


@every_kind
def test_the_beginning_of_an_edited_run(kind: str) -> None:
    """No edit lets a position see a later one: the first positions of an edited run are a run of these alone."""
    edit = KINDS[kind][0]
    cut = run(BASE, edit).first(6)
    assert_same(cut.values, full_edited(MODEL, IDS[:6], [edit], BASE, len(IDS)))
    cut.ids = [*IDS[:6], 10, 0]
    assert running.complete(cut, never)
    assert_same(cut.values, full_edited(MODEL, cut.ids, [edit], BASE, len(IDS)))


@every_kind
def test_numpy_runs_the_same_edits(kind: str) -> None:
    edit = KINDS[kind][0]
    arrays = traced(on_engine(small_model(**GIVEN), NUMPY), IDS)
    lists = traced(small_model(**GIVEN), IDS)
    changed = run(arrays, edit)
    assert {value.dtype for value in changed.values.values()} == {np.dtype(np.float32)}
    assert_same(changed.values, run(lists, edit).values, 1e-4)
    changed.ids = [*IDS, 7]
    assert running.complete(changed, never)
    assert_same(changed.values, full_edited(lists.model, changed.ids, [edit], lists, len(IDS)), 1e-4)


@every_kind
def test_the_other_run_stays_as_it_was(kind: str) -> None:
    base = traced(MODEL, IDS)
    version, values = base.version, dict(base.values)
    run(base, KINDS[kind][0])
    assert base.version == version
    assert all(base.values[name] is value for name, value in values.items())
    assert_same(base.values, BASE.values)


@given(st.lists(st.sampled_from(SINGLE), min_size=1, max_size=4), st.integers(1, 8), st.integers(0, 300))
def test_any_stack_interrupted_at_any_moment(edits: list[Edit], known: int, questions: int) -> None:
    base = BASE.first(known)
    base.ids = IDS
    if any(isinstance(edit.what, Mean) for edit in edits):
        base = BASE
    changed, left = edited(base, edits), iter(range(questions))
    complete = running.complete(changed, lambda: next(left, None) is None)
    if not complete:
        assert changed.complete < len(IDS)
        assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, IDS, edits, BASE, len(IDS)))


@given(st.sampled_from(SINGLE), st.sampled_from(SINGLE))
def test_edits_on_top_of_edits(first: Edit, second: Edit) -> None:
    """A run that departs from an edited one is the run with both."""
    if isinstance(second.what, Mean):  # which is taken in the run that is edited
        return
    assert_same(run(run(BASE, first), second).values, run(BASE, first, second).values)


@pytest.mark.parametrize("what", [Scale(1), Patch(BASE)], ids=lambda what: what.words)
@pytest.mark.parametrize("name", [name for name, _ in activation_shapes(CONFIG)])
def test_what_changes_nothing(name: str, what: Any) -> None:
    assert_same(run(BASE, Edit(where.activation(name), what)).values, BASE.values)


def test_a_head_edited_at_its_z_is_edited_in_what_it_writes() -> None:
    seen: dict[str, Any] = {}

    def hook(name: str, value: Any) -> Any:
        seen[name] = value
        if name == "blocks.1.attn.hook_result":
            return [[[0.0] * 6 if head == 2 else row for head, row in enumerate(rows)] for rows in value]
        return None

    output = MODEL.forward(IDS, hook=hook, head_results=True)
    np.testing.assert_allclose(run(BASE, Edit(where.head(1, 2), Zero())).values["logits"], output.logits, atol=1e-12)


def test_a_mean_is_taken_over_the_prompt() -> None:
    changed = run(BASE, Edit(where.mlp(0), Mean()), prompt=3)
    expected = np.mean(BASE.values["blocks.0.hook_mlp_out"][:3], axis=0)
    np.testing.assert_allclose(changed.values["blocks.0.hook_mlp_out"], [expected] * 8, atol=1e-12)


def test_what_the_other_run_is_too_short_for_stays() -> None:
    short = traced(MODEL, OTHER[:3])
    changed = run(
        BASE, Edit(where.activation("hook_embed"), Patch(short)), Edit(where.activation(PATTERN), Patch(short))
    )
    assert changed.values["hook_embed"] == [*short.values["hook_embed"], *BASE.values["hook_embed"][3:]]
    found, theirs = np.array(changed.values[PATTERN]), np.array(short.values[PATTERN])
    assert np.array_equal(found[:, :3, :3], theirs)


def test_what_is_no_different_is_shared_and_what_is_different_is_forgotten() -> None:
    base = traced(MODEL, IDS)
    for name in ("hook_embed", "blocks.0.hook_resid_post", "blocks.1.hook_resid_pre", "blocks.1.hook_resid_post"):
        for position in (2, 6):
            running.look_through_lens(base, name, position, never)
            base.ranking(name, position)
    for layer in range(3):
        for position in (2, 6):
            base.head_writes(layer, position)
    base.ranking("logits", 2)
    base.ranking("logits", 6)
    changed = edited(base, [Edit(where.head(1, 0, [4, 6]), Zero())])
    for name, value in changed.values.items():
        shared = name.startswith(("hook", "blocks.0"))
        assert changed.positions(name) == (8 if shared else 4)
        assert (value is base.values[name]) is shared
    kept = {"hook_embed", "blocks.0.hook_resid_post", "blocks.0.attn.hook_result"}
    kept |= {f"ranking by {name}" for name in kept if name != "blocks.0.attn.hook_result"}
    assert {name for name, position in changed.derived if position == 6} == kept
    assert {key for key in base.derived if key[1] == 2} == {key for key in changed.derived if key[1] == 2}
    assert running.complete(changed, never)
    assert changed.head_writes(1, 6) == full_writes(changed, 1, 6)
    assert running.look_through_lens(changed, "blocks.1.hook_resid_post", 6, never)
    assert changed.derived["blocks.1.hook_resid_post", 6] != base.derived["blocks.1.hook_resid_post", 6]


def full_writes(trace: Trace, layer: int, position: int) -> Any:
    """The output of the heads in a trace without kept values."""
    fresh = LiveRun(trace.model, trace.ids)
    fresh.values, fresh.complete = trace.values, trace.complete
    return fresh.head_writes(layer, position)


def test_other_tokens_than_those_that_had_come_half_way() -> None:
    """A branch that has not been completed, and whose tokens are replaced."""
    edit = Edit(where.head(2, 0, [4, 7]), Zero())
    changed = edited(BASE, [edit])
    changed.ids = [*IDS[:4], 0, 0, 0, 0, 0]
    assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, changed.ids, [edit], BASE, len(IDS)))


def test_without_an_edit_the_run_is_the_very_same() -> None:
    assert edited(BASE, []) is BASE


def test_an_edit_beyond_the_end_waits_for_its_position(blocks_run: list[tuple[int, int]]) -> None:
    edit = Edit(where.head(0, 0, 9), Zero())
    changed = run(BASE, edit)
    assert not blocks_run
    assert_same(changed.values, BASE.values)
    changed.ids = [*IDS, 7, 7, 7]
    assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, changed.ids, [edit], BASE, len(IDS)))


# The embedded model


def test_heads_without_which_the_name_is_forgotten() -> None:
    model, checkpoint = embedded()
    ids = checkpoint.tokenizer.encode("Tom and Lily went to the park. Tom said to")
    (lily,) = checkpoint.tokenizer.encode(" Lily")
    base = traced(model, ids)

    def share(trace: Trace) -> float:
        logits = trace.logits(len(ids) - 1)
        assert logits
        return distribution(logits, Sampling()).probabilities[lily]

    assert share(base) == pytest.approx(0.73, abs=0.005)
    assert share(run(base, Edit(where.head(3, 3), Zero()))) == pytest.approx(0.217, abs=0.005)
    assert share(run(base, Edit(where.head(5, 2), Zero()))) == pytest.approx(0.378, abs=0.005)
