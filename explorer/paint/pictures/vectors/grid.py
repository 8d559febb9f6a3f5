"""The rows of all tokens as a table: with numbers where there is room for them, else as a small picture."""

from explorer.engine.engines import plain
from explorer.paint.legend import legend_of_signed
from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.spans import Line, Span, clipped, length, marked, out_of_sight, page, signed_level, window
from explorer.terminal.text import fit, width

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
    top, bottom, below = _fitting(shown, cells, height - 1 - with_title, (left, right))
    columns = f"{count} {shown.axis}s" if right - left == count else f"{shown.axis}s {left}–{right - 1} of {count}"
    title = titled(cells, f"rows: tokens, columns: {columns}", columns, f"{left}–{right - 1} of {count}")
    lines = [title] if with_title else []
    name = f"▾{here}"
    offset = min(margin + (here - left) * size + (size - 2 if numbered else 0), cells - len(name))
    lines.append([Span(" " * offset), Span(name, "here-text")])
    for position in range(top, bottom):
        chosen = position == session.position
        style = "here-text" if chosen else "dim"
        label = fit(labels[position], margin - 2, ">")
        line = [Span(("▸" if chosen else " ") + label + " ", style, ("position", position))]
        lines.append(line + (_cells(shown, position, left, right, size, numbered)))
    return [*lines, *below]


def _fitting(shown: Shown, cells: int, height: int, columns: tuple[int, int]) -> tuple[int, int, list[Line]]:
    """The first row that is drawn, the one after the last, and what stands below them."""
    count, position = len(shown.session.ids), shown.session.position
    top, bottom = 0, count
    for _ in range(3):  # what is said of the rows takes lines from them
        said = out_of_sight(top, count - bottom, columns[0], len(shown.vector) - columns[1])
        below = _below(shown, said, cells)
        if bottom - top + len(below) <= height:
            break
        top, bottom = window(position, count, max(1, height - len(below)))
    return top, bottom, below


def _below(shown: Shown, said: str, cells: int) -> list[Line]:
    """The scale of colours, and what is out of sight: on one line where it fits."""
    margin = _margin(shown, cells)

    def legend(room: int) -> Line:
        line = legend_of_signed(shown.spread, "", shown.ends, room)
        return [Span(" " * margin), *line] if margin + length(line) <= room else line

    if not said:
        return [legend(cells)]
    room = cells - len(said) - 3
    if length(line := legend(room)) <= room:
        return [[*line, Span(f"   {said}", "dim")]]
    return [legend(cells), clipped([Span(said, "dim")], cells)]


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
