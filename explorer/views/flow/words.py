"""The flow in words: paths to the last state with the tokens they pass, and the edges by which the answer came."""

from collections.abc import Sequence
from math import fsum

from explorer.analysis.flow import EdgeKind
from explorer.paint.bars import bar_of, signed_bar
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, length, window
from explorer.terminal.text import fit, number
from explorer.views.flow.paths import FlowPath
from explorer.views.flow.state import AnswerFound, DrawnEdge
from explorer.views.parts import ROW, Scene


def told(scene: Scene, paths: Sequence[FlowPath], row: int | None, cells: int, height: int) -> list[Line]:
    """A line each: how much of the last state, and by which heads; around the chosen one, or only to be read."""
    room = height - 1 if len(paths) < height else height - 2
    first, last = window(row or 0, len(paths), max(1, room))
    texts = [path_in_words(scene, path) for path in paths[first:last]]
    size = min(max(map(length, texts)), cells - 12)
    largest = paths[0].share
    shown = f"  {first + 1}–{last} of {len(paths)}" if last - first < len(paths) else ""
    title = "ways to the last state, and the heads that moved it" if cells >= 66 else "ways to the last state"
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


def edges_told(scene: Scene, found: AnswerFound, row: int | None, cells: int, height: int) -> list[Line]:
    """A line each: the logits that came by an edge; the strongest, what moves between tokens first."""
    edges = found.attributed and found.edges[: found.count]
    if not edges:
        return [[Span("No head or MLP is above this threshold.", "dim")]]
    room = max(1, height - 1)
    first, last = window(row or 0, len(edges), room)
    texts = [edge_in_words(scene, edge) for edge in edges[first:last]]
    size = min(max(map(length, texts)), cells - 13)
    values = [edge.value for edge in edges]
    bars = min(30, cells - size - 14)
    shown = f"  {first + 1}–{last} of {len(edges)}" if last - first < len(edges) else ""
    title = "edges, between tokens first; logits" if cells >= 62 else "edges, logits"
    lines: list[Line] = [[Span(title, "bold"), Span(shown, "dim")]]
    for index, (edge, text) in enumerate(zip(edges[first:last], texts), first):
        here, action = index == row, ("view", ROW, index)
        style = "here-text" if here else ""
        line = [Span("▶ " if here else "  ", "here-text", action)]
        line.append(Span(fit(number(edge.value, 4), 8, ">") + "  ", style or "value", action))
        line += [span._replace(style=style or span.style, action=action) for span in text]
        if bars > 5:
            gap = Span(" " * max(1, size + 13 - length(line)))
            line += [gap, *signed_bar(edge.value, min(0.0, *values), max(0.0, *values), bars)]
        lines.append(line)
    return lines


def edge_in_words(scene: Scene, edge: DrawnEdge) -> Line:
    """The head and its two tokens, or the MLP and its token."""
    target = scene.token_at(edge.target.position)
    if edge.kind is EdgeKind.HEAD and edge.source:
        return [
            Span(f"head {edge.layer}.{edge.head}", "bold"),
            Span(f" {scene.token_at(edge.source.position)} → {target}"),
        ]
    return [Span(f"MLP of block {edge.layer}", "bold"), Span(f" at {target}")]
