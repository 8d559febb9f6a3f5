"""Sweep: every head, every MLP and every position edited in turn, and what becomes of the answer.

They are zeroed; where Compare holds another run, positions get the values of their counterparts there. It is computed
with NumPy in float32, whatever the walk runs on: over a hundred runs in the time of a few.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from explorer.edits import Patch, edited
from explorer.edits.metric import Metric
from explorer.edits.sweep import HEADS, MLPS, POSITIONS, SweepPlan
from explorer.edits.where import Where
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.paint.spans import Line, Span, wrapped
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.views.parts import scene_of
from explorer.views.sweep.picture import heatmap, in_words
from explorer.views.sweep.state import MEASURES, SweepBase, SweepState
from explorer.views.view import MOST_ROWS, Kept, View
from explorer.walk.session import Session
from explorer.walk.what_if import WhatIf

_BASE = "base"  # the first question


class SweepView(View):
    """The heatmap of a sweep, layers down, heads and MLPs across; below, the positions."""

    title = "Sweep · each part in turn set to zero"
    modes = ("probability", "logit difference", "KL in bits")
    remembers = 6
    keeps = {
        "_section": Kept(lambda view: range(2)),
        "_row": Kept(lambda view: range(view.session.config.n_layer)),
        "_column": Kept(lambda view: range(MOST_ROWS)),
        "_chosen": Kept(lambda view: range(2)),
    }

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._section = 0  # heads and MLPs, or positions
        self._row = 0
        self._column = 0
        self._chosen = False  # before a key or a click has chosen, it stands on the head or MLP that matters most

    def lines(self, cells: int, height: int) -> list[Line]:
        if self.session.recorded:
            return wrapped("This is a recorded run: there is no model that could run it edited.", cells, "dim")
        state = self.state()
        if state is None:
            return [[Span("The run is not computed yet: the sweep begins when it is.", "dim")]]
        return heatmap(state, cells, height)

    def about(self, cells: int) -> list[Line]:
        state = self.state()
        return in_words(state, cells) if state else []

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        section, row, column = numbers
        state = self.state()
        if state is None or row >= state.rows or column >= state.columns[section]:
            return []
        return in_words(replace(state, section=section, row=row, column=column), cells)

    def state(self) -> SweepState | None:
        """Everything known of the run that is walked; None while that is not computed."""
        metrics, source, known = _metrics(self.session), _source(self.session.what_if), self.known.all()
        if metrics is None:
            return None
        base, where = known.get(_BASE), _key(source)
        places = [question for question in self.questions() if question != _BASE]
        row, column = self._row_and_column()
        return SweepState(
            scene_of(self.session),
            self.mode,
            self._section,
            row,
            column,
            metrics,
            len(places),
            {
                question[:2]: effects
                for question, effects in known.items()
                if question != _BASE and (question[0] != POSITIONS or question[2] == where)
            },
            base.baseline if isinstance(base, SweepBase) else (),
            self._plans(base, source) if isinstance(base, SweepBase) else {},
            source,
            self.session.what_if.aligned,
        )

    def _plans(self, base: SweepBase, source: Patch | None) -> Mapping[str, SweepPlan]:
        """The edits of every place; of positions, where they can be said by now."""
        if source and source.source.complete < len(source.source.ids):
            return base.plans
        key = (base.run, _key(source))
        positions = self.known.kept(key, lambda: SweepPlan(base.run, base.metrics[0], POSITIONS, source))
        return {**base.plans, POSITIONS: positions}

    # Questions

    def questions(self) -> list[Hashable]:
        """The run that all edits depart from; then every place, the heads first."""
        if _metrics(self.session) is None:
            return []
        config, source = self.session.config, _source(self.session.what_if)
        layers, where = range(config.n_layer), _key(source)
        positions = [at for at in range(len(self.session.ids)) if source is None or source.reaches(at)]
        return [
            _BASE,
            *((HEADS, (layer, head), None) for layer in layers for head in range(config.n_head)),
            *((MLPS, (layer, 0), None) for layer in layers),
            *((POSITIONS, (layer, at), where) for layer in layers for at in positions),
        ]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        """The base; or the effects of an edit by all measures."""
        found = self._base(run, cancelled) if question == _BASE else self._effects(run, question, cancelled)
        if found is not None:
            yield found

    def _base(self, run: Trace, cancelled: Callable[[], bool]) -> SweepBase | None:
        metrics = _metrics_of(run)
        if metrics is None or not isinstance(run, LiveRun):
            return None
        base = LiveRun(on_engine(run.model, NUMPY), run.ids)
        base.editor = run.editor
        if not running.complete(base, cancelled):
            return None
        before = base.logits(len(base.ids) - 1)
        assert before is not None
        plans = {over: SweepPlan(base, metrics[0], over) for over in (HEADS, MLPS)}
        return SweepBase(run, base, before, metrics, tuple(metric.of(before, before) for metric in metrics), plans)

    def _effects(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> tuple[float, ...] | None:
        base, source, (over, cell, where) = self.known.of(_BASE), _source(self.session.what_if), question
        if not isinstance(base, SweepBase) or base.of is not run:  # another run has begun meanwhile
            return None
        if over == POSITIONS and _key(source) != where:
            return None
        if over == POSITIONS and source and not running.complete(source.source, cancelled):
            return None
        try:
            plan = self._plans(base, source)[over]
            logits = running.last_logits(edited(base.run, [plan.edit(cell)]), cancelled)
        except EditError:  # no number comes of it
            return tuple(math.nan for _ in base.metrics)
        if logits is None:
            return None
        values = zip(base.metrics, base.baseline)
        return tuple(metric.of(logits, base.before) - before for metric, before in values)

    # The keys

    def _row_and_column(self) -> tuple[int, int]:
        """Where the cursor is: on the head or MLP with the largest effect that is known, until something is chosen."""
        if self._chosen:
            return self._row, self._at()
        known = [
            (abs(effects[self.mode]), over, cell)
            for (over, cell, _), effects in ((q, e) for q, e in self.known.all().items() if q != _BASE)
            if over != POSITIONS and isinstance(effects, tuple) and not math.isnan(effects[self.mode])
        ]
        if not known:
            return self._row, self._at()
        _, over, (row, column) = max(known)
        return row, self.session.config.n_head if over == MLPS else column

    def move(self, across: int, down: int) -> None:
        """Past the last row of the heads come the positions."""
        self._row, self._column = self._row_and_column()
        self._chosen = True
        row, rows = self._row + down, self.session.config.n_layer
        if self._section == 0 and row >= rows and down == 1:
            self._section, row = 1, 0
        elif self._section == 1 and row < 0 and down == -1:
            self._section, row = 0, rows - 1
        self._row = max(0, min(row, rows - 1))
        self._column = max(0, min(self._at() + across, self._columns() - 1))

    def _columns(self) -> int:
        """How many columns the chosen section has."""
        return len(self.session.ids) if self._section else self.session.config.n_head + 1

    def _at(self) -> int:
        """The chosen column; of a section that has become narrower, the last one."""
        return min(self._column, self._columns() - 1)

    def click(self, *numbers: int) -> None:
        self._section, self._row, self._column = numbers
        self._chosen = True

    def enter(self) -> bool:
        """Make this edit, and look at the run with it."""
        state = self.state()
        if state is None or state.chosen[0] not in state.plans:
            return False
        over, cell = state.chosen
        edit = state.plans[over].edit(cell)
        place: Where = edit.where
        if over == POSITIONS:
            place = replace(edit.where, title=f"residual entering block {cell[0]}", at=(cell[1],))
        self.session.edit(lambda edits: edits.add(place, edit.what, len(self.session.ids)))
        return True


def _metrics_of(run: Trace) -> tuple[Metric, ...] | None:
    """The measures of what a run says at its end, over the runner-up; None while that is not computed."""
    ranking = run.ranking("logits", len(run.ids) - 1)
    return tuple(Metric(kind, *ranking.order[:2]) for kind in MEASURES) if ranking else None


def _key(source: Patch | None) -> Hashable:
    """Which run positions are patched from, and how it is aligned."""
    return (source.source, source.shift) if source else None


def _metrics(session: Session) -> tuple[Metric, ...] | None:
    """The measures of the answer; None while the run is not computed."""
    return None if session.recorded or session.computing else _metrics_of(session.run)


def _source(what_if: WhatIf) -> Patch | None:
    """The other run, aligned as Compare aligns it."""
    other, alignment = what_if.other, what_if.alignment
    return Patch(other.trace, other.title, alignment.shift) if other and alignment else None
