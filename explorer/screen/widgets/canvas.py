"""The one widget that draws: it paints lines of spans, and redraws those that changed."""

from rich.style import Style
from textual import events, on
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from explorer.paint.spans import Action, Line
from explorer.screen.messages import Clicked, Pointed, Scrolled
from explorer.screen.palette import Palette
from explorer.screen.widgets.looks import Looks
from explorer.terminal.text import width

STYLES = (
    *("accent", "answer", "bold", "brand", "chip", "choice", "comment", "dim", "done", "down", "drawn", "edited"),
    *("here", "here-text", "key", "keyword", "lens", "lit", "masked", "mode", "negative", "number-literal", "offer"),
    *("positive", "string", "stripe-a", "stripe-b", "token", "up", "value"),
)
"""The words that painters use for styles; the stylesheet gives each its looks, as `canvas--word`."""


class Canvas(Widget):
    """Lines of spans on Textual's Line API. Only lines that changed are redrawn."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.lines: list[Line] = []
        self._new = True  # nothing has been painted yet
        self._pointed: Action | None = None  # what the mouse is over
        self.looks = Looks(self, Palette())

    def paint(self, cells: int, height: int) -> list[Line]:
        """The lines to show in a canvas of that size."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Paint again, and redraw the lines that changed."""
        if not self.size or not self.display:
            return
        self._new, old, self.lines = False, self.lines, self.paint(self.size.width, self.size.height)
        for y in range(self.size.height):
            if old[y : y + 1] != self.lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def restyle(self, palette: Palette) -> None:
        """Take other colours: another palette, another theme."""
        self.looks = Looks(self, palette)
        self.repaint()
        self.refresh()

    def on_resize(self) -> None:
        """Redraw everything: the screen still holds lines of another size, or of an older picture."""
        self.lines = []
        self.repaint()
        self.refresh()

    def notify_style_update(self) -> None:
        self.looks.forget()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        if self._new and self.size:  # the first frame can come before the news of the size
            self._new, self.lines = False, self.paint(self.size.width, self.size.height)
        segments = [self.looks.segment(span) for span in self.lines[y]] if y < len(self.lines) else []
        strip = Strip(segments).simplify()
        return strip.adjust_cell_length(self.size.width, self.rich_style).apply_style(
            Style(bgcolor=self.rich_style.bgcolor) if not segments else Style.null()
        )

    def on_click(self, event: events.Click) -> None:
        if action := _action_at(self, event):
            self.post_message(Clicked(action, twice=event.chain == 2))

    @on(events.MouseMove)
    @on(events.Leave)
    def _follow_mouse(self, event: events.MouseMove | events.Leave) -> None:
        action = _action_at(self, event) if isinstance(event, events.MouseMove) else None
        if action != self._pointed:
            self._pointed = action
            self.post_message(Pointed(action, self.id))

    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def _follow_wheel(self, event: events.MouseScrollDown | events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(Scrolled(1 if isinstance(event, events.MouseScrollDown) else -1))


class Colours(Canvas):
    """Draws nothing: the one canvas for which the stylesheet works out the looks of all words.

    On every canvas it would be done again with each pane that opens, and take most of the time of that.
    """

    COMPONENT_CLASSES = {f"canvas--{word}" for word in STYLES}
    ID = "colours"

    def __init__(self) -> None:
        super().__init__(id=self.ID)

    def paint(self, cells: int, height: int) -> list[Line]:
        return []


def _action_at(canvas: Canvas, event: events.MouseEvent) -> Action | None:
    """The action of the span under the mouse."""
    position = event.get_content_offset(canvas)
    if position is None or position.y >= len(canvas.lines):
        return None
    right = 0
    for span in canvas.lines[position.y]:
        right += width(span.text)
        if position.x < right:
            return span.action
    return None
