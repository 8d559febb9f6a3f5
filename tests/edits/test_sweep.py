"""Sweeps: every effect is that of an edited run by itself; the metrics are their definitions."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpt.model
from explorer.edits import Edit, Edits, Patch, Scale, Zero, edited, where
from explorer.edits.metric import KL, LOGIT, LOGIT_DIFFERENCE, METRICS, PROBABILITY, Metric
from explorer.edits.sweep import HEADS, MAPS, MLPS, POSITIONS, Sweep, SweepCell
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.runs import running
from gpt import GPT, GPTConfig, InputError, load_weights
from tests.helpers.models import never, small_model, traced
from tests.helpers.numpy_gpt2 import Array, Run, Source, random_tensors, softmax

GIVEN = {"vocab_size": 11, "n_positions": 12, "n_embd": 6, "n_layer": 3, "n_head": 2}
IDS, OTHER = [3, 1, 4, 1, 5, 9, 2], [2, 7, 1, 8, 2, 8, 1]
TENSORS = random_tensors(GIVEN, seed=6)
CONFIG = GPTConfig.from_dict(GIVEN)
MODEL = GPT(CONFIG, load_weights(CONFIG, Source(TENSORS)))
BASE, SOURCE = traced(MODEL, IDS), traced(MODEL, OTHER)
SEEN, THEIRS = Run(GIVEN, TENSORS, IDS).seen, Run(GIVEN, TENSORS, OTHER).seen
TOKEN, VERSUS = 4, 9
NAMES = {HEADS: "blocks.{}.attn.hook_z", MLPS: "blocks.{}.hook_mlp_out", POSITIONS: "blocks.{}.hook_resid_pre"}
LOGITS = st.lists(st.floats(-30, 30), min_size=11, max_size=11)


def defined(kind: str, logits: Array, before: Array) -> float:
    """The metric, by its definition."""
    shares, first = softmax(logits), softmax(before)
    return {
        LOGIT_DIFFERENCE: logits[TOKEN] - logits[VERSUS],
        LOGIT: logits[TOKEN],
        PROBABILITY: shares[TOKEN],
        KL: (first * np.log2(first / shares)).sum(),
    }[kind]


def oracle(over: str, cell: SweepCell, patched: bool) -> Array:  # [V]
    """NumPy's last logits of a run in which that cell's part is gone, or the other prompt's."""
    name = NAMES[over].format(cell[0])
    value = SEEN[name].copy()
    index: Any = (slice(None), cell[1]) if over == HEADS else slice(None) if over == MLPS else cell[1]
    value[index] = THEIRS[name][index] if patched else 0
    return Run(GIVEN, TENSORS, IDS, {name: value}).seen["logits"][-1]


@pytest.mark.parametrize("patched", [False, True], ids=["zeroed", "patched"])
@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("over", MAPS)
def test_the_effects_are_numpys(over: str, kind: str, patched: bool) -> None:
    sweep = Sweep(BASE, Metric(kind, TOKEN, VERSUS), over, Patch(SOURCE) if patched else Zero())
    before = SEEN["logits"][-1]
    assert sweep.shape == {HEADS: (3, 2), MLPS: (3,), POSITIONS: (3, 7)}[over]
    assert sweep.baseline == pytest.approx(defined(kind, before, before), abs=1e-9)
    effects = list(sweep.effects())
    assert [cell for cell, _ in effects] == sweep.cells
    for cell, effect in effects:
        expected = defined(kind, oracle(over, cell, patched), before) - defined(kind, before, before)
        assert effect == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("over", MAPS)
def test_an_effect_is_that_of_the_edit_it_stands_for(over: str) -> None:
    """Which a stack takes as it is."""
    sweep = Sweep(BASE, Metric(LOGIT, TOKEN), over)
    for cell, effect in sweep.effects():
        edits = Edits(CONFIG)
        edits.add(sweep.edit(cell).where, sweep.edit(cell).what, len(IDS))
        changed = edited(BASE, edits.active)
        assert running.complete(changed, never)
        assert changed.values["logits"][-1][TOKEN] - BASE.values["logits"][-1][TOKEN] == effect


@pytest.mark.parametrize("over", MAPS)
def test_on_numpy(over: str) -> None:
    arrays = traced(on_engine(MODEL, NUMPY), IDS)
    theirs, ours = (dict(Sweep(base, Metric(KL), over).effects()) for base in (arrays, BASE))
    assert theirs == pytest.approx(ours, abs=1e-4)


@pytest.mark.parametrize("over", MAPS)
@pytest.mark.parametrize("kind", METRICS)
def test_patched_from_itself_there_is_no_effect(over: str, kind: str) -> None:
    sweep = Sweep(BASE, Metric(kind, TOKEN, VERSUS), over, Patch(BASE))
    assert {effect for _, effect in sweep.effects()} == {0.0}


@pytest.mark.parametrize("shift", [-4, -1, 0, 2])
def test_positions_without_a_counterpart_are_left_out(shift: int) -> None:
    short = SOURCE.first(3)
    sweep = Sweep(BASE, Metric(LOGIT, TOKEN), POSITIONS, Patch(short, shift=shift))
    effects = dict(sweep.effects())
    assert list(effects) == [(layer, place) for layer in range(3) for place in range(7) if 0 <= place + shift < 3]
    for (layer, place), effect in effects.items():
        name = f"blocks.{layer}.hook_resid_pre"
        value = SEEN[name].copy()
        value[place] = THEIRS[name][place + shift]
        logits = Run(GIVEN, TENSORS, IDS, {name: value}).seen["logits"][-1]
        assert effect == pytest.approx(logits[TOKEN] - SEEN["logits"][-1][TOKEN], abs=1e-9)


@pytest.mark.parametrize("at", [None, [2], [1, 4]])
def test_only_some_positions_can_be_edited(at: list[int] | None) -> None:
    for (layer, head), effect in Sweep(BASE, Metric(LOGIT, TOKEN), HEADS, at=at).effects():
        name = NAMES[HEADS].format(layer)
        value = SEEN[name].copy()
        value[slice(None) if at is None else at, head] = 0
        logits = Run(GIVEN, TENSORS, IDS, {name: value}).seen["logits"][-1]
        assert effect == pytest.approx(logits[TOKEN] - SEEN["logits"][-1][TOKEN], abs=1e-9)


def test_edits_in_force_stay_so() -> None:
    first = Edit(where.mlp(1), Scale(0.5))
    changed = edited(BASE, [first])
    assert running.complete(changed, never)
    sweep = Sweep(changed, Metric(LOGIT, TOKEN))
    for cell, effect in sweep.effects():
        both = edited(BASE, [first, sweep.edit(cell)])
        assert running.complete(both, never)
        assert effect == both.values["logits"][-1][TOKEN] - changed.values["logits"][-1][TOKEN]


def test_each_step_runs_what_lies_downstream(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[int, int]] = []
    block = gpt.model.block

    def counted(residual: Any, weights: Any, run: Any, past: Any) -> Any:
        ran.append((run.layer, len(residual)))
        return block(residual, weights, run, past)

    monkeypatch.setattr(gpt.model, "block", counted)
    for over in MAPS:
        sweep = Sweep(BASE, Metric(KL), over)
        for cell, _ in sweep.effects():
            positions = len(IDS) - cell[1] if over == POSITIONS else len(IDS)
            assert ran == [(later, positions) for later in range(cell[0], 3)]
            ran.clear()


def test_the_read_out_is_of_the_last_position_alone() -> None:
    rows: list[int] = []
    read_out = GPT.read_out

    class Counting(GPT):
        def read_out(self, residual: Any, **options: Any) -> Any:
            rows.append(len(residual))
            return read_out(self, residual, **options)

    branch = edited(BASE, [Edit(where.head(1, 0), Zero())])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GPT, "read_out", Counting.read_out)
        logits = running.last_logits(branch, never)
    assert rows == [1]
    assert not branch.complete
    assert running.complete(branch, never)
    assert logits == branch.logits(len(IDS) - 1)


def test_a_sweep_can_be_cancelled() -> None:
    sweep = Sweep(BASE, Metric(KL))
    whole = list(sweep.effects())
    assert not list(sweep.effects(lambda: True))
    found: list[Any] = []
    for step in sweep.effects(lambda: len(found) == 4):
        found.append(step)
    assert found == whole[:4]
    assert list(islice(sweep.effects(), 2)) == whole[:2]  # or be left


def test_what_a_cell_stands_for() -> None:
    labels = ["a", "b", "a", "c"]
    metric = Metric(KL)
    assert Sweep(BASE, metric).in_words((2, 1)) == "head 2.1"
    assert Sweep(BASE, metric, MLPS).in_words((2,)) == "MLP 2"
    assert Sweep(BASE, metric, POSITIONS).in_words((0, 3), labels) == "residual before block 0 at c"
    assert Sweep(BASE, metric, POSITIONS).in_words((1, 2), labels) == "residual before block 1 at a (2)"


def test_refusals() -> None:
    metric = Metric(KL)
    incomplete = BASE.first(3)
    incomplete.ids = IDS
    for base in (incomplete, BASE.first(0)):
        with pytest.raises(EditError, match="not computed yet"):
            Sweep(base, metric)
    with pytest.raises(EditError, match="no sweep over 'cells': there are heads, mlps, positions, resid_pre"):
        Sweep(BASE, metric, "cells")
    incomplete = SOURCE.first(3)
    incomplete.ids = SOURCE.ids
    with pytest.raises(EditError, match="the other run is not computed yet"):
        Sweep(BASE, metric, POSITIONS, Patch(incomplete))
    with pytest.raises(InputError, match="no metric 'loss': there are logit-diff, logit, probability, kl"):
        Metric("loss")
    with pytest.raises(EditError, match="another shape"):
        list(Sweep(BASE, metric, HEADS, Patch(traced(small_model(), IDS))).effects())


@given(LOGITS, LOGITS)
def test_the_metrics_are_their_definitions(before: list[float], after: list[float]) -> None:
    for kind in METRICS:
        found = Metric(kind, TOKEN, VERSUS).of(after, before)
        assert found == pytest.approx(defined(kind, np.array(after), np.array(before)), abs=1e-9)
    assert Metric(KL).of(before, before) == 0
