"""The app: themes and colours, the command palette, and the one screen it opens.

Its first frame is drawn before most of the program is imported. Keys and clicks wait until the screen is there.
"""

import asyncio
import gc
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import Event, InputEvent, Paste
from textual.notifications import SeverityLevel
from textual.screen import Screen

from explorer.preferences.preferences import Preferences
from explorer.preferences.problem import in_brief
from explorer.screen.ahead import prepare
from explorer.screen.appearance import Appearance
from explorer.screen.first_frame import FirstFrame
from explorer.screen.guard import is_a_librarys_own
from explorer.screen.messages import Loading, Opened, OpenFailed
from explorer.screen.opening import Opening, OpenModel, OpenOther
from explorer.screen.themes import OWN
from explorer.screen.turns import give_way
from explorer.terminal import pressed
from explorer.terminal.crash import report
from explorer.terminal.glyphs import one_line, printable
from gpt import GPTError

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from explorer.screen.main.screen import MainScreen

SWITCH_INTERVAL = 0.0005  # seconds after which the computing thread lets the screen's thread run
_MAIN = "main"  # the mode, as Textual calls a stack of screens, that follows the first frame
_A_MOMENT = 0.02  # seconds between two keys that waited
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
        open_other: "OpenOther | None" = None,
        opening: Opening | None = None,
    ) -> None:
        super().__init__()
        self._open_model, self._open_other = open_model, open_other
        self._prompt, self._model_name = prompt, model_name
        self._opening = opening or Opening()
        self._main: MainScreen | None = None
        # Keys and clicks that come before the screen
        self._waiting: list[Event] | None = [] if self._opening.rest else None
        self.failure: GPTError | None = None  # of what the opening asks for
        self.crash = ""  # a report, where an error that nobody foresaw ended the program
        for theme in OWN:
            self.register_theme(theme)
        self.preferences = self._opening.preferences or Preferences()
        self._appearance = Appearance(self, self.preferences)
        # Before a style sheet is read: a change would read them again.
        self.set_reactive(ExplorerApp.theme, self._appearance.first_theme())
        self.stylesheet.set_variables(self.get_css_variables())
        if self._opening.rest is None:
            self._main = self._made()

    def _made(self) -> "MainScreen":
        """The screen, with the keys as the person has set them. Most of the program is imported only now."""
        from explorer.screen import keymap
        from explorer.screen.main.screen import MainScreen

        self.keys = keymap.resolved(self.preferences)
        pressed.use(self.keys.displayed(self.get_key_display))
        return MainScreen(self._prompt, self._model_name, self._opening, self._open_other, self._tell)

    @property
    def main(self) -> "MainScreen":
        """The screen, which is there soon after the first frame."""
        assert self._main
        return self._main

    def get_default_screen(self) -> Screen[object]:
        return self._main or FirstFrame(self._prompt, self._model_name)  # type: ignore[return-value]

    def on_mount(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._appearance.begin()
        self.theme_changed_signal.subscribe(self, lambda theme: self._take_theme())
        self.app_resume_signal.subscribe(self, lambda app: self.refresh(layout=True))  # the shell has written over it
        self.call_after_refresh(self._enter)

    async def _enter(self) -> None:
        """Behind the first frame: open the screen, if another one is in its place, and the model."""
        if self._opening.rest:
            try:
                self._opening.rest()
            except GPTError as error:
                self.failure = error
                self.exit(return_code=1)
                return
            self._main = self._made()
            self.add_mode(_MAIN, lambda: self.main)
            await self.switch_mode(_MAIN)
        self.set_keymap(self.keys.keymap)
        self._restyle()
        self.call_after_refresh(self.run_worker, self._open, thread=True, exit_on_error=False)
        if self._waiting is not None:
            await self._let_in(self._waiting)

    async def _let_in(self, waiting: list[Event]) -> None:
        """Handle the keys and clicks that waited, one after the other."""
        await asyncio.sleep(_A_MOMENT)  # until those that came during the import are among them
        for event in waiting:  # meanwhile more may come
            if self._exit:
                return
            await self._take(event)
            await asyncio.sleep(_A_MOMENT)  # the next key goes to where this one moves the focus
        self._waiting = None

    def on_unmount(self) -> None:
        if self._main:
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
        self.main.show_status(f"{message.word} {message.done / max(message.parts, 1):.0%}")

    def on_opened(self, message: Opened) -> None:
        gc.freeze()  # the weights stay: searching them for garbage would take 40 ms each time
        self.main.begin(message.session)
        if self.preferences.problems:
            self.notify(in_brief(self.preferences.problems), title="Your settings", severity="warning", timeout=20)
        self.main.models.say_notes()
        if self._opening.recorder:
            self._opening.recorder.begin(*self.size)
        if self._opening.replay:
            from explorer.screen import replay

            self.run_worker(replay.play(self, self._opening.replay, self._opening.speed), group=replay.GROUP)

    def on_open_failed(self, message: OpenFailed) -> None:
        self.exit(message.reason, return_code=1)

    async def on_event(self, event: Event) -> None:
        """Handle an event; keys and clicks wait for the screen."""
        if self._waiting is not None and isinstance(event, InputEvent | Paste) and not event.is_forwarded:
            self._waiting.append(event)
        else:
            await self._take(event)

    async def _take(self, event: Event) -> None:
        """Handle an event; a talk shows its keys, and a recording keeps keys and clicks, if there is one."""
        if self._main:
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
        if self._main is None:  # it takes the colours up when it comes
            return
        from explorer.screen.palette import Palette

        self._main.restyle(Palette(self._appearance.palette_name, self.current_theme.dark))

    # The command palette

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that has a key: first those that do something here; and the few that have none."""
        from explorer.screen.main.actions import every_action

        return every_action(self, self.main)
