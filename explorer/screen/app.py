"""The app: themes and colours, the command palette, and the one screen it opens."""

import gc
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import Event
from textual.notifications import SeverityLevel
from textual.screen import Screen

from explorer.preferences.preferences import Preferences
from explorer.preferences.problem import in_brief
from explorer.screen import keymap
from explorer.screen.ahead import prepare
from explorer.screen.appearance import Appearance
from explorer.screen.guard import is_a_librarys_own
from explorer.screen.main.actions import every_action
from explorer.screen.main.screen import MainScreen
from explorer.screen.messages import Loading, Opened, OpenFailed
from explorer.screen.opening import Opening, OpenModel, OpenOther
from explorer.screen.palette import Palette
from explorer.screen.themes import OWN
from explorer.screen.turns import give_way
from explorer.terminal import pressed
from explorer.terminal.crash import report
from explorer.terminal.glyphs import one_line, printable
from gpt import GPTError

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

SWITCH_INTERVAL = 0.0005  # seconds after which the computing thread lets the screen's thread run
_TO_BEGIN = 1.0  # seconds: the longest time that loading waits for the first frame


class ExplorerApp(App[str]):
    """GPT Explorer on the screen. It returns a message if the model could not be opened."""

    CSS_PATH = "explorer.tcss"
    TITLE = "GPT Explorer"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [
        Binding("ctrl+z", "suspend_process", "Suspend: back to the shell, fg comes back", show=False, id="app.suspend")
    ]

    def __init__(
        self,
        open_model: OpenModel,
        prompt: str,
        model_name: str,
        open_other: OpenOther | None = None,
        opening: Opening | None = None,
    ) -> None:
        super().__init__()
        self._open_model = open_model
        self._opening = opening or Opening()
        self._main = MainScreen(prompt, model_name, self._opening, open_other, self._tell)
        self.crash = ""  # a report, where an error that nobody foresaw ended the program
        for theme in OWN:
            self.register_theme(theme)
        self.preferences = self._opening.preferences or Preferences()
        self.keys = keymap.resolved(self.preferences)
        pressed.use(self.keys.displayed(self.get_key_display))
        self._appearance = Appearance(self, self.preferences)
        # Before a style sheet is read: a change would read them again.
        self.set_reactive(ExplorerApp.theme, self._appearance.first_theme())
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> Screen[object]:
        return self._main  # type: ignore[return-value]

    def on_mount(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.set_keymap(self.keys.keymap)
        self._appearance.begin()
        self.theme_changed_signal.subscribe(self, lambda theme: self._take_theme())
        self.app_resume_signal.subscribe(self, lambda app: self.refresh(layout=True))  # the shell has written over it
        self.call_after_refresh(self._restyle)
        self.call_after_refresh(self.run_worker, self._open, thread=True, exit_on_error=False)

    def on_unmount(self) -> None:
        self._main.sessions.end()

    def _open(self) -> None:
        give_way(_TO_BEGIN)
        gc.enable()  # the command that opens the screen stops it until the first frame
        prepare()
        try:
            self.post_message(Opened(self._open_model(self._tell)))
        except GPTError as error:
            self.post_message(OpenFailed(str(error)))
        except Exception as error:  # nobody waits for what this thread gives
            self.call_from_thread(self._handle_exception, error)

    def _tell(self, done: int, parts: int, word: str = "loading", /) -> None:
        give_way()
        self.post_message(Loading(done, parts, word))

    def on_loading(self, message: Loading) -> None:
        self._main.show_status(f"{message.word} {message.done / max(message.parts, 1):.0%}")

    def on_opened(self, message: Opened) -> None:
        gc.freeze()  # the weights stay: searching them for garbage would take 40 ms each time
        self._main.begin(message.session)
        if self.preferences.problems:
            self.notify(in_brief(self.preferences.problems), title="Your settings", severity="warning", timeout=20)
        self._main.models.say_notes()
        if self._opening.recorder:
            self._opening.recorder.begin(*self.size)
        if self._opening.replay:
            from explorer.screen import replay

            self.run_worker(replay.play(self, self._opening.replay, self._opening.speed), group=replay.GROUP)

    def on_open_failed(self, message: OpenFailed) -> None:
        self.exit(message.reason, return_code=1)

    async def on_event(self, event: Event) -> None:
        """Handle an event; a talk shows its keys, and a recording keeps keys and clicks, if there is one."""
        self._main.talk.hear(event)
        if self._opening.recorder:
            from explorer.screen import replay

            replay.record(self._opening.recorder, event, self._main)
        await super().on_event(event)

    def pop_screen(self) -> AwaitComplete:
        """Close the dialog on top; nothing where there is none: its key was pressed twice before it closed."""
        if len(self.screen_stack) > 1:
            return super().pop_screen()
        return AwaitComplete.nothing()  # type: ignore[no-untyped-call]

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run the action of a key. One that fails inside a library's own widget is logged and ignored."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            if not is_a_librarys_own(error):
                raise
            self.log.error(f"{action} was ignored: {error!r}")
            return True

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice, literally: whatever is quoted in it cannot command the terminal."""
        super().notify(printable(message), title=one_line(title), severity=severity, timeout=timeout, markup=False)

    def action_help_quit(self) -> None:
        """Say how to quit, on ctrl+c: it is for copying. (Textual's own notice has markup.)"""
        self.notify(
            f"Press {pressed.key('quit', 'q')} to quit; ctrl+q does it while you type.", title="Do you want to quit?"
        )

    def _handle_exception(self, error: Exception) -> None:
        """End on an unforeseen error, with a report. Textual's own lists variables, and so the prompt."""
        self._return_code = 1
        if self._exception is None:  # Pilot raises it again
            self._exception = error
            self._exception_event.set()
        self.crash = self.crash or report(error)
        self._close_messages_no_wait()

    # Colours

    def action_next_theme(self) -> None:
        self.theme = self._appearance.next_theme()

    def action_next_palette(self) -> None:
        self._appearance.next_colours()
        self._restyle()
        self.notify(f"Colours: {self._appearance.palette_name}")

    def _take_theme(self) -> None:
        self._appearance.keep_theme()
        self._restyle()

    def _restyle(self) -> None:
        self._main.restyle(Palette(self._appearance.palette_name, self.current_theme.dark))

    # The command palette

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that has a key: first those that do something here; and the few that have none."""
        return every_action(self, self._main)
