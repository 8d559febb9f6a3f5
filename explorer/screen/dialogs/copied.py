"""The screen as a command and as Python: to be read, selected, and copied."""

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from explorer.screen.panes.pane import literal
from explorer.terminal.glyphs import printable
from explorer.views.recipes.copied import Copied


class CopiedDialog(ModalScreen[None]):
    """Three texts; each can be selected, and a number copies it as a whole."""

    BINDINGS = [
        Binding("1", "copy(0)", "Copy the command that opens the screen here", id="copied.opens"),
        Binding("2", "copy(1)", "Copy the command that prints this", id="copied.command"),
        Binding("3", "copy(2)", "Copy the lines of Python", id="copied.python"),
        Binding("escape,C,q", "dismiss", "Close", id="copied.close"),
    ]

    def __init__(self, copied: Copied) -> None:
        super().__init__()
        self._texts = (copied.opens, copied.command, copied.python)
        self._notes = copied.notes

    def compose(self) -> ComposeResult:
        titles = ("opens the screen here", "prints this", "Python, a script or a notebook")
        with VerticalScroll(id="copied", classes="dialog") as dialog:
            dialog.border_title = "This as a command"
            dialog.border_subtitle = "1 2 3 copy · esc closes"
            for number, (title, text) in enumerate(zip(titles, self._texts), 1):
                yield Label(Text(f"{number} {title}", "bold"), markup=False)
                yield Static(printable(text), markup=False, classes="text")
            for note in self._notes:
                yield Label(printable(note), markup=False, classes="note")

    def on_mount(self) -> None:
        self.action_copy(1)

    def action_copy(self, number: int) -> None:
        """Copy one of the texts."""
        self.app.copy_to_clipboard(self._texts[number])
        self.query_one("#copied").border_subtitle = literal(f"{number + 1} is copied · 1 2 3 copy · esc closes")
