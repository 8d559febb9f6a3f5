"""Computing in threads: they post messages to the screen and touch no widget."""

import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from textual.dom import DOMNode
from textual.worker import get_current_worker

from explorer.analysis import lens
from explorer.engine.engines import on_engine
from explorer.errors import CheckpointError, EditError
from explorer.runs import running
from explorer.runs.activations import Activations
from explorer.runs.trace import LiveRun, Trace
from explorer.screen import turns
from explorer.screen.messages import AnswerReady, EngineReady, LensReady, NoNumbers, RunEnded, RunFailed, ViewFilled
from explorer.views.view import View
from explorer.walk.on_screen import wanted_lenses, wanted_way
from explorer.walk.session import Session
from explorer.walk.vector_questions import Question, answer, questions
from gpt import GPT, GPTError

_RUN, _LENS, _WAY, _ENGINE, _VIEW = "run", "lens", "way", "engine", "view"
OPENING = "models"  # the group of the app's threads that list and open models
_UNDEFINED = ("math domain error", "-inf + inf in fsum")
"""The words in which Python refuses a root or a sum that is no number; else a ValueError is a fault of ours."""

_BETWEEN_DRAWINGS = 0.1  # seconds, while a view fills in


class Background:
    """Starts threads for one screen: runs, lenses, views, engines. A new thread replaces the one of its kind."""

    def __init__(self, screen: DOMNode) -> None:
        self._screen = screen
        self._wanted: tuple[Activations | None, list[tuple[str, int]], list[Question]] = None, [], []
        self._way: Hashable = None  # of which run and position the answer's way through the layers is followed
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
            except (CheckpointError, EditError) as error:
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
        """Compute the lenses that the screen shows, and what it asks about a vector, unless that is under way.

        The screen gets `LensReady`.
        """
        wanted = session.trace, wanted_lenses(session), questions(session)
        if (wanted[1] or wanted[2]) and not self._under_way(*wanted):
            self._screen.run_worker(
                partial(self._guarded, self._look, *wanted), group=_LENS, exclusive=True, thread=True
            )
        self._wanted = wanted
        self._follow_the_way(session)

    def _guarded(self, work: Callable[..., None], *given: object) -> None:
        """Work that may meet a model whose numbers are infinite or undefined; the screen gets `NoNumbers` then."""
        try:
            work(*given)
        except (ArithmeticError, CheckpointError, ValueError) as error:
            if isinstance(error, ValueError) and str(error) not in _UNDEFINED:
                raise
            self._screen.post_message(NoNumbers(running.NOT_FINITE))

    def _under_way(self, trace: Activations, lenses: list[tuple[str, int]], asked: list[Question]) -> bool:
        """Whether all of this was wanted before: what is missing of it is on its way."""
        before, older_lenses, older_asked = self._wanted
        return trace is before and set(lenses) <= set(older_lenses) and set(asked) <= set(older_asked)

    def _follow_the_way(self, session: Session) -> None:
        """Compute the answer's way through the layers at this position, unless that is under way."""
        way = wanted_way(session)
        asked = (session.run, len(session.ids), session.position) if way else None
        if asked == self._way:
            return
        self._way = asked
        if way:
            self._screen.run_worker(partial(self._walk, session.run, way), group=_WAY, exclusive=True, thread=True)
        else:
            self._screen.workers.cancel_group(self._screen, _WAY)

    def _walk(self, trace: Trace, way: Sequence[tuple[str, int]]) -> None:
        cancelled, drawn = turns.cancelled(get_current_worker()), time.perf_counter()
        try:
            for _ in lens.fill(trace, way, cancelled):
                if time.perf_counter() - drawn > _BETWEEN_DRAWINGS:
                    drawn = time.perf_counter()
                    self._screen.post_message(LensReady())
        except (GPTError, ArithmeticError, ValueError):  # sums of infinities: the lens says so when it is opened
            return
        self._screen.post_message(LensReady())

    def _look(self, trace: Activations, lenses: list[tuple[str, int]], asked: list[Question]) -> None:
        cancelled = turns.cancelled(get_current_worker())
        for residual, position in lenses:
            if running.look_through_lens(trace, residual, position, cancelled):
                self._screen.post_message(LensReady())
        for question in asked:
            if not cancelled() and answer(trace, question, cancelled):
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
            self._screen.run_worker(partial(self._guarded, self._work, view), group=_VIEW, exclusive=True, thread=True)

    def _work(self, view: View) -> None:
        cancelled, drawn = turns.cancelled(get_current_worker()), time.perf_counter()
        for _ in view.work(cancelled):
            if cancelled():
                return
            if time.perf_counter() - drawn > _BETWEEN_DRAWINGS:
                drawn = time.perf_counter()
                self._screen.post_message(ViewFilled())
        self._screen.post_message(ViewFilled())
