"""All heads of a block: each a small picture with its name, and the chosen head's row in bars."""

from explorer.paint.pictures.score_cells import HeadScores
from explorer.paint.pictures.score_grid import with_axes
from explorer.paint.pictures.score_row import least_cells, row_in_bars
from explorer.paint.spans import Line, Span, clipped, length, part_of, window
from explorer.terminal.text import counted, fit, width
from explorer.walk.session import Session

_LEAST = 24  # cells for the small pictures


def all_heads(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The small pictures, and beside them, or below, the row that the chosen head gives to the query."""
    chosen = HeadScores(session, session.cursor.head)
    bars = max(least_cells(chosen), min(44, cells // 3))
    title: Line = [Span(f"head {chosen.head}: ", "here-text")]
    if cells - bars - 2 >= _LEAST:
        left = small_pictures(session, cells - bars - 2, height, halves)
        row = row_in_bars(chosen, bars - 1, max(4, height))
        return beside(left, [[*title, *row[0]], *row[1:]], cells - bars - 2)
    row = row_in_bars(chosen, cells, max(3, height // 3))
    return [*small_pictures(session, cells, height - len(row), halves), [*title, *row[0]], *row[1:]]


def beside(left: list[Line], right: list[Line], cells: int, gap: int = 2) -> list[Line]:
    """Two pictures next to each other, the first in so many cells."""
    lines: list[Line] = []
    for index in range(max(len(left), len(right))):
        first = clipped(left[index], cells) if index < len(left) else []
        second = right[index] if index < len(right) else []
        lines.append([*first, Span(" " * (cells + gap - length(first))), *second] if second else first)
    return lines


def small_pictures(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """Every head of the block as a small picture, in rows of as many as fit."""
    tall = 2 if halves else 1
    heads = [HeadScores(session, head) for head in range(session.config.n_head)]
    known = heads[0].known
    axes = with_axes(heads[0], 0, cells)
    room = height - 2 - len(axes)
    size, per_row = _size(known, len(heads), cells, room, tall)
    name = len(f"head {len(heads) - 1}")
    slot = max(size, name) + (2 if per_row * (max(size, name) + 2) <= cells + 2 else 1)
    first, _ = window(session.position, known, size)
    deep = max(1, room // (-(-size // tall) + 1))
    shown, last = window(session.cursor.head, len(heads), per_row * deep)
    which = part_of(shown, last, len(heads), "heads of this block") or "all heads of this block"
    where = _tokens(heads[0], first, size, cells)
    title = f"{which} · {where}"
    said = [title] if width(title) <= cells else [which, where]
    lines: list[Line] = [clipped([Span(words, "dim")], cells) for words in said]
    for start in range(shown, last, per_row):
        group = heads[start : min(start + per_row, last)]
        for row in range(first, first + size, tall):
            lines.append([span for head in group for span in _row(head, row, first, size, tall, slot)])
        lines.append([_name(head.head, slot, head.head == session.cursor.head) for head in group])
    return [*lines, *axes]


def _tokens(head: HeadScores, first: int, size: int, cells: int) -> str:
    """The first and the last of the tokens that are drawn, and how many there are."""
    ends = " … ".join(f"{head.labels[place]} ({place})" for place in sorted({first, first + size - 1}))
    short = f"rows and columns: {ends}"
    count = f"{size} of {head.known} tokens" if size < head.known else f"all {counted(size, 'token')}"
    return next((words for words in (f"{short}, {count}", short) if width(words) <= cells), ends)


def _size(known: int, heads: int, cells: int, height: int, tall: int) -> tuple[int, int]:
    """How many tokens each small picture shows, and how many pictures stand in a row: the most tokens that all fit."""
    for size in range(known, 0, -1):
        per_row = min(heads, max(1, (cells + 1) // (max(size, len(f"head {heads - 1}")) + 1)))
        rows = -(-heads // per_row)
        if rows * (-(-size // tall) + 1) <= height and size <= cells:
            return size, per_row
    return min(known, max(1, (height - 1) * tall)), min(heads, max(1, (cells + 1) // 7))


def _row(head: HeadScores, row: int, first: int, size: int, tall: int, slot: int) -> Line:
    """One line of a small picture; of two rows of numbers where they share cells."""

    def style(row: int, column: int) -> str:
        return "masked" if row >= first + size else head.style(head.row(row)[column], row, column)

    line: Line = []
    for column in range(first, first + size):
        top = style(row, column)
        if tall == 2:
            line.append(_pair(top, style(row + 1, column), head.head))
        else:
            line.append(Span("·" if top == "masked" else " ", top, ("head", head.head)))
    return [*line, Span(" " * (slot - size))]


def _pair(top: str, bottom: str, head: int) -> Span:
    """Two levels of one scale in one cell; what is masked shows the ground."""
    (scale, _, upper), (other, _, lower) = top.partition(":"), bottom.partition(":")
    if not upper and not lower:
        return Span("·", "masked", ("head", head))
    return Span("▀", f"{scale if upper else other}:{upper}/{lower}", ("head", head))


def _name(head: int, slot: int, lit: bool) -> Span:
    return Span(fit(f"head {head}", slot), "here-text" if lit else "dim", ("head", head))
