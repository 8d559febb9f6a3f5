"""A session as it stands now, ready to be saved."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from explorer import __version__
from explorer.analysis.compare import END
from explorer.edits import Edit
from explorer.edits.computation import Computation, computation_of
from explorer.engine.engines import engine_in_full
from explorer.errors import SessionError
from explorer.loading.origins import origin_of
from explorer.runs.trace import LiveRun, Trace
from explorer.sessions.edits import saved_edit
from explorer.sessions.saved import (
    Saved,
    SavedCursor,
    SavedDraw,
    SavedEdit,
    SavedModel,
    SavedNumber,
    SavedOther,
    SavedProgram,
    SavedRun,
    SavedView,
    SavedWhy,
)
from explorer.teaching.spots import Spot
from explorer.views.looks import look
from explorer.views.view import View
from explorer.walk.session import Session, own_text
from explorer.walk.text import DrawnToken
from explorer.walk.why import Look, Why
from gpt import GPT


@dataclass(frozen=True)
class OnScreen:
    """The views of the screen, which are not part of the session."""

    views: Mapping[str, View] = field(default_factory=dict)
    opened: str = ""  # the view that is open
    bookmarks: Mapping[int, Spot] = field(default_factory=dict)


def saved(session: Session, model: str, screen: OnScreen | None = None, fingerprint: bool = True) -> Saved:
    """The session as it is saved; without `fingerprint` the weights are not read for one.

    SessionError for a recorded run, before there is a prompt, and where an edit cannot be saved.
    """
    if session.model is None:
        raise SessionError("this is a recorded run: it is a file already.")
    if not session.ids:
        raise SessionError("there is no prompt yet: type one first.")
    return _Snapshot(session, model, fingerprint).saved(screen or OnScreen())


class _Snapshot:
    """One session: it numbers the edits and the other runs as it meets them."""

    def __init__(self, session: Session, name: str, fingerprint: bool) -> None:
        self._session = session
        self._name = name
        self._fingerprint = fingerprint
        self._edits: list[Edit] = []
        self._saved_edits: list[SavedEdit] = []
        self._sources: list[Trace] = []
        self._others: list[SavedOther] = []

    def saved(self, screen: OnScreen) -> Saved:
        session, what_if = self._session, self._session.what_if
        assert session.model
        for entry in what_if.edits:
            self._add_edit(entry.edit, entry.on)
        written = own_text(session)
        now = computation_of(what_if.base, what_if.run)
        assert now
        drawn = tuple(self._draw(each, now) for _, each in sorted(written.drawn.items()))
        other = -1
        if what_if.other:
            other = self._source(what_if.other.trace, what_if.other.text, what_if.other.model)
        return Saved(
            self._model(session.model, self._name),
            str(engine_in_full(session.model)),
            written.typed or written.text,
            tuple(what_if.run.ids[: written.prompt_length]),
            session.draws.sampling,
            session.draws.seed,
            self._run(now),
            drawn,
            tuple(self._saved_edits),
            tuple(self._others),
            _cursor(session),
            self._view(screen, other),
            _why(session.why) if session.why else None,
            dict(screen.bookmarks),
            this_program(),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _model(self, model: GPT, name: str) -> SavedModel:
        origin, config = origin_of(model), model.config
        counts = (config.n_layer, config.n_head, config.n_embd, config.vocab_size, config.n_positions)
        if origin is None:
            return SavedModel(name, "", "", *counts)
        weights = origin.fingerprint if self._fingerprint else origin.known_fingerprint
        return SavedModel(origin.name, origin.revision, weights, *counts)

    def _add_edit(self, edit: Edit, on: bool | None) -> int:
        self._saved_edits.append(saved_edit(edit, on, self._session.config, self._source))
        self._edits.append(edit)
        return len(self._edits) - 1

    def _number_of(self, edit: Edit) -> int:
        """The number of an edit; one that is not on the stack any more is added."""
        for number, known in enumerate(self._edits):
            if known is edit or known == edit:
                return number
        return self._add_edit(edit, None)

    def _source(self, trace: Trace, text: str = "", name: str = "") -> int:
        """The number of another run."""
        for number, known in enumerate(self._sources):
            if known is trace:
                return number
        if not isinstance(trace, LiveRun):
            raise SessionError("an edit that takes from a recorded run cannot be saved: the run is another file.")
        ours, theirs = self._session.model, trace.model
        assert ours
        origin = origin_of(theirs)
        same = theirs is ours or origin == origin_of(ours)
        text = text or self._session.tokenizer.decode(trace.ids)
        model = None if same else self._model(theirs, name)
        self._sources.append(trace)
        self._others.append(SavedOther(text, tuple(trace.ids), str(engine_in_full(theirs)), model, trace.passes))
        return len(self._sources) - 1

    def _run(self, how: Computation) -> SavedRun:
        edits = tuple(map(self._number_of, how.edits))
        return SavedRun(how.engine, edits, how.base, how.run if edits else ())

    def _draw(self, drawn: DrawnToken, now: Computation) -> SavedDraw:
        step, how = drawn.step, drawn.run
        label = self._session.tokenizer.decode([step.token])
        run = None if how is None or how.leads_to(now) else self._run(how)
        return SavedDraw(step.token, step.number, drawn.sampling, drawn.seed, drawn.chosen, run, label)

    def _view(self, screen: OnScreen, other: int) -> SavedView:
        session, what_if = self._session, self._session.what_if
        ours = {name: view for name, view in screen.views.items() if view.session is session}
        opened = screen.opened if screen.opened in ours else ""
        return SavedView(
            opened,
            _showing(session),
            what_if.aligned if what_if.other else END,
            other,
            session.code.index if session.code else -1,
            {name: look(view) for name, view in ours.items()},
        )


def _showing(session: Session) -> str:
    what_if, pair = session.what_if, session.what_if.pair
    if what_if.shown is None or pair is None:
        return ""
    if what_if.difference:
        return "difference"
    return "a" if what_if.shown is pair.a else "b"


def _cursor(session: Session) -> SavedCursor:
    cursor = session.cursor
    stage, parts = cursor.stage.id, dict(cursor.chosen_parts)
    columns = {axes: column for axes, column in cursor.chosen_columns.items() if axes}  # tokens have none
    return SavedCursor(stage, cursor.position, cursor.head, cursor.overview, cursor.steps, columns, parts)


def _why(why: Why) -> SavedWhy:
    trail = tuple(SavedNumber(each.cell.name, each.cell.index, each.row, each.column) for each in why.visits)
    return SavedWhy(trail, why.at, why.unrolled, why.look is Look.PATH)


def this_program() -> SavedProgram:
    """This program, with all that rounding depends on."""

    def library(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return ""

    torch = library("torch") if "torch" in sys.modules else ""  # else it computed nothing
    machine = f"{platform.system()} {platform.machine()}"
    return SavedProgram(__version__, platform.python_version(), library("numpy"), machine, torch)
