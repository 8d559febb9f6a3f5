"""The answers of many edited runs of one base: on arrays, edits that begin in one block run as one batch.

They share all that lies before the block, and each product from there on reads its weights once for all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from explorer.edits.apply import Editor, edited
from explorer.edits.edit import Edit
from explorer.engine.engines import like, on_arrays, plain
from explorer.runs.running import check_numbers, interruptible, last_logits, within_numbers
from explorer.runs.trace import LiveRun, Trace
from gpt import StopRun
from gpt.ops import Vector

ROWS_AT_ONCE = 512
"""Rows of the residual stream in one batch, those of all its runs together. The largest value of one, the neurons of
an MLP, takes 6 MB in GPT-2 small and 13 MB in GPT-2 XL, and a handful of such values are there at a time."""


def answers(
    base: Trace, stacks: Iterable[Sequence[Edit]], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Vector]:  # [V] each
    """The last position's logits with each of these stacks of edits, in their order; fewer where it was cancelled.

    EditError at the first whose numbers become infinite or undefined.
    """
    branches = (edited(base, stack) for stack in stacks)
    for begins, group in groupby(branches, _begins):
        if begins is None:
            for branch in group:
                logits = last_logits(branch, cancelled)
                if logits is None:
                    return
                yield logits
            continue
        for batch in _batches(group):
            found = _run(batch, begins, cancelled)
            if found is None:
                return
            for branch, row in zip(batch, found):
                check_numbers(branch, [row])
                yield plain(row)


def _begins(branch: LiveRun) -> int | None:
    """The block in which the edits of a branch begin; None where it has to run by itself."""
    editor = branch.editor
    if not on_arrays(branch.model) or not isinstance(editor, Editor) or branch.complete == len(branch.ids):
        return None
    if editor.names is None or any(name.startswith(("ln_final", "logits")) for name in editor.names):
        return None
    if branch.upstream is None:
        return 0
    return branch.upstream.layer if branch.upstream.ids == branch.ids else None


def _batches(branches: Iterable[LiveRun]) -> Iterator[list[LiveRun]]:
    batch: list[LiveRun] = []
    for branch in branches:
        rows = len(branch.ids) - min(each.complete for each in (*batch, branch))
        if batch and rows * (len(batch) + 1) > ROWS_AT_ONCE:
            yield batch
            batch = []
        batch.append(branch)
    if batch:
        yield batch


def _run(batch: Sequence[LiveRun], layer: int, cancelled: Callable[[], bool]) -> Any:  # [B, V]
    """The logits of the last position of each branch; None if it was cancelled."""
    from explorer.runs.side_by_side import SideBySide, Together

    widest = min(batch, key=lambda branch: branch.complete)  # it has the fewest positions that need not be run
    first, ids, count = widest.complete, widest.ids, len(batch)
    side = SideBySide(interruptible(widest.model, cancelled).ops, [len(ids) - first] * count, first)
    model, hook = Together(widest.model, side, last_only=True), _hook(batch, side, first)
    try:
        with within_numbers(widest):
            if widest.upstream:
                entering = widest.values[f"blocks.{layer - 1}.hook_resid_post"][first : len(ids)]
                residual = side.repeated(entering)
            else:
                residual = model.embedded(ids[first:] * count, hook)
            cache = widest.upstream.cache if widest.upstream else widest.cache
            return model.forward_from(layer, residual, cache or None, hook=hook).logits
    except StopRun:
        return None


def _hook(batch: Sequence[LiveRun], side: Any, first: int) -> Callable[[str, Any], Any]:
    """The hook that edits the part of each branch as that branch does."""
    axes = batch[0].axes
    editors: dict[str, list[tuple[int, Editor]]] = {}
    for run, branch in enumerate(batch):
        if isinstance(branch.editor, Editor):
            for name in branch.editor.names or ():
                editors.setdefault(name, []).append((run, branch.editor))

    def hook(name: str, value: Any) -> Any:
        changed = None
        for run, editor in editors.get(name, ()):
            own = side.part(axes[name], value, run)
            new = editor(name, own, first)
            if new is not own:
                changed = value.copy() if changed is None else changed
                side.part(axes[name], changed, run)[...] = new
        return None if changed is None else like(value, changed)

    return hook
