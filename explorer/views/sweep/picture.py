"""The picture of a sweep: the table of effects, what matters most, and in words what is chosen."""

import math
from collections.abc import Callable
from functools import partial
from heapq import nlargest
from typing import Any

from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY
from explorer.edits.sweep import SITES, SweepCell
from explorer.paint.legend import legend_of_signed
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, length
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import number, width
from explorer.views.heatmap import CELL, Heatmap, heatmap
from explorer.views.parts import fitting
from explorer.views.sweep.layout import SHORT
from explorer.views.sweep.state import SweepState

_MOST = 6  # places that are named below
_UNITS = {PROBABILITY: "percentage points", LOGIT_DIFFERENCE: "logits", KL: "bits"}


def picture(state: SweepState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    drawn = table(state)
    head, below = _head(state, cells), [_legend(state, drawn), largest(state, ranked, partial(_text, state), cells)]
    body = heatmap(drawn, cells, max(2, height - len(head) - len(below)))
    return [clipped(line, cells) for line in (*head, *body, *below)]


def table(state: SweepState) -> Heatmap:
    """The effects by row and column."""
    layout = state.layout
    return Heatmap(
        layout.rows(),
        layout.columns(state.labels),
        state.value,
        partial(_text, state),
        state.row,
        state.column,
        state.origin,
        layout.corner,
        "0: as the other run, 1: as this one" if state.normalised else _UNITS[state.kind],
        "head " if layout.corner == "head" else "",
    )


def _head(state: SweepState, cells: int) -> list[Line]:
    """The measure, and how far the sweep is; below, what is edited and how."""
    metric = state.metrics[state.mode if not state.normalised else 1]
    token, versus = state.scene.label(metric.token), state.scene.label(metric.versus)
    what = [Span("probability of "), Span(token, "here-text"), Span(" at T 1")]
    if metric.kind == KL:
        what = [Span("how far the whole prediction moves: KL(before ‖ edited), bits")]
    elif metric.kind == LOGIT_DIFFERENCE:
        what = [Span("logit of "), Span(token, "here-text"), Span(" less that of "), Span(versus, "here-text")]
    now = ""
    if state.normalised:
        now = ", 1: as here, 0: as in the other run"
    elif state.baseline and metric.kind != KL:
        now = f": {_value(state, state.baseline[state.mode])} now"
    done, count = len(state.measured), state.count
    done_of = (f"   {done} of {count}", f" · {pressed('stop', 'esc')} stops")
    how_far = done_of if done < count else (f"   {state.engine}",)
    line = [*what, Span(now)]
    for words in how_far:
        line += [Span(words, "dim")] if length([*line, Span(words)]) <= cells else []
    return [line, fitting([Span(how(state), "dim")], ["d: choose what is swept, how, and which tokens"], cells)]


def how(state: SweepState) -> str:
    """The places that are edited in turn, and how."""
    site, what = SITES[state.asked.site], state.what.words
    over = f"each of {'the ' if not site.unit else ''}{SHORT[site.id]}"
    if site.unit == "neuron":
        over = f"each neuron of block {state.asked.block}"
    elif site.unit:
        over = site.words
    elif state.asked.site.startswith("resid") or state.asked.site in ("attn_out", "mlp_out"):
        over = f"{site.words} of each block" if not site.id.startswith("resid") else f"{site.words}, each"
    over += ", at each position" if state.layout.by_position else ""
    words = f"{over}: {what}"
    source = state.source
    if source and len(source.source.ids) != len(state.scene.ids):
        words += f", aligned at the {state.aligned} (Compare: ←→)"
    return words


def _value(state: SweepState, value: float) -> str:
    return percent(value) if state.kind == PROBABILITY else number(value, 2)


def _text(state: SweepState, value: float) -> str:
    """A number of the table, in few characters."""
    if math.isnan(value):
        return "none"
    text = number(100 * value, 1) if state.kind == PROBABILITY else number(value, 2, "" if state.normalised else "+")
    return text if text.strip("+−0.") else text.lstrip("+−")  # a zero has no sign


def _legend(state: SweepState, drawn: Heatmap) -> Line:
    """How far the colours go, and in what unit."""
    if not drawn.values:
        return [Span("·: not computed yet", "dim")]
    factor = 100 if state.kind == PROBABILITY else 1
    unit = "from 1, where nothing changes" if state.normalised else _UNITS[state.kind]
    return [Span("colours ", "dim"), *legend_of_signed(drawn.spread * factor), Span(f" {unit}", "dim")]


def largest(
    state: Any, ranked: Callable[[Any, int], list[tuple[float, SweepCell]]], text: Callable[[float], str], cells: int
) -> Line:
    """The places with the largest effects, either way, of a sweep or of patching."""
    line = [Span("most: ", "dim")]
    for value, cell in ranked(state, _MOST):
        action = ("view", CELL, *state.layout.at(cell))
        style = "positive" if value >= state.origin else "negative"
        entry = [Span(f"{state.in_words(cell)} ", "", action), Span(f"{text(value)}   ", style, action)]
        if length([*line, *entry]) - 3 <= cells:
            line += entry
    return line


def ranked(state: SweepState, count: int) -> list[tuple[float, SweepCell]]:
    """The largest effects that are known, the largest first."""
    if not state.baseline or (state.normalised and not state.other):
        return []
    known = ((state.shown(measured), cell) for cell, measured in state.measured.items())
    finite = (each for each in known if not math.isnan(each[0]))
    return nlargest(count, finite, key=lambda each: abs(each[0] - state.origin))


def in_words(state: SweepState, cells: int) -> list[Line]:
    """The chosen place, and its effect by each measure."""
    cell = state.chosen
    if cell is None:
        return []
    if state.source and state.layout.by_position and not state.source.reaches(cell[-1]):
        token = state.scene.token_at(cell[-1])
        words = f"{token} has no counterpart in the other run: nothing is put in."
        return [clipped([Span(words, "dim")], cells)]
    measured = state.measured.get(cell)
    if measured is None or not state.baseline:
        return [clipped([Span(f"{state.in_words(cell)}: not computed yet", "dim")], cells)]
    share, gap, kl = measured
    token, versus = (state.scene.label(id) for id in (state.metrics[1].token, state.metrics[1].versus))
    before, logits, _ = state.baseline
    first = [
        Span(f"{state.in_words(cell)} {_briefly(state)}: ", "bold"),
        Span(token, "here-text"),
        Span(f" {percent(before)} → {percent(share)}", "value"),
        Span(f"  {number(100 * (share - before), 1)} points", "positive" if share >= before else "negative"),
    ]
    second = f"{token} over {versus} {number(logits, 2)} → {number(gap, 2)} logits"
    if state.normalised and state.other:
        second += f" ({number(state.shown(measured), 2, plus='')} of the way)"
    bits = f"{number(kl, 2, plus='')} bits"
    forms = (f"the whole prediction moves by KL(before ‖ edited) {bits}", f"KL(before ‖ edited) {bits}", f"KL {bits}")
    moved = next((form for form in forms if width(second) + 3 + width(form) <= cells), forms[-1])
    return [clipped(line, cells) for line in [first, fitting([Span(f"{second}   {moved}")], ["⏎ does it"], cells)]]


def _briefly(state: SweepState) -> str:
    return "patched" if state.source else state.what.words
