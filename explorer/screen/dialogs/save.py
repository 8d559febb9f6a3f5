"""How to save what is seen: how much of it, as which kind of file, under which name."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.screen.dialogs.problem import Problem
from explorer.screen.panes.pane import literal
from explorer.screen.widgets.field import Field
from gpt import GPTError

WHATS = {"picture": "this picture", "pane": "this pane", "screen": "the whole screen"}
KINDS = {"svg": "SVG", "png": "PNG", "txt": "text", "csv": "CSV", "json": "JSON"}
NUMBERS = ("csv", "json")
"""The kinds that hold the numbers of the picture, whole, however much of the screen is chosen."""


class Choice(NamedTuple):
    """How much of the screen, and the kind of file."""

    what: str
    kind: str


class SaveDialog(ModalScreen[bool]):
    """Up and down choose how much, left and right the kind; enter saves, y copies it, tab edits the name."""

    AUTO_FOCUS = ""  # the arrows choose
    BINDINGS = [
        Binding("escape,q", "dismiss(False)", "Leave", id="save.leave"),
        Binding("up", "what(-1)", "Less of the screen", id="save.less"),
        Binding("down", "what(1)", "More of the screen", id="save.more"),
        Binding("left", "kind(-1)", "The kind of file before", id="save.before"),
        Binding("right", "kind(1)", "The next kind of file", id="save.next"),
        Binding("enter", "save", "Save it", id="save.save"),
        Binding("y", "copy", "Copy it", id="save.copy"),
        Binding("tab", "name", "Edit the name", id="save.name", priority=True),
    ]

    def __init__(
        self,
        choice: Choice,
        folder: str,
        name_for: Callable[[Choice], str],
        save: Callable[[Choice, str], None],
        copy: Callable[[Choice], None],
    ) -> None:
        """`save` gets the choice and the file's name, `copy` the choice; both may raise GPTError."""
        super().__init__()
        self._what = choice.what if choice.what in WHATS else "picture"
        self._kind = choice.kind if choice.kind in KINDS else "svg"
        self._name_for, self._save, self._copy = name_for, save, copy
        self._folder = folder
        self._named = False  # the name was edited

    @property
    def choice(self) -> Choice:
        return Choice(self._what, self._kind)

    def compose(self) -> ComposeResult:
        with Vertical(id="save", classes="dialog") as dialog:
            dialog.border_title = literal("Save" if self._folder == "." else f"Save in {self._folder}")
            dialog.border_subtitle = "enter saves · y copies · tab name · esc leaves"
            yield Static(id="save-what", markup=False)
            yield Static(id="save-kind", markup=False)
            yield Field(id="save-name", select_on_focus=False)
            yield Problem()

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        """Show what is chosen."""
        numbers = self._kind in NUMBERS
        whats = Text("↑↓  ")
        for what, words in WHATS.items():
            _add(whats, words, what == self._what and not numbers, dim=numbers)
        kinds = Text("←→  ")
        for kind, words in KINDS.items():
            _add(kinds, words, kind == self._kind)
        if numbers:
            kinds.append("  all numbers of the picture", "dim")
        self.query_one("#save-what", Static).update(whats)
        self.query_one("#save-kind", Static).update(kinds)
        if not self._named:
            self.query_one(Field).show_text(self._name_for(self.choice))
        self.query_one(Problem).update("")

    def action_what(self, by: int) -> None:
        names = list(WHATS)
        self._what = names[max(0, min(names.index(self._what) + by, len(names) - 1))]
        self._show()

    def action_kind(self, by: int) -> None:
        names = list(KINDS)
        self._kind = names[(names.index(self._kind) + by) % len(names)]
        field = self.query_one(Field)
        if self._named and Path(field.typed).suffix:
            field.show_text(str(Path(field.typed).with_suffix(f".{self._kind}")))
        self._show()

    def action_name(self) -> None:
        """To the name, or back to the choices."""
        field = self.query_one(Field)
        self.set_focus(None if field.has_focus else field)

    def on_input_submitted(self) -> None:
        self.action_save()

    def on_input_changed(self, event: Field.Changed) -> None:
        typed = self.query_one(Field).typed
        self._named = typed != self._name_for(self.choice)
        ending = Path(typed).suffix.lower().removeprefix(".")
        if self._named and ending in KINDS and ending != self._kind:  # an ending that is typed says the kind
            self._kind = ending
            self._show()

    def action_save(self) -> None:
        self._do(lambda: self._save(self.choice, self.query_one(Field).typed))

    def action_copy(self) -> None:
        self._do(lambda: self._copy(self.choice))

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except GPTError as error:
            self.query_one(Problem).show(error)
        else:
            self.dismiss(True)


def _add(line: Text, words: str, chosen: bool, dim: bool = False) -> None:
    """A choice in its line; the one that is chosen has a mark, for eyes without colours."""
    line.append(f"{'▸' if chosen else ' '}{words} ", "reverse bold" if chosen else "dim" if dim else "")
    line.append(" ")
