"""Sessions on the screen: saved, opened, and kept by themselves while one works."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.worker import get_current_worker

from explorer.errors import SessionError
from explorer.files import check, replacing
from explorer.loading.origins import origin_of
from explorer.screen import turns
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.main.background import OPENING
from explorer.screen.opening import Opening
from explorer.sessions import store
from explorer.terminal.glyphs import one_line
from explorer.views.looks import look
from explorer.views.view import View
from explorer.walk.session import Session, own_text
from gpt import GPTError, StopRun

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen
    from explorer.sessions.restore import Restored
    from explorer.sessions.saved import Saved, SavedModel

_OFFER = "ctrl+o: last session"
_LOOKS_EVERY, _BETWEEN_WRITINGS = 0.1, 5  # seconds between two looks; looks between two writings
_KEEPING = "autosave"


class Sessions:
    """The part of the screen that saves sessions and opens them."""

    def __init__(self, screen: "MainScreen", opening: Opening) -> None:
        self._screen = screen
        self._opening = opening  # a session that is restored stands there once the model is open
        self._own = store.Autosave() if opening.autosave else None
        self._file = opening.session_file or Path("session.toml")  # that is offered to save in
        self._replaces = {opening.session_file}  # files that may be written over
        self.offer = _OFFER if opening.autosave and opening.offer_session else ""
        self._first: Any = None  # what the user had done when the session began
        self._last: Any = None  # the state that was kept last
        self._wait = 0  # so many looks until the next writing
        self._failed = False

    def begin(self, session: Session) -> bool:
        """A model is open. True where the session was restored, and is on the screen as it was."""
        restored, self._opening.restored = self._opening.restored, None
        self._first = None
        if restored is None or restored.session is not session:
            return False
        screen = self._screen
        screen.middle.view.use(restored.views, restored.views.get(restored.opened))
        if restored.bookmarks:
            screen.bookmarks.use(restored.bookmarks)
        screen.prompt.show_text(session.text)
        screen.runs.compute()
        screen.show_status("as it was saved" if not restored.notes else "opened, with differences")
        if restored.notes:
            text = "\n".join(restored.notes)
            screen.app.notify(text, title="Not as it was saved", severity="warning", timeout=15)
        screen.call_after_refresh(screen.middle.focus_opened)
        return True

    # Saving

    def action_save(self) -> None:
        """Ask for a file, and write the session to it."""
        session = self._screen.ready
        if session is None or session.recorded:
            self._screen.notify("There is nothing to save yet." if session is None else "This run is a file already.")
            return
        dialog = AskDialog("Save this session as", str(self._file), self._save)
        self._screen.app.push_screen(dialog, lambda done: self._say_saved() if done else None)

    def _save(self, name: str) -> None:
        """Write it; SessionError or WriteError. What is there is replaced only when it is asked for twice."""
        path = Path(os.path.expanduser(name.strip()))
        if not path.name or "\0" in name:
            raise SessionError("give the name of a file, such as session.toml.")
        path = path if path.suffix else path.with_suffix(".toml")
        try:
            there = check(path) is not None
        except ValueError as error:
            raise SessionError(f"no file can have this name: {one_line(str(error))}. Type another.") from error
        if there and path not in self._replaces:
            self._replaces.add(path)
            raise SessionError(f"{one_line(str(path))} is there already: enter again replaces it.")
        from explorer.sessions.writing import written

        text = written(self._snapshot(self._screen.session, fingerprint=True))
        with replacing(path) as part:
            part.write_text(text, encoding="utf-8")
        self._file = path
        self._replaces.add(path)

    def _say_saved(self) -> None:
        self._screen.app.notify(str(self._file.absolute()), title="The session is in")

    def _snapshot(self, session: Session | None, fingerprint: bool) -> "Saved":
        """The session to save: during a tour, the one that was left for it."""
        from explorer.sessions.snapshot import OnScreen, saved

        screen = self._screen
        views, view, model = *screen.middle.view.kept(), screen.header.model_name
        if (home := screen.tours.visiting.home) and screen.tours.shown:
            session, views, view, model = home
        assert session
        return saved(session, model, OnScreen(views, _name_of(view, views), screen.bookmarks.all), fingerprint)

    # Opening

    def action_open(self) -> None:
        """List the sessions that were kept, in a thread: reading them takes a moment."""
        self._screen.run_worker(self._list, thread=True, group=OPENING, exclusive=True)

    def _list(self) -> None:
        worker = get_current_worker()
        own = self._own.path if self._own else None
        found = [each for path in store.kept() if path != own and (each := store.about(path))]
        if not worker.is_cancelled:
            self._screen.app.call_from_thread(self._show, found)

    def _show(self, found: list[store.Kept]) -> None:
        from explorer.screen.dialogs.sessions import SessionList
        from explorer.sessions.reading import read

        self._screen.app.push_screen(SessionList(found, read), self._open)

    def _open(self, path: Path | None) -> None:
        if path is not None:
            self.offer = ""
            self._screen.show_status("opening the session …")
            self._screen.run_worker(partial(self._restore, path), thread=True, group=OPENING, exclusive=True)

    def _restore(self, path: Path) -> None:
        """Compute the session again, in a thread."""
        from explorer.sessions.reading import read
        from explorer.sessions.restore import restore

        cancelled, app = turns.cancelled(get_current_worker()), self._screen.app
        try:
            found = read(path)
            session, name = self._opened(found)
            restored = restore(found, session, name, self._load, cancelled)
        except StopRun:
            return
        except GPTError as error:
            if not cancelled():
                app.call_from_thread(self._say_why_not, str(error))
            return
        if not cancelled():
            app.call_from_thread(self._walk, restored, name, path)

    def _opened(self, found: "Saved") -> tuple[Session, str]:
        """A session on its model, and the model's name: the one that is walked, where it is the same."""
        session, name = self._screen.session, self._screen.header.model_name
        origin = origin_of(session.model if session else None)
        if session and session.model and found.model.name == (origin.name if origin else name):
            return session, name
        opened = self._load(found.model)
        return opened, found.model.name

    def _load(self, model: "SavedModel") -> Session:
        return self._screen.models.load(model.name)

    def _walk(self, restored: "Restored", name: str, path: Path) -> None:
        screen = self._screen
        screen.playback.stop()
        screen.background.cancel()
        screen.header.model_name = name
        self._opening.restored = restored
        if path.parent != store.folder():
            self._file = path
            self._replaces.add(path)
        screen.begin(restored.session)

    def _say_why_not(self, reason: str) -> None:
        self._screen.show_status("")
        title = "This session cannot be opened"
        self._screen.app.notify(reason, title=title, severity="error", timeout=15)

    # Kept by itself

    def start(self) -> None:
        """Look, from now on, whether anything has changed."""
        if self._own:
            self._screen.set_interval(_LOOKS_EVERY, self.look)

    def look(self) -> None:
        """Keep the session, if the user has done anything, and anything has changed since it was kept."""
        self._wait = max(0, self._wait - 1)
        if self._wait or self._own is None or not (state := self._state()) or not self._changed(state):
            return
        self.offer = ""
        if any(worker.group == _KEEPING and not worker.is_finished for worker in self._screen.app.workers):
            return
        try:
            found = self._snapshot(self._screen.session, fingerprint=False)
        except SessionError:  # an edit of a script's own: nothing on the screen makes one
            return
        self._last, self._wait = state, _BETWEEN_WRITINGS
        self._screen.run_worker(partial(self._keep, found), thread=True, group=_KEEPING)

    def _keep(self, found: "Saved") -> None:
        """Write it; the weights are read for their fingerprint once, and after it was written without."""
        assert self._own
        kept = self._own.keep(found)
        store.prune()
        session = self._screen.session
        origin = origin_of(session.model) if session else None
        if origin and not found.model.weights and origin.name == found.model.name and origin.fingerprint:
            kept = self._own.keep(replace(found, model=replace(found.model, weights=origin.fingerprint)))
        if not kept and not self._failed:
            self._failed = True
            self._screen.app.call_from_thread(self._screen.show_status, "this session is not kept: no room?")

    def _changed(self, state: tuple[Any, ...]) -> bool:
        """Whether there is something to keep. Where nothing was, not before the user has done anything."""
        done = state[1:]
        if self._first is None:
            self._first = done
        return state != self._last and (self._last is not None or done != self._first)

    def end(self) -> None:
        """The screen closes: keep what has changed since the last look."""
        if self._own and (state := self._state()) and self._changed(state):
            with suppress(SessionError):
                self._own.keep(self._snapshot(self._screen.session, fingerprint=False))

    def _state(self) -> tuple[Any, ...] | None:
        """All that would be written, as far as it can change, quick to compare; first what was computed."""
        session = self._screen.ready
        if session is None or session.recorded:
            return None
        what_if, cursor, draws = session.what_if, session.cursor, session.draws
        views, view = self._screen.middle.view.kept()
        why = session.why
        return (
            (getattr(what_if.base, "passes", ()), getattr(what_if.run, "passes", ())),
            (session, own_text(session), what_if.edits.entries, what_if.shown, what_if.aligned),
            (what_if.other, draws.sampling, draws.seed),
            (cursor.stage_index, cursor.position, cursor.head, cursor.overview, cursor.steps),
            (dict(cursor.chosen_columns), dict(cursor.chosen_parts)),
            (_name_of(view, views), [(name, look(each)) for name, each in views.items()]),
            why and (why.at, why.unrolled, why.look, [(visit.cell, visit.row, visit.column) for visit in why.visits]),
            session.code and session.code.index,
            dict(self._screen.bookmarks.all),
        )


def _name_of(view: View | None, views: Mapping[str, View]) -> str:
    return next((name for name, each in views.items() if each is view), "")
