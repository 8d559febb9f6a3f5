"""Paths to the answer in words: a token, the heads that moved it, and to which tokens."""

from collections.abc import Sequence

from explorer.paint.bars import bar_of
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, length, window
from explorer.views.flow.paths import FlowPath
from explorer.views.parts import ROW, Scene


def told(scene: Scene, paths: Sequence[FlowPath], row: int | None, cells: int, height: int) -> list[Line]:
    """A line each: how much of the answer, and by which heads; around the chosen one, or only to be read."""
    first, last = window(row or 0, len(paths), max(1, height - 1))
    texts = [_path(scene, path) for path in paths[first:last]]
    size = min(max(map(length, texts)), cells - 12)
    largest = paths[0].share
    shown = f"  {last - first} of {len(paths)}" if last - first < len(paths) else ""
    lines: list[Line] = [[Span("ways to the answer, and the heads that moved it", "bold"), Span(shown, "dim")]]
    for index, (path, text) in enumerate(zip(paths[first:last], texts), first):
        here, action = index == row, ("view", ROW, index) if row is not None else None
        line = [Span("▶ " if here else "  ", "here-text", action)]
        line.append(Span(f"{percent(path.share):>6}  ", "value" if here else "", action))
        line += [span._replace(style="here-text" if here else span.style, action=action) for span in text]
        gap = " " * max(1, size + 12 - length(line))
        lines.append([*line, Span(gap), Span(bar_of(path.share, largest, min(24, cells - size - 13)), "accent")])
    return lines


def _path(scene: Scene, path: FlowPath) -> Line:
    line = [Span(scene.token_at(path.source), "token")]
    for edge in path.moves:
        line += [Span(f" ─ {edge.layer}.{edge.head} → ", "dim"), Span(scene.token_at(edge.target.position))]
    return line if path.moves else [*line, Span(" by itself", "dim")]
