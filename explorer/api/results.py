"""Results that a notebook shows: a table of rows, and a grid of numbers, each short in print however large it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from explorer.errors import UsageError
from explorer.terminal.text import fit, number, width

_ROWS, _COLUMNS = 10, 14
_CELL = 30


@dataclass(frozen=True)
class Table:
    """Rows under named columns. Numbers stay numbers: `table.column("value")` is an array."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)
    note: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __getitem__(self, row: int) -> tuple[Any, ...]:
        return self.rows[row]

    def column(self, name: str) -> np.ndarray:
        """One column as an array; UsageError if there is none of that name."""
        if name not in self.columns:
            raise UsageError(f"there is no column {name!r}: there are {', '.join(self.columns)}.")
        place = self.columns.index(name)
        return np.array([row[place] for row in self.rows])

    def as_dicts(self) -> list[dict[str, Any]]:
        """The rows for pandas, JSON or a loop."""
        return [dict(zip(self.columns, row)) for row in self.rows]

    def lines(self, count: int | None) -> list[str]:
        """The title, the columns and so many rows (None: all) as text."""
        shown = [[_text(value) for value in row] for row in self.rows[:count]]
        sizes = [max(map(width, column)) for column in zip(self.columns, *shown)]
        table = [
            "  ".join(fit(text, size) for text, size in zip(row, sizes)).rstrip() for row in (self.columns, *shown)
        ]
        more = len(self.rows) - len(shown)
        return [self.title, *table, *([f"… {more} more"] if more else []), *([self.note] if self.note else [])]

    def __repr__(self) -> str:
        return "\n".join(self.lines(_ROWS))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(value))}</td>" for value in row) + "</tr>" for row in self.rows[:_ROWS]
        )
        more = len(self.rows) - _ROWS
        rest = f"<p>… {more} more</p>" if more > 0 else ""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"<p>{escape(self.title)}</p><table><tr>{head}</tr>{body}</table>{rest}{note}"


@dataclass(frozen=True)
class Axis:
    """One axis of a grid: its name, and a label for each of its places."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Numbers:
    """An array with names on its axes. NumPy takes it as it is: `np.asarray(grid)`, `grid.values`, `grid[3, 3]`."""

    title: str
    axes: tuple[Axis, ...]
    values: np.ndarray = field(repr=False)
    baseline: float | None = None  # the metric without edits, where it is a sweep

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype=dtype)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def top(self, count: int = 5) -> Table:
        """The places with the largest numbers, whatever their sign."""
        flat = np.nan_to_num(np.abs(self.values)).ravel()
        order = np.argsort(-flat, kind="stable")[:count]
        rows = []
        for place in order:
            index = np.unravel_index(int(place), self.shape)
            labels = [axis.labels[i] for axis, i in zip(self.axes, index)]
            rows.append((*labels, float(self.values[index])))
        return Table(f"{self.title}: the largest", (*(axis.name for axis in self.axes), "value"), tuple(rows))

    def __repr__(self) -> str:
        sizes = " × ".join(f"{len(axis.labels)} {axis.name}s" for axis in self.axes)
        base = "" if self.baseline is None else f", {number(self.baseline, 4, plus='')} without edits"
        return f"{self.title} ({sizes}{base})\n" + "\n".join(repr(self.top()).splitlines()[1:])

    def _repr_html_(self) -> str:
        if len(self.axes) != 2 or max(self.shape) > 60:
            return self.top(_ROWS)._repr_html_()
        rows, columns = self.axes
        head = "".join(f"<th>{escape(fit(label, min(_COLUMNS, width(label))))}</th>" for label in columns.labels)
        largest = float(np.nanmax(np.abs(self.values))) or 1.0
        body = "".join(
            f"<tr><th>{escape(label)}</th>" + "".join(_heat(value, largest) for value in row) + "</tr>"
            for label, row in zip(rows.labels, self.values.tolist())
        )
        return f"<p>{escape(self.title)}</p><table><tr><th></th>{head}</tr>{body}</table>"


def _heat(value: float, largest: float) -> str:
    if value != value:  # nothing was measured there
        return "<td></td>"
    colour = "214,96,77" if value < 0 else "67,147,195"
    return f'<td style="background:rgba({colour},{abs(value) / largest:.2f})">{number(value, 3)}</td>'


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number(value, 4, plus="")
    text = str(value)
    return fit(text, min(width(text), _CELL))


def numbered(name: str, values: Sequence[int]) -> Axis:
    """An axis whose places are called by their numbers."""
    return Axis(name, tuple(map(str, values)))
