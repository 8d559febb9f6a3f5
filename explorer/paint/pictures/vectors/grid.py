"""The rows of all tokens as a table: with numbers where there is room for them, else as a small picture."""

from explorer.engine.engines import plain
from explorer.paint.legend import legend_of_signed
from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.spans import Line, Span, length, marked, page, signed_level, window
from explorer.text import fit, width

_LABEL = 12  # cells for a token's text at the most
_NUMBERED = 8  # cells for a number with its blank
_WIDEST = 3  # cells for a number that is a colour only


def numbers_fit(shown: Shown, cells: int) -> bool:
    """Whether there is room for the numbers of whole rows."""
    fits = len(shown.vector) * _NUMBERED + _margin(shown, cells) <= cells
    return fits and max(width(shown.text(value)) for value in shown.vector) < _NUMBERED


def grid(shown: Shown, cells: int, height: int) -> list[Line]:
    """A title, a line for the cursor's column, the tokens around the chosen one, and the scale of colours."""
    session, count, here = shown.session, len(shown.vector), shown.column
    labels, margin = session.labels(), _margin(shown, cells)
    numbered = numbers_fit(shown, cells)
    size = _NUMBERED if numbered else max(1, min(_WIDEST, (cells - margin) // count))
    left, right = page(here, count, (cells - margin) // size)
    with_title = height >= 6
    top, bottom = window(session.position, len(labels), max(1, height - 2 - with_title))
    columns = f"{count} {shown.axis}s" if right - left == count else f"{shown.axis}s {left}–{right - 1} of {count}"
    arrows = ("← " if left else "") + ("→" if right < count else "")
    few = f"{left}–{right - 1} of {count} {arrows}"
    title = titled(cells, f"rows: tokens, columns: {columns} {arrows}", f"{columns} {arrows}", few)
    lines = [title] if with_title else []
    out_of_sight = [f"↑{top}"] * (top > 0) + [f"↓{len(labels) - bottom}"] * (bottom < len(labels))
    name = f"▾{here}"
    offset = min(margin + (here - left) * size + (size - 2 if numbered else 0), cells - len(name))
    above = fit(" ".join(out_of_sight), margin)
    lines.append([Span(above, "dim"), Span(" " * (offset - margin)), Span(name, "here-text")])
    for position in range(top, bottom):
        chosen = position == session.position
        style = "here-text" if chosen else "dim"
        label = fit(labels[position], margin - 2, ">")
        line = [Span(("▸" if chosen else " ") + label + " ", style, ("position", position))]
        lines.append(line + (_cells(shown, position, left, right, size, numbered)))
    legend = legend_of_signed(shown.spread)
    indent = margin if margin + length(legend) <= cells else 0
    return [*lines, [Span(" " * indent), *legend]]


def _cells(shown: Shown, position: int, left: int, right: int, size: int, numbered: bool) -> Line:
    """One token's numbers."""
    if position >= len(shown.rows):
        return [Span("…", "dim")]
    spread, chosen = shown.spread, position == shown.session.position
    line: Line = []
    for column, value in enumerate(plain(shown.rows[position][left:right]), left):
        text = fit(shown.text(value), size - 1, ">") + " " if numbered else " " * size
        span = Span(text, f"signed:{signed_level(value, spread)}", ("cell", position, column))
        line.append(marked(span) if chosen and column == shown.column else span)
    return line


def _margin(shown: Shown, cells: int) -> int:
    """Cells for the labels, with the mark before and the blank after them."""
    return max(9, min(_LABEL, max(map(width, shown.session.labels())), cells // 3) + 2)
