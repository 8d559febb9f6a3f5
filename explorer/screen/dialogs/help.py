"""The help: the keys that work here, what is on the screen, and every key."""

from collections.abc import Iterable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.paint.spans import wrapped
from explorer.screen.keymap import own_keys
from explorer.screen.main.all_keys import ALL, keys_here, moved
from explorer.screen.main.offers import Here, Mode, name_of
from explorer.terminal.glyphs import one_line
from explorer.terminal.text import fit

_WIDEST = 76  # cells of the dialog
_AROUND = 8  # of them for its border and its scroll bar
_NAMES = 19

_SCREEN = {
    "Prompt and tokens": "What you typed, and the tokens it became, with their ids. A dot is a space.",
    "Map": "The stages of the forward pass. ● is computed for the token you stand on, ○ is not yet, "
    "◐ in part. ✎ is edited. Where it is one line: in, the blocks by number, out; in the one you are in, • is a stage "
    "and ◆ is where you stand.",
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

    def __init__(self, here: Here, notes: Iterable[str] = ()) -> None:
        super().__init__()
        self._here = here
        self._notes = tuple(notes)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "↑ ↓ scroll · esc closes"
            yield Static(self._text())

    def _text(self) -> Text:
        cells = min(_WIDEST, self.app.size.width * 95 // 100) - _AROUND
        now = own_keys(self.app).of
        lines = self._section(self._title(), keys_here(self._here, now), cells)
        if self._notes:
            lines += [("About the models", "bold")]
            for note in self._notes:
                lines += [("".join(span.text for span in line), "") for line in wrapped(one_line(note), cells)]
            lines += [("", "")]
        lines += [("What you see", "bold")]
        for name, meaning in _SCREEN.items():
            lines += _row(name, meaning, cells)
        lines += [("", "")]
        for section, bindings in ALL.items():
            lines += self._section(section, moved(bindings, now), cells)
        lines += [("".join(span.text for span in line), "") for line in wrapped(_MOUSE, cells)]
        return Text("\n").join(Text(line, style, no_wrap=True) for line, style in lines)

    def _title(self) -> str:
        here = self._here
        place = f": {here.session.stage.place}" if here.session and here.mode in (Mode.WALK, Mode.CURSOR) else ""
        return f"Here ({name_of(here)}{place})"

    def _section(self, title: str, bindings: Iterable[Binding], cells: int) -> list[tuple[str, str]]:
        """A title and its keys, each line with its style."""
        lines = [(title, "bold")]
        for binding in bindings:
            shown = dict.fromkeys(self.app.get_key_display(one) for one in binding.make_bindings([binding]))
            lines += _row("  ".join(shown), str(binding.tooltip), cells)
        return [*lines, ("", "")]


def _row(name: str, meaning: str, cells: int) -> list[tuple[str, str]]:
    """A name, and beside it its meaning, in as many lines as that takes."""
    room = max(10, cells - _NAMES)
    texts = ["".join(span.text for span in line) for line in wrapped(meaning, room)]
    return [(fit(name if not index else "", _NAMES - 1) + " " + text, "") for index, text in enumerate(texts)]
