"""The app: themes and colours, the command palette, and the one screen it opens."""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.app import App, SystemCommand
from textual.dom import DOMNode
from textual.events import Event
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import get_current_worker

from explorer.screen import replay
from explorer.screen.ahead import prepare
from explorer.screen.guard import is_a_librarys_own
from explorer.screen.main.keys import SECTIONS
from explorer.screen.main.screen import MainScreen
from explorer.screen.messages import Loading, Opened, OpenFailed, OtherFailed, OtherOpened
from explorer.screen.opening import Opening
from explorer.screen.palette import NAMES, Palette
from explorer.screen.turns import give_way
from explorer.teaching.tours import shipped
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
        self._open_other = open_other
        self._opening = opening or Opening()
        open_session = (lambda name: open_other(name, self._tell)) if open_other else None
        self._main = MainScreen(prompt, model_name, self._opening, open_session)
        self._palette = 0
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
        self.call_after_refresh(self._restyle)
        self.call_after_refresh(self.run_worker, self._open, thread=True, exit_on_error=False)

    def _open(self) -> None:
        give_way(_TO_BEGIN)
        prepare()
        try:
            self.post_message(Opened(self._open_model(self._tell)))
        except GPTError as error:
            self.post_message(OpenFailed(str(error)))

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
        """Handle an event; keys and clicks are written to the recording, if there is one."""
        if self._opening.recorder:
            replay.record(self._opening.recorder, event, self._main)
        await super().on_event(event)

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
        """Every action that has a key, the tours, and the few actions that have none."""
        for section, bindings in SECTIONS.items():
            for binding in bindings:
                run = self._runner(binding.action)
                yield SystemCommand(binding.tooltip, f"{section} · key {self.get_key_display(binding)}", run)
        for tour in shipped():
            start = partial(self._main.tours.start, tour)
            yield SystemCommand(f"Tour: {tour.title}", f"Tours · {tour.minutes} minutes", start)
        for count in (5, 20, 50):
            yield SystemCommand(f"Draw {count} tokens", "Next token", self._runner(f"draw({count})"))
        yield SystemCommand("Choose a theme", "Program", self.action_change_theme)
        yield SystemCommand("Save a picture of the screen", "Program · as SVG", self.deliver_screenshot)

    def _runner(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self._main.run_action, action)

        return run
