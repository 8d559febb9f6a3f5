"""A line to type in that shows any text safely, and keeps what is pasted whole."""

import unicodedata

from rich.text import Text
from textual import events
from textual.widgets import Input

from explorer.terminal.glyphs import visible

_JOINERS = "\u200c\u200d"  # these are needed to write some scripts
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # they would control the terminal, or reverse the line

_HELD, _LAST = 0xF0000, 0xFFFD  # private characters, and the last character that one of them can stand for


class Field(Input):
    """An input that has one line on the screen, in which control characters, line breaks too, are visible signs."""

    def __init__(self, text: str = "", *, id: str | None = None, select_on_focus: bool = True) -> None:
        super().__init__(_hold(text), id=id, compact=True, select_on_focus=select_on_focus)

    @property
    def typed(self) -> str:
        """The text, unchanged."""
        return _release(self.value)

    def show_text(self, text: str) -> None:
        """Show another text."""
        self.value = _hold(text)

    @property
    def _value(self) -> Text:
        return Text("".join(map(shown, self.typed)), no_wrap=True, overflow="ignore", end="")

    @property
    def selected_text(self) -> str:
        """The text that is marked, unchanged."""
        return _release(super().selected_text)

    def action_paste(self) -> None:
        """Insert what was copied within the program."""
        self._insert(self.app.clipboard)

    def _on_paste(self, event: events.Paste) -> None:
        """Insert all that is pasted: its lines too, but for a line break at the very end."""
        self._insert(event.text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n"))
        event.stop()
        event.prevent_default()

    def _insert(self, text: str) -> None:
        if text:
            self.replace(_hold(text), *self.selection)


def _hold(text: str) -> str:
    """The text for an input, which counts cells as they are: a private character in place of each invisible one."""
    return "".join(chr(_HELD + ord(each)) if ord(each) <= _LAST and shown(each) != each else each for each in text)


def _release(text: str) -> str:
    return "".join(chr(ord(each) - _HELD) if _HELD <= ord(each) <= _HELD + _LAST else each for each in text)


def shown(character: str) -> str:
    """A visible character in place of this one; always one, so that the caret stays where it is."""
    if unicodedata.category(character) not in _INVISIBLE or character in _JOINERS:
        return character
    glyph = visible(character)
    return glyph if len(glyph) == 1 else "\ufffd"
