"""Other models on the screen: listed, opened, compared with."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from explorer.screen.main.background import OPENING
from explorer.screen.opening import OpenOther, Tell
from explorer.walk.session import Session
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.loading.catalogue import ModelEntry
    from explorer.screen.dialogs.models import Choice
    from explorer.screen.main.screen import MainScreen


class Models:
    """The part of the screen that opens another model."""

    def __init__(
        self, screen: "MainScreen", open_other: "OpenOther | None", tell: Tell | None, notes: dict[str, None]
    ) -> None:
        """`open_other` loads a model and reports to `tell`; without it there is only the run that is shown.

        Notes on models come into `notes` as these are opened.
        """
        self.notes = notes
        self._said = set[str]()
        self._screen = screen
        self._open_other = open_other
        self._tell = tell

    def load(self, name: str) -> Session:
        """A session on a model, by its name; GPTError if it cannot be opened."""
        if self._open_other is None or self._tell is None:
            raise GPTError("This is a recorded run: it is walked without a model.")
        return self._open_other(name, self._tell)

    def action_list(self) -> None:
        """List the models that can be opened, in a thread: reading the hub's cache takes a moment."""
        if self._open_other:
            self._screen.run_worker(self._list, thread=True, group=OPENING, exclusive=True)
        else:
            self._screen.notify("This is a recorded run: it is walked without a model.")

    def _list(self) -> None:
        from explorer.loading.catalogue import listing

        self._screen.app.call_from_thread(self._show, listing())

    def _show(self, entries: "Sequence[ModelEntry]") -> None:
        from explorer.screen.dialogs.models import ModelPicker

        self._screen.app.push_screen(ModelPicker(entries, self._screen.header.model_name), self._choose)

    def _choose(self, choice: "Choice | None") -> None:
        if choice is not None and (choice.compare or choice.name != self._screen.header.model_name):
            self._screen.show_status(f"opening {choice.name} …")
            self._screen.run_worker(lambda: self._open(*choice), thread=True, group=OPENING, exclusive=True)

    def _open(self, name: str, compare: bool) -> None:
        assert self._open_other
        worker = get_current_worker()

        def tell(done: int, parts: int, word: str = "loading", /) -> None:
            if worker.is_cancelled:  # another model was chosen meanwhile
                raise GPTError("Another model was chosen.")
            if self._tell:
                self._tell(done, parts, word)

        try:
            session = self._open_other(name, tell)
        except GPTError as error:
            if not worker.is_cancelled:
                self._screen.app.call_from_thread(self.failed, str(error))
        else:
            if not worker.is_cancelled:
                self._screen.app.call_from_thread(self._opened, session, name, compare)

    def say_notes(self) -> None:
        """Show the notes on the model that was opened; the help keeps them."""
        if news := [note for note in self.notes if note not in self._said]:
            self._said.update(news)
            text = "\n".join(f"{note[:1].upper()}{note[1:]}" for note in [*news, "? shows this again."])
            self._screen.app.notify(text, title="About this model", timeout=20)

    def stop(self) -> None:
        """Stop loading another model. Files that were downloaded are kept."""
        if any(worker.is_running for worker in self._screen.workers.cancel_group(self._screen, OPENING)):
            self._screen.show_status("stopped opening it")

    def _opened(self, session: Session, name: str, compare: bool) -> None:
        """Walk the other model, or compare with it."""
        self.say_notes()
        if compare:
            self._screen.middle.view.compare_with(session, name)
        else:
            self._screen.change_model(session, name)

    def failed(self, reason: str) -> None:
        """Say why the other model cannot be opened. The current one stays."""
        self._screen.show_status("")
        title = "This model cannot be opened"
        self._screen.app.notify(reason, title=title, severity="error", timeout=15)
