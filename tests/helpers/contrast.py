"""The contrast of every pair of colours that meet on the screen, in every theme.

    python -m tests.helpers.contrast

Text needs 4.5 (WCAG 2.2, level AA), marks such as bars and dots 3; frames and the levels of heat are not text. The
terminal's own colours are measured as xterm.js has them by default, where bold text in one of the first eight colours
takes the bright one.
"""

import asyncio
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor
from textual.pilot import Pilot

from explorer.loading.catalogue import ModelEntry
from explorer.paint.spans import SHARE_LEVELS, SIGNED_LEVELS, Span
from explorer.screen.dialogs.models import ModelPicker
from explorer.screen.main.screen import MainScreen
from explorer.screen.palette import NAMES, Palette
from explorer.screen.themes import THEMES
from explorer.screen.widgets.canvas import STYLES, Canvas
from tests.helpers.pilot import computed, opened, press, session, tiny

TEXT, MARK = 4.5, 3.0

_XTERM = (
    *("#2e3436", "#cc0000", "#4e9a06", "#c4a000", "#3465a4", "#75507b", "#06989a", "#d3d7cf"),
    *("#555753", "#ef2929", "#8ae234", "#fce94f", "#729fcf", "#ad7fa8", "#34e2e2", "#eeeeec"),
)
"""The sixteen colours. Source: xterm.js 5.5, src/browser/services/ThemeService.ts."""

_MARKS = set("●○◐◆•▶▼▲▾◂✓✎✦‹›·…→←↑↓▔▁") | {chr(code) for code in range(0x2580, 0x25A0)}
_FRAMES = {chr(code) for code in range(0x2500, 0x2580)} | set("▔▁🔎▏▎▕▊")  # and scroll bars
_HALVES = "▀▄▌"  # two levels of heat in one cell, and their legend


class Pair(NamedTuple):
    """Two colours that meet, and what is written in one on the other."""

    where: str
    ink: str
    ground: str
    least: float

    @property
    def contrast(self) -> float:
        dark, light = sorted([luminance(self.ink), luminance(self.ground)])
        return (light + 0.05) / (dark + 0.05)

    def __str__(self) -> str:
        mark = " " if self.contrast >= self.least else "✗"
        return f"{mark} {self.contrast:5.1f} of {self.least}  {self.ink} on {self.ground}  {self.where}"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb. Source: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


class Terminal:
    """The colours that a terminal with a dark or a light ground makes of a style."""

    def __init__(self, dark: bool) -> None:
        self._ink, self._ground = ("#ffffff", "#000000") if dark else ("#000000", "#ffffff")

    def colours(self, style: Style) -> tuple[str, str]:
        """The colour of the letters and of the ground, as #rrggbb."""
        ink = self._colour(style.color, self._ink, bool(style.bold))
        ground = self._colour(style.bgcolor, self._ground, bold=False)
        if style.reverse:
            ink, ground = ground, ink
        if style.dim:  # half of the way to the ground
            ink = TextualColor.parse(ground).blend(TextualColor.parse(ink), 0.5).hex.lower()
        return ink, ground

    def _colour(self, colour: Color | None, default: str, bold: bool) -> str:
        if colour is None or colour.type is ColorType.DEFAULT:
            return default
        if colour.type is ColorType.STANDARD and colour.number is not None:
            return _XTERM[colour.number + 8 if bold and colour.number < 8 else colour.number]
        return colour.get_truecolor().hex.lower()


def least(text: str) -> float | None:
    """The contrast that a text needs; None where nothing is to be read."""
    letters = [c for c in text if not c.isspace() and c not in _FRAMES and c not in _HALVES]
    if not letters:
        return None
    return MARK if all(c in _MARKS or unicodedata.category(c) in ("So", "Sm") for c in letters) else TEXT


def pairs_of(segments: Iterable[Segment], terminal: Terminal, where: str) -> Iterator[Pair]:
    """The pairs on a line that is drawn."""
    for segment in segments:
        needed = least(segment.text)
        if needed and segment.style:
            ink, ground = terminal.colours(segment.style)
            yield Pair(f"{where} {segment.text.strip()[:12]!r}", ink, ground, needed)


def heat() -> Iterator[Pair]:
    """The ink of numbers on every level of heat."""
    for name in NAMES:
        for dark in (True, False):
            palette = Palette(name, dark)
            if not palette.colourful:
                continue
            levels = {"share": range(SHARE_LEVELS + 1), "signed": range(-SIGNED_LEVELS, SIGNED_LEVELS + 1)}
            for scale, numbers in levels.items():
                for level in numbers:
                    ground = palette.colour(scale, level)
                    where = f"{'dark' if dark else 'light'} {name} {scale}:{level}"
                    yield Pair(where, palette.ink(ground), ground, TEXT)


LOOKS = (
    *("home", "down", "right", "right right right", "right right", "tab", "enter", "escape", "f", "escape", "i"),
    *("escape", "down", "end", "left", "left"),
    *(key for view in "123456w" for key in (view, "escape")),
    *("x", "tab", "escape", "question_mark", "escape", "s", "escape", "j", "b", "escape", "slash", "escape", "colon"),
    "escape",
)
"""Keys after each of which the screen is measured."""


_MODELS = [
    ModelEntry(name, state, 5_000_000, 6, 6, 192, 3_500_000, None)
    for name, state in (("stories", "here"), ("gpt2", ""))
]


async def measured(looks: Iterable[str] = LOOKS) -> list[Pair]:
    """All pairs, those of the themes in their order, each once."""
    found = {(pair.ink, pair.ground, pair.least): pair for pair in heat()}
    async with opened(session(tiny()), (120, 36)) as (pilot, screen):
        for theme in THEMES:
            pilot.app.theme = theme
            await pilot.pause()
            terminal = Terminal(pilot.app.current_theme.dark)
            for pair in _words(screen, terminal, theme):
                found.setdefault((pair.ink, pair.ground, pair.least), pair)
            for look in looks:
                await press(pilot, *look.split())
                for pair in _drawn(pilot, terminal, f"{theme} after {look}:"):
                    found.setdefault((pair.ink, pair.ground, pair.least), pair)
            pilot.app.push_screen(ModelPicker(_MODELS, "stories"))
            await pilot.pause()
            for pair in _drawn(pilot, terminal, f"{theme} models:"):
                found.setdefault((pair.ink, pair.ground, pair.least), pair)
            await press(pilot, "escape")
            await computed(pilot)
    return list(found.values())


def _words(screen: MainScreen, terminal: Terminal, theme: str) -> Iterator[Pair]:
    """Each of the painters' words on each canvas."""
    for canvas in screen.query(Canvas):
        for word in STYLES:
            ink, ground = terminal.colours(canvas.looks.segment(Span("a", word)).style or Style())
            yield Pair(f"{theme} #{canvas.id} {word}", ink, ground, MARK if word == "masked" else TEXT)


def _drawn(pilot: Pilot[str], terminal: Terminal, where: str) -> Iterator[Pair]:
    strips = pilot.app.screen._compositor.render_strips()
    for box in pilot.app.screen.query(".dialog, #--input, #--results") or [pilot.app.screen]:
        for strip in strips[box.region.y : box.region.bottom]:  # what is behind a dialog is not to be read
            yield from pairs_of(strip.crop(box.region.x, box.region.right), terminal, where)


def main() -> None:
    """Print every pair, the lowest contrast first, and those that are too low with a mark."""
    pairs = asyncio.run(measured())
    for pair in sorted(pairs, key=lambda pair: pair.contrast / pair.least):
        print(pair)


if __name__ == "__main__":
    main()
