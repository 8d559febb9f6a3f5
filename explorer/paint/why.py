"""The pane that opens a number: what it is, how it was made, and the trail of numbers that led here."""

from collections.abc import Callable
from typing import Any

from explorer.paint.number import exactly, source
from explorer.paint.path import path
from explorer.paint.spans import Line, Span, clipped, length, marked, part_of, shortened, signed_level, window, wrapped
from explorer.paint.terms import operation, single, table
from explorer.provenance.explanation import Explanation
from explorer.provenance.names import TOKENS
from explorer.provenance.words import brief, in_words
from explorer.runs.cells import Cell
from explorer.terminal.text import fit, width
from explorer.walk.session import Session
from explorer.walk.why import Look, Why

_BY_TOKEN = ("wte.weight", "lm_head.weight")  # matrices with a row for each token
_LEAST_CODE = 5  # lines of it, or it is left out
_CHIP = 32  # cells for a number on the trail at the most


def why(session: Session, cells: int, height: int) -> list[Line]:
    """The number that is open, with its terms, or the whole trail."""
    asked = session.why
    if asked is None:
        return []
    if asked.look is Look.PATH:
        return [clipped(line, cells) for line in path(session, asked, cells, height)]
    explanation = asked.explanation
    head, trail = _head(session, explanation, cells), _trail(session, asked, cells)
    room = height - len(head) - len(trail) - 1
    body = shortened(_body(session, asked, explanation, cells, room), room)
    if explanation.function and room - len(body) >= _LEAST_CODE:
        body += [[], *code_of(explanation.function, cells, room - len(body) - 1)]
    filling: list[Line] = [[]] * (height - len(head) - len(body) - len(trail))
    return [clipped(line, cells) for line in (*head, *body, *filling, *trail)]


def _head(session: Session, explanation: Explanation, cells: int) -> list[Line]:
    """The number, and what made it."""
    name, value = Span(in_words(explanation.cell, session), "bold"), Span(exactly(explanation.value), "value")
    whole = [name, Span(" = "), value]
    lines = [whole] if length(whole) <= cells else [[name], [Span("= "), value]]
    if explanation.function:
        lines += _briefly(wrapped(operation(session, explanation), cells, "accent"), cells)
        lines.append([Span(source(explanation.function), "dim")])
    return [*lines, []]


def _briefly(lines: list[Line], cells: int) -> list[Line]:
    """The first two lines, and a mark where there are more."""
    return lines if len(lines) <= 2 else [lines[0], clipped([*lines[1], *lines[2]], cells)]


def _body(session: Session, asked: Why, explanation: Explanation, cells: int, height: int) -> list[Line]:
    if not explanation.terms:
        return _not_computed(session, explanation, cells, height)
    paint = single if len(explanation.terms) == 1 else table
    return paint(session, asked, explanation, cells, height)


def code_of(function: Callable[..., Any], cells: int, height: int) -> list[Line]:
    """The lines of Python that computed it, the one that does the calculating lit."""
    from explorer.code.source import calculating_line, source_of  # only now: it reads the source
    from explorer.paint.code import source_lines

    line = calculating_line(function)
    return source_lines(source_of(function), range(line, line + 1), cells, height)


def _not_computed(session: Session, explanation: Explanation, cells: int, height: int) -> list[Line]:
    """A token that was typed, a weight that was learned, or what is still to come."""
    cell = explanation.cell
    if explanation.value is None:
        return wrapped("Not recorded in this file." if session.recorded else "Not computed yet.", cells, "dim")
    if cell.name == TOKENS:
        words = f"Token {int(explanation.value)} of the vocabulary, at position {cell.index[0]}: it was typed."
        return [*wrapped(words, cells), [], *wrapped("Nothing lies behind it: it was not computed.", cells, "dim")]
    words = "Learned in training: nothing computed it. Here it is among its neighbours in the checkpoint."
    return [*wrapped(words, cells), [], *_neighbours(session, cell, cells, height - 4)]


def _neighbours(session: Session, cell: Cell, cells: int, height: int) -> list[Line]:
    """The weights around one in its matrix; of a vector, those beside it."""
    provenance = session.provenance
    rows, columns = (1, *provenance.shape(cell.name))[-2:]
    row, column = (0, *cell.index)[-2:]
    top, bottom = window(row, rows, min(height - 1, 13))
    left, right = window(column, columns, max(1, (cells - 9) // 3))

    def at(r: int, c: int) -> float:
        return provenance.value(Cell(cell.name, (r, c)[-len(cell.index) :])) or 0.0

    values = [[at(r, c) for c in range(left, right)] for r in range(top, bottom)]
    spread = max(abs(value) for line in values for value in line) or 1.0
    parts = part_of(top, bottom, rows, "rows"), part_of(left, right, columns, "columns")
    lines: list[Line] = [[Span(" · ".join(filter(None, parts)) or f"all {columns} columns", "dim")]]
    for r, line in enumerate(values, top):
        name = session.label(r) if cell.name in _BY_TOKEN else str(r) if rows > 1 else ""
        spans = [Span(fit(name, 8, ">") + " ", "here-text" if r == row else "dim")]
        for c, value in enumerate(line, left):
            spot = Span("   ", f"signed:{signed_level(value, spread)}")
            spans.append(marked(spot) if (r, c) == (row, column) else spot)
        lines.append(spans)
    return lines


def _trail(session: Session, asked: Why, cells: int) -> list[Line]:
    """The numbers from the first to the last, the open one lit; as many as fit around it."""
    chips = [_chip(session, visit.cell) for visit in asked.visits]
    sizes = [width(chip) + 5 for chip in chips]
    first, last, room = asked.at, asked.at + 1, cells - 6 - sizes[asked.at]
    while True:  # first the numbers before it, then those after it
        if first and sizes[first - 1] <= room:
            first -= 1
            room -= sizes[first]
        elif last < len(chips) and sizes[last] <= room:
            room -= sizes[last]
            last += 1
        else:
            break
    line: Line = [Span("… ← ", "dim")] if first else []
    for index in range(first, last):
        line += [Span(" ← ", "dim")] if index > first else []
        line.append(Span(f" {chips[index]} ", "here" if index == asked.at else "chip", ("trail", index)))
    return [[], [*line, Span(" ← …", "dim")] if last < len(chips) else line]


def _chip(session: Session, cell: Cell) -> str:
    name = brief(cell, session)
    return fit(name, min(width(name), _CHIP))
