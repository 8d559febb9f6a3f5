"""The picture of a sweep: the heatmap of the effects, what matters most, and in words what is chosen."""

import math
from collections.abc import Sequence
from functools import partial

from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY
from explorer.edits.sweep import HEADS, MLPS, OVER, POSITIONS
from explorer.paint.legend import legend_of_signed
from explorer.paint.predictions import percent
from explorer.paint.row import Entry, labelled_bars
from explorer.paint.spans import Line, Span, clipped, length, marked, signed_level, window
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, number, token_at, width
from explorer.views.parts import beyond, fitting, row_mark, side_by_side
from explorer.views.sweep.state import SweepState, SweptPlace

_LABEL = 9
_MOST = 4  # of each kind that are named below
_NUMBERED = 7  # cells for an effect in figures
_BARS = 30  # cells that the chosen block's figures need beside a thumbnail
_LEAST_ROW = 4  # lines for the chosen block's figures under the grid: a title, two effects, and the others
_ARROWS = 18  # cells for the stretch of columns that a thumbnail shows
_UNITS = {PROBABILITY: "percentage points", LOGIT_DIFFERENCE: "logits", KL: "bits"}
_ROOMY = 12  # lines from which on both heads and MLPs are named below
_NAMES = {HEADS: "heads", MLPS: "MLPs", POSITIONS: "positions"}


def heatmap(state: SweepState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    head, below = _head(state, cells), _largest(state, cells)
    if height < _ROOMY:
        below = below[:1]
    room = height - len(head) - len(below) - len(_legend(state, OVER, cells))
    spare = room - 2 * (state.rows + 1) - 1
    both = spare >= 0
    lists = [_list_beside(state, section, cells) for section in (0, 1)]
    more = _more_lines(state, lists, spare) if both and lists[state.section] else (0, 0)
    legend = _legend(state, OVER if both else (POSITIONS,) if state.section else (HEADS, MLPS), cells)
    body: list[Line] = []
    for section in (0, 1) if both else (state.section,):
        tall = state.rows + 1 + more[section] if both else room
        grid = _grid(state, section, cells, max(2, tall))
        body += [*([[]] if section and both else []), *grid, *[[]] * (tall - len(grid) if more[section] else 0)]
    rest = room - len(body) - 1
    if rest >= _LEAST_ROW and cells < _LABEL + state.columns[state.section] * _NUMBERED + _BARS:  # not beside it
        body += [[], *_chosen_row(state, state.section, cells, rest)]
    return [clipped(line, cells) for line in (*head, *body, *legend, *below)]


def _head(state: SweepState, cells: int) -> list[Line]:
    """The measure, and how far the sweep is."""
    metric = state.metrics[state.mode]
    token, versus = state.scene.label(metric.token), state.scene.label(metric.versus)
    what = [Span("probability of "), Span(token, "here-text"), Span(" at T 1")]
    if metric.kind == KL:
        what = [Span("how far the whole prediction moves: KL(before ‖ edited), bits")]
    elif metric.kind == LOGIT_DIFFERENCE:
        what = [Span("logit of "), Span(token, "here-text"), Span(" less that of "), Span(versus, "here-text")]
    now = "" if not state.baseline or metric.kind == KL else f": {_value(state, state.baseline[state.mode])} now"
    done, count = len(state.effects), state.count
    how_far = (f"   {done} of {count}", f" · {pressed('stop', 'esc')} stops") if done < count else ("   NumPy float32",)
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
    text = number(100 * effect, 1) if state.measure == PROBABILITY else number(effect, 2)
    return text if text.strip("+−0.") else text.lstrip("+−")  # a zero has no sign


def _grid(state: SweepState, section: int, cells: int, height: int) -> list[Line]:
    """A row a block: in figures where all columns fit; else a thumbnail, and beside it the chosen block in figures."""
    count = state.columns[section]
    size = max(_NUMBERED, *(width(name) + 1 for name in _names(state, section)))
    if count * size <= cells - _LABEL:
        beside = cells - _LABEL - count * size - 3
        if beside < _BARS:
            return _cells(state, section, range(count), (cells - _LABEL) // count, height)
        grid = _cells(state, section, range(count), size, height)
        return side_by_side(grid, _chosen_row(state, section, beside, height), cells - beside)
    room = max(1, min(count * 2, cells - _LABEL - _BARS - 3))
    size = 2 if room >= count * 2 else 1
    columns = range(*window(state.column if section == state.section else 0, count, room // size))
    thumbnail = _cells(state, section, columns, size, height)
    used = _LABEL + max(len(columns) * size, _ARROWS) + 2
    return side_by_side(thumbnail, _chosen_row(state, section, cells - used, height), used)


def _more_lines(state: SweepState, lists: Sequence[bool], spare: int) -> tuple[int, int]:
    """How the lines that the grids leave are shared between the lists beside them: no more than each has effects."""
    first, second = (columns - state.rows if there else 0 for columns, there in zip(state.columns, lists))
    first = max(0, min(first, spare // 2 if second > 0 else spare))
    return first, max(0, min(second, spare - first))


def _list_beside(state: SweepState, section: int, cells: int) -> bool:
    """Whether the chosen block's figures stand beside the grid."""
    size = max(_NUMBERED, *(width(name) + 1 for name in _names(state, section)))
    rest = cells - _LABEL - state.columns[section] * size
    return rest < 0 or rest - 3 >= _BARS


def _cells(state: SweepState, section: int, columns: range, size: int, height: int) -> list[Line]:
    """The effects in colour, and in figures where a column has room for them."""
    lit = section == state.section
    at, tokens = state.column, "position" if section else "head"
    top, bottom = window(state.row, state.rows, height - 1)
    if size > 2:
        names: Line = [
            Span(fit(name, size - 1, ">") + " ", "here-text" if lit and column == at else "dim")
            for column, name in enumerate(_names(state, section))
        ]
    else:
        before, after = beyond(columns.start, columns.stop, state.columns[section])
        names = [Span(f"{before} {columns.start}–{columns.stop - 1} {after}".strip(), "dim")]
    lines: list[Line] = [[Span(fit(tokens, _LABEL), "dim"), *names]]
    for layer in range(top, bottom):
        here = lit and layer == state.row
        name = fit(f"block {layer}", _LABEL - 1) + row_mark(layer, top, bottom, state.rows)
        line = [Span(name, "here-text" if here else "dim")]
        for column in columns:
            span = _span(state, section, layer, column, size)
            line.append(marked(span) if here and column == at else span)
        lines.append(line)
    return lines


def _names(state: SweepState, section: int) -> list[str]:
    if section:
        return list(state.labels)
    return [*map(str, range(state.columns[0] - 1)), "MLP"]


def _span(state: SweepState, section: int, layer: int, column: int, size: int) -> Span:
    over, cell = state.place(section, layer, column)
    effects, action = state.effects.get((over, cell)), ("view", section, layer, column)
    if effects is None:
        return Span(fit("·", size - 1, ">") + " " if size > 1 else "·", "dim", action)
    effect = effects[state.mode]
    text = fit(_effect(state, effect), size - 1, ">") + " " if size > 2 else " " * size
    return Span(text, f"signed:{signed_level(effect, _spread(state, over))}", action)


def _chosen_row(state: SweepState, section: int, cells: int, height: int) -> list[Line]:
    """The effects in the chosen block, the largest first."""
    entries: list[Entry] = []
    here: int | None = None
    for column in range(state.columns[section]):
        effects = state.effects.get(state.place(section, state.row, column))
        if effects is None:
            continue
        if section == state.section and column == state.column:
            here = len(entries)
        name = token_at(column, state.labels) if section else _in_full(state, column)
        entries.append(Entry(name, effects[state.mode], ("view", section, state.row, column)))
    what = "positions" if section else "heads and MLP"
    title = [Span(f"block {state.row}", "bold"), Span(f"  {what}, {_UNITS[state.measure].split()[-1]}", "dim")]
    rows = labelled_bars(
        entries,
        cells,
        height - 1,
        current=here,
        text=lambda effect: _effect(state, effect),
        of_rest=partial(_rest, state),
    )
    return [clipped(line, cells) for line in ([title, *rows] if entries else [title, [Span("computing …", "dim")]])]


def _rest(state: SweepState, values: Sequence[float]) -> tuple[str, tuple[str, ...]]:
    """The largest size of the effects that are not shown: a sum of them would mean nothing."""
    largest = max((abs(value) for value in values if not math.isnan(value)), default=math.nan)
    return _effect(state, largest).removeprefix("+"), ("at most, in size", "at most")


def _in_full(state: SweepState, column: int) -> str:
    return "MLP" if column == state.columns[0] - 1 else f"head {column}"


def _legend(state: SweepState, kinds: Sequence[str], cells: int) -> list[Line]:
    """How far the colours of each kind go, and in what unit."""
    unit = _UNITS[state.measure]
    known = {over for over, _ in state.effects}
    if not known.intersection(kinds):
        return [[Span("·: not computed yet", "dim")]]
    lines: list[Line] = [[Span("colours ", "dim")]]
    for over in (kind for kind in kinds if kind in known):
        spread = _spread(state, over) * (100 if state.measure == PROBABILITY else 1)
        entry = [Span(f"{_NAMES[over]} ", "dim"), *legend_of_signed(spread), Span("  ")]
        if length([*lines[-1], *entry]) + width(unit) > cells and len(lines[-1]) > 1:
            lines.append([Span(" " * width("colours "))])
        lines[-1] += entry
    lines[-1].append(Span(unit, "dim"))
    return lines


def _spread(state: SweepState, over: str) -> float:
    """The largest effect of its kind: heads, MLPs and positions have a scale each."""
    known = [abs(values[state.mode]) for (kind, _), values in state.effects.items() if kind == over]
    return max((value for value in known if not math.isnan(value)), default=0.0)


def in_words(state: SweepState, cells: int) -> list[Line]:
    """The chosen place, and its effect by each measure."""
    place = state.chosen
    effects = state.effects.get(place)
    if state.source and place[0] == POSITIONS and not state.source.reaches(place[1][1]):
        token = token_at(place[1][1], state.labels)
        return [[Span(f"{token} has no counterpart in the other run: nothing is put in.", "dim")]]
    if effects is None or not state.plans:
        return [[Span("not computed yet", "dim")]]
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
    second = f"{token} over {versus} {number(logits, 2)} → {number(logits + gap, 2)} logits"
    bits = f"{number(kl, 2, plus='')} bits"
    forms = (f"the whole prediction moves by KL(before ‖ edited) {bits}", f"KL(before ‖ edited) {bits}", f"KL {bits}")
    moved = next((form for form in forms if width(second) + 3 + width(form) <= cells), forms[-1])
    lines = [first, fitting([Span(f"{second}   {moved}")], ["⏎ does it"], cells)]
    return [clipped(line, cells) for line in lines]


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
