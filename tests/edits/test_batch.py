"""Many edited runs at once: each answer is that of the edited run by itself."""

from typing import Any

import numpy as np
import pytest

from explorer.edits import Edit, Patch, Scale, Zero, edited, where
from explorer.edits.batch import answers
from explorer.edits.metric import LOGIT, METRICS, Metric
from explorer.edits.sweep import SITES, Sweep
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.runs import last_position, running, side_by_side
from explorer.runs.trace import LiveRun
from gpt import GPT
from gpt.hooks import HEAD_RESULTS
from tests.helpers.models import CONFIGS, never, on_arrays, small_model, traced

IDS, OTHER = [3, 1, 4, 1, 5, 9, 2], [2, 7, 1, 8, 2, 8, 1]


def alone(base: LiveRun, stack: list[Edit]) -> Any:
    """The answer of the whole run: every position through every block."""
    branch = edited(base, stack)
    assert running.complete(branch, never)
    return branch.logits(len(branch.ids) - 1)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("site", SITES)
def test_every_place_of_every_kind(config: str, site: str) -> None:
    model = on_arrays(**CONFIGS[config])
    base, source = traced(model, IDS), traced(model, OTHER)
    for by_position in (False, True):
        grid = Sweep(
            base, Metric(LOGIT, 4), site, Patch(source), by_position=by_position, layers=[0, model.config.n_layer - 1]
        )
        stacks = [[grid.edit(cell)] for cell in grid.cells[:: 3 if by_position else 1]]
        for found, stack in zip(answers(base, stacks), stacks, strict=True):
            np.testing.assert_allclose(found, alone(base, stack), rtol=1e-9, atol=1e-10)


def test_stacks_of_edits_on_top_of_others() -> None:
    model = on_arrays(n_layer=3)
    base = edited(traced(model, IDS), [Edit(where.head(0, 1), Scale(0.5))])
    assert running.complete(base, never)
    stacks = [
        [Edit(where.head(1, 0), Zero())],
        [Edit(where.mlp(1), Zero()), Edit(where.head(2, 2), Scale(3.0))],
        [Edit(where.activation("blocks.1.hook_resid_pre", 5), Zero())],
        [Edit(where.activation("ln_final.hook_out", 6), Zero())],
        [Edit(where.activation("ln_final.hook_out", 5), Zero())],
        [Edit(where.head(1, 0), Zero()), Edit(where.activation("ln_final.hook_out", 6, 2), Scale(3.0))],
        [Edit(where.head(2, 0), Zero()), Edit(where.activation("ln_final.hook_scale", 5), Scale(3.0))],
        [Edit(where.mlp(0), Zero()), Edit(where.activation("logits", 6, 4), Scale(2.0))],
        [Edit(where.activation("hook_embed", 2), Zero())],
        [Edit(where.activation("blocks.1.hook_resid_pre", 2), Zero())],
    ]
    for found, stack in zip(answers(base, stacks), stacks, strict=True):
        np.testing.assert_allclose(found, alone(base, stack), rtol=1e-9, atol=1e-10)


def test_one_answer_with_the_read_out_edited_too() -> None:
    for model in (small_model(n_layer=2), on_arrays(n_layer=2)):
        base = traced(model, IDS)
        for name, index in (("ln_final.hook_out", (6, 2)), ("ln_final.hook_out", (3,)), ("logits", (6, 4))):
            stack = [Edit(where.head(0, 1), Zero()), Edit(where.activation(name, *index), Scale(3.0))]
            found = running.last_logits(edited(base, stack), never)
            assert found is not None
            np.testing.assert_allclose(found, alone(base, stack), rtol=1e-9, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("layers", [1, 2])
def test_every_activation_of_every_block(layers: int) -> None:
    model = on_arrays(n_layer=layers)
    base = traced(model, IDS)
    names = [name for name in base.axes if not name.endswith(HEAD_RESULTS)]
    stacks = [[Edit(where.activation(name), Scale(1.5))] for name in names]
    first = {"H": lambda at: (None, at), "T": lambda at: (at,)}
    stacks += [
        [Edit(where.activation(name, *first[base.axes[name][0]](at)), Scale(0.5))] for name in names for at in (0, 5, 6)
    ]
    for found, stack in zip(answers(base, stacks), stacks, strict=True):
        np.testing.assert_allclose(
            found, alone(base, stack), rtol=1e-9, atol=1e-10, err_msg=str(stack[0].where.places[0])
        )


@pytest.mark.parametrize("kind", METRICS)
def test_every_measure_is_that_of_the_whole_runs(kind: str) -> None:
    metric = Metric(kind, 4, 7)
    base, plain = traced(on_arrays(n_layer=2), IDS), traced(small_model(n_layer=2), IDS)
    grid, slow = Sweep(base, metric, "z"), Sweep(plain, metric, "z")
    before = plain.logits(len(IDS) - 1)
    assert before is not None
    for (cell, value), (own, theirs) in zip(grid.results(), slow.results(), strict=True):
        assert cell == own
        assert value == pytest.approx(theirs, rel=1e-9, abs=1e-11)
        assert theirs == metric.of(alone(plain, [slow.edit(cell)]), before)
    assert grid.baseline == pytest.approx(slow.baseline, rel=1e-9, abs=1e-11)


def test_an_edit_that_changes_nothing_has_no_effect() -> None:
    base = traced(on_arrays(n_layer=2), IDS)
    for kind in METRICS:
        for _, effect in Sweep(base, Metric(kind, 4, 7), "q", Scale(1.0)).effects():
            assert effect == pytest.approx(0, abs=1e-12)


def test_edits_of_one_block_are_one_pass_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    base = traced(on_arrays(n_layer=3), IDS)
    passes: list[tuple[int, int]] = []
    last_logits = last_position.last_logits

    def noted(model: GPT, layer: int, residual: Any, *args: Any) -> Any:
        passes.append((layer, len(residual)))
        return last_logits(model, layer, residual, *args)

    monkeypatch.setattr(last_position, "last_logits", noted)
    stacks = [[Edit(where.head(layer, head), Zero())] for layer in range(3) for head in range(3)]
    assert len(list(answers(base, stacks))) == 9
    assert passes == [(layer, 21) for layer in range(3)]
    passes.clear()
    monkeypatch.setattr("explorer.edits.batch.ROWS_AT_ONCE", 15)
    assert len(list(answers(base, stacks))) == 9
    assert passes == [(layer, rows) for layer in range(3) for rows in (14, 7)]


def test_a_batch_can_be_cancelled_and_plain_python_runs_one_by_one() -> None:
    stacks = [[Edit(where.head(1, head), Zero())] for head in range(3)]
    base = traced(on_arrays(), IDS)
    assert not list(answers(base, stacks, lambda: True))
    plain = traced(small_model(), IDS)
    for found, stack in zip(answers(plain, stacks), stacks, strict=True):
        assert found == alone(plain, stack)
        assert found == running.last_logits(edited(plain, stack), never)
    single = traced(on_engine(small_model(), NUMPY), IDS)
    for found, stack in zip(answers(single, stacks), stacks, strict=True):
        np.testing.assert_allclose(found, alone(single, stack), rtol=1e-5, atol=1e-5)


def test_an_edit_without_numbers_stops_after_those_before_it() -> None:
    base = traced(on_arrays(), IDS)
    stacks = [
        [Edit(where.head(1, 0), Zero())],
        [Edit(where.activation("blocks.1.ln2.hook_scale"), Zero())],
        [Edit(where.head(1, 2), Zero())],
    ]
    found = answers(base, stacks)
    assert next(found) == pytest.approx(alone(base, stacks[0]))
    with pytest.raises(EditError, match="undefined"):
        next(found)


def test_a_part_is_the_runs_own() -> None:
    side = side_by_side.SideBySide(on_arrays().ops, [2, 3])
    rows = np.arange(5.0)[:, None] * np.ones(4)
    spread = side.split_heads(rows, 2)
    assert spread.shape == (3, 4, 2)
    np.testing.assert_array_equal(side.merge_heads(spread), rows)
    np.testing.assert_array_equal(side.part("THe", spread, 1)[:, 0, 0], [2, 3, 4])
    np.testing.assert_array_equal(side.part("Td", rows, 0)[:, 0], [0, 1])
