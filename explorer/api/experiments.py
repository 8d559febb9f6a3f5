"""Sweeps and activation patching, as grids of numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.analysis.compare import align
from explorer.api.metrics import TokenMetric, probability
from explorer.api.results import Axis, Numbers, numbered
from explorer.edits import Mean, Patch, Scale, What, Zero
from explorer.edits.metric import normalised
from explorer.edits.sweep import Sweep
from explorer.engine.threads import few_threads
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.api.run import Run


def sweep(
    run: "Run",
    over: str,
    metric: TokenMetric | None,
    what: "str | float | Run",
    by_position: bool,
    at: int | Sequence[int] | None,
    layers: Sequence[int] | None,
    align_at: str,
) -> Numbers:
    """The change of a metric for an edit at every place in turn."""
    asked = metric or probability(int(run.logits.argmax()))
    swept = Sweep(
        run.trace,
        asked.of(run.model),
        over,
        _what(run, what, align_at),
        by_position=by_position,
        at=_positions(run, at),
        layers=layers,
    )
    title = f"change of {asked.words(run.model)}, {over} {swept.what.words}"
    return _numbers(run, swept, title, swept.baseline)


def patching(
    clean: "Run",
    corrupted: "Run",
    over: str,
    metric: TokenMetric,
    by_position: bool,
    at: int | Sequence[int] | None,
    noising: bool,
) -> Numbers:
    """The normalised metric for each patch: 0 as in the corrupted run, 1 as in the clean one."""
    if len(clean.ids) != len(corrupted.ids):
        raise UsageError(
            f"the clean prompt has {len(clean.ids)} tokens and the corrupted one {len(corrupted.ids)}: choose prompts "
            "of the same length, so that token stands with token."
        )
    base, source = (clean, corrupted) if noising else (corrupted, clean)
    measure = normalised(metric.of(clean.model), clean.logits.tolist(), corrupted.logits.tolist())
    patch = Patch(source.trace, "the corrupted run" if noising else "the clean run")
    swept = Sweep(
        base.trace,
        measure,
        over,
        patch,
        by_position=by_position,
        at=_positions(base, at),
    )
    return _numbers(base, swept, f"normalised {metric.words(clean.model)}, {swept.site.id} {patch.words}", None)


def _what(run: "Run", what: "str | float | Run", align_at: str) -> What:
    if isinstance(what, str):
        known = {"zero": Zero(), "mean": Mean()}
        if what not in known:
            raise UsageError(f"there is no edit {what!r}: give 'zero', 'mean', a factor, or a run to patch from.")
        return known[what]
    if isinstance(what, int | float):
        return Scale(what)
    return Patch(what.trace, f"“{what.text}”", align(run.trace, what.trace, align_at).shift)


def _positions(run: "Run", at: int | Sequence[int] | None) -> list[int] | None:
    """Positions, those below zero counted from the end."""
    if at is None:
        return None
    given = [at] if isinstance(at, int) else at
    return [position + len(run.ids) if position < 0 else position for position in given]


def _numbers(run: "Run", swept: Sweep, title: str, baseline: float | None) -> Numbers:
    """The grid as an array: less the baseline, if there is one."""
    with few_threads(run.trace.model):
        found = [value for _, value in swept.results()]
    values = np.array(found).reshape(swept.shape) - (baseline or 0.0)
    axes = {
        "layer": numbered("layer", swept.layers),
        "head": numbered("head", swept.units),
        "neuron": numbered("neuron", swept.units),
        "position": Axis("position", tuple(f"{place} {run.tokens[place]}" for place in swept.positions)),
    }
    return Numbers(title, tuple(axes[name] for name in swept.axes), values, baseline)
