"""Where the prompt is typed: Enter runs it, Escape leaves it as it was."""

from rich.text import Text
from textual import events
from textual.widgets import TextArea

from explorer.messages import PromptAbandoned, PromptSubmitted
from explorer.text import visible

_NEW_LINE = ("shift+enter", "ctrl+j", "alt+enter")


class Prompt(TextArea):
    """A text area of a few lines. Its text is shown literally; control characters appear as their pictures."""

    def __init__(self, text: str) -> None:
        super().__init__(
            text, id="prompt", soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, compact=True
        )

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            self.post_message(PromptSubmitted(self.text))
        elif event.key == "escape":
            self.post_message(PromptAbandoned())
        elif event.key in _NEW_LINE:
            self.insert("\n")
        else:
            return
        event.stop()
        event.prevent_default()

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        shown = (visible(character) if character < " " or character == "\x7f" else character for character in line)
        return Text("".join(shown), end="", no_wrap=True)

    def show_text(self, text: str) -> None:
        """Show another text, with the caret at its end."""
        if self.text != text:
            self.load_text(text)
            self.move_cursor(self.document.end)

    def type_on(self) -> None:
        """Go on typing at the end."""
        self.move_cursor(self.document.end)
        self.focus()
