"""The view that is open: another look at the run, in place of the stage's picture."""

from collections.abc import Callable, Sequence

from explorer.paint.spans import Line, clipped
from explorer.runs.trace import Trace
from explorer.screen.bindings import key
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.dialogs.choose import ChooseDialog
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Host, Pane, literal
from explorer.views.view import View, next_measure
from explorer.views.views import make
from explorer.walk.session import Session
from gpt import GPTError

_COMPARE = "compare"  # the one view that looks at two runs


class ViewPane(Pane, can_focus=True):
    """Shows one view at a time. Views are kept, with what they found, as long as their session is open."""

    ID = "view"
    BINDINGS = [
        key("look.left", "left", "move(-1, 0)", "To the left", display="←"),
        key("look.right", "right", "move(1, 0)", "To the right", display="→"),
        key("look.up", "up", "move(0, -1)", "Up", display="↑"),
        key("look.down", "down", "move(0, 1)", "Down", display="↓"),
        key("look.page_up", "pageup", "move(0, -10)", "Ten up"),
        key("look.page_down", "pagedown", "move(0, 10)", "Ten down"),
        key("look.first", "home", "move(-1000000, 0)", "To the beginning of the row"),
        key("look.last", "end", "move(1000000, 0)", "To the end of the row"),
        key("look.enter", "enter", "enter", "Open what is chosen", display="⏎"),
        key("look.mode", "v", "next('mode')", "Show it in another way"),
        key("look.measure", "k", "next('measure')", "Another measure, or convention"),
        key("look.choose", "d", "enter(True)", "Choose what is asked: of what, how it is edited, how it is measured"),
        key("look.leave", "escape", "leave", "Back to the picture of the stage", display="esc"),
    ]

    def __init__(self, host: Host, follow_edits: Callable[[Sequence[Trace]], None]) -> None:
        """`follow_edits` is called after a view has made an edit, with the runs that were missing before."""
        super().__init__(host)
        self.view: View | None = None
        self._views: dict[str, View] = {}
        self._follow_edits = follow_edits

    @property
    def opened_name(self) -> str:
        """The name of the view that is open; "" where none is."""
        return next((name for name, view in self._views.items() if view is self.view), "")

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        if self.view is None or self.view.session is not session:
            return []
        return [clipped(line, cells) for line in self.view.lines(cells, height)[:height]]

    def repaint(self) -> None:
        if self.view and self.size:
            self.view.follow(*self.size)
        super().repaint()

    def caption(self, session: Session) -> None:
        if view := self.view:
            if self.size:  # it has none before it is laid out
                view.follow(*self.size)
            self.border_title = literal(view.title)
            self.border_subtitle = literal(view.modes[view.mode]) if view.works("look.mode") else ""

    def on_resize(self) -> None:
        """A view may show something else at another size: the pane below it speaks of what is shown."""
        if self.view:
            self.host.repaint()

    def action_open_or_close(self, name: str) -> None:
        """Show a view or, if it is the one that is shown, the stage again."""
        session = self.host.ready
        if session is None:
            return
        if name not in self._views or self._views[name].session is not session:
            self._views[name] = make(name, session)
        if name != _COMPARE:  # the others look at the run itself
            session.show(None)
        session.why = session.code = None
        self.view = None if self.view is self._views[name] else self._views[name]
        self.host.repaint()

    def kept(self) -> tuple[dict[str, View], View | None]:
        """The views that were opened, and the one that is open."""
        return self._views, self.view

    def use(self, views: dict[str, View], view: View | None) -> None:
        """Take up the views of another session, and show one of them, or none."""
        self._views, self.view = views, view

    def compare_with(self, other: Session, name: str) -> None:
        """Compare this run with that of another model with the same tokenizer."""
        session = self.host.ready
        if session is None:
            return
        self.host.show_status("")
        try:
            session.compare_with(other, name)
        except GPTError as error:
            title = "These models cannot be compared"
            self.host.notify(str(error), title=title, severity="warning")
            return
        self.view = None
        self.action_open_or_close(_COMPARE)

    def action_leave(self) -> None:
        """Go back to the picture of the stage."""
        self.view = None
        self.host.repaint()

    def action_move(self, across: int, down: int) -> None:
        """Move the cursor of the view."""
        self._act(lambda view: view.move(across, down))

    def action_enter(self, choose: bool = False) -> None:
        """Open what is chosen, or type what the view asks for; `choose`: the dialog of all that it can be asked."""
        if choose:
            if self.view and self.view.works("look.choose"):
                asked = self.view.dialog(self.view)
                dialog = ChooseDialog(literal(self.view.title), asked.lines(), asked.take)
                self.app.push_screen(dialog, lambda taken: self.host.repaint())
        elif self.view and self.view.asks and self.host.session:
            asking = AskDialog(self.view.asks, self.view.begins_with(), self.view.take)
            self.app.push_screen(asking, lambda taken: self.host.repaint())
        else:
            self._act(lambda view: view.enter())

    def action_next(self, what: str) -> None:
        """Show it in another way, or another measure."""
        self._act(lambda view: view.next_mode() if what == "mode" else next_measure(view))

    def on_clicked(self, message: Clicked) -> None:
        kind, *numbers = message.action
        if kind == "view":
            message.stop()
            self._act(lambda view: view.click(*numbers))
            if message.twice:
                self.action_enter()

    def turn_wheel(self, by: int) -> None:
        """The wheel moves the view's own cursor."""
        self.action_move(0, by)

    def _act(self, act: Callable[[View], bool | None]) -> None:
        """Let the view act, show an error, and compute its edits. If `act` returns True, the view is closed."""
        if self.view is None:
            return
        session = self.host.session
        try:
            missing = session.what_if.missing if session else []
            if act(self.view):
                self.view = None
            if session and session.what_if.missing != missing:
                self._follow_edits(missing)
        except GPTError as error:
            self.host.notify(str(error), severity="warning")
        self.host.repaint()
