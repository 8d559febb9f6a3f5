"""Paths to the answer in words: a token, the heads that moved it, and to which tokens."""

from collections.abc import Sequence
from math import fsum

from explorer.paint.bars import bar_of
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, length, window
from explorer.views.flow.paths import FlowPath
from explorer.views.parts import ROW, Scene


def told(scene: Scene, paths: Sequence[FlowPath], row: int | None, cells: int, height: int) -> list[Line]:
    """A line each: how much of the answer, and by which heads; around the chosen one, or only to be read."""
    room = height - 1 if len(paths) < height else height - 2
    first, last = window(row or 0, len(paths), max(1, room))
    texts = [path_in_words(scene, path) for path in paths[first:last]]
    size = min(max(map(length, texts)), cells - 12)
    largest = paths[0].share
    shown = f"  {first + 1}–{last} of {len(paths)}" if last - first < len(paths) else ""
    title = "ways to the answer, and the heads that moved it" if cells >= 62 else "ways to the answer"
    lines: list[Line] = [[Span(title, "bold"), Span(shown, "dim")]]
    for index, (path, text) in enumerate(zip(paths[first:last], texts), first):
        here, action = index == row, ("view", ROW, index) if row is not None else None
        line = [Span("▶ " if here else "  ", "here-text", action)]
        line.append(Span(f"{percent(path.share):>6}  ", "value" if here else "", action))
        line += [span._replace(style="here-text" if here else span.style, action=action) for span in text]
        room = min(24, cells - size - 13)
        if room > 3:
            line += [Span(" " * max(1, size + 12 - length(line))), Span(bar_of(path.share, largest, room), "accent")]
        lines.append(line)
    if hidden := [path.share for path in (*paths[:first], *paths[last:])]:
        lines.append([Span(f"  {percent(fsum(hidden)):>6}  {len(hidden)} more, added up", "dim")])
    return lines


def path_in_words(scene: Scene, path: FlowPath) -> Line:
    """The token where it begins, and by which heads it moved to which tokens."""
    line = [Span(scene.token_at(path.source), "token")]
    for edge in path.moves:
        line += [Span(f" ─ {edge.layer}.{edge.head} → ", "dim"), Span(scene.token_at(edge.target.position))]
    return line if path.moves else [*line, Span(" by itself", "dim")]
