"""Sweep: one kind of place after another edited, and what becomes of the answer.

It is computed on arrays, with NumPy where the walk runs in plain Python: over a hundred runs in the time of a few.
"""

import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from explorer.edits import Mean, Patch, Scale, What, Zero
from explorer.edits.batch import answers, last_row
from explorer.edits.metric import Metric
from explorer.edits.sweep import Sweep, SweepCell
from explorer.engine import engines
from explorer.engine.engines import for_many_runs
from explorer.errors import EditError
from explorer.paint.spans import Line, Span, wrapped
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.views.parts import scene_of
from explorer.views.sweep.choices import SweepDialog
from explorer.views.sweep.layout import Layout
from explorer.views.sweep.picture import in_words, picture, ranked
from explorer.views.sweep.state import MEAN, MEASURES, PATCH, SCALE, Asked, Measured, SweepBase, SweepState
from explorer.views.table import TableView, clicked
from explorer.walk.session import Session
from explorer.walk.what_if import WhatIf

_BASE = "base"  # the first question
_OTHER = "other"  # the other run


class SweepView(TableView):
    """A table of effects; d opens the dialog that says of what, v is the measure."""

    title = "Sweep · one part after another edited"
    dialog = SweepDialog
    remembers = 6

    def __init__(self, session: Session) -> None:
        self.asked = Asked()
        super().__init__(session)

    @property
    def modes(self) -> tuple[str, ...]:  # type: ignore[override]
        known = ("probability", "logit difference", "KL in bits")
        patched = self.asked.done == PATCH and self.session.what_if.other is not None
        return (*known, "normalised 0 to 1") if patched else known

    def follow(self, cells: int, height: int) -> None:
        """A prompt may be shorter now, or the other run gone."""
        if self.mode >= len(self.modes):
            self.mode = 1

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        if self.session.recorded:
            return wrapped("This is a recorded run: there is no model that could run it edited.", cells, "dim")
        state = self.state()
        if state is None:
            return [[Span("The run is not computed yet: the sweep begins when it is.", "dim")]]
        if self.asked.done == PATCH and state.source is None:
            words = (
                "There is no other run to patch from: press 6, then enter, and type its prompt; or d for another edit."
            )
            return wrapped(words, cells, "dim")
        return picture(state, cells, height)

    def about(self, cells: int) -> list[Line]:
        state = self.state()
        return in_words(state, cells) if state and not (self.asked.done == PATCH and state.source is None) else []

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        state = clicked(self.state(), numbers)
        return in_words(state, cells) if state else []

    def _layout(self) -> Layout:
        asked = self.asked
        return Layout(self.session.config, asked.site, asked.by_position, len(self.session.ids), asked.block)

    def state(self) -> SweepState | None:
        """Everything known of the run that is walked; None while that is not computed."""
        metrics = self._metrics()
        if metrics is None:
            return None
        found, what = self.known.all(), _edit(self.asked, self.session.what_if)
        base, other = found.get(_BASE), found.get((_OTHER, _key(what)))
        measured: dict[SweepCell, Measured] = {}
        for question in self.questions():
            row = found.get(question)
            if isinstance(row, dict):
                measured.update(row)
        base = base if isinstance(base, SweepBase) else None
        state = SweepState(
            scene_of(self.session),
            self.mode,
            self.asked,
            self._layout(),
            0,
            0,
            metrics,
            measured,
            _of(metrics, base.before, base.before) if base else (),
            _of(metrics, other, base.before) if base and isinstance(other, list) else (),
            what,
            self._plan(base, what) if base else None,
            self.session.what_if.aligned,
            engines.in_words(base.run.model) if base else "",
        )
        return self.put(state, ranked)

    def _plan(self, base: SweepBase, what: What) -> Sweep | None:
        """The edits of every place, where they can be said by now."""
        asked = self.asked
        if isinstance(what, Patch) and what.source.complete < len(what.source.ids):
            return None
        key = (base.run, asked, _key(what))
        layers = [asked.block] if asked.site == "neurons" else None
        metric = Metric(MEASURES[0])
        return self.known.kept(
            key, lambda: Sweep(base.run, metric, asked.site, what, by_position=asked.by_position, layers=layers)
        )

    def _metrics(self) -> tuple[Metric, ...] | None:
        """The measures of what the run says at its end; None while that is not computed."""
        session, asked = self.session, self.asked
        if session.recorded or session.computing or not session.run.ids:
            return None
        ranking = session.run.ranking("logits", len(session.run.ids) - 1)
        if ranking is None:
            return None
        token = ranking.order[0] if asked.token is None else asked.token
        versus = asked.versus
        if versus is None:
            versus = next((other for other in ranking.order if other != token), token)
        return tuple(Metric(kind, token, versus) for kind in MEASURES)

    # Questions

    def questions(self) -> list[Hashable]:
        """The run that all edits depart from; the other one, if values come from it; then every row."""
        metrics = self._metrics()
        if metrics is None:
            return []
        what = _edit(self.asked, self.session.what_if)
        if self.asked.done == PATCH and not isinstance(what, Patch):
            return []
        key = (self.asked, metrics, _key(what))
        others: list[Hashable] = [(_OTHER, _key(what))] if isinstance(what, Patch) else []
        return [_BASE, *others, *((key, row) for row in range(self._layout().shape[0]))]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        """The base; the other run's logits; or a row's measures, one place after the other."""
        if question == _BASE:
            if base := _base(run, cancelled):
                yield base
            return
        what = _edit(self.asked, self.session.what_if)
        if isinstance(what, Patch) and not running.complete(_live(what), cancelled):
            return
        if question[0] == _OTHER:
            if isinstance(what, Patch) and _key(what) == question[1]:
                yield list(map(float, what.source.logits(len(what.source.ids) - 1) or ()))
            return
        base = self.known.of(_BASE)
        if isinstance(base, SweepBase) and base.of is run:  # else another run has begun meanwhile
            yield from self._row_of(base, what, question, cancelled)

    def _row_of(
        self, base: SweepBase, what: What, question: Any, cancelled: Callable[[], bool]
    ) -> Iterator[dict[SweepCell, Measured]]:
        (_, metrics, _), row = question
        layout, plan = self._layout(), self._plan(base, what)
        if plan is None:
            return
        known = dict(self.known.of(question) or {})
        row = [layout.cell(row, column) for column in range(layout.shape[1]) if _reaches(plan, column)]
        left = [cell for cell in row if cell is not None and cell not in known]
        while left:
            done = 0
            try:
                for logits in answers(base.run, ([plan.edit(cell)] for cell in left), cancelled):
                    known = {**known, left[done]: _of(metrics, logits, base.before)}
                    done += 1
                    yield known
                return
            except EditError:  # no number comes of this one
                known = {**known, left[done]: tuple(math.nan for _ in metrics)}
                yield known
            left = left[done + 1 :]

    # The keys

    def enter(self) -> bool:
        """Make this edit, and look at the run with it."""
        state = self.state()
        if state is None or state.plan is None or state.chosen is None:
            return False
        edit = state.plan.edit(state.chosen)
        self.session.edit(lambda edits: edits.add(edit.where, edit.what, len(self.session.ids)))
        return True


def _reaches(plan: Sweep, column: int) -> bool:
    """Whether the edit does something there: a patch may know no value for a position."""
    return not plan.by_position or column in plan.positions


def _base(run: Trace, cancelled: Callable[[], bool]) -> SweepBase | None:
    """The same run on arrays."""
    if not isinstance(run, LiveRun):
        return None
    base = LiveRun(for_many_runs(run.model), run.ids)
    base.editor = run.editor
    if not running.complete(base, cancelled):
        return None
    return SweepBase(run, base, last_row(base))


def _of(metrics: tuple[Metric, ...], logits: Any, before: Any) -> Measured:
    return tuple(metric.of(logits, before) for metric in metrics)


def _live(what: Patch) -> LiveRun:
    assert isinstance(what.source, LiveRun)
    return what.source


def _key(what: What) -> Hashable:
    """Which run values are taken from, and how it is aligned."""
    return (what.source, what.shift) if isinstance(what, Patch) else None


def _edit(asked: Asked, what_if: WhatIf) -> What:
    """The edit of a place; where there is no other run, zero stands for a patch."""
    other, alignment = what_if.other, what_if.alignment
    if asked.done == PATCH and other and alignment:
        return Patch(other.trace, other.title, alignment.shift)
    if asked.done == MEAN:
        return Mean()
    return Scale(asked.factor) if asked.done == SCALE else Zero()
