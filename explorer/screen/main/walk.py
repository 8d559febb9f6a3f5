"""The main screen: the walk through one forward pass, and what its keys, its mouse and its prompt do."""

from typing import Any

from textual import events
from textual.widgets import TextArea

from explorer.screen.dialogs.help import Help
from explorer.screen.dialogs.settings import SettingsDialog
from explorer.screen.main.keys import BINDINGS
from explorer.screen.main.looking import LookingScreen
from explorer.screen.messages import Clicked, PromptAbandoned, PromptSubmitted, Scrolled
from explorer.screen.widgets.canvas import Canvas
from explorer.screen.widgets.prompt import Prompt
from gpt import GPTError


class WalkScreen(LookingScreen):
    """The walk."""

    BINDINGS = BINDINGS

    # The prompt

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self._read_typed()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Prompt):
            self._stop_playing()
            self._read_typed()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A prompt that was left unfinished stays in its line; the tokens are again those of the run."""
        if isinstance(event.widget, Prompt) and self._typed is not None:
            self._typed = None
            self._status = "unfinished prompt · / goes on with it"
            self.repaint()

    def _read_typed(self) -> None:
        """What the text being typed would become; nothing while it is the one that runs."""
        session, prompt = self.session, self.query_one(Prompt)
        if session is None or not prompt.has_focus:
            return
        self._typed = None
        if prompt.value != session.text:
            try:
                self._typed = session.tokenizer.encode(prompt.value)
            except GPTError:
                self._typed = []  # said when it is submitted
        count = len(session.ids if self._typed is None else self._typed)
        self.show_status(f"{count} of {session.config.n_positions} tokens · enter runs it · esc drops it")
        self.query_one("#tokens", Canvas).repaint()

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        if self.session is None:  # the model is not there yet: this is what it will run
            self._prompt = message.text
            self.set_focus(None)
        elif self.run_prompt(message.text):
            self._leave_prompt()

    def on_prompt_abandoned(self, message: PromptAbandoned) -> None:
        self._leave_prompt()

    def _leave_prompt(self) -> None:
        self._typed = None
        self._status = ""
        self.query_one(Prompt).show_text(self.session.text if self.session else self._prompt)
        self.set_focus(None)
        self.repaint()

    # What the keys do

    def on_clicked(self, message: Clicked) -> None:
        kind, *numbers = message.action
        if kind == "cell":
            self.action_go("position", numbers[0])
            self.action_go("column", numbers[1])
        elif kind in ("term", "trail"):
            self.click_why(message.action)
        elif kind == "view":
            self.click_view(*numbers)
        elif kind == "settings":
            self.action_settings()
        elif kind == "edits":
            self.action_what_if()
        elif kind == "overview":
            self.action_overview()
        else:
            self.action_go(kind, numbers[0])

    def on_scrolled(self, message: Scrolled) -> None:
        """The wheel: stages on the map and on the rail, tokens elsewhere."""
        self.action_move("stage" if message.canvas in ("map", "rail") else "position", message.by)

    def action_move(self, what: str, by: int) -> None:
        """Move the cursor's stage, block, position, head, column or part."""
        self._on_cursor(f"move_{what}", by)

    def action_go(self, what: str, to: int) -> None:
        self._on_cursor(f"go_to_{what}", to)

    def action_overview(self) -> None:
        self._on_cursor("toggle_overview")

    def _on_cursor(self, move: str, *arguments: Any) -> None:
        if self.session and self.session.ids:
            getattr(self.session.cursor, move)(*arguments)
            self.session.code = None
            if self.session.why:
                self.session.ask_why()
            self.repaint()

    def action_picture(self) -> None:
        pane = self.query_one("#picture")
        self.set_focus(None if pane.has_focus else pane)

    def action_prompt(self) -> None:
        self._stop_playing()
        self.query_one(Prompt).type_on()

    def action_copy(self) -> None:
        try:
            value = self.session.value() if self.session and self.session.ids else None
        except GPTError as error:  # probabilities that cannot be worked out
            self.notify(str(error), severity="warning", markup=False)
            return
        if value is not None:
            self.app.copy_to_clipboard(repr(value))
            self.notify(f"Copied {value!r}", markup=False)

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_settings(self) -> None:
        if self.session:
            self.app.push_screen(SettingsDialog(self.session), lambda changed: self.repaint())
