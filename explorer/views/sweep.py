"""Sweep: every head, every MLP and every position edited in turn, and what becomes of the answer.

They are zeroed; where Compare holds another run, positions get the values of their counterparts there. It is computed
with NumPy in float32, whatever the walk runs on: over a hundred runs in the time of a few.
"""

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace

from explorer.edits import Patch, edited
from explorer.edits.edit import label
from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY, Metric
from explorer.edits.sweep import HEADS, MLPS, OVER, POSITIONS, Cell
from explorer.edits.sweep import Sweep as Plan
from explorer.edits.where import Where
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, length, signed_level, window, wrapped
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.text import fit, number, width
from explorer.views.view import View
from explorer.walk.session import Session

_KEPT = 6  # sweeps of other runs
_LABEL = 9
_MOST = 4  # of each kind that are named below
_NUMBERED = 7  # cells for an effect in figures
_ROOMY = 12  # lines from which on both heads and MLPs are named below
_NAMES = {HEADS: "heads", MLPS: "MLPs", POSITIONS: "positions"}
_KINDS = (PROBABILITY, LOGIT_DIFFERENCE, KL)

Place = tuple[str, Cell]
"""What is edited: over what the sweep goes, and the cell of it."""


@dataclass
class Found:
    """What is known of one run: the effects by all measures, place by place."""

    metrics: tuple[Metric, ...]
    positions: int
    source: Patch | None = None  # from what positions are patched; without, they are zeroed
    baseline: tuple[float, ...] = ()
    plans: dict[str, Plan] = field(default_factory=dict)
    effects: dict[Place, tuple[float, ...]] = field(default_factory=dict)


class Sweep(View):
    """The heatmap of a sweep, layers down, heads and MLPs across; below, the positions."""

    title = "Sweep · each in turn edited"
    modes = ("probability of the answer", "logit over the runner-up", "KL in bits")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._found: dict[tuple[Trace, tuple[Trace, int] | None], Found] = {}
        self._section = 0  # heads and MLPs, or positions
        self._row = 0
        self._column = 0

    # What is there

    @property
    def _columns(self) -> tuple[int, int]:
        """How many columns each of the two sections has."""
        return self.session.config.n_head + 1, len(self.session.ids)

    @property
    def _rows(self) -> int:
        return self.session.config.n_layer

    def _place(self, section: int, row: int, column: int) -> Place:
        if section:
            return POSITIONS, (row, column)
        return (HEADS, (row, column)) if column < self._columns[0] - 1 else (MLPS, (row, 0))

    def _places(self) -> list[Place]:
        """All of them, the heads first."""
        rows, (heads, positions), source = range(self._rows), self._columns, self._source()
        first = [(HEADS, (row, column)) for row in rows for column in range(heads - 1)]
        return [
            *first,
            *((MLPS, (row, 0)) for row in rows),
            *(
                (POSITIONS, (row, column))
                for row in rows
                for column in range(positions)
                if source is None or source.reaches(column)
            ),
        ]

    def _current(self) -> Found | None:
        """What is known of the run that is walked; None while that is not computed."""
        session, trace = self.session, self.session.run
        ranking = trace.ranking("logits", len(session.ids) - 1)
        if session.recorded or session.computing or ranking is None:
            return None
        source = self._source()
        key = trace, (source.source, source.shift) if source else None
        found = self._found.get(key)
        if found is None or found.positions != len(session.ids):
            token, versus = ranking.order[0], ranking.order[1]
            metrics = tuple(Metric(kind, token, versus) for kind in _KINDS)
            found = self._found[key] = Found(metrics, len(session.ids), source, effects=self._shared(trace))
            for old in list(self._found)[:-_KEPT]:
                del self._found[old]
        return found

    def _source(self) -> Patch | None:
        """The other run, aligned as Compare aligns it."""
        other, alignment = self.session.what_if.other, self.session.what_if.alignment
        return Patch(other.trace, other.title, alignment.shift) if other and alignment else None

    def _shared(self, trace: Trace) -> dict[Place, tuple[float, ...]]:
        """What is known of the heads and MLPs of this run: for them it does not matter how positions are edited."""
        known: dict[Place, tuple[float, ...]] = {}
        for (run, _), found in list(self._found.items()):
            if run is trace and found.positions == len(trace.ids):
                known |= {place: effects for place, effects in found.effects.copy().items() if place[0] != POSITIONS}
        return known

    # The work

    def wanted(self) -> Hashable:
        found = self._current()
        if found is None or len(found.effects) == len(self._places()):
            return None
        return self.session.run, found.source and (found.source.source, found.source.shift)

    def work(self) -> Iterator[None]:
        cancelled, trace, found, places = self.cancelled, self.session.run, self._current(), self._places()
        if found is None or not isinstance(trace, LiveRun):
            return
        base = LiveRun(on_engine(trace.model, NUMPY), trace.ids)
        base.editor = trace.editor
        source = found.source
        if not running.complete(base, cancelled) or (source and not running.complete(source.source, cancelled)):
            return
        before = base.logits(len(base.ids) - 1)
        assert before is not None
        found.baseline = tuple(metric.of(before, before) for metric in found.metrics)
        found.plans = {over: Plan(base, found.metrics[0], over) for over in (HEADS, MLPS)}
        found.plans[POSITIONS] = Plan(base, found.metrics[0], POSITIONS, source)
        for over, cell in places:
            if (over, cell) in found.effects:
                continue
            try:
                logits = running.last_logits(edited(base, [found.plans[over].edit(cell)]), cancelled)
            except EditError:  # no number comes of it
                found.effects[over, cell] = tuple(math.nan for _ in found.metrics)
                continue
            if logits is None:
                return
            values = zip(found.metrics, found.baseline)
            found.effects[over, cell] = tuple(metric.of(logits, before) - base for metric, base in values)
            yield

    # The keys

    def move(self, across: int, down: int) -> None:
        """Past the last row of the heads come the positions."""
        row = self._row + down
        if self._section == 0 and row >= self._rows and down == 1:
            self._section, row = 1, 0
        elif self._section == 1 and row < 0 and down == -1:
            self._section, row = 0, self._rows - 1
        self._row = max(0, min(row, self._rows - 1))
        self._column = max(0, min(self._at() + across, self._columns[self._section] - 1))

    def _at(self) -> int:
        return min(self._column, self._columns[self._section] - 1)

    def click(self, *numbers: int) -> None:
        self._section, self._row, self._column = numbers

    def enter(self) -> bool:
        """Make this edit, and look at the run with it."""
        found, (over, cell) = self._current(), self._place(self._section, self._row, self._at())
        if found is None or over not in found.plans:
            return False
        edit = found.plans[over].edit(cell)
        where = replace(edit.where, title=f"residual entering block {cell[0]}", at=(cell[1],))
        place: Where = where if over == POSITIONS else edit.where
        self.session.edit(lambda edits: edits.add(place, edit.what, len(self.session.ids)))
        return True

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        if self.session.recorded:
            return wrapped("This is a recorded run: there is no model that could run it edited.", cells, "dim")
        found = self._current()
        if found is None:
            return [[Span("The run is not computed yet: the sweep begins when it is.", "dim")]]
        head, below = self._head(found, cells), self._words(found, cells)
        if height < _ROOMY:
            below = below[:3]
        room = height - len(head) - len(below) - 1
        both = room >= 2 * (self._rows + 1) + 1
        body: list[Line] = []
        for section in (0, 1) if both else (self._section,):
            tall = self._rows + 1 if both else room
            body += [*([[]] if section and both else []), *self._grid(found, section, cells, max(2, tall))]
        legend = [Span(self._legend(found, both, cells, room), "dim")]
        return [clipped(line, cells) for line in (*head, *body, legend, *below)]

    def _head(self, found: Found, cells: int) -> list[Line]:
        """What is measured, and how far it is."""
        metric = found.metrics[self.mode]
        token, versus = self.session.label(metric.token), self.session.label(metric.versus)
        what = [Span("probability of "), Span(token, "here-text"), Span(" at T 1")]
        if metric.kind == KL:
            what = [Span("KL(before ‖ edited), bits")]
        elif metric.kind == LOGIT_DIFFERENCE:
            what = [Span("logit of "), Span(token, "here-text"), Span(" less that of "), Span(versus, "here-text")]
        now = "" if not found.baseline or metric.kind == KL else f": {self._value(found.baseline[self.mode])} now"
        done, count = len(found.effects), len(self._places())
        how_far = (f"   {done} of {count}", " · esc stops") if done < count else ("   NumPy float32",)
        line = [*what, Span(now)]
        for words in how_far:
            line += [Span(words, "dim")] if length([*line, Span(words)]) <= cells else []
        return [line, *([[Span(self._how(found), "dim")]] if self.session.what_if.other else [])]

    def _how(self, found: Found) -> str:
        """What is done to the positions, where there is another run."""
        assert found.source
        what_if = self.session.what_if
        if len(found.source.source.ids) == found.positions:
            return f"heads, MLPs zeroed; positions patched {found.source.words}"
        where = f"aligned at the {what_if.aligned}"
        return f"heads, MLPs zeroed; positions patched, {where} (Compare: ←→), {found.source.words}"

    def _value(self, value: float) -> str:
        return percent(value) if self.mode == 0 else number(value, 2)

    def _effect(self, effect: float) -> str:
        if math.isnan(effect):
            return "none"
        return number(100 * effect, 1) if self.mode == 0 else number(effect, 2)

    def _grid(self, found: Found, section: int, cells: int, height: int) -> list[Line]:
        """A row a block: the effects in figures where they fit, and in colour."""
        count, lit = self._columns[section], section == self._section
        row, at = self._row if lit else 0, self._at() if lit else 0
        size = self._size(section, cells)
        left, right = window(at, count, (cells - _LABEL) // size)
        top, bottom = window(row, self._rows, height - 1)
        names = [
            Span(fit(name, size - 1, ">", mark="") + " ", "here-text" if lit and column == at else "dim")
            for column, name in enumerate(self._names(section, size))
        ]
        lines: list[Line] = [[Span(fit("position" if section else "head", _LABEL), "dim"), *names[left:right]]]
        for layer in range(top, bottom):
            here = lit and layer == row
            line = [Span(fit(f"block {layer}", _LABEL), "here-text" if here else "dim")]
            for column in range(left, right):
                line.append(self._span(found, section, layer, column, size, here and column == at))
            lines.append(line)
        return lines

    def _names(self, section: int, size: int) -> list[str]:
        if section:
            labels = [label.removeprefix("·") or label for label in self.session.labels()]
            return [fit(label, min(width(label), size - 1), mark="") for label in labels]
        return [*map(str, range(self._columns[0] - 1)), "MLP"]

    def _span(self, found: Found, section: int, layer: int, column: int, size: int, here: bool) -> Span:
        over, cell = self._place(section, layer, column)
        effects, action = found.effects.get((over, cell)), ("view", section, layer, column)
        if effects is None:
            return Span(fit("·", size - 1, ">") + " ", "here" if here else "dim", action)
        effect = effects[self.mode]
        text = fit(self._effect(effect), size - 1, ">") + " " if size >= _NUMBERED - 1 else " " * size
        return Span(text, "here" if here else f"signed:{signed_level(effect, self._spread(found, over))}", action)

    def _size(self, section: int, cells: int) -> int:
        """Cells for an effect."""
        return max(2, min(_NUMBERED, (cells - _LABEL) // self._columns[section]))

    def _legend(self, found: Found, both: bool, cells: int, room: int) -> str:
        """How far the colours of each kind go, and how much of the map is there, where that is not all of it."""
        kinds = OVER if both else (POSITIONS,) if self._section else (HEADS, MLPS)
        words = [f"{_NAMES[over]} ±{self._scale(self._spread(found, over))}" for over in kinds]
        for section in (0, 1) if both else (self._section,):
            fitting = (cells - _LABEL) // self._size(section, cells)
            if fitting < (count := self._columns[section]):
                words.append(f"{fitting} of {count} {'positions' if section else 'columns'} shown")
        if not both and room - 1 < self._rows:
            words.append(f"{max(1, room - 1)} of {self._rows} blocks shown")
        return "colours: " + " · ".join(words)

    def _scale(self, spread: float) -> str:
        return number(100 * spread, 1, plus="") if self.mode == 0 else number(spread, 2, plus="")

    def _spread(self, found: Found, over: str) -> float:
        """The largest effect of its kind: heads, MLPs and positions have a scale each."""
        known = [abs(values[self.mode]) for (kind, _), values in found.effects.copy().items() if kind == over]
        return max((value for value in known if not math.isnan(value)), default=0.0)

    def _in_words(self, found: Found, place: Place) -> str:
        over, cell = place
        return found.plans[over].in_words(cell, self.session.labels())

    def _words(self, found: Found, cells: int) -> list[Line]:
        """What is chosen, and what it does by each measure."""
        place, largest = self._place(self._section, self._row, self._at()), self._largest(found, cells)
        effects = found.effects.get(place)
        if found.source and place[0] == POSITIONS and not found.source.reaches(place[1][1]):
            token = label(place[1][1], self.session.labels())
            return [[Span(f"{token} has no counterpart in the other run: nothing is put in.", "dim")], [], *largest]
        if effects is None or not found.plans:
            return [[Span("not computed yet", "dim")], [], *largest]
        share, gap, kl = effects
        token, versus = (self.session.label(id) for id in (found.metrics[1].token, found.metrics[1].versus))
        before, logits = found.baseline[:2]
        done = "patched" if found.source and place[0] == POSITIONS else "zeroed"
        first = [
            Span(f"{self._in_words(found, place)} {done}: ", "bold"),
            Span(token, "here-text"),
            Span(f" {percent(before)} → {percent(before + share)}", "value"),
            Span(f"  {number(100 * share, 1)} points", "positive" if share >= 0 else "negative"),
        ]
        second = f"{token} over {versus} {number(logits, 2)} → {number(logits + gap, 2)}"
        return [first, [Span(f"{second}   KL {number(kl, 2, plus='')} bits"), Span("   ⏎ does it", "dim")], *largest]

    def _largest(self, found: Found, cells: int) -> list[Line]:
        """What matters most of the section that is chosen, a line for each kind, what matters most of all first."""
        ranked = [self._ranked(found, over) for over in ((POSITIONS,) if self._section else (HEADS, MLPS))]
        ranked.sort(key=lambda entries: -abs(entries[0][0]) if entries else 0.0)
        lines: list[Line] = []
        for entries in ranked:
            line = [Span("      " if lines else "most: ", "dim")]
            for effect, (over, (layer, column)) in entries if found.plans else ():
                action = ("view", self._section, layer, self._columns[0] - 1 if over == MLPS else column)
                style = "positive" if effect >= 0 else "negative"
                name = self._in_words(found, (over, (layer, column)))
                entry = [Span(f"{name} ", "", action), Span(f"{self._effect(effect)}   ", style, action)]
                if length([*line, *entry]) - 3 <= cells:
                    line += entry
            lines.append(line)
        return lines

    def _ranked(self, found: Found, over: str) -> list[tuple[float, Place]]:
        """The largest effects of a kind, either way."""
        known = [(values[self.mode], place) for place, values in found.effects.copy().items() if place[0] == over]
        known = [entry for entry in known if not math.isnan(entry[0])]
        return sorted(known, key=lambda entry: -abs(entry[0]))[:_MOST]
