"""Attention: which token attends to which. A labelled grid for one head, and all heads of the block side by side."""

import math
from collections.abc import Callable

from explorer.paint.spans import Line, Span, part_of, share_level, signed_level, spread_of, window
from explorer.stages import Kind
from explorer.text import fit, number, width
from explorer.walk.session import Session
from gpt.ops import Matrix

Shade = Callable[[float, int, int], str]
"""The style of a number in a row and a column."""

_LABEL = 12
_WIDEST = 8


def scores(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The grid of the chosen head with, where there is room, the others in small; or all heads, larger."""
    cursor = session.cursor
    assert cursor.part
    heads = session.trace.heads(cursor.part.activation)
    shade = _shade(session, heads)
    if cursor.overview:
        return _minis(session, heads, shade, cells, height, halves)
    grid = _grid(session, heads[cursor.head], shade, cells, height)
    rest = height - len(grid) - 1
    minis = _minis(session, heads, shade, cells, rest, halves) if rest >= 5 else []
    return [*grid, [], *minis] if minis else grid


def _shade(session: Session, heads: list[Matrix]) -> Shade:
    """How a number is coloured: shares for a pattern, signed for scores and for what two runs differ by."""
    if session.what_if.difference:
        largest = spread_of([row for head in heads for row in head])
        return lambda value, row, column: (
            "masked" if column > row or math.isinf(value) else f"signed:{signed_level(value, largest)}"
        )
    if session.stage.kind is Kind.PATTERN:
        return lambda value, row, column: f"share:{share_level(value)}" if column <= row else "masked"
    spread = spread_of([row for head in heads for row in head])
    return lambda value, row, column: "masked" if math.isinf(value) else f"signed:{signed_level(value, spread)}"


def _grid(session: Session, rows: Matrix, shade: Shade, cells: int, height: int) -> list[Line]:
    labels, cursor = session.labels(), session.cursor
    margin = min(_LABEL, max(map(width, labels))) + 1
    room = cells - margin
    widest = max(map(width, labels)) + 1
    size = max(1, min(_WIDEST, max(widest, 6), room // len(labels)))
    if size == 1 and len(labels) * 2 > room:
        size = 2  # cells that look square; the window moves with the cursor
    left, right = window(cursor.column, len(labels), room // size)
    top, bottom = window(session.position, len(labels), height - 1)
    if right - left < len(labels) or bottom - top < len(labels):  # a line says so
        top, bottom = window(session.position, len(labels), max(1, height - 2))
    lines = [_header(session, labels, left, right, margin, size, cells)]
    for position in range(top, bottom):
        lit = position == session.position
        label = fit(labels[position], margin - 1, ">") + " "
        line = [Span(label, "here-text" if lit else "dim", ("position", position))]
        if position >= len(rows):
            lines.append([*line, Span("…", "dim")])
            continue
        for column in range(left, min(right, len(rows[position]))):
            value = rows[position][column]
            style = "here" if lit and column == cursor.column else shade(value, position, column)
            line.append(Span(_text(session, value, position, column, size), style, ("cell", position, column)))
        lines.append(line)
    parts = ((bottom - top, "rows"), (right - left, "columns"))
    if words := ", ".join(f"{shown} of {len(labels)} {noun}" for shown, noun in parts if shown < len(labels)):
        lines.append([Span(" " * max(0, min(margin, cells - width(words)))), Span(words, "dim")])
    return lines


def _header(session: Session, labels: list[str], left: int, right: int, margin: int, size: int, cells: int) -> Line:
    """The keys' names; where the columns are too narrow for them, the cursor's alone."""
    column = session.cursor.column
    if size >= 4:
        names = [
            Span(fit(labels[i], size - 1, ">", mark="") + " ", "here-text" if i == column else "dim", ("position", i))
            for i in range(left, right)
        ]
        return [Span(" " * margin), *names]
    offset = margin + (column - left) * size
    name = labels[column]
    if offset + 1 + width(name) > cells and width(name) <= offset:  # at the right edge the name comes first
        return [Span(" " * (offset - width(name))), Span(name + "▾", "here-text")]
    return [Span(" " * offset), Span("▾" + name, "here-text")]


def _text(session: Session, value: float, position: int, column: int, size: int) -> str:
    """A number as well as it fits the cell."""
    apart = session.what_if.difference is not None
    if size < 3 or (size < 4 and session.stage.kind is Kind.PATTERN):
        return "·".ljust(size) if column > position and session.stage.kind is Kind.PATTERN else " " * size
    if math.isinf(value) or (column > position and (apart or session.stage.kind is Kind.PATTERN)):
        text = number(value) if math.isinf(value) and size > 3 else "·"
    elif session.stage.kind is Kind.PATTERN and apart:
        text = number(100 * value, 0) if abs(value) >= 0.005 else "0"
    elif session.stage.kind is Kind.PATTERN:
        text = "1.0" if value >= 0.995 else f"{value:.2f}"[1:]
    else:
        text = next((t for d in (2, 1, 0) if width(t := number(value, d, plus="")) < size), "")
    return fit(text, size - 1, ">") + " "


def remark(session: Session) -> Line:
    """The row under the cursor in words."""
    cursor = session.cursor
    row = session.trace.matrix(f"blocks.{session.stage.layer}.attn.hook_pattern", cursor.head)[session.position]
    if session.what_if.difference:
        changed = max(range(len(row)), key=lambda column: abs(row[column]))
        name = Span(session.label(session.ids[changed]), "here-text")
        return [Span("Changed most: what it listens to "), name, Span(f" ({number(row[changed], 2)}).")]
    most = max(range(len(row)), key=row.__getitem__)
    here, there = (session.label(session.ids[position]) for position in (session.position, most))
    return [
        Span(here, "here-text"),
        Span(f" in head {cursor.head} listens most to "),
        Span(there, "here-text"),
        Span(f" ({row[most]:.2f})."),
    ]


def _minis(session: Session, heads: list[Matrix], shade: Shade, cells: int, height: int, halves: bool) -> list[Line]:
    """Every head of the block as a small picture, in rows of as many as fit."""
    tall = 2 if halves else 1
    known = len(heads[0])
    size, per_row = _mini_size(known, len(heads), cells, height - 1, tall)
    name = len(f"head {len(heads) - 1}")
    slot = max(size, name) + (2 if per_row * (max(size, name) + 2) <= cells + 2 else 1)
    first, _ = window(session.position, known, size)
    deep = max(1, (height - 1) // (-(-size // tall) + 1))
    shown, last = window(session.cursor.head, len(heads), per_row * deep)
    which = part_of(shown, last, len(heads), "heads of this block") or "all heads of this block"
    where = part_of(first, first + size, known, "tokens", "positions")
    lines: list[Line] = [[Span(f"{which}{where and ' · '}{where}", "dim")]]
    for start in range(shown, last, per_row):
        group = range(start, min(start + per_row, last))
        for row in range(first, first + size, tall):
            lines.append(
                [span for head in group for span in _mini_row(heads[head], row, first, size, shade, tall, head, slot)]
            )
        lines.append([_name(head, slot, head == session.cursor.head) for head in group])
    return lines


def _mini_size(known: int, heads: int, cells: int, height: int, tall: int) -> tuple[int, int]:
    """How many tokens each small picture shows, and how many pictures stand in a row: the most tokens that all fit."""
    for size in range(known, 0, -1):
        per_row = min(heads, max(1, (cells + 1) // (max(size, len(f"head {heads - 1}")) + 1)))
        rows = -(-heads // per_row)
        if rows * (-(-size // tall) + 1) <= height and size <= cells:
            return size, per_row
    return min(known, max(1, (height - 1) * tall)), min(heads, max(1, (cells + 1) // 7))


def _mini_row(rows: Matrix, row: int, first: int, size: int, shade: Shade, tall: int, head: int, slot: int) -> Line:
    """One line of a small picture; of two rows of numbers where they share cells."""

    def style(row: int, column: int) -> str:
        return "masked" if row >= first + size else shade(rows[row][column], row, column)

    line: Line = []
    for column in range(first, first + size):
        top = style(row, column)
        if tall == 2:
            line.append(_pair(top, style(row + 1, column), head))
        else:
            line.append(Span(" ", top, ("head", head)))
    return [*line, Span(" " * (slot - size))]


def _pair(top: str, bottom: str, head: int) -> Span:
    """Two levels of one scale in one cell; what is masked shows the ground."""
    (scale, _, upper), (other, _, lower) = top.partition(":"), bottom.partition(":")
    if not upper and not lower:
        return Span(" ", "", ("head", head))
    return Span("▀", f"{scale if upper else other}:{upper}/{lower}", ("head", head))


def _name(head: int, slot: int, lit: bool) -> Span:
    return Span(fit(f"head {head}", slot), "here-text" if lit else "dim", ("head", head))
