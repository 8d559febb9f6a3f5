"""The picture of a sweep: the heatmap of the effects, and in words what is chosen and what matters most."""

import math

from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY
from explorer.edits.sweep import HEADS, MLPS, OVER, POSITIONS
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, length, signed_level, window
from explorer.text import fit, number, token_at, width
from explorer.views.sweep.state import SweepState, SweptPlace

_LABEL = 9
_MOST = 4  # of each kind that are named below
_NUMBERED = 7  # cells for an effect in figures
_ROOMY = 12  # lines from which on both heads and MLPs are named below
_NAMES = {HEADS: "heads", MLPS: "MLPs", POSITIONS: "positions"}


def heatmap(state: SweepState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    head, below = _head(state, cells), _words(state, cells)
    if height < _ROOMY:
        below = below[:3]
    room = height - len(head) - len(below) - 1
    both = room >= 2 * (state.rows + 1) + 1
    body: list[Line] = []
    for section in (0, 1) if both else (state.section,):
        tall = state.rows + 1 if both else room
        body += [*([[]] if section and both else []), *_grid(state, section, cells, max(2, tall))]
    legend = [Span(_legend(state, both, cells, room), "dim")]
    return [clipped(line, cells) for line in (*head, *body, legend, *below)]


def _head(state: SweepState, cells: int) -> list[Line]:
    """The measure, and how far the sweep is."""
    metric = state.metrics[state.mode]
    token, versus = state.scene.label(metric.token), state.scene.label(metric.versus)
    what = [Span("probability of "), Span(token, "here-text"), Span(" at T 1")]
    if metric.kind == KL:
        what = [Span("KL(before ‖ edited), bits")]
    elif metric.kind == LOGIT_DIFFERENCE:
        what = [Span("logit of "), Span(token, "here-text"), Span(" less that of "), Span(versus, "here-text")]
    now = "" if not state.baseline or metric.kind == KL else f": {_value(state, state.baseline[state.mode])} now"
    done, count = len(state.effects), state.count
    how_far = (f"   {done} of {count}", " · esc stops") if done < count else ("   NumPy float32",)
    line = [*what, Span(now)]
    for words in how_far:
        line += [Span(words, "dim")] if length([*line, Span(words)]) <= cells else []
    return [line, *([[Span(_how(state), "dim")]] if state.source else [])]


def _how(state: SweepState) -> str:
    """How positions are edited, where there is another run."""
    assert state.source
    if len(state.source.source.ids) == len(state.scene.ids):
        return f"heads, MLPs zeroed; positions patched {state.source.words}"
    where = f"aligned at the {state.aligned}"
    return f"heads, MLPs zeroed; positions patched, {where} (Compare: ←→), {state.source.words}"


def _value(state: SweepState, value: float) -> str:
    return percent(value) if state.measure == PROBABILITY else number(value, 2)


def _effect(state: SweepState, effect: float) -> str:
    if math.isnan(effect):
        return "none"
    return number(100 * effect, 1) if state.measure == PROBABILITY else number(effect, 2)


def _grid(state: SweepState, section: int, cells: int, height: int) -> list[Line]:
    """A row a block: the effects in figures where they fit, and in colour."""
    count, lit = state.columns[section], section == state.section
    row, at = state.row if lit else 0, state.column if lit else 0
    size = _size(state, section, cells)
    left, right = window(at, count, (cells - _LABEL) // size)
    top, bottom = window(row, state.rows, height - 1)
    names = [
        Span(fit(name, size - 1, ">", mark="") + " ", "here-text" if lit and column == at else "dim")
        for column, name in enumerate(_names(state, section, size))
    ]
    lines: list[Line] = [[Span(fit("position" if section else "head", _LABEL), "dim"), *names[left:right]]]
    for layer in range(top, bottom):
        here = lit and layer == row
        line = [Span(fit(f"block {layer}", _LABEL), "here-text" if here else "dim")]
        for column in range(left, right):
            line.append(_span(state, section, layer, column, size, here and column == at))
        lines.append(line)
    return lines


def _names(state: SweepState, section: int, size: int) -> list[str]:
    if section:
        labels = [label.removeprefix("·") or label for label in state.labels]
        return [fit(label, min(width(label), size - 1), mark="") for label in labels]
    return [*map(str, range(state.columns[0] - 1)), "MLP"]


def _span(state: SweepState, section: int, layer: int, column: int, size: int, here: bool) -> Span:
    over, cell = state.place(section, layer, column)
    effects, action = state.effects.get((over, cell)), ("view", section, layer, column)
    if effects is None:
        return Span(fit("·", size - 1, ">") + " ", "here" if here else "dim", action)
    effect = effects[state.mode]
    text = fit(_effect(state, effect), size - 1, ">") + " " if size >= _NUMBERED - 1 else " " * size
    return Span(text, "here" if here else f"signed:{signed_level(effect, _spread(state, over))}", action)


def _size(state: SweepState, section: int, cells: int) -> int:
    """Cells for an effect."""
    return max(2, min(_NUMBERED, (cells - _LABEL) // state.columns[section]))


def _legend(state: SweepState, both: bool, cells: int, room: int) -> str:
    """How far the colours of each kind go, and how much of the map is there, where that is not all of it."""
    kinds = OVER if both else (POSITIONS,) if state.section else (HEADS, MLPS)
    words = [f"{_NAMES[over]} ±{_scale(state, _spread(state, over))}" for over in kinds]
    for section in (0, 1) if both else (state.section,):
        fitting = (cells - _LABEL) // _size(state, section, cells)
        if fitting < (count := state.columns[section]):
            words.append(f"{fitting} of {count} {'positions' if section else 'columns'} shown")
    if not both and room - 1 < state.rows:
        words.append(f"{max(1, room - 1)} of {state.rows} blocks shown")
    return "colours: " + " · ".join(words)


def _scale(state: SweepState, spread: float) -> str:
    return number(100 * spread, 1, plus="") if state.measure == PROBABILITY else number(spread, 2, plus="")


def _spread(state: SweepState, over: str) -> float:
    """The largest effect of its kind: heads, MLPs and positions have a scale each."""
    known = [abs(values[state.mode]) for (kind, _), values in state.effects.items() if kind == over]
    return max((value for value in known if not math.isnan(value)), default=0.0)


def _words(state: SweepState, cells: int) -> list[Line]:
    """The chosen place, and its effect by each measure."""
    place, largest = state.chosen, _largest(state, cells)
    effects = state.effects.get(place)
    if state.source and place[0] == POSITIONS and not state.source.reaches(place[1][1]):
        token = token_at(place[1][1], state.labels)
        return [[Span(f"{token} has no counterpart in the other run: nothing is put in.", "dim")], [], *largest]
    if effects is None or not state.plans:
        return [[Span("not computed yet", "dim")], [], *largest]
    share, gap, kl = effects
    token, versus = (state.scene.label(id) for id in (state.metrics[1].token, state.metrics[1].versus))
    before, logits = state.baseline[:2]
    done = "patched" if state.source and place[0] == POSITIONS else "zeroed"
    first = [
        Span(f"{state.in_words(place)} {done}: ", "bold"),
        Span(token, "here-text"),
        Span(f" {percent(before)} → {percent(before + share)}", "value"),
        Span(f"  {number(100 * share, 1)} points", "positive" if share >= 0 else "negative"),
    ]
    second = f"{token} over {versus} {number(logits, 2)} → {number(logits + gap, 2)}"
    return [first, [Span(f"{second}   KL {number(kl, 2, plus='')} bits"), Span("   ⏎ does it", "dim")], *largest]


def _largest(state: SweepState, cells: int) -> list[Line]:
    """The largest effects of the chosen section, a line for each kind, the largest of all first."""
    ranked = [_ranked(state, over) for over in ((POSITIONS,) if state.section else (HEADS, MLPS))]
    ranked.sort(key=lambda entries: -abs(entries[0][0]) if entries else 0.0)
    lines: list[Line] = []
    for entries in ranked:
        line = [Span("      " if lines else "most: ", "dim")]
        for effect, (over, (layer, column)) in entries if state.plans else ():
            action = ("view", state.section, layer, state.columns[0] - 1 if over == MLPS else column)
            style = "positive" if effect >= 0 else "negative"
            name = state.in_words((over, (layer, column)))
            entry = [Span(f"{name} ", "", action), Span(f"{_effect(state, effect)}   ", style, action)]
            if length([*line, *entry]) - 3 <= cells:
                line += entry
        lines.append(line)
    return lines


def _ranked(state: SweepState, over: str) -> list[tuple[float, SweptPlace]]:
    """The largest effects of a kind, either way."""
    known = [(values[state.mode], place) for place, values in state.effects.items() if place[0] == over]
    known = [entry for entry in known if not math.isnan(entry[0])]
    return sorted(known, key=lambda entry: -abs(entry[0]))[:_MOST]
