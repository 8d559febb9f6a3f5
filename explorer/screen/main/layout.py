"""What is on the main screen, and how it is brought up to date."""

from collections.abc import Callable
from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.containers import Horizontal
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Footer, Static

from explorer.paint.header import header
from explorer.paint.map import map_of, rail
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import predictions
from explorer.paint.spans import Line, clipped, wrapped
from explorer.paint.tokens import Row, tokens
from explorer.paint.why import why
from explorer.provenance.words import brief
from explorer.screen.main.background import Background
from explorer.screen.main.keys import (
    CODE_BINDINGS,
    NOT_IN_NARROW_FOOTERS,
    PICTURE_BINDINGS,
    VIEW_BINDINGS,
    WHY_BINDINGS,
)
from explorer.screen.palette import Palette
from explorer.screen.widgets.canvas import Canvas, Painter
from explorer.screen.widgets.prompt import Prompt
from explorer.views.view import View
from explorer.walk.on_screen import progress, shape_in_words
from explorer.walk.session import Session
from explorer.walk.why import Look
from gpt import GPTError

FRAMES_A_SECOND = 15  # while something computes; more would be lost on tmux and ssh


class PictureCanvas(Canvas, can_focus=True):
    """The picture in the middle. With the focus, its cursor follows the arrows."""

    BINDINGS = PICTURE_BINDINGS


class WhyCanvas(Canvas, can_focus=True):
    """The number that is open."""

    BINDINGS = WHY_BINDINGS


class CodeCanvas(Canvas, can_focus=True):
    """The code that is open."""

    BINDINGS = CODE_BINDINGS


class ViewCanvas(Canvas, can_focus=True):
    """The view that is open."""

    BINDINGS = VIEW_BINDINGS


class WalkView(Screen[None]):
    """Prompt, tokens, map, picture, next token, and the number under the cursor."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (80, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-too-flat"), (24, "-flat"), (32, "-tall")]

    def __init__(self, prompt: str, model_name: str) -> None:
        super().__init__(classes="-picture")
        self.session: Session | None = None
        self.view: View | None = None  # what is shown in place of the stage's picture
        self.background = Background(self)
        self._prompt = prompt
        self.model_name = model_name
        self._status = "waking the model …"
        self._typed: list[int] | None = None  # what the text being typed would become
        self._version = -1  # of the trace that is on the screen
        self._pane: object = None  # which pane, and at which stage, is on the screen
        self._noticed = False  # whether something was said there

    def compose(self) -> ComposeResult:
        yield Canvas(self._paint_header, id="header")
        yield Prompt(self._prompt)
        yield Canvas(self._paint_tokens, id="tokens")
        yield Canvas(self._painter(lambda session, cells, height: rail(session, cells)), id="rail")
        with Horizontal(id="panes"):
            yield Canvas(self._painter(map_of), id="map")
            yield PictureCanvas(self._painter(self._paint_picture), id="picture")
            yield WhyCanvas(self._painter(why), id="why")
            yield CodeCanvas(self._painter(_paint_code), id="code")
            yield ViewCanvas(self._painter(self._paint_view), id="view")
            yield Canvas(self._painter(predictions), id="next")
        yield Canvas(self._painter(number_under_cursor), id="number")
        yield Footer(compact=True, show_command_palette=False)
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        for selector, title in {"#map": "Map", "#next": "Next token · at T 1", "#number": "This number"}.items():
            self.query_one(selector).border_title = title
        self.set_interval(1 / FRAMES_A_SECOND, self._show_progress)

    def on_resize(self) -> None:
        size = self.app.size
        self.query_one("#too-small", Static).update(
            f"GPT Explorer needs 80 columns and 24 lines.\nThis terminal has {size.width} and {size.height}.\n\n"
            "Make it larger, or its letters smaller. q quits."
        )

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """Those that the footer shows are as many as fit: while a pane has the focus its own, and where help is."""
        return {key: found if self._fits(found) else _hidden(found) for key, found in super().active_bindings.items()}

    def _fits(self, found: ActiveBinding) -> bool:
        if isinstance(self.focused, Canvas):
            return found.node is self.focused or found.binding.id == "help"
        return found.binding.id not in NOT_IN_NARROW_FOOTERS or self.has_class("-wide")

    # Painting

    def _painter(self, paint: Callable[[Session, int, int], list[Line]]) -> Painter:
        """A painter that draws nothing before there is something to draw."""

        def painter(cells: int, height: int) -> list[Line]:
            try:
                return paint(self.session, cells, height) if self.session and self.session.ids else []
            except GPTError as error:  # logits that overflowed, for instance
                return wrapped(str(error), cells, "down")

        return painter

    def _paint_header(self, cells: int, height: int) -> list[Line]:
        return header(self.session, self.model_name, self._status, cells)

    def _paint_picture(self, session: Session, cells: int, height: int) -> list[Line]:
        return picture(session, cells, height, self.query_one("#picture", Canvas).palette.colourful)

    def _paint_view(self, session: Session, cells: int, height: int) -> list[Line]:
        if self.view is None or self.view.session is not session:
            return []
        return [clipped(line, cells) for line in self.view.lines(cells, height)[:height]]

    def _paint_tokens(self, cells: int, height: int) -> list[Line]:
        session = self.session
        if session is None:
            return []
        if self._typed is None:
            row = Row(session.ids, session.labels(), session.position, session.prompt_length)
        else:
            row = Row(self._typed, [session.label(token) for token in self._typed], None, len(self._typed))
        return tokens(row, cells, height)

    def repaint(self) -> None:
        """Bring every pane up to date, and ask for the lenses that this view shows."""
        session = self.session
        if session and session.ids:
            self._version = session.trace.version
            pane = self.query_one("#picture", Canvas)
            edited, showing = session.what_if.edited, session.what_if.showing
            title = session.stage.place[:1].upper() + session.stage.place[1:]
            mark = f" · {showing}" if showing else " · edited" if edited else ""
            pane.border_title = (title + mark).replace("[", r"\[")
            self.set_class(edited or bool(showing), "-edited")
            if self.view:
                self.view.follow(*self.query_one("#view").size)
            pane.border_subtitle = shape_in_words(session).replace("[", r"\[")
            self._show_opened(session)
            self.background.look_through_lenses(session)
            self.background.work_on(self.view)
        for canvas in self.query(Canvas):
            canvas.repaint()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something about the pane that is open; it goes with the pane."""
        self._noticed = True
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def on_screen_suspend(self) -> None:
        """A dialog opens."""
        self._forget_notices()

    def _forget_notices(self) -> None:
        if self._noticed:
            self._noticed = False
            self.app.clear_notifications()

    def _show_opened(self, session: Session) -> None:
        """A number that is open, or code, takes the picture's place."""
        why, code, view = session.why, session.code, self.view
        opened = "code" if code else "why" if why else "view" if view else "picture"
        now = (opened, view, session.cursor.stage_index)
        if now != self._pane:
            self._pane = now
            self._forget_notices()
        if not self.has_class(f"-{opened}"):
            had_focus = not self.has_class("-picture") or self.query_one("#picture").has_focus
            self.update_classes({f"-{name}": name == opened for name in ("picture", "why", "code", "view")})
            if had_focus or opened != "picture":
                self.set_focus(None if opened == "picture" else self.query_one(f"#{opened}"))
        self.set_class(opened == "why" and why is not None and why.look is Look.PATH, "-path")
        if why:
            pane, cell = self.query_one("#why", Canvas), why.here.cell
            pane.border_title = f"Why? · {brief(cell, session)}".replace("[", r"\[")
            pane.border_subtitle = str(cell).replace("[", r"\[")
        if view:
            self.query_one("#view").border_title = view.title
            self.query_one("#view").border_subtitle = view.modes[view.mode] if view.modes else ""
        if code:
            self.query_one("#code").border_title = f"Code · {session.stage.place}"

    def restyle(self, palette: Palette) -> None:
        """Draw everything in other colours."""
        for canvas in self.query(Canvas):
            canvas.restyle(palette)

    def show_status(self, status: str) -> None:
        """Say in the top line what the model is doing."""
        self._status = status
        self.query_one("#header", Canvas).repaint()

    def _show_progress(self) -> None:
        if self.session and self.session.trace.version != self._version:
            if self.session.computing and self._typed is None:
                self._status = f"computing {progress(self.session):.0%}"
            self.repaint()


def _paint_code(session: Session, cells: int, height: int) -> list[Line]:
    """The code that is open; what paints it is imported then."""
    if session.code is None:
        return []
    from explorer.paint.code import code

    return code(session.code, cells, height)


def _hidden(found: ActiveBinding) -> ActiveBinding:
    """The same key, not shown in the footer."""
    return found._replace(binding=replace(found.binding, show=False))
