"""Asking why: what the keys do while a number is open."""

from explorer.paint.spans import Action
from explorer.screen.main.work import WorkScreen
from explorer.walk.why import Why
from gpt import GPTError


class AskingScreen(WorkScreen):
    """A screen on which the number under the cursor can be opened, and the numbers that made it, and theirs."""

    def action_why(self) -> None:
        """Open the number under the cursor."""
        if self.session and self.session.ids:
            if self.session.ask_why():
                self.repaint()
            else:
                self.notify("There are no numbers here yet: → goes on to where they begin.")

    def action_leave_why(self) -> None:
        """Back to the picture of the stage; the cursor stays on the number that was open."""
        if self.session:
            self.session.why = None
            self.repaint()

    def action_why_enter(self) -> None:
        """Through the door of the chosen term."""
        if (session := self.session) and session.why:
            if not session.why.enter():
                self.notify(_dead_end(session.why))
            self.repaint()

    def action_why_back(self) -> None:
        """To the number before; from the first one back to the picture."""
        if self.session and self.session.why and not self.session.why.back():
            self.session.why = None
        self.repaint()

    def action_why_move(self, what: str, by: int) -> None:
        """Choose another row, or another factor in it."""
        if self.session and self.session.why:
            getattr(self.session.why, f"move_{what}")(by)
            self.repaint()

    def action_why_do(self, what: str) -> None:
        """Unroll or not; follow the largest."""
        if self.session and self.session.why:
            getattr(self.session.why, what)()
            self.repaint()

    # The code

    def action_code(self) -> None:
        """Step into the code that computed this stage; once more, and it closes."""
        session = self.session
        if session is None or not session.ids:
            return
        if session.code:
            self.action_leave_code()
            return
        try:
            found = session.step_into_code()
        except GPTError as error:
            self.notify(str(error), title="No code to step through", markup=False)
            return
        if not found:
            self.notify("Nothing of the model's code has computed anything here yet.")
        self.repaint()

    def action_leave_code(self) -> None:
        if self.session:
            self.session.code = None
            self.repaint()

    def action_step(self, how: str) -> None:
        """Over a line, into what it calls, out of it, or back."""
        if self.session and self.session.code:
            getattr(self.session.code, how)()
            self.repaint()

    def click_why(self, action: Action) -> None:
        """A click on a term goes through its door; one on the trail goes there."""
        if self.session and (why := self.session.why):
            kind, numbers = action[0], action[1:]
            if kind == "trail":
                why.go(*numbers)
                self.repaint()
            else:
                why.choose(*numbers)
                self.action_why_enter()


def _dead_end(why: Why) -> str:
    """Why there is no way on."""
    if why.door is None:
        return "Here the way back ends. Backspace goes the other way."
    return f"This number is nobody's result: {why.door.label}."
