"""One digit: a bookmark to go to, or to keep this place as."""

from collections.abc import Mapping

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.screen.panes.pane import literal
from explorer.teaching.spots import Spot
from explorer.terminal.text import printable


class Bookmarks(ModalScreen[int | None]):
    """Lists the bookmarks; a digit from 1 to 9 chooses one, Escape none."""

    BINDINGS = [Binding("escape,q", "dismiss(None)", "Leave", id="bookmarks.leave")]

    def __init__(self, title: str, bookmarks: Mapping[int, Spot], any_number: bool) -> None:
        """`any_number`: those that are free can be chosen too."""
        super().__init__()
        self._title = title
        self._bookmarks = bookmarks
        self._any = any_number

    def compose(self) -> ComposeResult:
        with Vertical(id="bookmarks", classes="dialog") as dialog:
            dialog.border_title = literal(self._title)
            dialog.border_subtitle = "1 to 9 chooses · esc leaves"
            yield Static(self._text())

    def _text(self) -> Text:
        return Text("\n".join(self._line(number) for number in range(1, 10)), no_wrap=True, overflow="ellipsis")

    def _line(self, number: int) -> str:
        spot = self._bookmarks.get(number)
        if spot is None:
            return f"{number}  ·"
        edited = f" · {', '.join(spot.edits)}" if spot.edits else ""
        return printable(f"{number}  {spot.view or spot.at}{edited} · “{spot.prompt}”").replace("\n", "⏎")

    def on_key(self, event: events.Key) -> None:
        if event.key.isdecimal() and event.key != "0":
            event.stop()
            if self._any or int(event.key) in self._bookmarks:
                self.dismiss(int(event.key))
