"""The picture of patching: both prompts token by token, the table, what matters most, and in words what is chosen."""

import math
from heapq import nlargest

from explorer.edits.sweep import SweepCell
from explorer.paint.legend import legend_of_signed
from explorer.paint.spans import Line, Span, clipped, window, wrapped
from explorer.terminal.text import fit, number, width
from explorer.views.heatmap import Heatmap, heatmap
from explorer.views.parts import fitting
from explorer.views.patching.state import PatchingState, Way
from explorer.views.sweep.layout import SHORT
from explorer.views.sweep.picture import largest

_NAME = 10  # cells for "clean" and "corrupted"


def picture(state: PatchingState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    head = [_lead(state, cells), *aligned(state, cells), fitting([Span(how(state), "dim")], ["d: choose"], cells)]
    if state.metric is None:
        return [clipped(line, cells) for line in (*head[1:], [Span("Computing both runs …", "dim")])]
    if state.clean == state.corrupted:
        words = "Both runs have the same lead: press d, and choose two tokens that they differ in, or another prompt."
        return [clipped(line, cells) for line in (*head, *wrapped(words, cells, "down"))]
    drawn = table(state)
    below = [_legend(state, drawn, cells), largest(state, ranked, _text, cells)]
    body = heatmap(drawn, cells, max(2, height - len(head) - len(below)))
    return [clipped(line, cells) for line in (*head, *body, *below)]


def table(state: PatchingState) -> Heatmap:
    """The normalised leads by row and column."""
    layout, labels = state.layout, state.scene.labels()
    return Heatmap(
        layout.rows(),
        layout.columns(labels),
        state.value,
        _text,
        state.row,
        state.column,
        state.origin,
        layout.corner,
        "0: as corrupted, 1: as clean",
        "head " if layout.corner == "head" else "",
    )


def _lead(state: PatchingState, cells: int) -> Line:
    """The lead in both runs, and how far the patches are."""
    if state.metric is None:
        return []
    token, versus = (state.scene.label(id) for id in (state.metric.token, state.metric.versus))
    line = [
        Span("lead of "),
        Span(token, "here-text"),
        Span(" over "),
        Span(versus, "here-text"),
        Span(f": clean {number(state.clean, 2)}, corrupted {number(state.corrupted, 2)}", "value"),
    ]
    done = len(state.leads)
    words = f"{done} of {state.count} · esc stops" if done < state.count else state.engine
    return fitting(line, [words], cells)


def aligned(state: PatchingState, cells: int) -> list[Line]:
    """Both prompts, token above token; those that differ are lit. Of long ones the stretch around a difference."""
    clean, corrupted = ([state.scene.label(token) for token in ids] for ids in (state.scene.ids, state.corrupted_ids))
    pairs = list(zip(clean, corrupted))
    sizes = [max(width(a), width(b)) + 1 for a, b in pairs]
    first, last = 0, len(pairs)
    if sum(sizes) > cells - _NAME:
        different = next((place for place, (a, b) in enumerate(pairs) if a != b), 0)
        room = max(1, (cells - _NAME - 4) // max(sizes))
        first, last = window(different, len(pairs), room)
    lines: list[Line] = []
    for which, name in enumerate(("clean", "corrupted")):
        line = [Span(fit(name, _NAME), "dim"), Span("… " if first else "", "dim")]
        for pair, size in zip(pairs[first:last], sizes[first:last]):
            line.append(Span(fit(pair[which], size), "" if pair[0] == pair[1] else "here-text"))
        lines.append([*line, Span("…" if last < len(pairs) else "", "dim")])
    return lines


def how(state: PatchingState) -> str:
    """The direction in words: whose values are put where."""
    where = ", by position" if state.layout.by_position else ""
    site = SHORT[state.layout.site_id]
    words = {
        Way.RESTORE: f"{site}{where}: clean values into the corrupted run",
        Way.CORRUPT: f"{site}{where}: corrupted values into the clean run",
        Way.PATH: f"each head as corrupted, seen by {seen_by(state)} alone",
    }[state.way]
    if state.way is Way.PATH and state.asked.mlps_follow:
        words += "; MLPs pass it on"
    return words


def seen_by(state: PatchingState) -> str:
    """The receivers in words."""
    return ", ".join(map(str, state.asked.receivers))


def _text(value: float) -> str:
    text = "–" if math.isnan(value) else number(value, 2, plus="")
    return text if text.strip("−0.") else text.lstrip("−")  # a zero has no sign


def _legend(state: PatchingState, drawn: Heatmap, cells: int) -> Line:
    """How far the colours go, and from where."""
    known = [value for value in drawn.values if not math.isnan(value)]
    if not known:
        return [Span("·: not computed yet", "dim")]
    scale = legend_of_signed(drawn.spread)
    words = " from 0, as corrupted" if state.way is Way.RESTORE else " from 1, as clean"
    late = "–: it writes after they read" if state.way is Way.PATH else ""
    return fitting([Span("colours ", "dim"), *scale, Span(words, "dim")], [late] if late else [], cells)


def ranked(state: PatchingState, count: int) -> list[tuple[float, SweepCell]]:
    """The largest effects that are known, the largest first."""
    known = [(state.normalised(lead), cell) for cell, lead in state.leads.items()]
    finite = (each for each in known if not math.isnan(each[0]))
    return nlargest(count, finite, key=lambda each: abs(each[0] - state.origin))


def in_words(state: PatchingState, cells: int) -> list[Line]:
    """The chosen place: the lead it leaves, and where that is between the two runs."""
    cell = state.chosen
    if cell is None or state.metric is None:
        return []
    lead = state.leads.get(cell)
    if lead is None:
        return [clipped([Span(f"{state.in_words(cell)}: not computed yet", "dim")], cells)]
    if math.isnan(lead):
        return [clipped([Span(f"{state.in_words(cell)} writes after {seen_by(state)} are computed.", "dim")], cells)]
    before = state.corrupted if state.way is Way.RESTORE else state.clean
    value = state.normalised(lead)
    first = [
        Span(f"{state.in_words(cell)} as {'clean' if state.way is Way.RESTORE else 'corrupted'}: ", "bold"),
        Span(f"lead {number(before, 2)} → {number(lead, 2)}", "value"),
    ]
    does = "⏎ makes this edit" if state.way is Way.CORRUPT else "⏎ goes to these numbers"
    second = [Span(f"{_text(value)} between corrupted (0) and clean (1)")]
    path = [f"seen by {seen_by(state)} alone"] if state.way is Way.PATH else []
    return [clipped(first, cells), clipped(fitting(second, [*path, does], cells), cells)]
