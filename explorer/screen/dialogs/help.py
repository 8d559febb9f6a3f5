"""The help: what is on the screen, and every key."""

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.screen.main.keys import SECTIONS

_SCREEN = {
    "Prompt and tokens": "What you typed, and the tokens it became, with their ids. A dot is a space.",
    "Map": "The stages of the forward pass. ● is computed for the token you stand on, ○ is not yet.",
    "Picture": "The numbers of this stage, all of this run: orange below zero, blue above, gold the cursor.",
    "Next token": "What the model would say if it stopped here (the logit lens), and what it says at the end.",
    "This number": "The one under the cursor: where it is, its exact value, how it was made, and by which code.",
    "Why?": "Enter opens that number: the terms it is the sum of, each a door to the number it came from; "
    "backspace is the way back, f follows the largest to its end, i steps through the code.",
}


class Help(ModalScreen[None]):
    """A page that scrolls. The key that opened it closes it."""

    BINDINGS = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="help.close"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "↑ ↓ scroll · esc closes"
            yield Static(self._text())

    def _text(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        table.add_row(Text("What you see", style="bold"), "")
        for name, meaning in _SCREEN.items():
            table.add_row(Text(name), Text(meaning))
        for section, bindings in SECTIONS.items():
            table.add_row("", "")
            table.add_row(Text(section, style="bold"), "")
            for binding in bindings:
                keys = "  ".join(self.app.get_key_display(one) for one in binding.make_bindings([binding]))
                table.add_row(Text(keys), Text(binding.tooltip))
        table.add_row("", "")
        table.add_row("", Text("The mouse works too: click on a token, a stage, a head, a number; turn its wheel."))
        return table
