"""The whole vector of one token, broken into lines like text."""

from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.spans import Line, Span, marked, signed_level
from explorer.terminal.text import fit, width

_MARGIN = 6  # cells for the number of a line's first value


def lines_of_strip(shown: Shown, cells: int) -> int:
    """How many lines it takes, those around it included."""
    rows = -(-len(shown.vector) // _size(shown, cells))
    return 2 + (-(-rows // 2) if shown.halves else rows)


def strip(shown: Shown, cells: int, height: int) -> list[Line]:
    """A title, the cursor's column above it, and the values; with halves, each line holds two rows of them.

    Where it does not fit the lines around the cursor are shown.
    """
    vector, here, size = shown.vector, shown.column, _size(shown, cells)
    levels = [signed_level(value, shown.spread) for value in vector]
    rows = [levels[start : start + size] for start in range(0, len(levels), size)]
    deep = 2 if shown.halves and len(rows) > 1 else 1
    title = f"all {len(vector)} {shown.axis}s"
    lines = [titled(cells, f"{title} of {shown.label}, {size} a row", f"{title}, {size} a row", title)]
    name = f"▾{here}"
    offset = min(_MARGIN + here % size, cells - width(name))
    lines.append([Span(" " * offset), Span(name, "here-text")])
    starts = range(0, len(rows), deep)
    room = max(1, height - 2)
    first = max(0, min(here // size // deep - room // 2, len(starts) - room))
    for row in starts[first : first + room]:
        chosen = row <= here // size < row + deep
        number = fit(str(row * size), _MARGIN - 2, ">")
        line = [Span(("▸" if chosen else " ") + number + " ", "here-text" if chosen else "dim")]
        lines.append(line + _row(shown, rows, row, size, deep))
    return lines


def _row(shown: Shown, rows: list[list[int]], row: int, size: int, deep: int) -> Line:
    """One line of values: of the row, and of the one below it where two share a line."""
    top = rows[row]
    bottom = rows[row + 1] if deep == 2 and row + 1 < len(rows) else []
    line: Line = []
    for i, level in enumerate(top):
        column = row * size + i
        if deep == 2:
            pair = f"signed:{level}/{bottom[i]}" if i < len(bottom) else f"signed:{level}/"
            line.append(Span("▀", pair, shown.action(column)))
        else:
            span = Span(" ", f"signed:{level}", shown.action(column))
            line.append(marked(span) if column == shown.column else span)
    return line


def _size(shown: Shown, cells: int) -> int:
    """How many values stand in a row: a multiple of 16, so that places can be counted."""
    room = max(1, cells - _MARGIN)
    return min(len(shown.vector), room if room < 16 else room // 16 * 16)
