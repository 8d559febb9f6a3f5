"""Looking at the run in other ways: what the keys do in a view."""

from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.dialogs.what_if import WhatIfDialog
from explorer.screen.main.asking import AskingScreen
from explorer.views.view import View
from explorer.views.views import make
from explorer.walk.session import Session
from explorer.walk.what_if import toggle_all
from gpt import GPTError

_NO_REASON = "A difference of two runs is no run's number: esc, and it opens in the run itself."


class LookingScreen(AskingScreen):
    """A screen on which a view can take the picture's place. Views keep what they found for the session."""

    def __init__(self, prompt: str, model_name: str) -> None:
        super().__init__(prompt, model_name)
        self._views: dict[str, View] = {}

    def action_view(self, name: str) -> None:
        """Show a view, or, if it is the one that is shown, the stage again."""
        session = self.session
        if session is None or not session.ids:
            return
        if name not in self._views or self._views[name].session is not session:
            self._views[name] = make(name, session)
        if name != "compare":  # the others look at the run itself
            session.show(None)
        session.why = session.code = None
        self.view = None if self.view is self._views[name] else self._views[name]
        self.repaint()

    def action_why(self) -> None:
        if self.session and self.session.what_if.difference:
            self.notify(_NO_REASON)
        else:
            super().action_why()

    def action_code(self) -> None:
        if self.session and self.session.what_if.difference:
            self.notify(_NO_REASON)
        else:
            super().action_code()

    # What if

    def action_what_if(self) -> None:
        """Ask what is to be changed; the edits are listed there too."""
        session = self.session
        if session is None or not session.ids:
            return
        if session.recorded:
            self.notify("This is a recorded run: there is no model that could run it edited.")
        elif session.cursor.part is None and not len(session.what_if.edits):
            self.notify("There are no numbers here yet: → goes on to where they begin.")
        else:
            self._stop_playing()
            session.show(None)  # edits are made in the run itself
            self.repaint()
            self.app.push_screen(WhatIfDialog(session, self.edit))

    def action_undo_edit(self) -> None:
        if self.session and len(self.session.what_if.edits):
            self.change_edits(lambda edits: edits.undo())

    def action_toggle_edits(self) -> None:
        """All edits off; or, where all are off, on again."""
        if self.session and len(self.session.what_if.edits):
            self.change_edits(toggle_all)

    # Views

    def compare_with(self, other: Session, name: str) -> None:
        """Hold this run against that of another model with the same tokenizer."""
        session = self.session
        if session is None or not session.ids:
            return
        self.show_status("")
        try:
            session.compare_with(other, name)
        except GPTError as error:
            self.notify(str(error), title="These models cannot be compared", severity="warning", markup=False)
            return
        self.view = None
        self.action_view("compare")

    def action_leave_view(self) -> None:
        self.view = None
        self.repaint()

    def action_view_move(self, across: int, down: int) -> None:
        """Move the cursor of the view."""
        self._in_view("move", across, down)

    def action_view_do(self, what: str) -> None:
        """Enter what is chosen, or show it in another way."""
        if self.view and self.session and what == "enter" and self.view.asks:
            other = self.session.what_if.other
            dialog = AskDialog(self.view.asks, other.text if other else self.session.text, self.view.take)
            self.app.push_screen(dialog, lambda taken: self.repaint())
            return
        self._in_view(what)

    def click_view(self, *numbers: int) -> None:
        self._in_view("click", *numbers)

    def _in_view(self, what: str, *arguments: int) -> None:
        if self.view is None:
            return
        try:
            missing = self.session.what_if.missing if self.session else []
            if getattr(self.view, what)(*arguments):
                self.view = None
            if self.session and self.session.what_if.missing != missing:  # an edit was made there
                self.follow_edits(missing)
        except GPTError as error:
            self.notify(str(error), severity="warning", markup=False)
        self.repaint()
