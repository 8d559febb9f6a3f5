"""The strip at the bottom: the number under the cursor, its place, its formula, and the line that computed it."""

from collections.abc import Callable
from functools import cache
from typing import Any

from explorer.analysis.difference import Difference
from explorer.paint.map import briefly
from explorer.paint.spans import Line, Span, clipped, length
from explorer.provenance.words import in_words
from explorer.runs.cells import Cell
from explorer.terminal.text import fit, width
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from explorer.walk.why import Look, Why

_TERMS = 3  # of a sum, in its formula


def number_under_cursor(session: Session, cells: int, height: int) -> list[Line]:
    """Name and place, the value to full precision; below, the operation with its numbers, and the line of code.

    While a number is open it is about the one that is chosen there: what is behind the door.
    """
    stage, cell = session.stage, session.cell()
    if session.why:
        return _chosen(session, session.why, cells)
    if cell is None:
        token = session.ids[session.position]
        words = f"token {session.position + 1} of {len(session.ids)} (position {session.position}), id {token}"
        at: Line = [Span("tokens ", "bold"), Span(session.label(token) + " ", "here-text"), Span(words)]
        return [at, [Span(source(stage.function), "dim")]]
    if apart := session.what_if.difference:
        return _apart(session, cell, apart, cells)
    where = [Span(f"{stage.place} ", "bold"), *_place(session, cell)]
    return _lines(session, cell, where, source(stage.function), cells)


def _chosen(session: Session, why: Why, cells: int) -> list[Line]:
    door = why.door if why.look is Look.TERMS else None
    if door and door.at is None:
        return [[Span(door.label, "bold"), Span(" = "), Span(exactly(door.value), "value")]]
    cell = door.at if door and door.at else why.here.cell
    function = session.provenance.explain(cell).function
    return _lines(session, cell, [Span(in_words(cell, session), "bold")], source(function) if function else "", cells)


def _lines(session: Session, cell: Cell, where: Line, code: str, cells: int) -> list[Line]:
    explanation = session.provenance.explain(cell)
    equals = "edited; else = " if session.what_if.edits_at(cell.name) and not explanation.exact else "= "
    formula = f"{equals}{explanation.formula(_TERMS)}" if explanation.terms else ""
    room = max(cells - len(code) - 2, cells // 2)
    below = [Span(fit(formula, min(width(formula), room)) + "  " * bool(formula)), Span(f"{code}  ", "dim")]
    if length(below) + len(str(cell)) <= cells:
        below.append(Span(str(cell), "dim"))
    value = [Span(" = "), Span(exactly(explanation.value), "value")]
    if length([*where, *value]) > cells:  # the number is shown in full
        where = [where[0]._replace(text=briefly(where[0].text)), *where[1:]]
    return [clipped([*where, *value], cells), clipped(below, cells)]


def _apart(session: Session, cell: Cell, apart: Difference, cells: int) -> list[Line]:
    """The number in both runs, and how far they are apart."""
    where = [Span(f"{session.stage.place} ", "bold"), *_place(session, cell), Span(" B − A = ")]
    if not apart.positions(cell.name):
        return [clipped([*where, Span("not computed yet", "value")], cells)]
    a, b = apart.both(cell.name, cell.index)
    where.append(Span(exactly(value_under_cursor(session)), "value"))
    return [clipped(where, cells), clipped([Span(f"A {exactly(a)}   B {exactly(b)}  "), Span(str(cell), "dim")], cells)]


def exactly(value: float | None) -> str:
    """A number to its last bit."""
    return "not computed yet" if value is None else repr(value).replace("-", "−", 1)


def _place(session: Session, cell: Cell) -> list[Span]:
    """The index in words."""
    cursor = session.cursor
    here = Span(session.label(session.ids[session.position]), "here-text")
    head = [Span(f"head {cursor.head} · ")] if "H" in cursor.axes else []
    match cursor.axes[-1:]:
        case "S":
            there = Span(session.label(session.ids[cursor.column]), "here-text")
            return [*head, here, Span(" ← "), there]
        case "V":
            return [here, Span(" → "), Span(session.label(cell.index[-1]), "here-text")]
        case "m":
            return [here, Span(f" · neuron {cursor.column}")]
    part = cursor.part.label if cursor.part and len(session.stage.parts) > 1 else ""
    return [*head, Span(f"{part} " if part else ""), here, Span(f" · dimension {cursor.column}")]


@cache
def source(function: Callable[..., Any]) -> str:
    """The line of `gpt` that does a function's calculating: "gpt/ops.py:142 softmax_row"."""
    from explorer.code.source import place_of  # only when it is asked for: it reads the source

    return place_of(function)
