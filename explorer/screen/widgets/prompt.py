"""Where the prompt is typed: Enter runs it, Escape leaves it as it was."""

import unicodedata

from rich.text import Text
from textual import events
from textual.widgets import TextArea

from explorer.screen.messages import PromptAbandoned, PromptSubmitted
from explorer.text import visible

_NEW_LINE = ("shift+enter", "ctrl+j", "alt+enter")

_WITHOUT_A_LOOK = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # they would command the terminal, or turn the line around
_JOINERS = "\u200c\u200d"  # these are needed to write some scripts

# A text area breaks its lines at all of these and joins them with line feeds: a private character keeps their place.
_HELD = {ord(character): 0xF0000 + ord(character) for character in "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"}
_RELEASED = {held: character for character, held in _HELD.items()}


class Prompt(TextArea):
    """A text area of a few lines. Its text is shown literally; control characters appear as their pictures."""

    def __init__(self, text: str) -> None:
        super().__init__(
            text.translate(_HELD),
            id="prompt",
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            compact=True,
        )

    @property
    def value(self) -> str:
        """What was typed, to the letter."""
        return self.text.translate(_RELEASED)

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            self.post_message(PromptSubmitted(self.value))
        elif event.key == "escape":
            self.post_message(PromptAbandoned())
        elif event.key in _NEW_LINE:
            self.insert("\n")
        else:
            return
        event.stop()
        event.prevent_default()

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index).translate(_RELEASED)
        return Text("".join(map(_shown, line)), end="", no_wrap=True)

    def show_text(self, text: str) -> None:
        """Show another text, with the caret at its end."""
        if self.value != text:
            self.load_text(text.translate(_HELD))
            self.move_cursor(self.document.end)

    def type_on(self) -> None:
        """Go on typing at the end."""
        self.move_cursor(self.document.end)
        self.screen.set_focus(self)  # at once: `focus` waits, and the next key would go elsewhere


def _shown(character: str) -> str:
    """One character for one, so that the caret stays where it is."""
    if unicodedata.category(character) not in _WITHOUT_A_LOOK or character in _JOINERS:
        return character
    glyph = visible(character)
    return glyph if len(glyph) == 1 else "\ufffd"
