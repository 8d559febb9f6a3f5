"""Patching: values of one prompt's run put into another's, and how much of the difference each place carries.

The clean prompt is the one that is walked, the corrupted one that which Compare holds. It is computed on arrays,
with NumPy where the walk runs in plain Python. Sources: those of `explorer.edits.sweep` and
`explorer.edits.path_patching`.
"""

import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from explorer.edits import Edit, Patch, edited, where
from explorer.edits.metric import LOGIT_DIFFERENCE, Metric
from explorer.edits.path_patching import PathPatch
from explorer.edits.sweep import SITES, Sweep, SweepCell
from explorer.engine import engines
from explorer.engine.engines import for_many_runs
from explorer.errors import EditError
from explorer.paint.spans import Line, Span, wrapped
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.terminal.text import counted
from explorer.views.parts import scene_of
from explorer.views.patching.choices import PatchingDialog
from explorer.views.patching.picture import in_words, picture, ranked
from explorer.views.patching.state import Asked, PatchingState, Runs, Way
from explorer.views.sweep.layout import Layout
from explorer.views.table import TableView, clicked
from explorer.walk.session import NO_OTHER_PROMPT, Session
from explorer.walk.what_if import OtherRun
from gpt import InputError

_RUNS = "runs"  # the first question
_OTHER = "other"  # the other run as it is walked, from which an edit can take values


class PatchingView(TableView):
    """Key 9. A table of normalised leads; v is the way, d opens the dialog."""

    title = "Patching · which parts carry the difference between two prompts"
    modes = ("clean into corrupted", "corrupted into clean", "along a path")
    asks_briefly = "the corrupted prompt"
    dialog = PatchingDialog
    remembers = 4

    def __init__(self, session: Session) -> None:
        self.asked = Asked()
        super().__init__(session)

    @property
    def asks(self) -> str:  # type: ignore[override]
        """Without another prompt, enter asks for it."""
        there = self.session.what_if.other or self.session.recorded
        return "" if there else "The corrupted prompt: as many tokens as this one, and another answer"

    @property
    def way(self) -> Way:
        return Way(self.mode)

    def works(self, key: str) -> bool:
        if self.session.recorded:
            return key == "look.leave"
        if why_not(self.session) and key not in ("look.leave", "look.choose"):
            return key == "look.enter" and bool(self.asks)
        return super().works(key)

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        if why := why_not(self.session):
            return [line for words in why for line in wrapped(words, cells, "dim")]
        state = self.state()
        return picture(state, cells, height) if state else [[Span("The run is not computed yet.", "dim")]]

    def about(self, cells: int) -> list[Line]:
        state = self.state()
        return in_words(state, cells) if state else []

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        state = clicked(self.state(), numbers)
        return in_words(state, cells) if state else []

    def _layout(self) -> Layout:
        config, length = self.session.config, len(self.session.run.ids)
        if self.way is Way.PATH:
            return Layout(config, "z", False, length)
        return Layout(config, self.asked.site, self.asked.by_position, length)

    def state(self) -> PatchingState | None:
        """Everything known; None while this run is not computed, and where the two cannot be patched."""
        session, other = self.session, self.session.what_if.other
        if other is None or session.computing or why_not(session):
            return None
        runs, metric = self._runs(), self._metric()
        leads: dict[SweepCell, float] = {}
        for question in self.questions()[1:]:
            found = self.known.of(question)
            if isinstance(found, dict):
                leads.update(found)
        clean = metric.of(runs.says_clean, runs.says_clean) if runs and metric else 0.0
        corrupted = metric.of(runs.says_corrupted, runs.says_corrupted) if runs and metric else 0.0
        state = PatchingState(
            scene_of(session),
            self.way,
            self.asked,
            self._layout(),
            0,
            0,
            tuple(other.trace.ids),
            metric,
            clean,
            corrupted,
            leads,
            engines.in_words(runs.clean.model) if runs else "",
        )
        return self.put(state, ranked)

    def _runs(self) -> Runs | None:
        found = self.known.of(_RUNS)
        return found if isinstance(found, Runs) else None

    def _metric(self) -> Metric | None:
        """The lead that is measured; None while the runs are not computed."""
        runs, asked = self._runs(), self.asked
        if runs is None:
            return None
        token, versus = (
            max(range(len(says)), key=says.__getitem__) if given is None else given
            for says, given in ((runs.says_clean, asked.token), (runs.says_corrupted, asked.versus))
        )
        return Metric(LOGIT_DIFFERENCE, token, versus)

    # Questions

    def subject(self) -> Hashable:
        """Both runs."""
        other = self.session.what_if.other
        return self.session.run, self.session.run.complete, other.trace if other else None

    def questions(self) -> list[Hashable]:
        """Both runs; then every row."""
        if why_not(self.session) or self.session.computing:
            return []
        metric = self._metric()
        if metric is None:
            return [_RUNS]
        key = (self.way, self.asked.there(self.way), metric)
        last = [_OTHER] if self.way is Way.CORRUPT else []
        return [_RUNS, *((key, row) for row in range(self._layout().shape[0])), *last]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        """Both runs; or a row's leads, one place after the other."""
        if question == _RUNS:
            found = _both(run, self.session.what_if.other, cancelled)
            if found:
                yield found
            return
        runs, other = self._runs(), self.session.what_if.other
        if question == _OTHER:
            if other and running.complete(other.trace, cancelled):
                yield True
        elif runs and runs.of[0] is run:  # else another run has begun meanwhile
            yield from _row_of(runs, question, dict(self.known.of(question) or {}), cancelled)

    # The keys

    def next_mode(self) -> None:
        super().next_mode()
        self.placed = False

    def enter(self) -> bool:
        """Make this edit in the clean run, or go to the numbers that are put in, or to the sender."""
        state, other = self.state(), self.session.what_if.other
        if state is None or state.chosen is None or other is None:
            return False
        cell, layout = state.chosen, state.layout
        if state.way is Way.CORRUPT:
            patch = Patch(other.trace, other.title)
            plan = Sweep(
                self.session.run, Metric(LOGIT_DIFFERENCE), layout.site_id, patch, by_position=layout.by_position
            )
            edit = plan.edit(cell)
            self.session.edit(lambda edits: edits.add(edit.where, edit.what, len(self.session.ids)))
            return True
        cursor = self.session.cursor
        cursor.go_to_value(SITES[layout.site_id].activation.format(cell[0]))
        if layout.site.unit == "head":
            cursor.go_to_head(cell[1])
        if layout.by_position:
            cursor.go_to_position(cell[-1])
        return True

    # The other prompt

    def begins_with(self) -> str:
        other = self.session.what_if.other
        return other.text if other else self.session.text

    def take(self, text: str) -> None:
        """The corrupted prompt, which Compare holds too; InputError where it does not fit beside the clean one."""
        session = self.session
        if session.model is None:
            raise InputError(NO_OTHER_PROMPT)
        ids = session.tokenizer.encode(text)
        if len(ids) != len(session.run.ids):
            raise InputError(
                f"this has {counted(len(ids), 'token')} and the clean prompt {len(session.run.ids)}: token must stand "
                "above token."
            )
        if ids == session.run.ids:
            raise InputError("this is the clean prompt: change a word, so that another answer is right.")
        session.show(None)
        session.what_if.other = OtherRun(text, LiveRun(session.model, ids))


LogitsOf = Callable[[SweepCell, Callable[[], bool]], Any]


def _put(runs: Runs, asked: Asked, way: Way) -> LogitsOf:
    """The last logits with one place patched."""
    base, source = (runs.corrupted, runs.clean) if way is Way.RESTORE else (runs.clean, runs.corrupted)
    plan = Sweep(base, Metric(LOGIT_DIFFERENCE), asked.site, Patch(source), by_position=asked.by_position)
    return lambda cell, cancelled: running.last_logits(edited(base, [plan.edit(cell)]), cancelled)


def _along(runs: Runs, asked: Asked) -> LogitsOf:
    """The last logits where the receivers alone see that a head is as in the corrupted run."""

    def logits(cell: SweepCell, cancelled: Callable[[], bool]) -> Any:
        sender = Edit(where.head(cell[0], cell[1]), Patch(runs.corrupted))
        return PathPatch(runs.clean, sender, asked.receivers, mlps_follow=asked.mlps_follow).logits(cancelled)

    return logits


def why_not(session: Session) -> list[str]:
    """The reason, in words, why the two runs cannot be patched; nothing where they can."""
    other = session.what_if.other
    if session.recorded:
        return ["This is a recorded run: there is no model that could run another prompt."]
    if other is None:
        return [
            "This prompt is the clean one. Press enter and type the corrupted one: as many tokens, another answer.",
            "Then values of one run are put into the other, place by place: which of them carry the difference?",
        ]
    if other.model:
        return ["The other run is of another model: press d, and type a prompt for this one."]
    if len(other.trace.ids) != len(session.run.ids):
        return [
            f"The clean prompt has {len(session.run.ids)} tokens and the corrupted one {len(other.trace.ids)}: "
            "press d, and type one of the same length, so that token stands above token."
        ]
    return []


def _both(run: Trace, other: OtherRun | None, cancelled: Callable[[], bool]) -> Runs | None:
    if other is None or not isinstance(run, LiveRun):
        return None
    model = for_many_runs(run.model)
    clean, corrupted = LiveRun(model, run.ids), LiveRun(model, other.trace.ids)
    clean.editor = run.editor
    if not all(running.complete(each, cancelled) for each in (clean, corrupted)):
        return None
    says = [list(map(float, each.logits(len(each.ids) - 1) or ())) for each in (clean, corrupted)]
    return Runs((run, other.trace), clean, corrupted, *says)


def _row_of(
    runs: Runs, question: Any, known: dict[SweepCell, float], cancelled: Callable[[], bool]
) -> Iterator[dict[SweepCell, float]]:
    """The leads of a row, one place after the other."""
    (way, asked, metric), row = question
    layout = Layout(runs.clean.config, asked.site, asked.by_position, len(runs.clean.ids))
    logits_of = _along(runs, asked) if way is Way.PATH else _put(runs, asked, way)
    for column in range(layout.shape[1]):
        cell = layout.cell(row, column)
        if cell is None or cell in known:
            continue
        try:
            logits = logits_of(cell, cancelled)
            if logits is None:
                return
            known = {**known, cell: metric.of(logits, logits)}
        except EditError:  # it writes after the receivers read, or no number comes of it
            known = {**known, cell: math.nan}
        yield known
    yield known
