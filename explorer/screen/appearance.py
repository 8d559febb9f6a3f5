"""The theme and the colours: which the screen begins with, and that what is chosen on it is remembered."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.preferences import remembered
from explorer.preferences.preferences import Preferences
from explorer.preferences.settings import COLOURS
from explorer.screen.themes import DARK, THEMES, short_name, theme_named

if TYPE_CHECKING:
    from explorer.screen.app import ExplorerApp

THEME, PALETTE = "theme", "colours"


class Appearance:
    """The looks of the app. A choice made on the screen is kept, unless a variable or an option has the last word."""

    def __init__(self, app: "ExplorerApp", preferences: Preferences) -> None:
        self._app = app
        self._preferences = preferences
        self._colours = COLOURS[0]
        self._shown = ""  # the theme that was taken up last

    @property
    def palette_name(self) -> str:
        """The name of the palette; "none" with the terminal's own colours, which are too few for heat."""
        return "none" if self._app.current_theme.ansi else self._colours

    def begin(self) -> None:
        """Take up the looks that are wanted; NO_COLOR is over all that is said about colours."""
        self._app.theme = self._shown = self.first_theme()
        colours = wanted(self._preferences, PALETTE, COLOURS[0])
        self._colours = "none" if os.environ.get("NO_COLOR") else colours if colours in COLOURS else COLOURS[0]

    def first_theme(self) -> str:
        """The theme that is wanted; one that there is not is left out, and said."""
        check_theme(self._preferences)
        return theme_named(wanted(self._preferences, THEME, short_name(DARK.name)))

    def next_theme(self) -> str:
        """The theme after this one."""
        here = self._app.theme
        return THEMES[(THEMES.index(here) + 1 if here in THEMES else 0) % len(THEMES)]

    def keep_theme(self) -> None:
        """Remember the theme, if it is another one than was taken up."""
        if self._app.theme != self._shown:
            self._shown = self._app.theme
            self._keep(THEME, short_name(self._shown))

    def next_colours(self) -> None:
        """The colours after these, remembered."""
        self._colours = COLOURS[(COLOURS.index(self._colours) + 1) % len(COLOURS)]
        self._keep(PALETTE, self._colours)

    def _keep(self, name: str, chosen: str) -> None:
        held = self._preferences.held.get(name)
        if held is None or held.from_file:
            remembered.keep_look(name, chosen, self._preferences.value(name))


def wanted(preferences: Preferences, name: str, default: str) -> str:
    """The theme or the colours to begin with: those of a variable or an option, else the choice made on the screen,
    while it is later than the file, else those of the file."""
    held = preferences.held.get(name)
    said = preferences.value(name)
    if held is None or held.from_file:
        chosen = remembered.look(name, said)
        if chosen is not None and _is_known(name, chosen):
            return chosen
    return default if said is None else str(said)


def _is_known(name: str, chosen: str) -> bool:
    """Whether there still is a theme of that name."""
    check: Callable[[str], Any] = theme_named if name == THEME else COLOURS.index
    try:
        check(chosen)
    except ValueError:
        return False
    return True


def check_theme(preferences: Preferences) -> None:
    """Leave a theme out that there is not."""
    said = preferences.value(THEME)
    try:
        theme_named(said or DARK.name)
    except ValueError as error:
        preferences.leave_out(THEME, f"{error} The theme is left out.")
