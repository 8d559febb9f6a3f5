"""The stage: the whole screen for one picture, large and quiet, for a room that looks on."""

from explorer.paint.spans import Line
from explorer.paint.stage import stage
from explorer.screen.bindings import key, to
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.panes.pane import Host, Pane
from explorer.walk.on_stage import OnStage
from explorer.walk.session import Session


class StagePane(Pane, can_focus=True):
    """While it is open the keys of the walk work on, and the picture follows."""

    ID = "stage"
    WHEEL = "stage"
    BINDINGS = [
        key("stage.reveal", "space", "reveal", "Reveal the prediction, or hide it", footer="reveal"),
        key("stage.guess", "g", "guess", "Type a guess of the audience", footer="guess"),
        key("stage.digits", "d", "digits", "Numbers in full, or rounded", footer="digits"),
        key("stage.keys", "k", "keys", "Show the keys that are pressed, or not", footer="keys"),
        key("stage.restart", "0", "restart", "To the start: hide the prediction, clear guesses and clock"),
        key("stage.leave", "escape", to("stage", "open_or_close"), "Leave the stage", footer="leave", display="esc"),
    ]

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.talk = OnStage()

    @property
    def open(self) -> bool:
        """Whether the walk is on the stage."""
        return self.screen.has_class("-on-stage")

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        """Move the clock."""
        if self.open:
            self.repaint()

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return stage(session, self.talk, cells, height)

    def action_open_or_close(self) -> None:
        """Go on the stage, or leave it; guesses and clock stay until they are cleared."""
        opening = not self.open
        self.screen.set_class(opening, "-on-stage")
        self.screen.set_focus(self if opening else None)
        self.call_after_refresh(self.host.repaint)

    def action_reveal(self) -> None:
        """Reveal the prediction, or hide it."""
        self.talk.hidden = not self.talk.hidden
        self.repaint()

    def action_guess(self) -> None:
        """Type a guess."""
        self.app.push_screen(
            AskDialog("What would you say? One word", "", self.talk.guess), lambda taken: self.repaint()
        )

    def action_digits(self) -> None:
        """Numbers in full, or rounded."""
        self.talk.in_full = not self.talk.in_full
        self.repaint()

    def action_keys(self) -> None:
        """Show the keys that are pressed, or not."""
        self.talk.shows_keys = not self.talk.shows_keys
        self.repaint()

    def action_restart(self) -> None:
        """To the first stage of the walk, everything hidden again."""
        self.talk.begin_again()
        self.host.move_cursor("go_to_stage", 0)
