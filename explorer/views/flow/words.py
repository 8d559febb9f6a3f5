"""Ways to the answer in words: a token, the heads that moved it, and to which tokens."""

from collections.abc import Sequence

from explorer.paint.bars import bar_of
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, length, window
from explorer.views.answers import ROW, token_at
from explorer.views.flow.ways import Way
from explorer.walk.session import Session


def told(session: Session, ways: Sequence[Way], row: int | None, cells: int, height: int) -> list[Line]:
    """A line each: how much of the answer, and by which heads; around the chosen one, or only to be read."""
    first, last = window(row or 0, len(ways), max(1, height - 1))
    texts = [_way(session, way) for way in ways[first:last]]
    size = min(max(map(length, texts)), cells - 12)
    largest = ways[0].share
    shown = f"  {last - first} of {len(ways)}" if last - first < len(ways) else ""
    lines: list[Line] = [[Span("ways to the answer, and the heads that moved it", "bold"), Span(shown, "dim")]]
    for index, (way, text) in enumerate(zip(ways[first:last], texts), first):
        here, action = index == row, ("view", ROW, index) if row is not None else None
        line = [Span("▶ " if here else "  ", "here-text", action)]
        line.append(Span(f"{percent(way.share):>6}  ", "value" if here else "", action))
        line += [span._replace(style="here-text" if here else span.style, action=action) for span in text]
        gap = " " * max(1, size + 12 - length(line))
        lines.append([*line, Span(gap), Span(bar_of(way.share, largest, min(24, cells - size - 13)), "accent")])
    return lines


def _way(session: Session, way: Way) -> Line:
    line = [Span(token_at(session, way.source), "token")]
    for edge in way.moves:
        line += [Span(f" ─ {edge.layer}.{edge.head} → ", "dim"), Span(token_at(session, edge.target.position))]
    return line if way.moves else [*line, Span(" by itself", "dim")]
