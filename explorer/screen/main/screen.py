"""The main screen: the walk through one forward pass, composed of panes and parts.

Panes are drawn; parts (runs, playback, edits) are not. Both have `action_` methods, which keys reach."""

from collections.abc import Callable, Iterator

from textual import events, on
from textual.actions import parse
from textual.app import ComposeResult
from textual.geometry import Size
from textual.notifications import SeverityLevel
from textual.screen import Screen

from explorer.screen.main.allowed import allowed
from explorer.screen.main.background import Background
from explorer.screen.main.bookmarking import Bookmarking
from explorer.screen.main.copying import Copying
from explorer.screen.main.editing import Editing
from explorer.screen.main.here import here_on
from explorer.screen.main.keeping import Keeping
from explorer.screen.main.keys import BINDINGS
from explorer.screen.main.models import Models
from explorer.screen.main.playback import Playback
from explorer.screen.main.runs import Runs
from explorer.screen.main.sessions import Sessions
from explorer.screen.main.touring import Touring
from explorer.screen.messages import (
    AnswerReady,
    Clicked,
    EngineReady,
    LensReady,
    NoNumbers,
    Pointed,
    RunEnded,
    RunFailed,
    ViewFilled,
)
from explorer.screen.opening import Opening, OpenOther, Tell
from explorer.screen.palette import Palette
from explorer.screen.panes.footer import FooterPane
from explorer.screen.panes.go_to import GoTo
from explorer.screen.panes.header import HeaderPane
from explorer.screen.panes.map import RailPane
from explorer.screen.panes.middle import Middle, MiddlePane
from explorer.screen.panes.number import NumberPane
from explorer.screen.panes.prompt import Prompt
from explorer.screen.panes.settings import SettingsPane
from explorer.screen.panes.talk import TalkPane
from explorer.screen.panes.tokens import TokensPane
from explorer.screen.panes.tour import TourBar
from explorer.screen.panes.view import ViewPane
from explorer.screen.widgets.canvas import Canvas, Colours
from explorer.screen.widgets.too_small import TooSmall
from explorer.views.view import View
from explorer.walk.on_screen import progress
from explorer.walk.opening import ask_why
from explorer.walk.session import Session

FRAMES_A_SECOND = 15  # while something computes; more would be lost on tmux and ssh


class MainScreen(Screen[None]):
    """Composes the panes, knows the session, and passes keys and messages to the panes and parts."""

    AUTO_FOCUS = ""
    BINDINGS = BINDINGS
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (60, "-small"), (80, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-too-flat"), (18, "-low"), (24, "-flat"), (32, "-tall")]

    def __init__(
        self,
        prompt: str,
        model_name: str,
        opening: Opening | None = None,
        open_other: "OpenOther | None" = None,
        tell: Tell | None = None,
    ) -> None:
        super().__init__()
        self.session: Session | None = None
        self.background = Background(self)
        self.runs = Runs(self)
        self.playback = Playback(self)
        self.editing = Editing(self)
        self.keeping = Keeping(self)
        self.models = Models(self, open_other, tell, opening.notes if opening else {})
        self.header, self.tokens = HeaderPane(self, model_name), TokensPane(self)
        self.prompt = Prompt(self, self.tokens, self.runs.run_prompt, self.playback.stop, prompt)
        self.middle = Middle(self, ViewPane(self, self.editing.follow))
        self.settings, self.go_to = SettingsPane(self), GoTo(self)
        self.talk = TalkPane(self)
        self.tours = Touring(self, opening or Opening())
        self.bookmarks = Bookmarking(self, self.tours.visiting, opening or Opening())
        self.sessions = Sessions(self, opening or Opening())
        self.tour_bar = TourBar(self, lambda: self.tours.shown)
        self._parts = {
            "prompt": self.prompt,
            "picture": self.middle.picture,
            "why": self.middle.why,
            "code": self.middle.code,
            "view": self.middle.view,
            "settings": self.settings,
            "go_to": self.go_to,
            "lesson": self.middle.lesson,
            "talk": self.talk,
            "editing": self.editing,
            "keeping": self.keeping,
            "playback": self.playback,
            "runs": self.runs,
            "models": self.models,
            "copying": Copying(self, opening.model if opening else ""),
            "tours": self.tours,
            "bookmarks": self.bookmarks,
            "sessions": self.sessions,
        }
        self._start = opening.start if opening else None  # until the first session is there
        self._version = -1  # of the trace that is on the screen
        self._noticed = False  # whether a notice about the open pane is shown

    def compose(self) -> ComposeResult:
        self.add_class(*_classes_of(self.app.size))  # before the first frame, which would be drawn again
        yield Colours()
        yield from (self.header, self.prompt, self.tokens, RailPane(self), self.tour_bar, self.middle, NumberPane(self))
        yield from (self.settings, self.go_to, FooterPane(self, lambda: here_on(self)))
        yield self.talk
        yield TooSmall()

    def on_mount(self) -> None:
        self.set_interval(1 / FRAMES_A_SECOND, self._show_progress)
        self.sessions.start()

    # The session

    @property
    def ready(self) -> Session | None:
        """The session, once it has tokens to walk."""
        return self.session if self.session and self.session.ids else None

    @property
    def view(self) -> View | None:
        """The view that is open."""
        return self.middle.view.view

    def begin(self, session: Session) -> None:
        """The model is there: run the first prompt. Text that is being typed by then stays as it is."""
        self.session, self.middle.view.view = session, None
        typed = self.prompt.value if self.focused is self.prompt else None  # `has_focus` changes a moment later
        start = None
        if self.sessions.begin(session):
            pass
        elif session.recorded:
            self.runs.compute()
            self.show_status("a recorded run")
        elif not self.runs.run_prompt(session.text or self.prompt.to_run):
            self.show_status("no prompt yet")
            self.prompt.type_on()
        else:
            start, self._start = self._start, None
        self.bookmarks.begin(session)
        self.tours.begin(session)  # before going anywhere: what was to be opened in another session is forgotten
        if start:
            self.tours.visiting.begin_at(start, session)
        if typed is not None:
            self.prompt.show_text(typed)

    def change_model(self, session: Session, name: str) -> None:
        """Walk another model: the prompt and how tokens are drawn stay."""
        self.playback.stop()
        self.background.cancel()
        if self.session:
            session.draws.sampling, session.draws.seed = self.session.draws.sampling, self.session.draws.seed
            self.prompt.to_run = self.session.text
        self.header.model_name = name
        self.begin(session)

    # Drawing

    def repaint(self) -> None:
        """Bring every pane up to date, and start computing what they still miss."""
        if session := self.ready:
            self._version = session.trace.version
            self.tours.follow()
            if self.middle.update_opened(session):
                self._forget_notices()
            self._make_room()
            self.background.look_through_lenses(session)
            self.background.work_on(self.view)
        for canvas in self.query(Canvas):
            canvas.repaint()

    def _make_room(self) -> None:
        """Leave all of the width to a view; below it stands what the view says of its own cursor, if it does.

        A talk leaves the lines at the bottom to what is typed or set there.
        """
        view = self.view if self.middle.opened is MiddlePane.VIEW else None
        speaks = view is not None and type(view).about is not View.about
        self.update_classes({"-viewing": view is not None, "-speechless": view is not None and not speaks})
        self.update_classes({"-asking": self.go_to.display, "-adjusting": self.settings.display})

    def restyle(self, palette: Palette) -> None:
        """Draw everything in other colours."""
        for canvas in self.query(Canvas):
            canvas.restyle(palette)

    def show_status(self, status: str) -> None:
        """Show in the top line what the model is doing; without a word for it how long the run took."""
        self.header.status = status or self.runs.told
        self.header.repaint()

    def _show_progress(self) -> None:
        if self.session and self.session.trace.version != self._version:
            if self.session.computing and not self.prompt.typing:
                self.show_status(f"computing {progress(self.session):.0%}")
            self.repaint()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice, literally, that disappears when another pane opens."""
        self._noticed = True
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    @on(events.ScreenSuspend)
    @on(events.ScreenResume)
    def _follow_dialogs(self, event: events.ScreenSuspend | events.ScreenResume) -> None:
        """A dialog opens, or has closed."""
        if isinstance(event, events.ScreenSuspend):
            self._forget_notices()
        self.query_one(FooterPane).repaint()

    def _forget_notices(self) -> None:
        if self._noticed:
            self._noticed = False
            self.app.clear_notifications()

    # Keys and mouse

    def action_send(self, part: str, action: str) -> None:
        """Run an action of a pane or of a part of the screen, for a key that works anywhere."""
        _, name, arguments = parse(action)
        getattr(self._parts[part], f"action_{name}")(*arguments)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether an action can be run now."""
        return action != "send" or allowed(self, *map(str, parameters))

    def action_help(self) -> None:
        from explorer.screen.dialogs.help import Help

        self.app.push_screen(Help(here_on(self), self.models.notes))

    def move_cursor(self, move: str, *arguments: int) -> None:
        """Call a method of the session's cursor. Code closes; if a number is open, the new one opens."""
        if session := self.ready:
            self.query_one(NumberPane).forget()
            getattr(session.cursor, move)(*arguments)
            session.code = None
            if session.why:
                ask_why(session)
            self.repaint()

    def walk(self, move: Callable[[], None]) -> None:
        """Make a move to a place that was named: the picture there is shown."""
        if session := self.ready:
            self.query_one(NumberPane).forget()
            session.why = session.code = self.middle.view.view = None
            move()
            self.give_focus_back()
            self.repaint()

    def give_focus_back(self) -> None:
        """Let the keys reach the pane that is open; with the picture open, they walk."""
        self.middle.focus_opened()

    def on_clicked(self, message: Clicked) -> None:
        """Handle a click that no pane handled: on settings, on the edits, or on a place to go to."""
        kind, *numbers = message.action
        if kind == "settings":
            self.settings.action_open()
        elif kind == "bos":
            self.runs.action_bos()
        elif kind == "edits":
            self.editing.action_open()
        elif kind == "predicted":
            self.playback.draw_chosen(numbers[0])
        else:
            self.move_cursor(f"go_to_{kind}", numbers[0])

    def on_pointed(self, message: Pointed) -> None:
        """Tell in the number's line what is under the mouse; the cursor stays."""
        self.query_one(NumberPane).point_at(message.action, message.canvas)

    # Messages from threads

    @on(RunEnded)
    @on(RunFailed)
    @on(NoNumbers)
    @on(AnswerReady)
    @on(EngineReady)
    def _follow_run(self, message: RunEnded | RunFailed | NoNumbers | AnswerReady | EngineReady) -> None:
        self.runs.receive(message)
        self.tours.visiting.computed()

    @on(LensReady)
    @on(ViewFilled)
    def _fill_in(self) -> None:
        self.repaint()


def _classes_of(size: Size) -> Iterator[str]:
    """The classes by which the stylesheet knows a size."""
    for cells, breakpoints in zip(size, (MainScreen.HORIZONTAL_BREAKPOINTS, MainScreen.VERTICAL_BREAKPOINTS)):
        yield next(name for least, name in reversed(breakpoints) if cells >= least)
