"""The app: themes and colours, the command palette, and the one screen it opens."""

import gc
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import Event
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

from explorer.screen import replay
from explorer.screen.ahead import prepare
from explorer.screen.guard import is_a_librarys_own
from explorer.screen.main.actions import every_action
from explorer.screen.main.screen import MainScreen
from explorer.screen.messages import Loading, Opened, OpenFailed
from explorer.screen.opening import Opening, OpenModel, OpenOther
from explorer.screen.palette import NAMES, Palette
from explorer.screen.turns import give_way
from explorer.terminal.crash import report
from explorer.terminal.glyphs import one_line, printable
from gpt import GPTError

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

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
        self._palette = 0
        self.crash = ""  # a report, where an error that nobody foresaw ended the program
        for theme in (DARK, LIGHT, CONTRAST, ANSI_DARK, ANSI_LIGHT):
            self.register_theme(theme)

    def get_default_screen(self) -> Screen[object]:
        return self._main  # type: ignore[return-value]

    def on_mount(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.theme = DARK.name
        if os.environ.get("NO_COLOR"):
            self._palette = NAMES.index("none")
        self.theme_changed_signal.subscribe(self, lambda theme: self._restyle())
        self.app_resume_signal.subscribe(self, lambda app: self.refresh(layout=True))  # the shell has written over it
        self.call_after_refresh(self._restyle)
        self.call_after_refresh(self.run_worker, self._open, thread=True, exit_on_error=False)

    def on_unmount(self) -> None:
        self._main.sessions.end()

    def _open(self) -> None:
        give_way(_TO_BEGIN)
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
        if self._opening.recorder:
            self._opening.recorder.begin(*self.size)
        if self._opening.replay:
            self.run_worker(replay.play(self, self._opening.replay, self._opening.speed), group=replay.GROUP)

    def on_open_failed(self, message: OpenFailed) -> None:
        self.exit(message.reason, return_code=1)

    async def on_event(self, event: Event) -> None:
        """Handle an event; a talk shows its keys, and a recording keeps keys and clicks, if there is one."""
        self._main.talk.hear(event)
        if self._opening.recorder:
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
        self.notify("Press q to quit; ctrl+q does it while you type.", title="Do you want to quit?")

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
        index = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(index + 1) % len(THEMES)]

    def action_next_palette(self) -> None:
        self._palette = (self._palette + 1) % len(NAMES)
        self._restyle()
        self.notify(f"Colours: {self._palette_name()}")

    def _palette_name(self) -> str:
        """The name of the palette; "none" with the terminal's own colours, which are too few for heat."""
        return "none" if self.current_theme.ansi else NAMES[self._palette]

    def _restyle(self) -> None:
        self._main.restyle(Palette(self._palette_name(), self.current_theme.dark))

    # The command palette

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that has a key: first those that do something here; and the few that have none."""
        return every_action(self, self._main)
