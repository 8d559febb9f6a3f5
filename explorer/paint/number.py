"""The strip at the bottom: the number under the cursor, where it is, and what computed it."""

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from explorer.paint.spans import Line, Span
from explorer.session import Cell, Session


def number_under_cursor(session: Session, cells: int, height: int) -> list[Line]:
    """Name and place, the value to full precision; below, the formula and the line of code."""
    stage, cell = session.stage, session.cell()
    code = [Span(source(stage.function), "dim")] if stage.function else []
    if cell is None:
        token = session.ids[session.position]
        words = f"token {session.position} of {len(session.ids)}, id {token}"
        return [[Span("tokens ", "bold"), Span(session.label(token) + " ", "here-text"), Span(words)]]
    value = "not computed yet" if cell.value is None else repr(cell.value).replace("-", "−", 1)
    where = [Span(f"{stage.place} ", "bold"), *_place(session, cell), Span(" = "), Span(value, "value")]
    name = f"{cell.name}[{','.join(map(str, cell.index))}]"
    return [where, [Span(f"{name}  ", "dim"), *code]]


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
    """Where a function of `gpt` is written: "gpt/ops.py:113 softmax_row"."""
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        return ""
    path = Path(function.__code__.co_filename)
    return f"{path.parent.name}/{path.name}:{function.__code__.co_firstlineno} {function.__name__}"
