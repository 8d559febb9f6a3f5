"""A table of signed numbers: in figures on colours where all columns fit, else in colours with one row in figures.

Where the columns are in the order of their sizes, those that fit are in figures: the others are small."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from explorer.paint.row import Entry, labelled_bars
from explorer.paint.spans import Action, Line, Span, clipped, marked, signed_level, window
from explorer.terminal.text import fit, token_at, width
from explorer.views.parts import beyond, row_mark, side_by_side

CELL = 0
"""The first number of a click on a cell; its row and its column follow."""

_FIGURE = 6  # cells for a number in figures, and more where numbers are longer
_BARS = 30  # cells that a row in figures needs beside a thumbnail
_ARROWS = 18  # cells for the stretch of columns that a thumbnail shows
_BOTH = 110  # cells from where a row in figures stands beside the columns that fit
_LEAST_ROW = 4  # lines for a row in figures under the table: a title, two numbers, and the others


@dataclass(frozen=True)
class Heatmap:
    """A table to draw: the names of rows and columns, the numbers, and where the cursor is."""

    rows: Sequence[str]
    columns: Sequence[str]
    value: Callable[[int, int], float | None]  # None: not known yet, or no such place
    text: Callable[[float], str]
    row: int
    column: int
    origin: float = 0.0  # the number that has no colour
    corner: str = ""  # over the names of the rows
    unit: str = ""  # of the figures in the row that stands alone
    word: str = ""  # before the name of a column that stands alone
    missing: str = "·"
    chosen_by_click: bool = True
    most: float | None = None  # where the colours end, if not at the largest number
    by_size: bool = False  # the columns are in the order of their sizes

    @cached_property
    def spread(self) -> float:
        """The largest distance from the origin: the end of the colours."""
        if self.most is not None:
            return self.most
        return max((abs(value - self.origin) for value in self.values if math.isfinite(value)), default=0.0)

    def action(self, row: int, column: int) -> Action | None:
        """The action of a click on a cell."""
        return ("view", CELL, row, column) if self.chosen_by_click else None

    @cached_property
    def values(self) -> list[float]:
        """All numbers that are known."""
        found = (self.value(row, column) for row in range(len(self.rows)) for column in range(len(self.columns)))
        return [value for value in found if value is not None]


def heatmap(table: Heatmap, cells: int, height: int) -> list[Line]:
    """The table, and beside or below it the chosen row in figures where there is room."""
    label, size = _label(table, cells), _size(table, cells)
    count, spread = len(table.columns), table.spread
    if size:
        beside = cells - label - count * size - 3
        grid = _cells(table, range(count), label, size, height, spread)
        if beside >= _BARS:
            return side_by_side(grid, chosen_row(table, beside, height), cells - beside)
        rest = height - len(grid) - 1
        below = [[], *chosen_row(table, cells, rest)] if rest >= _LEAST_ROW and count > 1 else []
        return [*grid, *below]
    if table.by_size:
        return _largest_columns(table, cells, height)
    room = max(1, min(count * 2, cells - label - _BARS - 3))
    size = 2 if room >= count * 2 else 1
    columns = range(*window(table.column, count, room // size))
    grid = _cells(table, columns, label, size, height, spread)
    used = label + max(len(columns) * size, _ARROWS) + 2
    return side_by_side(grid, chosen_row(table, cells - used, height), used)


def _largest_columns(table: Heatmap, cells: int, height: int) -> list[Line]:
    """As many columns in figures as fit around the chosen one; beside them the chosen row, where there is room."""
    label, count, size = _label(table, cells), len(table.columns), _figure(table) + 1
    bars = _BARS + 3 if cells >= _BOTH else 0
    stretch = range(*window(table.column, count, max(1, (cells - label - bars) // size)))
    grid = _cells(table, stretch, label, size, height, table.spread)
    used = label + len(stretch) * size + 2
    return side_by_side(grid, chosen_row(table, cells - used, height), used) if bars else grid


def _label(table: Heatmap, cells: int) -> int:
    longest = max(map(width, (table.corner, *table.rows)), default=0)
    return min(longest + 2, max(9, cells // 4))


def _size(table: Heatmap, cells: int) -> int:
    """How wide a column in figures is: its name whole if it can be; 0 where they do not fit."""
    count, room = len(table.columns), cells - _label(table, cells)
    if count * _FIGURE > room:
        return 0
    figure = _figure(table)
    whole = max(figure + 1, *(width(name) + 1 for name in table.columns))
    if count * whole <= room:
        return whole
    return room // count if count * figure <= room else 0


def _figure(table: Heatmap) -> int:
    """How many cells the longest number needs, and one between two."""
    ends = (min(table.values), max(table.values)) if table.values else ()
    return max([_FIGURE, *(width(table.text(value)) + 1 for value in ends)])


def _cells(table: Heatmap, columns: range, label: int, size: int, height: int, spread: float) -> list[Line]:
    """The numbers in colour, and in figures where a column has room for them."""
    top, bottom = window(table.row, len(table.rows), max(1, height - 1))
    before, after = beyond(columns.start, columns.stop, len(table.columns))
    corner = table.corner
    if size > 2:
        room = label - width(corner) - 2
        arrows = "  ".join(filter(None, (before, after)))
        if width(arrows) > room:
            arrows = "".join(sign for sign in arrows if sign in "←→")
        corner += fit(arrows, room + 1, ">") if arrows and width(arrows) <= room else ""
        names: Line = [
            Span(fit(table.columns[column], size - 1, ">") + " ", "here-text" if column == table.column else "dim")
            for column in columns
        ]
    else:
        names = [Span(f"{before} {columns.start}–{columns.stop - 1} {after}".strip(), "dim")]
    lines: list[Line] = [[Span(fit(corner, label), "dim"), *names]]
    for row in range(top, bottom):
        here = row == table.row
        name = fit(table.rows[row], label - 2) + row_mark(row, top, bottom, len(table.rows)) + " "
        line = [Span(name, "here-text" if here else "dim")]
        for column in columns:
            span = _span(table, row, column, size, spread)
            line.append(marked(span) if here and column == table.column else span)
        lines.append(line)
    return lines


def _span(table: Heatmap, row: int, column: int, size: int, spread: float) -> Span:
    value, action = table.value(row, column), table.action(row, column)
    if value is None:
        text = fit(table.missing, size - 1, ">") + " " if size > 1 else table.missing
        return Span(text, "dim", action)
    text = fit(table.text(value), size - 1, ">") + " " if size > 2 else " " * size
    return Span(text, f"signed:{signed_level(value - table.origin, spread)}", action)


def chosen_row(table: Heatmap, cells: int, height: int) -> list[Line]:
    """The numbers of the chosen row, the largest first."""
    entries: list[Entry] = []
    here: int | None = None
    for column in range(len(table.columns)):
        value = table.value(table.row, column)
        if value is None:
            continue
        if column == table.column:
            here = len(entries)
        name = table.word + token_at(column, list(table.columns))
        entries.append(Entry(name, value - table.origin, table.action(table.row, column)))
    title = [Span(table.rows[table.row], "bold"), Span(f"  {table.unit}" if table.unit else "", "dim")]
    if not entries:
        return [clipped(line, cells) for line in (title, [Span("nothing here yet", "dim")])][:height]
    rows = labelled_bars(
        entries,
        cells,
        height - 1,
        current=here,
        text=lambda value: table.text(value + table.origin),
        of_rest=partial(_rest, table),
    )
    return [clipped(line, cells) for line in [title, *rows]]


def _rest(table: Heatmap, values: Sequence[float]) -> tuple[str, tuple[str, ...]]:
    """The one of largest size among those that are not shown: a sum of them would mean nothing."""
    largest = max((value for value in values if math.isfinite(value)), key=abs, default=math.nan)
    return table.text(largest + table.origin), ("at most, in size", "at most")
