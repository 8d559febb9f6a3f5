"""The themes: those of the program, and every other one by its name."""

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

from explorer.preferences.problem import meant
from explorer.terminal.glyphs import quoted

DARK = Theme(
    name="explorer-dark",
    primary="#79c7ff",
    secondary="#5fc9c0",
    accent="#ffd166",
    success="#8fdc9b",
    warning="#ffb86b",
    error="#ff8f8f",
    foreground="#d6deea",
    background="#0c1017",
    surface="#111722",
    panel="#1b2433",
    dark=True,
)
LIGHT = Theme(
    name="explorer-light",
    primary="#0b63a5",
    secondary="#0b7a75",
    accent="#7a1fa2",
    success="#1d7a35",
    warning="#9a5b00",
    error="#b3261e",
    foreground="#1c232d",
    background="#fbfbf9",
    surface="#f1f2ee",
    panel="#e2e5e0",
    dark=False,
)
CONTRAST = Theme(
    name="explorer-contrast",
    primary="#5fe0ff",
    secondary="#7dffb0",
    accent="#ffff00",
    success="#5cff8a",
    warning="#ffa93a",
    error="#ff8080",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#003a8c",
    dark=True,
)
"""High contrast, without grey: what is less important is white, what is dimmed is blue."""

ANSI_DARK = replace(
    BUILTIN_THEMES["ansi-dark"],
    primary="ansi_bright_blue",
    accent="ansi_yellow",
    warning="ansi_bright_red",
    error="ansi_bright_red",
)
ANSI_LIGHT = replace(
    BUILTIN_THEMES["ansi-light"],
    secondary="ansi_bright_black",
    success="ansi_blue",
    warning="ansi_red",
)
"""The terminal's own colours, those of the sixteen that can be read on its ground."""

THEMES = (DARK.name, LIGHT.name, CONTRAST.name, "ansi-dark", "ansi-light")

OWN = (DARK, LIGHT, CONTRAST, ANSI_DARK, ANSI_LIGHT)
"""The themes that the app registers."""

SHORT = {theme.name.removeprefix("explorer-"): theme.name for theme in OWN}
"""Their names in a person's settings: "dark" is "explorer-dark"."""


def theme_named(name: str) -> str:
    """The theme that a name stands for; ValueError, with the one that was probably meant, if there is none."""
    if name in SHORT:
        return SHORT[name]
    if name in SHORT.values() or name in BUILTIN_THEMES:
        return name
    guess = meant(name, dict.fromkeys([*SHORT, *BUILTIN_THEMES]))
    raise ValueError(f"there is no theme {quoted(name)}.{guess} There are {', '.join(SHORT)}, and Textual's own.")


def short_name(theme: str) -> str:
    """The name of a theme in a person's settings."""
    return theme.removeprefix("explorer-")
