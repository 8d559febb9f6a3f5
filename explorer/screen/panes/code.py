"""The code that computed the stage, stepped through line by line."""

from explorer.paint.spans import Line
from explorer.screen.bindings import key
from explorer.screen.panes.pane import Pane, literal
from explorer.screen.panes.why import no_reason
from explorer.walk.opening import step_into_code
from explorer.walk.session import Session
from gpt import GPTError


class CodePane(Pane, can_focus=True):
    """The code that is open. The arrows step through it."""

    ID = "code"
    BINDINGS = [
        key("code.back", "up", "step('back')", "Back to where you were", display="↑"),
        key("code.over", "down", "step('over')", "The next line; what this one calls is run", display="↓"),
        key("code.into", "right", "step('into')", "Into what this line calls", display="→"),
        key("code.out", "left", "step('out')", "Out of this function, or loop", display="←"),
        key("code.leave", "escape", "leave", "Back to the numbers", display="esc"),
    ]

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        if session.code is None:
            return []
        from explorer.paint.code import code  # only now: it needs a highlighter

        return code(session.code, cells, height)

    def caption(self, session: Session) -> None:
        if session.code:
            self.border_title = literal(f"Code · {session.stage.place}")

    def action_open_or_close(self) -> None:
        """Step into the code that computed this stage; once more, and it closes."""
        session = self.host.ready
        if session is None:
            return
        if session.what_if.difference:
            self.host.notify(no_reason())
            return
        if session.code:
            self.action_leave()
            return
        try:
            found = step_into_code(session)
        except GPTError as error:
            self.host.notify(str(error), title="No code to step through")
            return
        if not found:
            self.host.notify("Nothing of the model's code has computed anything here yet.")
        self.host.repaint()

    def action_leave(self) -> None:
        """Go back to the numbers."""
        if self.host.session:
            self.host.session.code = None
            self.host.repaint()

    def turn_wheel(self, by: int) -> None:
        """The wheel steps on, and back."""
        self.action_step("over" if by > 0 else "back")

    def action_step(self, way: str) -> None:
        """Step over a line, into what it calls, out of it, or back."""
        if self.host.session and self.host.session.code:
            getattr(self.host.session.code, way)()
            self.host.repaint()
