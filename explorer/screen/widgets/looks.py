"""The looks of spans on a canvas: a style by name from the stylesheet, a level of heat from the palette."""

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

from explorer.paint.spans import MARK, Span
from explorer.screen.palette import Palette
from explorer.terminal.glyphs import one_line


class Looks:
    """Segments for one widget. Styles are kept until it gets other colours."""

    def __init__(self, widget: Widget, palette: Palette) -> None:
        self.palette = palette
        self._widget = widget
        self._styles: dict[str, Style] = {}

    def forget(self) -> None:
        """The theme, or the stylesheet, is another one: look styles up again."""
        self._styles.clear()

    def segment(self, span: Span) -> Segment:
        """The text of a span in its style; heat on blanks becomes characters where there are no colours."""
        text = span.text
        scale, _, levels = span.style.partition(":")
        if levels and not levels.endswith(MARK) and not self.palette.colourful and not text.strip():
            text = self.palette.shade(scale, int(levels)) * len(text)
        if not text.isprintable():  # painters give visible text: this is for what was forgotten
            text = one_line(text)
        return Segment(text, self._style(span.style))

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            scale, _, levels = name.partition(":")
            if name.endswith(MARK):
                # the terminal's own colours become others where they are bold
                bold = not self._widget.app.current_theme.ansi
                self._styles[name] = self._style(name.removesuffix(MARK)) + Style(bold=bold or None)
            elif levels:
                self._styles[name] = self._heat(scale, levels)
            elif name:
                self._styles[name] = self._word(name)
            else:
                self._styles[name] = self._widget.rich_style
        return self._styles[name]

    def _word(self, name: str) -> Style:
        """The looks of a word; on the ground of this widget, unless the word has one of its own."""
        colours = self._widget.screen.query_one("#colours")
        style = colours.get_component_rich_style(f"canvas--{name}")
        if style.bgcolor == colours.rich_style.bgcolor:
            style += Style(bgcolor=self._widget.rich_style.bgcolor)
        return style

    def _heat(self, scale: str, levels: str) -> Style:
        """One level is the ground, under readable ink; of two, top/bottom, the upper one is the ink."""
        if not self.palette.colourful:
            return self._widget.rich_style
        top, pair, bottom = levels.partition("/")
        if pair:
            return Style(color=self._level(scale, top), bgcolor=self._level(scale, bottom))
        ground = self.palette.colour(scale, int(top))
        return Style(color=self.palette.ink(ground), bgcolor=ground)

    def _level(self, scale: str, level: str) -> str | None:
        """The colour of a level; of the ground where there is none."""
        if level:
            return self.palette.colour(scale, int(level))
        ground = self._widget.rich_style.bgcolor
        return ground.name if ground else None
