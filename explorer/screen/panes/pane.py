"""The base of every pane, and the screen as panes know it."""

from collections.abc import Callable
from typing import Protocol

from textual.notifications import SeverityLevel

from explorer.paint.spans import Line, wrapped
from explorer.screen.messages import Scrolled
from explorer.screen.widgets.canvas import Canvas
from explorer.terminal.glyphs import one_line
from explorer.views.view import View
from explorer.walk.session import Session
from gpt import GPTError


class Host(Protocol):
    """The screen that a pane belongs to.

    Panes call it directly and do not post messages: the next key could be handled before a message arrives.
    """

    session: Session | None

    @property
    def ready(self) -> Session | None:
        """The session, once it has tokens to walk."""

    @property
    def view(self) -> View | None:
        """The view that is open."""

    def repaint(self) -> None:
        """Bring every pane up to date."""

    def give_focus_back(self) -> None:
        """Let the keys reach the pane that is open, or walk."""

    def action_send(self, part: str, action: str) -> None:
        """Run an action of another pane."""

    def move_cursor(self, move: str, *arguments: int) -> None:
        """Make a move of the session's cursor, by the name of its method."""

    def walk(self, move: Callable[[], None]) -> None:
        """Make a move to a place that was named: the picture there is shown."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
    ) -> None:
        """Show a notice, literally, that disappears when another pane opens."""

    def show_status(self, status: str) -> None:
        """Show in the top line what the model is doing."""


class Pane(Canvas):
    """A canvas that shows the session of its screen; empty until there is something to show."""

    ID = ""
    TITLE = ""
    WHEEL = "position"  # what the mouse wheel moves along: tokens, or stages

    def __init__(self, host: Host) -> None:
        super().__init__(id=self.ID)
        self.border_title = self.TITLE or None
        self.host = host

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        """The lines to show. A GPTError is shown in their place."""
        raise NotImplementedError

    def caption(self, session: Session) -> None:
        """Bring the words in the border up to date."""

    def paint(self, cells: int, height: int) -> list[Line]:
        session = self.host.ready
        try:
            return self.draw(session, cells, height) if session else []
        except GPTError as error:  # logits that overflowed, for instance
            return wrapped(str(error), cells, "down")

    def repaint(self) -> None:
        """Bring the border and the lines up to date."""
        if session := self.host.ready:
            self.caption(session)
        super().repaint()

    def on_scrolled(self, message: Scrolled) -> None:
        message.stop()
        self.turn_wheel(message.by)

    def turn_wheel(self, by: int) -> None:
        """Scroll what is under the mouse."""
        self.host.move_cursor(f"move_{self.WHEEL}", by)


def literal(title: str) -> str:
    """A title in which square brackets are no markup, and nothing commands the terminal."""
    return one_line(title).replace("[", r"\[")
