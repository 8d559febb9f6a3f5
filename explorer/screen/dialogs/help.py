"""The help: the keys that work here, what is on the screen, and every key."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.screen.main.all_keys import ALL, keys_here
from explorer.screen.main.offers import Here, Mode, name_of

_SCREEN = {
    "Prompt and tokens": "What you typed, and the tokens it became, with their ids. A dot is a space.",
    "Map": "The stages of the forward pass. ● is computed for the token you stand on, ○ is not yet. ✎ is edited.",
    "Picture": "The numbers of this stage, all of this run: orange below zero, blue above; the cursor marks one.",
    "Next token": "What the model would say if it stopped here (the logit lens), and what it says at the end.",
    "This number": "The one under the cursor: where it is, its exact value, how it was made, and by which code.",
    "Why?": "Enter opens that number: the terms it is the sum of. Each leads to the number it came from; "
    "backspace is the way back, f follows the largest to its end, i steps through the code.",
    "Footer": "What the arrows move now, and the keys that do something here.",
}
_MOUSE = (
    "The mouse works too: point at a number to read it; click on a token, a stage, a head, a number, a prediction "
    "(what if it were drawn?); a double click is enter; the wheel scrolls what is under it."
)


class Help(ModalScreen[None]):
    """A page that scrolls. The key that opened it closes it."""

    BINDINGS = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="help.close"),
    ]

    def __init__(self, here: Here) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "↑ ↓ scroll · esc closes"
            yield Static(self._text())

    def _text(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        self._add(table, self._title(), keys_here(self._here))
        table.add_row(Text("What you see", style="bold"), "")
        for name, meaning in _SCREEN.items():
            table.add_row(Text(name), Text(meaning))
        table.add_row("", "")
        for section, bindings in ALL.items():
            self._add(table, section, bindings)
        table.add_row("", Text(_MOUSE))
        return table

    def _title(self) -> str:
        here = self._here
        place = f": {here.session.stage.place}" if here.session and here.mode in (Mode.WALK, Mode.CURSOR) else ""
        return f"Here ({name_of(here)}{place})"

    def _add(self, table: Table, title: str, bindings: Iterable[Binding]) -> None:
        table.add_row(Text(title, style="bold"), "")
        for binding in bindings:
            shown = dict.fromkeys(self.app.get_key_display(one) for one in binding.make_bindings([binding]))
            keys = "  ".join(shown)
            table.add_row(Text(keys), Text(binding.tooltip))
        table.add_row("", "")
