"""Going to spots on the screen, and coming back to where one was.

A run that is gone to has a session of its own, so that the one that the user had stays as it was.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from textual.worker import get_current_worker

from explorer.teaching import spots
from explorer.teaching.spots import CODE, PATH, WHY, Spot
from explorer.teaching.start import Start
from explorer.views.looks import take_look
from explorer.views.view import View
from explorer.walk.session import Session
from explorer.walk.text import Tokens
from explorer.walk.why import Look
from gpt import GPT, GPTError

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen
    from explorer.views.prepared import Prepared

_NUMBERS = (WHY, PATH, CODE)
"""The panes that open only once the run of a spot is computed."""


class Left(NamedTuple):
    """A session that was left, to come back to: its views, and which of them was open."""

    session: Session
    views: dict[str, View]
    view: View | None
    model: str


class Visiting:
    """Puts sessions on the screen: those of spots, and the one that was left for them."""

    def __init__(self, screen: "MainScreen", arrived: Callable[[], None]) -> None:
        """`arrived` is called when the screen stands at a spot, and again when its run is complete."""
        self._screen = screen
        self._arrived = arrived
        self.home: Left | None = None  # what the user had before
        self._kept: dict[tuple[str, str, tuple[str, ...]], Left] = {}  # by run
        self._pending: Spot | None = None  # what is to be opened there as soon as it is computed

    def begin(self, prepared: "Prepared | None") -> None:
        """A model is open, the first or another one: what was kept of the one before is gone."""
        self.home = self._pending = None
        made = prepared.sessions.items() if prepared else ()
        views = prepared.views if prepared else {}
        self._kept = {run: Left(session, views.get(run, {}), None, run[0]) for run, session in made}

    def lend(self, spot: Spot) -> None:
        """Let the session on the screen be that of a spot, if its run is; the user gets another one of that text."""
        session, model = self._screen.ready, self._screen.header.model_name
        if session is None or session.model is None or spot.run in self._kept:
            return
        if (session.text, spots.here(session).edits) == spot.run[1:] and model in (spot.model, _short(spot.model)):
            own = Session(session.model, session.tokenizer, session.draws.sampling, session.draws.seed)
            own.submit(session.text)
            self.home = Left(own, {}, None, model)
            self._kept[spot.run] = Left(session, {}, None, model)

    def here(self, session: Session) -> Spot:
        """The spot that is on the screen."""
        return spots.here(session, self.opened_now(), self._screen.header.model_name)

    def opened_now(self) -> str:
        """The pane in place of the picture, by the name that a spot has for it."""
        session = self._screen.session
        if session and session.code:
            return CODE
        if session and session.why:
            return PATH if session.why.look is Look.PATH else WHY
        return self._screen.middle.view.opened_name

    # Going there

    def visit(self, spot: Spot) -> None:
        """Show a spot, as soon as its model is there."""
        screen = self._screen
        screen.playback.stop()
        if self.home is None:
            self.home = self.leaving()
        kept = self._kept.get(spot.run)
        model = self._model(spot.model)
        if kept is None and model is None:
            screen.show_status(f"opening {spot.model} …")
            screen.run_worker(lambda: self._open(spot), thread=True, group="tour", exclusive=True)
            return
        if kept is None:
            assert model
            kept = Left(Session(model[0], model[1], spot.sampling, spot.seed), {}, None, spot.model)
            self._kept[spot.run] = kept
        self.enter(kept._replace(view=None), spot)

    def _model(self, name: str) -> tuple[GPT, Tokens] | None:
        """A model that is open, by its name, and its tokenizer."""
        opened = [left for left in (*self._kept.values(), self.home) if left]
        names = {name, _short(name)}
        found = next((left.session for left in opened if left.model in names), None)
        return (found.model, found.tokenizer) if found and found.model else None

    def _open(self, spot: Spot) -> None:
        """Open the model of a spot, in a thread."""
        worker, screen = get_current_worker(), self._screen
        try:
            session: Session | GPTError = screen.models.load(spot.model)
        except GPTError as error:
            session = error
        if not worker.is_cancelled:
            screen.app.call_from_thread(self._opened, spot, session)

    def _opened(self, spot: Spot, session: Session | GPTError) -> None:
        """The model of a spot is there, or cannot be opened."""
        if isinstance(session, GPTError):
            self._screen.show_status("")
            title = "This model cannot be opened"
            self._screen.notify(str(session), title=title, severity="error")
            return
        self._kept[spot.run] = Left(session, {}, None, spot.model)
        self.visit(spot)

    def leaving(self) -> Left:
        """The session on the screen, to come back to."""
        screen = self._screen
        assert screen.session
        return Left(screen.session, *screen.middle.view.kept(), screen.header.model_name)

    def enter(self, left: Left, spot: Spot | None = None) -> None:
        """Walk another session, at a spot or where it was left."""
        screen = self._screen
        screen.playback.stop()
        if screen.session is not left.session:
            screen.background.cancel()
        screen.session, screen.header.model_name = left.session, left.model
        screen.middle.view.use(left.views, left.view)
        self._pending = None
        if spot:
            self.go(spot, left.session)
        else:
            screen.prompt.show_text(left.session.text)
            screen.show_status("")
            screen.runs.compute()
            screen.middle.focus_opened()

    def go(self, spot: Spot, session: Session) -> None:
        """Give the session on the screen a spot's run, and put its cursor there; say so where that cannot be done."""
        screen = self._screen
        screen.middle.view.use(screen.middle.view.kept()[0], None)
        try:
            spots.take_run(spot, session)
            spots.go(spot, session)
        except GPTError as error:
            screen.app.notify(str(error), title="This cannot be shown", severity="error", timeout=10)
        screen.prompt.show_text(session.text)
        self._pending = spot if spot.view in _NUMBERS else None
        if spot.view and not self._pending:
            screen.middle.view.action_open_or_close(spot.view)
        screen.show_status("")
        if not (session.computing and screen.background.computing):
            screen.runs.compute()
        screen.repaint()
        screen.middle.focus_opened()
        self._arrived()

    def begin_at(self, start: Start, session: Session) -> None:
        """Show the place and the view that the program was opened with; say so where there is no such place."""
        spot = start.spot(session, self._screen.header.model_name)
        if spot is None:
            return
        self.go(spot, session)
        view = self._screen.view
        if start.look and view:
            try:
                take_look(view, start.look)
            except GPTError as error:
                self._screen.app.notify(str(error), title="This cannot be shown", severity="error")
            self._screen.repaint()

    # As the run comes in

    def follow(self) -> None:
        """Open what waits for its run: before the panes are drawn."""
        session, spot = self._screen.ready, self._pending
        if session and spot and not session.computing:
            self._pending = None
            try:
                spots.open_number(spot, session)
            except GPTError as error:
                self._screen.app.notify(str(error), severity="warning")
            self._screen.call_after_refresh(self._screen.middle.focus_opened)

    def computed(self) -> None:
        """The run is complete."""
        if self._pending:
            self._screen.repaint()
        self._arrived()


def _short(name: str) -> str:
    """A model's name as the screen shows it."""
    from explorer.loading.catalogue import locate, short_name  # only now, and in a moment: it knows the hub

    try:
        return short_name(locate(name))
    except GPTError:  # said when it is opened
        return name
