"""A grid with a number in every cell, for prompts that are short enough: rows look at columns, all names in full."""

import math

from explorer.paint.pictures.score_cells import HeadScores
from explorer.paint.spans import Line, Span, length, marked
from explorer.terminal.text import fit, number, width

_LEAST = 4  # cells of a column


def number_grid(head: HeadScores, cells: int, height: int) -> list[Line] | None:
    """The grid with its legend; None where the names or the numbers have no room."""
    count = len(head.labels)
    if count * _LEAST >= cells or count + 2 > height:
        return None
    margin = max(map(width, head.labels)) + 1
    for digits in (2,) if head.shares else (2, 1):
        columns = _columns(head, digits)
        if margin + sum(columns) <= cells:
            return _lines(head, margin, columns, digits, cells)
    return None


def _columns(head: HeadScores, digits: int) -> list[int]:
    """The widths of the columns: room for the name and for every number."""
    widths = []
    for column, label in enumerate(head.labels):
        texts = [_text(head, row, column, digits) for row in range(head.known) if column < len(head.row(row))]
        widths.append(max(width(label), *map(width, texts), 2) + 1)
    return widths


def _text(head: HeadScores, row: int, column: int, digits: int) -> str:
    value = head.row(row)[column]
    if head.causal and column > row:
        return number(value) if math.isinf(value) else "·"
    return head.text(value, digits)


def _lines(head: HeadScores, margin: int, columns: list[int], digits: int, cells: int) -> list[Line]:
    names: Line = [Span(" " * margin)]
    for column, label in enumerate(head.labels):
        style = "here-text" if column == head.column else "dim"
        names.append(Span(fit(label, columns[column] - 1, ">") + " ", style, ("column", column)))
    lines = [names]
    for row, label in enumerate(head.labels):
        here = row == head.position
        line = [Span(fit(label, margin - 1, ">") + " ", "here-text" if here else "dim", ("position", row))]
        if row >= head.known:
            lines.append([*line, Span("…", "dim")])
            continue
        for column in range(len(head.row(row))):
            text = fit(_text(head, row, column, digits), columns[column] - 1, ">") + " "
            cell = Span(text, head.style(head.row(row)[column], row, column), ("cell", row, column))
            line.append(marked(cell) if here and column == head.column else cell)
        lines.append(line)
    return [*lines, *with_axes(head, margin, cells)]


def with_axes(head: HeadScores, margin: int, cells: int) -> list[Line]:
    """The legend, and what rows and columns are; on a line each where they have no room on one."""
    words = "rows look at columns"
    legend: Line = head.legend(cells - margin - len(words) - 3)
    size = length(legend)
    if size + len(words) + 3 > cells:
        legend = head.legend(cells)
        size = length(legend)
        return [[Span(" " * max(0, min(margin, cells - size))), *legend], [Span(words, "dim")]]
    return [[Span(" " * max(0, min(margin, cells - size - len(words) - 3))), *legend, Span(f"   {words}", "dim")]]
