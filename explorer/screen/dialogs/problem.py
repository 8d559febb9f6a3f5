"""The line of a dialog that shows why something cannot be done."""

from textual.widgets import Static

from explorer.terminal.glyphs import printable
from gpt import GPTError


class Problem(Static):
    """Empty until there is an error to show."""

    def __init__(self) -> None:
        super().__init__("", id="problem", markup=False)

    def show(self, error: GPTError) -> None:
        """Show the error as a sentence."""
        text = printable(str(error))
        self.update(text[:1].upper() + text[1:])
