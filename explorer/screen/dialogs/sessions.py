"""Sessions to open: those that were kept by themselves, the latest first, and the path of any other."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from explorer.screen.dialogs.problem import Problem
from explorer.screen.widgets.field import Field
from explorer.sessions.store import Kept
from explorer.terminal.glyphs import one_line
from gpt import GPTError


class SessionList(ModalScreen[Path | None]):
    """Enter opens the one under the cursor, or the file that is typed; Escape leaves everything as it is."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Leave", id="sessions.leave")]

    def __init__(self, kept: Sequence[Kept], check: Callable[[Path], object]) -> None:
        """`check` raises GPTError where a file is no session."""
        super().__init__()
        self._kept = kept
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(id="sessions", classes="dialog") as dialog:
            dialog.border_title = "Open a session"
            dialog.border_subtitle = "enter opens it · tab: the list, or a file · esc leaves"
            if self._kept:
                yield OptionList(*map(_line, self._kept), compact=True)
            yield Field("", id="path")
            yield Problem()

    def on_mount(self) -> None:
        self.query_one(Field).placeholder = "or the path of a file"
        if self._kept:
            options = self.query_one(OptionList)
            options.highlighted = 0
            options.focus()
        else:
            self.query_one(Field).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._take(self._kept[event.option_index].path)

    def on_input_submitted(self) -> None:
        typed = self.query_one(Field).typed.strip()
        if typed:
            self._take(Path(os.path.expanduser(typed)))

    def _take(self, path: Path) -> None:
        try:
            self._check(path)
        except GPTError as error:
            self.query_one(Problem).show(error)
            return
        self.dismiss(path)


def _line(kept: Kept) -> Option:
    """The time and the words of one, in a line."""
    when = datetime.fromtimestamp(kept.time)
    return Option(Text(one_line(f"{when:%d %b %H:%M}  {kept.words}"), no_wrap=True, overflow="ellipsis"))
