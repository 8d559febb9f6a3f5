"""Bars next to the largest of them; those with a sign stand on both sides of an axis."""

from math import isfinite

from explorer.paint.spans import Line, Span, bar

_LEAST, _MOST = 7, 61


def bar_of(value: float, largest: float, cells: int) -> str:
    """A bar for the size of a number; none where it is not a number, or where all are zero."""
    return bar(_share(value, largest), cells)


def signed_bar(value: float, least: float, most: float, cells: int) -> Line:
    """A bar on the right of an axis for a positive number, on the left for a negative one; none without room.

    The axis stands where the least and the most of all values have room on their sides.
    """
    if cells < _LEAST:
        return []
    below, above = max(0.0, -least), max(0.0, most)
    room, span = min(cells, _MOST) - 1, below + above
    left = round(room * below / span) if isfinite(span) and span else 0
    if value < 0:
        return [Span(f"{_leftwards(_share(value, below), left):>{left}}", "negative"), Span("│", "dim")]
    return [Span(" " * left), Span("│", "dim"), Span(bar_of(value, above, room - left), "positive")]


def _share(value: float, largest: float) -> float:
    share = abs(value) / abs(largest) if largest else 0.0
    return share if isfinite(share) else 0.0


def _leftwards(share: float, cells: int) -> str:
    """A bar that grows to the left, to the half of a cell: there are no finer characters."""
    halves = round(min(share, 1.0) * cells * 2)
    return "▐" * (halves % 2) + "█" * (halves // 2)
