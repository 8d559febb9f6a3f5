"""In place of everything, where the terminal is too small for it."""

from textual.widgets import Static


class TooSmall(Static):
    """Says how large the terminal is, and how large it must be. The stylesheet shows it."""

    def __init__(self) -> None:
        super().__init__(id="too-small", markup=False)

    def on_resize(self) -> None:
        """Say the size of the terminal as it is now."""
        size = self.app.size
        self.update(
            f"GPT Explorer needs 60 columns and 18 lines.\nThis terminal has {size.width} and {size.height}.\n\n"
            "Make it larger, or its letters smaller. q quits."
        )
