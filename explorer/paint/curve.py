"""A curve through the layers, left to right from the embeddings to the end: as one line, or as columns."""

from collections.abc import Sequence
from math import isnan

from explorer.paint.spans import MARK, Line, Span

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_UNKNOWN = "·"


def sparkline(shares: Sequence[float | None], here: int | None, cells: int, style: str = "answer") -> Line:
    """Shares from 0 to 1 as one line, 1 as high as a cell; brackets are around the one at `here`, a dot is not known.

    Where there are more than cells, neighbours share one, which is as high as the highest of them.
    """
    room = cells - (2 if here is not None else 0)
    if room < 1 or not shares:
        return []
    together = -(-len(shares) // room)
    groups = [shares[start : start + together] for start in range(0, len(shares), together)]
    marks = [_mark(max((share for share in group if share is not None), default=None)) for group in groups]
    if here is None:
        return [Span("".join(marks), style)]
    at = here // together
    return [
        Span("".join(marks[:at]), style),
        Span(f"[{marks[at]}]", style + MARK),
        Span("".join(marks[at + 1 :]), style),
    ]


def _mark(share: float | None) -> str:
    if share is None or isnan(share):
        return _UNKNOWN
    eighths = round(8 * min(max(share, 0.0), 1.0))
    return _EIGHTHS[eighths or (1 if share > 0 else 0)]


def columns(values: Sequence[float | None], most: float, step: int, height: int, style: str = "answer") -> list[Line]:
    """Upright bars, `most` as high as all lines together, each `step` cells wide with a gap where there is room."""
    lines: list[Line] = []
    for line in range(height):
        bottom = (height - 1 - line) * 8  # eighths below this line
        text = ""
        for value in values:
            eighths = 0 if value is None or isnan(value) or not most else round(8 * height * min(value / most, 1.0))
            if not eighths and value and line == height - 1:
                eighths = 1
            mark = _EIGHTHS[max(0, min(8, eighths - bottom))]
            if value is None and line == height - 1:
                mark = _UNKNOWN
            wide = max(1, step - 1)
            text += mark * wide + " " * (step - wide)
        lines.append([Span(text, style)])
    return lines
