"""The strip in which the settings of the draw are moved, while every picture stays in sight."""

from textual import events

from explorer.paint.settings import settings
from explorer.paint.spans import Line
from explorer.screen.bindings import key
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Host, Pane
from explorer.walk.session import Session
from explorer.walk.settings import Settings
from gpt import SamplingError

_TYPED = "0123456789.-eal"  # of numbers, and of "all"


class SettingsPane(Pane, can_focus=True):
    """Temperature, top-k, top-p and seed: live. Keys move them from anywhere; with the focus the arrows do."""

    ID = "settings"
    BINDINGS = [
        key("settings.left", "left,shift+tab", "choose(-1)", "The setting to the left", display="←"),
        key("settings.right", "right,tab", "choose(1)", "The setting to the right", display="→"),
        key("settings.up", "up", "step(1)", "A step up", display="↑"),
        key("settings.down", "down", "step(-1)", "A step down", display="↓"),
        key("settings.take", "enter", "take", "Take the value that was typed, or close", display="⏎"),
        key("settings.erase", "backspace", "erase", "Take back the last digit", display="⌫"),
        key("settings.leave", "escape,s", "leave", "Close; the settings stay", display="esc"),
    ]

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.moved: Settings | None = None  # None while it is closed

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return settings(session, self.moved, cells, height) if self.moved else []

    def close(self) -> None:
        """Close the strip; the settings stay."""
        self.moved, self.display = None, False

    def action_open(self) -> None:
        """Open the strip, and let the arrows move in it."""
        if _begun(self):
            self.screen.set_focus(self)
            self.host.repaint()

    def action_leave(self) -> None:
        """Close the strip; the settings stay."""
        self.close()
        self.host.give_focus_back()
        self.host.repaint()

    def action_move(self, which: int, by: int) -> None:
        """One step of a setting, from anywhere."""
        if moved := _begun(self):
            moved.move(which, by)
            self.host.repaint()

    def action_choose(self, by: int) -> None:
        """Choose another setting."""
        if self.moved:
            self.moved.choose(by)
            self.host.repaint()

    def action_step(self, by: int) -> None:
        """Move the chosen setting one step."""
        if self.moved:
            self.action_move(self.moved.chosen, by)

    def action_reset(self) -> None:
        """The settings as they were when the strip opened."""
        if self.moved:
            self.moved.reset()
            self.host.repaint()

    def action_take(self) -> None:
        """Take the value that was typed, or say why it cannot be; without one, close."""
        if self.moved is None or not self.moved.typed:
            self.action_leave()
            return
        try:
            self.moved.take(self.moved.typed)
        except SamplingError as error:
            self.host.notify(str(error), title="This cannot be set", severity="warning")
        self.host.repaint()

    def action_erase(self) -> None:
        """Take back the last digit that was typed."""
        if self.moved:
            self.moved.typed = self.moved.typed[:-1]
            self.host.repaint()

    def on_key(self, event: events.Key) -> None:
        if self.moved and event.character and event.character in _TYPED:
            self.moved.typed += event.character
            event.stop()
            self.host.repaint()

    def on_clicked(self, message: Clicked) -> None:
        kind, *numbers = message.action
        if kind == "setting" and self.moved:
            message.stop()
            self.moved.choose(numbers[0] - self.moved.chosen)
            self.action_open()

    def turn_wheel(self, by: int) -> None:
        """The wheel moves the chosen setting."""
        self.action_step(-by)


def _begun(pane: SettingsPane) -> Settings | None:
    """The settings of a pane, which opens where it is closed; None while there is nothing to draw from."""
    session = pane.host.ready
    if session and pane.moved is None:
        pane.moved = Settings(session.draws)
    pane.display = pane.moved is not None
    return pane.moved if session else None
