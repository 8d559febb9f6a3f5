"""Editing the run: the keys for it, and the computing after a change."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from explorer.edits import Edits
from explorer.runs.trace import Trace
from explorer.terminal.pressed import key as pressed
from explorer.walk.what_if import toggle_all
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen


class Editing:
    """The part of the screen that changes the edits and has everything downstream computed again."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen

    def action_open(self) -> None:
        """Open the dialog that makes edits and lists them."""
        session = self._screen.ready
        if session is None:
            return
        if session.recorded:
            self._screen.notify("This is a recorded run: there is no model that could run it edited.")
        elif session.cursor.part is None and not len(session.what_if.edits):
            self._screen.notify(
                f"There are no numbers here yet: {pressed('stage.forward', '→')} goes on to where they begin."
            )
        else:
            self._screen.playback.stop()
            session.show(None)  # edits are made in the run itself
            self._screen.repaint()
            from explorer.screen.dialogs.what_if import WhatIfDialog

            self._screen.app.push_screen(WhatIfDialog(session, self.edit))

    def action_undo(self) -> None:
        """Undo the last edit."""
        self._change_any(lambda edits: edits.undo())

    def action_toggle(self) -> None:
        """Switch all edits off; where all are off, on again."""
        self._change_any(toggle_all)

    def _change_any(self, move: Callable[[Edits], object]) -> None:
        """Change the edits, where there are any."""
        session = self._screen.session
        if session and len(session.what_if.edits):
            self.change(move)

    def change(self, move: Callable[[Edits], object]) -> None:
        """Change the edits, or show why that cannot be done."""
        try:
            self.edit(move)
        except GPTError as error:
            title = "This edit cannot be made"
            self._screen.notify(str(error), title=title, severity="warning", timeout=10)

    def edit(self, move: Callable[[Edits], object]) -> None:
        """Change the edits and compute everything downstream; on EditError everything stays as it was."""
        session = self._screen.session
        assert session
        missing = session.what_if.missing
        session.edit(move)
        self.follow(missing)

    def follow(self, missing: Sequence[Trace]) -> None:
        """Compute what is missing after a change of the edits, unless the same was `missing` before."""
        screen = self._screen
        assert screen.session
        if screen.session.what_if.missing != missing or not screen.background.computing:
            screen.background.cancel()
            screen.show_status("")
            screen.runs.compute()
        screen.repaint()
