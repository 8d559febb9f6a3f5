"""The model picker: the embedded models, those in the hub's cache, and those that can be downloaded."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import JustifyMethod
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable

from explorer.loading.catalogue import ModelEntry
from explorer.terminal.text import printable

COLUMNS = ("model", "", "size", "layers", "heads", "wide", "parameters")


class Choice(NamedTuple):
    """A model, and whether to compare with it rather than to open it."""

    name: str
    compare: bool


class ModelPicker(ModalScreen[Choice | None]):
    """Enter opens the model under the cursor, b compares with it; Escape leaves everything as it is."""

    BINDINGS = [
        Binding("escape,m,q", "dismiss(None)", "Leave", id="models.leave"),
        Binding("b", "compare", "Compare this run with the model's", id="models.compare"),
    ]

    def __init__(self, entries: Sequence[ModelEntry], current: str) -> None:
        super().__init__()
        self._entries = entries
        self._current = current

    def compose(self) -> ComposeResult:
        with Vertical(id="models", classes="dialog") as dialog:
            dialog.border_title = "Models"
            dialog.border_subtitle = "enter opens it · b compares with it · the prompt stays · esc leaves"
            yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for column in COLUMNS:
            table.add_column(column)
        for entry in self._entries:
            table.add_row(*(Text(cell, justify=justify) for cell, justify in cells(entry)), key=entry.name)
        names = [entry.name for entry in self._entries]
        if self._current in names:
            table.move_cursor(row=names.index(self._current))
        table.focus()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        assert event.row_key.value
        self.dismiss(Choice(event.row_key.value, compare=False))

    def action_compare(self) -> None:
        if self._entries:
            self.dismiss(Choice(self._entries[self.query_one(DataTable).cursor_row].name, compare=True))


def cells(entry: ModelEntry) -> list[tuple[str, JustifyMethod]]:
    """The cells of a model's row, each with its alignment; empty where a value is not known."""

    def count(value: int | None) -> str:
        return "" if value is None else str(value)

    return [
        (printable(entry.name), "left"),
        (entry.state, "left"),
        (f"{entry.size / 1e6:,.0f} MB" if entry.size else "", "right"),
        (count(entry.layers), "right"),
        (count(entry.heads), "right"),
        (count(entry.width), "right"),
        (f"{entry.parameters / 1e6:,.1f}M" if entry.parameters else "", "right"),
    ]
