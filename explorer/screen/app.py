"""The app: themes and colours, the command palette, and the one screen it opens."""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import get_current_worker

from explorer.crash import report
from explorer.glyphs import one_line, printable
from explorer.screen.ahead import prepare
from explorer.screen.guard import is_a_librarys_own
from explorer.screen.main.keys import SECTIONS
from explorer.screen.main.screen import MainScreen
from explorer.screen.messages import Loading, Opened, OpenFailed, OtherFailed, OtherOpened
from explorer.screen.palette import NAMES, Palette
from explorer.screen.save_picture import save_picture
from explorer.screen.turns import give_way
from explorer.walk.session import Session
from gpt import GPTError

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from explorer.loading.catalogue import ModelEntry
    from explorer.screen.dialogs.models import Choice

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
THEMES = (DARK.name, LIGHT.name, "ansi-dark", "ansi-light")

SWITCH_INTERVAL = 0.0005  # seconds after which the computing thread lets the screen's thread run
_TO_BEGIN = 1.0  # seconds: the longest time that loading waits for the first frame


class Tell(Protocol):
    """Called with progress: parts done, parts in all, and "loading" or "downloading"."""

    def __call__(self, done: int, parts: int, word: str = "loading", /) -> None: ...


OpenModel = Callable[[Tell], Session]
"""Loads the model, and reports progress."""

OpenOther = Callable[[str, Tell], Session]
"""Loads another model by its name in the list of models, and reports progress."""


class ExplorerApp(App[str]):
    """GPT Explorer on the screen. It returns a message if the model could not be opened."""

    CSS_PATH = "explorer.tcss"
    TITLE = "GPT Explorer"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [
        Binding("ctrl+z", "suspend_process", "Suspend: back to the shell, fg comes back", show=False, id="app.suspend")
    ]

    def __init__(
        self, open_model: OpenModel, prompt: str, model_name: str, open_other: OpenOther | None = None
    ) -> None:
        super().__init__()
        self._open_model = open_model
        self._open_other = open_other
        self._main = MainScreen(prompt, model_name)
        self._palette = 0
        self.crash = ""  # a report, where an error that nobody foresaw ended the program
        self.register_theme(DARK)
        self.register_theme(LIGHT)

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

    def on_open_failed(self, message: OpenFailed) -> None:
        self.exit(message.reason, return_code=1)

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

    # Other models

    def action_models(self) -> None:
        """List the models that can be opened, in a thread: reading the hub's cache takes a moment."""
        if self._open_other:
            self.run_worker(self._list_models, thread=True, group="models", exclusive=True)
        else:
            self.notify("This is a recorded run: it is walked without a model.")

    def _list_models(self) -> None:
        from explorer.loading.catalogue import listing

        self.call_from_thread(self._show_models, listing())

    def _show_models(self, entries: "Sequence[ModelEntry]") -> None:
        from explorer.screen.dialogs.models import ModelPicker

        self.push_screen(ModelPicker(entries, self._main.header.model_name), self._change_model)

    def _change_model(self, choice: "Choice | None") -> None:
        if choice is not None and (choice.compare or choice.name != self._main.header.model_name):
            self._main.show_status(f"opening {choice.name} …")
            self.run_worker(lambda: self._open_another(*choice), thread=True, group="models", exclusive=True)

    def _open_another(self, name: str, compare: bool) -> None:
        assert self._open_other
        worker = get_current_worker()

        def tell(done: int, parts: int, word: str = "loading", /) -> None:
            if worker.is_cancelled:  # another model was chosen meanwhile
                raise GPTError("Another model was chosen.")
            self._tell(done, parts, word)

        try:
            session = self._open_other(name, tell)
        except GPTError as error:
            if not worker.is_cancelled:
                self.post_message(OtherFailed(str(error)))
        else:
            if not worker.is_cancelled:
                self.post_message(OtherOpened(session, name, compare))

    def on_stop_opening(self) -> None:
        """Stop loading another model. Files that were downloaded are kept."""
        if any(worker.is_running for worker in self.workers.cancel_group(self, "models")):
            self._main.show_status("stopped opening it")

    def on_other_opened(self, message: OtherOpened) -> None:
        if message.compare:
            self._main.compare_with(message.session, message.name)
            return
        self._main.change_model(message.session, message.name)

    def on_other_failed(self, message: OtherFailed) -> None:
        """Say why the other model cannot be opened. The current one stays."""
        self._main.show_status("")
        self.notify(message.reason, title="This model cannot be opened", severity="error", timeout=15, markup=False)

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
        """Every action that has a key, and the few that have none."""
        for section, bindings in SECTIONS.items():
            for binding in bindings:
                run = _runner(self, self._main, binding.action)
                yield SystemCommand(binding.tooltip, f"{section} · key {self.get_key_display(binding)}", run)
        for count in (5, 20, 50):
            yield SystemCommand(f"Draw {count} tokens", "Next token", _runner(self, self._main, f"draw({count})"))
        yield SystemCommand("Choose a theme", "Program", self.action_change_theme)
        yield SystemCommand("Save a picture of the screen", "Program · as SVG", lambda: save_picture(self))


def _runner(app: App[str], main: MainScreen, action: str) -> Callable[[], None]:
    """A function that runs an action of the main screen, once the palette is closed."""

    def run() -> None:
        app.call_later(main.run_action, action)

    return run
