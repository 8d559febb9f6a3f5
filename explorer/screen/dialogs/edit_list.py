"""The list of edits in the dialog: one a line, switched off and on, or removed."""

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Label, OptionList

from explorer.edits import Edits
from explorer.walk.session import Session

Change = Callable[[Callable[[Edits], object]], object]
"""Changes the edits by a function that gets them; shows the error, and changes nothing, where that cannot be done."""


class EditList(Vertical):
    """The edits of a session, the newest last, below a line that names the keys."""

    BINDINGS = [
        Binding("space", "switch", "Switch it off, or on", id="what_if.toggle"),
        Binding("delete,backspace", "remove", "Remove it", id="what_if.remove"),
    ]

    def __init__(self, session: Session, change: Change) -> None:
        super().__init__(id="edits")
        self.options = OptionList(id="stack", compact=True)
        self._session = session
        self._change = change
        self._title = Label("", id="stack-title", markup=False)

    def compose(self) -> ComposeResult:
        yield from (self._title, self.options)

    def show_edits(self) -> None:
        """Bring the list up to date; the same line stays chosen."""
        edits, lines = self._session.what_if.edits, self._session.what_if.lines(self._session.labels())
        at = self.options.highlighted or 0
        marks = ["●" if entry.on else "○" for entry in edits]
        self.options.clear_options()
        self.options.add_options([Text(f"{mark} {line}") for mark, line in zip(marks, lines)])
        self.options.highlighted = min(at, len(lines) - 1) if lines else None
        self.options.display = bool(lines)
        title = "Edits · space switches one off and on · ⌫ removes it · u undoes the last" if lines else "No edits yet."
        self._title.update(title)

    def action_switch(self) -> None:
        """Switch the chosen edit off, or on again."""
        at = self.options.highlighted
        if at is not None:
            self._change(lambda edits: edits.toggle(at))

    def action_remove(self) -> None:
        """Remove the chosen edit."""
        at = self.options.highlighted
        if at is not None:
            self._change(lambda edits: edits.remove(at))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_switch()
