"""A dialog with one line to type, for views that ask for a text."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from explorer.screen.dialogs.problem import Problem
from explorer.screen.panes.pane import literal
from explorer.screen.widgets.field import Field
from gpt import GPTError


class AskDialog(ModalScreen[bool]):
    """Enter takes the text, and shows below it why it cannot be used; Escape leaves."""

    BINDINGS = [Binding("escape", "dismiss(False)", "Leave", id="ask.leave")]

    def __init__(self, title: str, text: str, take: Callable[[str], None], low: bool = False) -> None:
        """`low`: it stands at the bottom, so that the picture can be seen."""
        super().__init__(classes="-low" if low else None)
        self._title = title
        self._text = text
        self._take = take

    def compose(self) -> ComposeResult:
        with Vertical(id="ask", classes="dialog") as dialog:
            dialog.border_title = literal(self._title)
            dialog.border_subtitle = "enter takes it · esc leaves"
            yield Field(self._text, id="answer", select_on_focus=False)
            yield Problem()

    def on_input_submitted(self) -> None:
        try:
            self._take(self.query_one(Field).typed)
        except GPTError as error:
            self.query_one(Problem).show(error)
            return
        self.dismiss(True)
