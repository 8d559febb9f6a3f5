"""Parts of a picture one above the other and side by side, each with the room it needs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.paint.spans import Line, Span, clipped, length
from explorer.terminal.text import width

_GAP = 3  # cells between columns


class Part(NamedTuple):
    """A part of a picture: how it is drawn in so many cells and lines, and how many lines it needs and can use."""

    draw: Callable[[int, int], list[Line]]
    least: int
    most: int


def stacked(parts: Sequence[Part], cells: int, height: int) -> list[Line]:
    """Parts one above the other with a blank line between; the first gets its room first, what does not fit is left
    out, and lines that are left over go to the parts in their order.
    """
    shown: list[Part] = []
    heights: list[int] = []
    left = height
    for part in parts:
        least = min(part.least, height) if not shown else part.least + 1
        if part.least and least <= left:
            shown.append(part)
            heights.append(part.least if shown[1:] else least)
            left -= least
    for index, part in enumerate(shown):
        more = max(0, min(left, part.most - heights[index]))
        heights[index] += more
        left -= more
    lines: list[Line] = []
    for part, room in zip(shown, heights):
        drawn = part.draw(cells, room)[:room]
        lines += [[], *drawn] if lines and drawn else drawn
    return lines


def beside(columns: Sequence[tuple[int, Sequence[Part]]], height: int) -> list[Line]:
    """Stacks side by side, each in its own number of cells."""
    blocks = [(cells, stacked(parts, cells, height)) for cells, parts in columns]
    lines: list[Line] = []
    for row in range(max(len(block) for _, block in blocks)):
        line: Line = []
        start = 0
        for cells, block in blocks:
            part = clipped(block[row], cells) if row < len(block) else []
            if part:
                line += [Span(" " * (start - length(line))), *part]
            start += cells + _GAP
        lines.append(line)
    return lines


def titled(cells: int, *titles: str) -> Line:
    """The first of the titles that fits; they become shorter."""
    title = next((title for title in titles if width(title) <= cells), titles[-1])
    return clipped([Span(title, "dim")], cells)


def split(cells: int, *shares: float) -> list[int]:
    """The cells of columns of those shares, without the gaps between them."""
    room = cells - _GAP * (len(shares) - 1)
    sizes = [int(room * share) for share in shares[:-1]]
    return [*sizes, room - sum(sizes)]
