"""Attention: which token looks at which. The chosen row in bars, and beside it a grid of numbers or a thumbnail."""

from explorer.paint.pictures.all_heads import all_heads, beside, small_pictures
from explorer.paint.pictures.score_cells import HeadScores
from explorer.paint.pictures.score_grid import number_grid
from explorer.paint.pictures.score_row import least_cells, row_in_bars
from explorer.paint.pictures.score_steps import score_steps
from explorer.paint.pictures.thumbnail import cells_needed, is_narrow, part_shown, thumbnail
from explorer.paint.spans import Line, Span, length
from explorer.terminal.text import number
from explorer.walk.session import Session

_GAP = 3  # cells between the grid and the bars
_LEAST_BARS = 6  # lines below a grid
_LEAST_DOTS = 16  # cells of a thumbnail
_TALL, _LIST = 16, 10  # lines from which on a wide thumbnail stands above the bars, and those of the bars
_SMALL = 7  # lines of small pictures of all heads
_BARS = 14  # lines of bars beside a short grid at the most, where something else stands below


def scores(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The chosen head with, where there is room, the others in small; or all heads, larger; or one row's steps."""
    cursor = session.cursor
    if cursor.steps:
        return score_steps(session, cells, height)
    if cursor.overview:
        return all_heads(session, cells, height, halves)
    one = _one_head(HeadScores(session, cursor.head), cells, height, halves)
    rest = height - len(one) - 1
    small = small_pictures(session, cells, rest, halves) if rest >= _SMALL else []
    return [*one, [], *small] if small else one


def width_of_grid(session: Session, height: int) -> int:
    """Cells that a grid of numbers takes; 0 where the rows have no room."""
    grid = number_grid(HeadScores(session, session.cursor.head), 1000, height)
    return max(map(length, grid)) if grid and len(session.ids) < height - _LEAST_BARS else 0


def _one_head(head: HeadScores, cells: int, height: int, halves: bool) -> list[Line]:
    needed = least_cells(head)
    if grid := number_grid(head, cells, height):
        size = max(map(length, grid))
        if cells - size - _GAP >= needed:
            bars = row_in_bars(head, cells - size - _GAP, _height(len(grid), height))
            return beside(grid, bars, size, _GAP)
        if height - len(grid) - 1 >= _LEAST_BARS:
            return [*grid, [], *row_in_bars(head, cells, height - len(grid) - 1)]
    room = min(cells - needed - _GAP, cells * 3 // 5)
    if room < _LEAST_DOTS:
        return row_in_bars(head, cells, height)
    if is_narrow(head, room) and height >= _TALL:  # below each other each has all of the width
        high = min(height * 3 // 5, height - _LIST)
        small = thumbnail(head, cells, high, halves)
        drawn = part_shown(head, cells, high, halves).holds
        return [*small, [], *row_in_bars(head, cells, height - len(small) - 1, drawn)]
    size = cells_needed(head, room, height)
    small = thumbnail(head, size, height, halves)
    drawn = part_shown(head, size, height, halves).holds
    return beside(small, row_in_bars(head, cells - size - _GAP, _height(len(small), height), drawn), size, _GAP)


def _height(lines: int, height: int) -> int:
    """For the bars beside so many lines: as many, or, where nothing else has room below, all of the height."""
    most = max(lines, _BARS)
    return most if height - most - 1 >= _SMALL else height


def remark(session: Session) -> Line:
    """The row under the cursor in words."""
    cursor = session.cursor
    row = session.trace.matrix(f"blocks.{session.stage.layer}.attn.hook_pattern", cursor.head)[session.position]
    if session.what_if.difference:
        changed = max(range(len(row)), key=lambda column: abs(row[column]))
        name = Span(session.label(session.ids[changed]), "here-text")
        return [Span("Changed most: how it looks at "), name, Span(f" ({number(100 * row[changed], 1)} points).")]
    most = max(range(len(row)), key=row.__getitem__)
    here, there = (session.label(session.ids[position]) for position in (session.position, most))
    return [
        Span(here, "here-text"),
        Span(f" in head {cursor.head} looks most at "),
        Span(there, "here-text"),
        Span(f" ({row[most]:.2f})."),
    ]
