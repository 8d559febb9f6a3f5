"""The one widget that draws: it paints lines of spans, and redraws those that changed."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from explorer.paint.spans import Line, Span
from explorer.screen.messages import Clicked, Scrolled
from explorer.screen.palette import Palette
from explorer.text import width

STYLES = (
    *("accent", "answer", "bold", "brand", "chip", "choice", "comment", "dim", "done", "down", "drawn", "edited"),
    *("here", "here-text", "keyword", "lens", "lit", "masked", "negative", "number-literal", "positive", "string"),
    *("stripe-a", "stripe-b", "token", "up", "value"),
)
"""The words that painters use for styles; the stylesheet gives each its looks, as `canvas--word`."""


class Canvas(Widget):
    """Lines of spans on the Line API: no widget for a cell, nothing redrawn that looks the same."""

    COMPONENT_CLASSES = {f"canvas--{word}" for word in STYLES}
    palette = Palette()

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.lines: list[Line] = []
        self._styles: dict[str, Style] = {}

    def paint(self, cells: int, height: int) -> list[Line]:
        """The lines to show in a canvas of that size."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Paint again, and redraw the lines that changed."""
        if not self.size or not self.display:
            return
        old, self.lines = self.lines, self.paint(self.size.width, self.size.height)
        for y in range(self.size.height):
            if old[y : y + 1] != self.lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def restyle(self, palette: Palette) -> None:
        """Take other colours: another palette, another theme."""
        self.palette = palette
        self._styles.clear()
        self.repaint()
        self.refresh()

    def on_resize(self) -> None:
        """Draw all of it: on the screen there are still the rows of a pane of another size, or of an older picture."""
        self.lines = []
        self.repaint()
        self.refresh()

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        segments = [self._segment(span) for span in self.lines[y]] if y < len(self.lines) else []
        strip = Strip(segments).simplify()
        return strip.adjust_cell_length(self.size.width, self.rich_style).apply_style(
            Style(bgcolor=self.rich_style.bgcolor) if not segments else Style.null()
        )

    def _segment(self, span: Span) -> Segment:
        text = span.text
        scale, _, levels = span.style.partition(":")
        if levels and not self.palette.colourful and not text.strip():
            text = self.palette.shade(scale, int(levels)) * len(text)
        return Segment(text, self._style(span.style))

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            scale, _, levels = name.partition(":")
            if levels:
                self._styles[name] = self._heat(scale, levels)
            elif name:
                self._styles[name] = self.get_component_rich_style(f"canvas--{name}")
            else:
                self._styles[name] = self.rich_style
        return self._styles[name]

    def _heat(self, scale: str, levels: str) -> Style:
        """One level is the ground, under readable ink; of two, top/bottom, the upper one is the ink."""
        if not self.palette.colourful:
            return self.rich_style
        top, pair, bottom = levels.partition("/")
        if pair:
            return Style(color=self._level(scale, top), bgcolor=self._level(scale, bottom))
        ground = self.palette.colour(scale, int(top))
        return Style(color=self.palette.ink(ground), bgcolor=ground)

    def _level(self, scale: str, level: str) -> str | None:
        """The colour of a level; of the cursor (*), or of the ground where there is none."""
        if level and level != "*":
            return self.palette.colour(scale, int(level))
        style = self.get_component_rich_style("canvas--here") if level else self.rich_style
        return style.bgcolor.name if style.bgcolor else None

    def on_click(self, event: events.Click) -> None:
        position = event.get_content_offset(self)
        if position is None or position.y >= len(self.lines):
            return
        right = 0
        for span in self.lines[position.y]:
            right += width(span.text)
            if position.x < right:
                if span.action:
                    self.post_message(Clicked(span.action))
                return

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(Scrolled(1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(Scrolled(-1))
