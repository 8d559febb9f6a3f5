"""A talk: the whole screen for one picture, large and quiet, for a room that looks on."""

from textual.events import Event, Key
from textual.keys import format_key

from explorer.paint.spans import Line
from explorer.paint.talk import talk_picture
from explorer.screen.bindings import key, to
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.panes.pane import Host, Pane
from explorer.walk.session import Session
from explorer.walk.talk import Talk


class TalkPane(Pane, can_focus=True):
    """While it is open the keys of the walk work on, and the picture follows."""

    ID = "talk"
    WHEEL = "stage"
    BINDINGS = [
        key("talk.reveal", "space", "reveal", "Reveal the prediction, or hide it"),
        key("talk.guess", "g", "guess", "Type a guess of the audience"),
        key("talk.digits", "d", "digits", "Numbers in full, or rounded"),
        key("talk.keys", "k", "keys", "Show the keys that are pressed, or not"),
        key("talk.restart", "0", "restart", "To the start: hide the prediction, clear guesses and clock"),
        key("talk.leave", "escape", to("talk", "open_or_close"), "Leave the talk", display="esc"),
    ]

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.talk = Talk()

    @property
    def open(self) -> bool:
        """Whether a talk is on."""
        return self.screen.has_class("-talking")

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        """Move the clock."""
        if self.open:
            self.repaint()

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return talk_picture(session, self.talk, cells, height)

    def action_open_or_close(self) -> None:
        """Begin a talk, the next word hidden, or leave it; guesses and clock stay until they are cleared."""
        self.screen.toggle_class("-talking")
        self.talk.hidden = True
        self.app.clear_notifications()
        self.talk.begin()
        self.host.give_focus_back()
        self.call_after_refresh(self.host.repaint)

    def hear(self, event: Event) -> None:
        """Remember a key that is pressed during the talk."""
        if isinstance(event, Key) and not event.is_forwarded and self.is_mounted and self.open:
            character = event.character if event.is_printable and event.key != "space" else None
            self.talk.press(character or format_key(event.key))
            self.repaint()

    def action_reveal(self) -> None:
        """Reveal the prediction, or hide it."""
        self.talk.hidden = not self.talk.hidden
        self.repaint()

    def action_guess(self) -> None:
        """Type a guess."""
        self.app.push_screen(
            AskDialog("What would you say? One word", "", self.talk.guess, low=True), lambda taken: self.repaint()
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
