"""The colours of heat: how a level becomes a colour, on dark and on light ground.

Three palettes; none relies on telling red from green: `safe` runs through several hues and sets orange (below
zero) against blue (above), `hue` uses one hue and lightness alone, `none` has no colours and shades with characters.
"""

from dataclasses import dataclass
from functools import cache

from rich.color import Color
from rich.color_triplet import ColorTriplet

from explorer.paint.spans import SHARE_LEVELS, SIGNED_LEVELS
from explorer.preferences.settings import COLOURS

NAMES = COLOURS

_SHARE = {
    ("safe", True): ("#121a26", "#1c3f73", "#2377a4", "#43b5b5", "#9ddf9f", "#fbf5b2"),
    ("safe", False): ("#ffffff", "#e8f2b8", "#9fd8b6", "#45b0bf", "#2770ad", "#14285c"),
    ("hue", True): ("#121a26", "#d7ebff"),
    ("hue", False): ("#ffffff", "#0b3a6f"),
}
_BELOW = {
    ("safe", True): ("#161b24", "#5c3420", "#b55a28", "#ff9f5c"),
    ("safe", False): ("#f7f7f7", "#fbc99b", "#e87f2f", "#8f3a06"),
    ("hue", True): ("#4a5360", "#161b24"),
    ("hue", False): ("#b9c0c9", "#ffffff"),
}
_ABOVE = {
    ("safe", True): ("#161b24", "#1d4066", "#2b7dbd", "#7cc8ff"),
    ("safe", False): ("#f7f7f7", "#a9d3f2", "#3f8ecb", "#0d3f77"),
    ("hue", True): ("#4a5360", "#d7ebff"),
    ("hue", False): ("#b9c0c9", "#0b3a6f"),
}
_SHADES = " ░░▒▒▒▓▓█"  # for levels from 0 to 8
_SHADES_BELOW = " --==≡≡##"


@dataclass(frozen=True)
class Palette:
    """The colours of heat, on a dark or a light ground."""

    name: str = "safe"
    dark: bool = True

    @property
    def colourful(self) -> bool:
        """True unless levels are shown by characters alone."""
        return self.name != "none"

    def colour(self, scale: str, level: int) -> str:
        """The colour of a level of the scale "share" (0 to 16) or "signed" (-8 to 8), as #rrggbb."""
        return _colour(self.name, self.dark, scale, level)

    def ink(self, ground: str) -> str:
        """Black or white, whichever can be read on that colour."""
        return "#000000" if _luminance(ground) > 0.179 else "#ffffff"

    @staticmethod
    def shade(scale: str, level: int) -> str:
        """The character that stands for a level where there are no colours; below zero it looks different."""
        if scale == "share":
            return _SHADES[round(level * 8 / SHARE_LEVELS)]
        return _SHADES[level] if level >= 0 else _SHADES_BELOW[-level]


@cache
def _colour(name: str, dark: bool, scale: str, level: int) -> str:
    if scale == "share":
        return _along(_SHARE[name, dark], level / SHARE_LEVELS)
    ramp = _BELOW if level < 0 else _ABOVE
    return _along(ramp[name, dark], abs(level) / SIGNED_LEVELS)


def _along(stops: tuple[str, ...], share: float) -> str:
    """The colour at that share of the way through the stops."""
    place = share * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    start, end = (Color.parse(stop).get_truecolor() for stop in stops[index : index + 2])
    rest = place - index
    return ColorTriplet(*(round(a + (b - a) * rest) for a, b in zip(start, end))).hex


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.2."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in Color.parse(colour).get_truecolor().normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
