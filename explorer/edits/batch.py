"""The answers of many edited runs of one base: on arrays, edits that begin in one block run as one batch.

They share all that lies before the block, and each product from there on reads its weights once for all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from explorer.edits.apply import Editor, edited
from explorer.edits.edit import Edit
from explorer.engine.abreast import in_order
from explorer.engine.engines import as_numpy, like, on_arrays
from explorer.errors import EditError
from explorer.runs import running
from explorer.runs.running import check_numbers, interruptible, within_numbers
from explorer.runs.trace import LiveRun, Trace
from gpt import Hook, StopRun
from gpt.ops import Vector

ROWS_AT_ONCE = 512
"""Rows of the residual stream in one batch, those of all its runs together. The largest value of one, the neurons of
an MLP, takes 6 MB in GPT-2 small and 13 MB in GPT-2 XL, and a handful of such values are there at a time, for each core
that has a batch."""

Batch = Sequence[LiveRun]


def answers(
    base: Trace, stacks: Iterable[Sequence[Edit]], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Vector]:  # [V] each
    """The last position's logits with each of these stacks of edits, in their order; fewer where it was cancelled.

    On arrays they are arrays. EditError at the first whose numbers become infinite or undefined.
    """
    model = base.model if isinstance(base, LiveRun) else None
    batches = _batches(_branch(base, stack) for stack in stacks)
    for batch, found in in_order(model, _answered, batches, cancelled):
        if found is None:
            return
        for branch, logits in zip(batch, found):
            check_numbers(branch, [logits])
            yield as_numpy(logits) if on_arrays(branch.model) else logits


def last_row(run: Trace) -> Vector:  # [V]
    """The last position's logits of a run without further edits, in the same form; none where they are not known."""
    position = len(run.ids) - 1
    if run.positions("logits") <= position:
        return []
    logits: Vector = run.value("logits")[position]
    return as_numpy(logits) if hasattr(logits, "shape") else logits


def _branch(base: Trace, stack: Sequence[Edit]) -> LiveRun | EditError:
    try:
        return edited(base, stack)
    except EditError as error:  # to be raised when its turn comes
        return error


def _batches(branches: Iterable[LiveRun | EditError]) -> Iterator[Batch | EditError]:
    """Branches that run as one; one alone where it has to."""
    for begins, group in groupby(branches, _begins):
        batch: list[LiveRun] = []
        for branch in group:
            if isinstance(branch, EditError):
                yield branch
                continue
            rows = len(branch.ids) - min(each.complete for each in (*batch, branch))
            if batch and (begins is None or rows * (len(batch) + 1) > ROWS_AT_ONCE):
                yield batch
                batch = []
            batch.append(branch)
        if batch:
            yield batch


def _begins(branch: LiveRun | EditError) -> int | None:
    """The block in which the edits of a branch begin; None where it has to run by itself."""
    if isinstance(branch, EditError):
        return None
    editor = branch.editor
    if not on_arrays(branch.model) or not isinstance(editor, Editor) or branch.complete == len(branch.ids):
        return None
    if editor.names is None:
        return None
    if branch.upstream is None:
        return 0
    return branch.upstream.layer if branch.upstream.ids == branch.ids else None


def _answered(batch: Batch | EditError, cancelled: Callable[[], bool]) -> tuple[Batch, Sequence[Any] | None]:
    """The batch and the logits of the last position of each branch; None for them if it was cancelled."""
    if isinstance(batch, EditError):
        raise batch
    begins = _begins(batch[0])
    if begins is not None:
        return batch, _run(batch, begins, cancelled)
    logits = running.last_logits(batch[0], cancelled)
    return batch, None if logits is None else [logits]


def _run(batch: Batch, layer: int, cancelled: Callable[[], bool]) -> Any:  # [B, V]
    """The logits of the last position of each branch; None if it was cancelled."""
    from explorer.runs.last_position import last_logits
    from explorer.runs.side_by_side import SideBySide, Together

    widest = min(batch, key=lambda branch: branch.complete)  # it has the fewest positions that need not be run
    first, ids, count = widest.complete, widest.ids, len(batch)
    model = interruptible(widest.model, cancelled)
    side = SideBySide(model.ops, [len(ids) - first] * count, first)
    try:
        with within_numbers(widest):
            if widest.upstream:
                entering = widest.values[f"blocks.{layer - 1}.hook_resid_post"][first : len(ids)]
                residual = side.repeated(entering)
            else:
                residual = Together(model, side).embedded(ids[first:] * count, _hook(batch, side))
            cache = widest.upstream.cache if widest.upstream else widest.cache
            return last_logits(model, layer, residual, cache or None, side, lambda rows: _hook(batch, rows))
    except StopRun:
        return None


def _hook(batch: Batch, side: Any) -> Hook:
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
            new = editor(name, own, side.first)
            if new is not own:
                changed = value.copy() if changed is None else changed
                side.part(axes[name], changed, run)[...] = new
        return None if changed is None else like(value, changed)

    return hook
