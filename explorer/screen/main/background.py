"""Computing in threads: they post messages to the screen and touch no widget."""

import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from textual.dom import DOMNode
from textual.worker import get_current_worker

from explorer.engine.engines import on_engine
from explorer.errors import EditError
from explorer.runs import running
from explorer.runs.activations import Activations
from explorer.runs.trace import LiveRun
from explorer.screen import turns
from explorer.screen.messages import AnswerReady, EngineReady, LensReady, RunEnded, RunFailed, ViewFilled
from explorer.views.view import View
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session
from gpt import GPT

_RUN, _LENS, _ENGINE, _VIEW = "run", "lens", "engine", "view"
OPENING = "models"  # the group of the app's threads that list and open models
_BETWEEN_DRAWINGS = 0.1  # seconds, while a view fills in


class Background:
    """Starts threads for one screen: runs, lenses, views, engines. A new thread replaces the one of its kind."""

    def __init__(self, screen: DOMNode) -> None:
        self._screen = screen
        self._wanted: list[tuple[str, int]] = []
        self._working_on: tuple[View | None, Hashable] = (None, None)

    def compute(self, traces: Sequence[LiveRun]) -> None:
        """Compute the missing positions of these runs, one run after the other; the screen gets `RunEnded`."""
        self._screen.run_worker(partial(self._complete, traces), group=_RUN, exclusive=True, thread=True)

    def _complete(self, traces: Sequence[LiveRun]) -> None:
        cancelled = turns.cancelled(get_current_worker())
        for trace in traces:
            started = time.perf_counter()
            try:
                self._answer(trace, cancelled)
                finished = running.complete(trace, cancelled)
            except EditError as error:
                self._screen.post_message(RunFailed(trace, str(error)))
                return
            self._screen.post_message(RunEnded(trace, finished, time.perf_counter() - started))
            if not finished:
                return

    def _answer(self, trace: LiveRun, cancelled: Callable[[], bool]) -> None:
        """Compute the answer of an edited run first, unless a single position is missing."""
        if trace.editor and len(trace.ids) - trace.complete > 1:
            logits = running.last_logits(trace, cancelled)
            if logits is not None:
                self._screen.post_message(AnswerReady(trace, logits))

    @property
    def computing(self) -> bool:
        """True while a run is being computed and is not cancelled."""
        workers = self._screen.workers
        return any(w.group == _RUN and not w.is_finished and not w.is_cancelled for w in workers)

    def cancel(self) -> None:
        """Stop the run; positions that are computed are kept."""
        self._screen.workers.cancel_group(self._screen, _RUN)

    def change_engine(self, model: GPT, engine: str) -> None:
        """Convert the model to another engine; the screen gets `EngineReady`."""
        self._screen.run_worker(partial(self._convert, model, engine), group=_ENGINE, exclusive=True, thread=True)

    def _convert(self, model: GPT, engine: str) -> None:
        self._screen.post_message(EngineReady(model, on_engine(model, engine)))

    def look_through_lenses(self, session: Session) -> None:
        """Compute the lenses that the screen shows, unless that is under way; the screen gets `LensReady`."""
        wanted = wanted_lenses(session)
        if wanted and wanted != self._wanted:
            work = partial(self._look, session.trace, wanted)
            self._screen.run_worker(work, group=_LENS, exclusive=True, thread=True)
        self._wanted = wanted

    def _look(self, trace: Activations, wanted: list[tuple[str, int]]) -> None:
        cancelled = turns.cancelled(get_current_worker())
        for residual, position in wanted:
            if running.look_through_lens(trace, residual, position, cancelled):
                self._screen.post_message(LensReady())

    def work_on(self, view: View | None) -> None:
        """Compute what the view that is open asks for, unless somebody is at it."""
        wanted = view.wanted() if view else None
        if (view, wanted) == self._working_on:
            return
        self._working_on = view, wanted
        if view is None or wanted is None:
            self._screen.workers.cancel_group(self._screen, _VIEW)
        else:
            self._screen.run_worker(partial(self._work, view), group=_VIEW, exclusive=True, thread=True)

    def _work(self, view: View) -> None:
        cancelled, drawn = turns.cancelled(get_current_worker()), time.perf_counter()
        for _ in view.work(cancelled):
            if cancelled():
                return
            if time.perf_counter() - drawn > _BETWEEN_DRAWINGS:
                drawn = time.perf_counter()
                self._screen.post_message(ViewFilled())
        self._screen.post_message(ViewFilled())
