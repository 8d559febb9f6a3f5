"""How a run was computed, and computing it so again: the same numbers, to the last bit.

An engine may round a number by how many positions it computes at once, so the passes belong to it as the edits do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.edits.apply import Editor, edited
from explorer.edits.edit import Edit
from explorer.edits.where import first_layer, first_position
from explorer.engine.engines import engine_in_full
from explorer.errors import EditError
from explorer.runs.passes import Pass
from explorer.runs.running import complete
from explorer.runs.trace import LiveRun, Trace
from gpt import GPT, StopRun

Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class Computation:
    """All that decides the numbers of a run besides its model and its tokens."""

    engine: str
    edits: tuple[Edit, ...] = ()  # in force
    base: tuple[Pass, ...] = ()  # of the run without them
    run: tuple[Pass, ...] = ()  # of the run itself

    def leads_to(self, later: "Computation") -> bool:
        """Whether another run is this one, gone on."""
        return (
            (self.engine, self.edits) == (later.engine, later.edits)
            and later.base[: len(self.base)] == self.base
            and later.run[: len(self.run)] == self.run
        )


def computation_of(base: Trace, run: Trace) -> Computation | None:
    """How a run was computed; None where it was read from a file."""
    if not isinstance(base, LiveRun) or not isinstance(run, LiveRun):
        return None
    edits = run.editor.edits if isinstance(run.editor, Editor) else ()
    return Computation(str(engine_in_full(run.model)), edits, base.passes, run.passes)


def computed_again(
    how: Computation, model: GPT, ids: Sequence[int], prompt: int, cancelled: Cancelled
) -> tuple[LiveRun, LiveRun]:
    """The run without the edits, and with them, both complete; StopRun if it was cancelled.

    The model is on the engine of that time; the first `prompt` tokens were typed. EditError where the passes are not
    those of any run with these edits.
    """
    base = _through(LiveRun(model, []), how.base, ids, cancelled)
    run = _edited(how, base, ids, prompt, cancelled) if how.edits and how.run else None
    base = _whole(base, ids, cancelled)
    if not how.edits:
        return base, base
    return base, _whole(run or edited(base, how.edits, prompt), ids, cancelled)


def _edited(how: Computation, base: LiveRun, ids: Sequence[int], prompt: int, cancelled: Cancelled) -> LiveRun:
    branched = next((number for number, each in enumerate(how.run) if each.layer), None)
    if branched is None:  # nothing in it was taken from the other run
        run = LiveRun(base.model, [])
        run.editor = Editor(how.edits, _up_to(max(prompt, base.complete), base, ids, cancelled), prompt)
        return _through(run, how.run, ids, cancelled)
    branch, config = how.run[branched], base.config
    start = how.run[branched - 1].end if branched else 0
    first = min(first_position(edit.where, config) for edit in how.edits)
    layer = min(first_layer(edit.where, config) for edit in how.edits)
    if (start, branch.layer) != (first, layer) or branch.of < prompt:
        raise EditError("the passes that are named are not those of a run with these edits.")
    run = edited(_up_to(branch.of, base, ids, cancelled), how.edits, prompt)
    _complete(run, cancelled)
    return _through(run.first(branch.end), how.run[branched + 1 :], ids, cancelled)


def _up_to(end: int, base: LiveRun, ids: Sequence[int], cancelled: Cancelled) -> LiveRun:
    """The run of the first positions alone. Those that were cut off since decide nothing but how many there were."""
    if end <= base.complete:
        return base.first(end)
    return _through(base.first(base.complete), [Pass(end, end)], ids, cancelled)


def _through(run: LiveRun, passes: Sequence[Pass], ids: Sequence[int], cancelled: Cancelled) -> LiveRun:
    """The run after these passes more."""
    for each in passes:
        cut_off = [ids[0]] * (each.of - len(ids))
        run.ids = [*ids[: each.of], *cut_off]
        _complete(run, cancelled)
        run = run.first(each.end)
    return run


def _whole(run: LiveRun, ids: Sequence[int], cancelled: Cancelled) -> LiveRun:
    """The run of these tokens, all of them."""
    run = run.first(len(ids)) if run.complete > len(ids) else run
    run.ids = list(ids)
    _complete(run, cancelled)
    return run


def _complete(run: LiveRun, cancelled: Cancelled) -> None:
    if not complete(run, cancelled):
        raise StopRun
