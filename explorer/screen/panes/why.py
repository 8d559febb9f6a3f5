"""Why a number has its value: the number that is open, its terms, and the way from one number to another."""

from explorer.paint.spans import Line
from explorer.paint.why import why
from explorer.provenance.words import brief
from explorer.screen.bindings import key, to
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Pane, literal
from explorer.terminal.pressed import key as pressed
from explorer.walk.opening import ask_why
from explorer.walk.session import Session
from explorer.walk.why import Why


def no_reason() -> str:
    """Why a number of a difference cannot be opened."""
    return f"This is the difference of two runs. Press {pressed('stop', 'esc')}: in the run itself the number opens."


"""Shown when an explanation, or code, is asked for while a difference of two runs is walked."""


class WhyPane(Pane, can_focus=True):
    """The number that is open. The arrows choose one of its terms, enter opens the number that it came from."""

    ID = "why"
    BINDINGS = [
        key("why.up", "up", "move_row(-1)", "The term above", display="↑"),
        key("why.down", "down", "move_row(1)", "The term below", display="↓"),
        key("why.left", "left", "move_column(-1)", "The factor to the left", display="←"),
        key("why.right", "right", "move_column(1)", "The factor to the right", display="→"),
        key("why.page_up", "pageup", "move_row(-10)", "Ten terms up"),
        key("why.page_down", "pagedown", "move_row(10)", "Ten terms down"),
        key("why.first", "home", "move_row(-1000000)", "To the largest term"),
        key("why.last", "end", "move_row(1000000)", "To the smallest term"),
        key("why.enter", "enter", "enter", "Where the chosen number came from", display="⏎"),
        key("why.back", "backspace", "back", "Back to the number before", display="⌫"),
        key("why.follow", "f", "follow", "Follow the largest contribution to its end"),
        key("why.unroll", "u", "unroll", "Take sums of sums apart, or not"),
        key("why.code", "i", to("code", "open_or_close"), "Into the code that computed it"),
        key("why.leave", "escape", "leave", "Back to the picture", display="esc"),
    ]

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return why(session, cells, height)

    def caption(self, session: Session) -> None:
        if session.why:
            cell = session.why.here.cell
            self.border_title = literal(f"Why? · {brief(cell, session)}")
            self.border_subtitle = literal(str(cell))

    @property
    def why(self) -> Why | None:
        """The walk backwards from number to number; None while no number is open."""
        return self.host.session.why if self.host.session else None

    def action_open(self) -> None:
        """Open the number under the cursor."""
        session = self.host.ready
        if session is None:
            return
        if session.what_if.difference:
            self.host.notify(no_reason())
        elif ask_why(session):
            self.host.repaint()
        else:
            self.host.notify(
                f"There are no numbers here yet: {pressed('stage.forward', '→')} goes on to where they begin."
            )

    def action_leave(self) -> None:
        """Go back to the picture of the stage; the cursor stays on the number that was open."""
        if self.host.session:
            self.host.session.why = None
            self.host.repaint()

    def action_enter(self) -> None:
        """Open the number that the chosen term came from."""
        if self.why:
            if not self.why.enter():
                self.host.notify(_dead_end(self.why))
            self.host.repaint()

    def action_back(self) -> None:
        """Go to the number before; from the first one back to the picture."""
        if self.why and self.why.back():
            self.host.repaint()
        else:
            self.action_leave()

    def action_move_row(self, by: int) -> None:
        """Choose another term; in the picture of a path, another number."""
        if self.why:
            self.why.move_row(by)
            self.host.repaint()

    def action_move_column(self, by: int) -> None:
        """Choose another factor of the term."""
        if self.why:
            self.why.move_column(by)
            self.host.repaint()

    def action_follow(self) -> None:
        """Follow the largest contribution to its end."""
        if self.why:
            self.why.follow()
            self.host.repaint()

    def action_unroll(self) -> None:
        """Take sums of sums apart, or not."""
        if self.why:
            self.why.toggle_unrolled()
            self.host.repaint()

    def turn_wheel(self, by: int) -> None:
        """The wheel moves along the terms."""
        self.action_move_row(by)

    def on_clicked(self, message: Clicked) -> None:
        """A click on a term opens the number it came from; one on the trail goes there."""
        kind, *numbers = message.action
        message.stop()
        if self.why is None:  # it was closed before the click arrived
            return
        if kind == "trail":
            self.why.go(numbers[0])
            self.host.repaint()
        else:
            self.why.choose(*numbers)
            self.action_enter()


def _dead_end(why: Why) -> str:
    """The reason why a term leads to no other number."""
    if why.door is None:
        return "This number has no terms: the way back ends here. Backspace returns to the number before."
    return f"This number was not computed from others: {why.door.label}."
