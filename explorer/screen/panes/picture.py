"""The picture of the stage, and its cursor."""

from explorer.paint.pictures import picture
from explorer.paint.spans import Line
from explorer.paint.spotlight import spotlit
from explorer.screen.bindings import key
from explorer.screen.keeping.clipboard import copy
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Host, Pane, literal
from explorer.stages import Kind
from explorer.walk.on_screen import edit_mark, shape_in_words, value_under_cursor
from explorer.walk.session import Session
from gpt import GPTError

_RANKED = (Kind.LOGITS, Kind.LEDGER, Kind.DRAW)
"""Pictures with a token of the vocabulary in each line."""


class PicturePane(Pane, can_focus=True):
    """The numbers of the stage. While it has the focus, the arrows move the cursor in it."""

    ID = "picture"
    BINDINGS = [
        key("cursor.left", "left", "move('column', -1)", "The cursor to the left", display="←"),
        key("cursor.right", "right", "move('column', 1)", "The cursor to the right", display="→"),
        key("cursor.up", "up", "move_straight(-1)", "The cursor up", display="↑"),
        key("cursor.down", "down", "move_straight(1)", "The cursor down", display="↓"),
        key("cursor.page_left", "pageup", "move('column', -16)", "Sixteen numbers to the left"),
        key("cursor.page_right", "pagedown", "move('column', 16)", "Sixteen numbers to the right"),
        key("cursor.home", "home", "go('column', 0)", "To the first number of the row"),
        key("cursor.end", "end", "go('column', 1000000)", "To the last number of the row"),
        key("cursor.leave", "escape", "toggle_focus", "Let the arrows walk again", display="esc"),
    ]

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        if not self.spotlight:
            return picture(session, cells, height, self.looks.palette.colourful, accompanied=True)
        lines = picture(session, cells, height, halves=False)  # each row has its own cells
        return spotlit(lines, session.position, session.cursor.head)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.spotlight = False  # all but the chosen row and head are dimmed

    def caption(self, session: Session) -> None:
        place, showing = session.stage.place, session.what_if.showing
        edited = edit_mark(session)
        mark = f" · {showing}" if showing else f" · ✎ {edited}" if edited else ""
        lit = " · spotlight" if self.spotlight else ""
        self.border_title = literal(place[:1].upper() + place[1:] + mark + lit)
        self.border_subtitle = literal(shape_in_words(session))

    def action_move(self, axis: str, by: int) -> None:
        """Move the cursor along an axis: stage, block, position, head, column or part."""
        self.host.move_cursor(f"move_{axis}", by)

    def action_move_straight(self, by: int) -> None:
        """Move the cursor up or down in its column."""
        self.host.move_cursor("move_position", by, True)

    def action_go(self, axis: str, to: int) -> None:
        """Put the cursor at a place on an axis; a large number is its end."""
        self.host.move_cursor(f"go_to_{axis}", to)

    def action_overview(self) -> None:
        """Show all heads of the block, or one."""
        self.host.move_cursor("toggle_overview")

    def action_spotlight(self) -> None:
        """Dim everything but the chosen row and head, or nothing."""
        self.spotlight = not self.spotlight
        self.host.repaint()

    def action_zoom(self) -> None:
        """Show the picture alone, or all panes."""
        self.screen.toggle_class("-zoomed")
        self.host.repaint()

    def action_toggle_focus(self) -> None:
        """Let the arrows move the cursor in the picture, or walk again."""
        if self.display:  # not while a view, or a number, has its place
            self.screen.set_focus(None if self.has_focus else self)

    def turn_wheel(self, by: int) -> None:
        """The wheel moves along what stands below one another: tokens, or the ranks of the vocabulary."""
        session = self.host.ready
        down = "column" if session and session.stage.kind in _RANKED else "position"
        self.host.move_cursor(f"move_{down}", by)

    def action_copy(self) -> None:
        """Copy the number under the cursor."""
        session = self.host.ready
        try:
            value = value_under_cursor(session) if session else None
        except GPTError as error:  # probabilities that cannot be worked out
            self.host.notify(str(error), severity="warning")
            return
        if value is not None:
            problem = copy(self.app, repr(value))
            self.host.notify(f"Copied {value!r}. {problem}".removesuffix(". "))

    def on_clicked(self, message: Clicked) -> None:
        kind, *numbers = message.action
        if kind == "cell":
            self.action_go("position", numbers[0])
            self.action_go("column", numbers[1])
            if message.twice:
                self.host.action_send("why", "open")
        elif kind == "overview":
            self.action_overview()
        elif kind == "steps":
            self.host.move_cursor("toggle_steps")
        else:
            return
        message.stop()
