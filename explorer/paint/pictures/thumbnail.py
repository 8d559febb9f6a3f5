"""Attention drawn small, for prompts whose numbers have no room: the picture of a head beside its chosen row.

Its window holds the diagonal and the largest of the chosen row; arrows say how much lies outside. Where it cannot hold
both, several tokens share a dot, which shows the largest of them.
"""

from dataclasses import dataclass

from explorer.paint.pictures.score_cells import HeadScores
from explorer.paint.pictures.score_grid import with_axes
from explorer.paint.spans import Action, Line, Span, marked, out_of_sight, window, wrapped
from explorer.terminal.text import fit, width

OUTSIDE = "‹"
"""In a list before the name of a token whose column is not drawn."""

_LABEL = 14  # cells for the name of a row at the most
_LEGEND, _AXES = 27, 20  # cells for the ends of the colours, and for what rows and columns are
_ENOUGH = 30  # columns
_WIDEST, _HIGHEST = 48, 24  # cells and lines of dots: the bars beside them need the room more


@dataclass(frozen=True)
class Window:
    """Which dots are drawn, and how many tokens share one."""

    step: int
    rows: range  # of dots
    columns: range  # of dots
    dots: int  # in all, each way

    def outside(self, tokens: int) -> str:
        """How many rows and columns are not drawn, and where they are."""
        first, last = self.rows.start * self.step, self.columns.start * self.step
        below, right = tokens - self.rows.stop * self.step, tokens - self.columns.stop * self.step
        return out_of_sight(first, below, last, right)

    def holds(self, column: int) -> bool:
        """Whether a token's column is drawn."""
        return column // self.step in self.columns


def thumbnail(head: HeadScores, cells: int, height: int, halves: bool) -> list[Line]:
    """The dots, with a mark at the row and the column of the cursor, a legend, and what lies outside."""
    margin = _margin(head)
    if _is_spread(head, cells, height):
        whole = range(len(head.labels))
        return _drawn(head, Window(1, whole, whole, len(whole)), margin, cells, 2, False)
    return _drawn(head, part_shown(head, cells, height, halves), margin, cells, 1, halves)[:height]


def part_shown(head: HeadScores, cells: int, height: int, halves: bool) -> Window:
    """The part of the head that a thumbnail of that size shows."""
    if _is_spread(head, cells, height):
        whole = range(len(head.labels))
        return Window(1, whole, whole, len(whole))
    margin = _margin(head)
    axes = len(with_axes(head, margin, cells))
    columns = max(1, min(_WIDEST, cells - margin))
    for below in range(4):  # lines that say what lies outside
        lines = max(1, min(_HIGHEST, height - 1 - axes - below))
        part = _window(head, columns, lines * (2 if halves else 1))
        if len(_said(head, part, cells)) <= below:
            break
    return part


def cells_needed(head: HeadScores, cells: int, height: int) -> int:
    """The cells that a thumbnail takes of so many: the same in every row and step, so that what is beside stays."""
    size = 2 if _is_spread(head, cells, height) else 1
    return max(_AXES, min(cells, _margin(head) + max(_LEGEND, min(_WIDEST, size * len(head.labels)))))


def is_narrow(head: HeadScores, cells: int) -> bool:
    """Whether so many cells hold fewer columns than a picture of a small screen does."""
    return cells < _margin(head) + min(_ENOUGH, len(head.labels))


def _margin(head: HeadScores) -> int:
    """Cells for the names of the rows, whichever of them are drawn."""
    return min(_LABEL, max(map(width, head.labels))) + 1


def _is_spread(head: HeadScores, cells: int, height: int) -> bool:
    """Whether each number has two cells, and each row its name."""
    count = len(head.labels)
    return count + 4 <= height and _margin(head) + 2 * count <= cells


def _window(head: HeadScores, columns: int, rows: int) -> Window:
    """As few tokens to a dot as let the diagonal, the row's largest and the cursor's column be there together."""
    needed = (head.position, head.largest, head.column)
    first, last, count = min(needed), max(needed), len(head.labels)
    step = 1
    while last // step - first // step >= columns:
        step += 1
    dots = -(-count // step)
    wide = min(dots, columns)
    left = max(0, min(first // step, dots - wide))
    if wide > last // step - first // step + 1:  # there is room around them
        middle = (first // step + last // step - wide + 1) // 2
        left = max(0, min(middle, dots - wide))
    top, bottom = window(head.position // step, dots, rows)
    return Window(step, range(top, bottom), range(left, left + wide), dots)


def _drawn(head: HeadScores, part: Window, margin: int, cells: int, size: int, halves: bool) -> list[Line]:
    lines: list[Line] = [_pointer(head, part, margin, cells, size)]
    step = part.step
    for top in part.rows[:: 2 if halves else 1]:
        here = head.position // step in ((top, top + 1) if halves else (top,))
        row = head.position if here else top * step
        label = head.labels[row] if here or size == 2 else ""
        line: Line = [Span(fit(label, margin - 1, ">") + " ", "here-text" if here else "dim", ("position", row))]
        upper = head.levels(range(top * step, (top + 1) * step), part.columns, step)
        if halves:
            lower = head.levels(range((top + 1) * step, (top + 2) * step), part.columns, step)
            cells_of_line = zip(part.columns, upper, lower)
            line += [_pair(above, below, _to(head, row, dot * step)) for dot, above, below in cells_of_line]
        else:
            for dot, style in zip(part.columns, upper):
                drawn = Span(("·" if style == "masked" else " ").ljust(size), style, _to(head, row, dot * step))
                line.append(marked(drawn) if here and dot == head.column // step else drawn)
        lines.append(line)
    return [*lines, *with_axes(head, margin, cells), *_said(head, part, cells)]


def _said(head: HeadScores, part: Window, cells: int) -> list[Line]:
    """The rows and columns outside, how the list marks it where that takes no line more, and what a dot stands for."""
    outside = part.outside(len(head.labels))
    dots = f"each dot: the largest of {part.step} x {part.step}" if part.step > 1 else ""
    said = wrapped(", ".join(filter(None, (outside, dots))), cells, "dim")
    if all(map(part.holds, range(head.position + 1))):
        return said
    marked_too = wrapped(", ".join(filter(None, (f"{outside}, {OUTSIDE} in the list", dots))), cells, "dim")
    return marked_too if len(marked_too) == len(said) else said


def _to(head: HeadScores, row: int, column: int) -> Action:
    """Where a click leads: to the first number of a dot, in the row that the cursor is in or comes to."""
    return ("cell", row, min(column, len(head.labels) - 1))


def _pointer(head: HeadScores, part: Window, margin: int, cells: int, size: int) -> Line:
    """The name of the cursor's column above it; at the right edge the name comes first."""
    offset = margin + (head.column // part.step - part.columns.start) * size
    name = head.labels[head.column]
    action = ("column", head.column)
    if offset + 1 + width(name) > cells and width(name) <= offset:
        return [Span(" " * (offset - width(name))), Span(name + "▾", "here-text", action)]
    return [Span(" " * offset), Span("▾" + name, "here-text", action)]


def _pair(top: str, bottom: str, action: Action) -> Span:
    """Two levels of one scale in one cell; what is masked shows the ground."""
    (scale, _, upper), (other, _, lower) = top.partition(":"), bottom.partition(":")
    if not upper and not lower:
        return Span("·", "masked", action)
    return Span("▀", f"{scale if upper else other}:{upper}/{lower}", action)
