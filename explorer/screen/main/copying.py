"""The screen as a command: shown in a dialog, and copied."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen


class Copying:
    """The part of the screen that says how to get here again."""

    def __init__(self, screen: "MainScreen", first: str) -> None:
        """`first`: the first model as the command line named it; "" where that is not known."""
        self._screen = screen
        self._first = first
        self._shown_as = screen.header.model_name

    def action_open(self) -> None:
        """Show the screen as a command and as Python, and copy the command."""
        screen, session = self._screen, self._screen.ready
        if session is None:
            return
        if session.recorded:
            screen.notify("This is a recorded run: `gpt-explorer open FILE` opens it again.")
            return
        from explorer.screen.dialogs.copied import CopiedDialog  # only now: recipes know every view
        from explorer.views.recipes.copied import copied
        from explorer.views.recipes.recipe import Shown

        name = screen.header.model_name
        model = self._first if self._first and name == self._shown_as else name
        opened = screen.tours.visiting.opened_now()
        screen.app.push_screen(CopiedDialog(copied(Shown(session, opened, screen.view, model))))
