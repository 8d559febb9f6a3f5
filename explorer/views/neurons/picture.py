"""Neurons drawn: the list of them, the tokens at which one fires, and what it does to the vocabulary."""

from collections.abc import Sequence
from math import fsum

from explorer.analysis.neurons import Effect, Effects, Neuron
from explorer.paint.bars import bar_of
from explorer.paint.legend import legend_of_signed
from explorer.paint.spans import Line, Span, clipped, length, signed_level, window, wrapped
from explorer.terminal.text import fit, number, short, width
from explorer.views.neurons.state import WROTE, NeuronsState
from explorer.views.parts import ROW, Scene, fitting, out_of_sight, side_by_side, to_choose

PROMOTED = 12
LAYER = 1
"""The first number of a click on a block."""

_NAME, _VALUE, _TOKEN = 8, 7, 12
_LEGEND = 28  # cells for the scale of its colours
_LONGEST = 20  # cells for a token of the prompt
_BESIDE = 90  # cells from which there is room for two columns
_TWO_COLUMNS = 72  # cells from which the list and where the neuron fires stand beside each other
_LEFT = 40  # cells for the list there
_EFFECTS = 4  # lines for what it promotes, below both
_ROOMY = 22  # lines from which there are gaps


def picture(state: NeuronsState, cells: int, height: int) -> list[Line]:
    """The whole picture: the list, where the chosen one fires, and what it does to the vocabulary."""
    head = [*_head(state, cells, height), *([[]] if height >= _ROOMY else [])]
    if waiting := state.scene.waiting(state.found, cells):
        return [*head, [], *waiting]
    chosen, room = state.chosen, height - len(head)
    if chosen is None:
        return head
    rows = _room_for_table(cells, room)
    if cells >= _BESIDE:
        left = max(44, cells * 2 // 5)
        about = _around(state, chosen, cells - left - 3, room)
        return [*head, *side_by_side(_table(state, left, rows), about, left + 3)]
    if cells >= _TWO_COLUMNS:
        left = _LEFT
        where = fires(state.scene, chosen, state.activations, cells - left - 3, rows)
        effects = _effects(state, cells, room - rows)
        return [*head, *side_by_side(_table(state, left, rows), where, left + 3), *effects]
    gap: list[Line] = [[]] if room > 12 else []
    return [*head, *_table(state, cells, rows), *gap, *_around(state, chosen, cells, room - rows - len(gap))]


def _room_for_table(cells: int, room: int) -> int:
    """Lines for the list of neurons and its title."""
    if cells >= _BESIDE:
        return room
    return max(3, room - _EFFECTS) if cells >= _TWO_COLUMNS else max(3, min(10, room // 2 - 1))


def _shown(state: NeuronsState, height: int) -> list[int]:
    """The rows of the list around the chosen one, always with the first."""
    count = len(state.listed)
    first, last = window(min(state.row, count - 1), count, max(1, height - 1))
    return [0, *range(first + 1, last)] if last - first > 1 else list(range(first, last))


def _head(state: NeuronsState, cells: int, height: int) -> list[Line]:
    here = state.scene.token_at(state.scene.position)
    blocks = ["all", *map(str, range(state.scene.config.n_layer))]
    chosen = 0 if state.layer is None else state.layer + 1
    room = height - 2 - (height >= _ROOMY)
    shown, hidden = _shown(state, _room_for_table(cells, room)), []
    if shown:
        hidden = out_of_sight(range(shown[-1] + 1 - len(shown), shown[-1] + 1), len(state.listed), range(0), 0)
    return [
        fitting([Span(f"the neurons that {state.heading} at "), Span(here, "here-text")], hidden, cells),
        [Span("block ←→", "dim"), *to_choose(LAYER, blocks, chosen, cells - 10)],
    ]


def _around(state: NeuronsState, neuron: Neuron, cells: int, height: int) -> list[Line]:
    """Where it fires, and what it does to the vocabulary: as much of both as there is room for."""
    effects = _effects(state, cells, max(2, min(PROMOTED + 2, height // 2)))
    gap: list[Line] = [[]] if height > 9 else []
    room = max(2, height - len(effects) - len(gap))
    return [*fires(state.scene, neuron, state.activations, cells, room)[:room], *gap, *effects]


def _effects(state: NeuronsState, cells: int, height: int) -> list[Line]:
    """The tokens that it promotes beside those it suppresses, and how that is measured."""
    if state.scene.recorded:
        return wrapped("What it promotes is not known: the weights are not in this file.", cells, "dim")
    if not isinstance(state.effects, Effects):
        return state.scene.waiting(state.effects, cells)
    return promoted(state.scene, state.effects, cells, height)


def in_words(state: NeuronsState, cells: int) -> list[Line]:
    """The chosen neuron: how strongly it fired here and what it wrote, and where in the prompt it fires most."""
    neuron, scene = state.chosen, state.scene
    if neuron is None:
        return []
    line = [Span(f"neuron {neuron.layer}.{neuron.index}", "here-text"), Span(" fired ")]
    line += [Span(number(neuron.activation, 4), "value"), Span(f" at {scene.token_at(scene.position)}")]
    if neuron.written is not None:
        line.append(Span(f", and wrote a vector of length {neuron.written:.4f}"))
    lines = [line]
    if known := [at for at, value in enumerate(state.activations) if value == value]:
        most = max(known, key=lambda at: abs(state.activations[at]))
        value = number(state.activations[most], 4)
        lines.append([Span("strongest in this prompt at "), Span(scene.token_at(most), "value"), Span(f": {value}")])
    return [clipped(line, cells) for line in lines]


def _table(state: NeuronsState, cells: int, height: int) -> list[Line]:
    """The neurons around the chosen one, always with the first; by length: of what they wrote."""
    found, by_length = state.listed, state.mode == WROTE
    row = min(state.row, len(found) - 1)
    shown = _shown(state, height)
    title = f"  {'neuron':<{_NAME + 1}} {'fired':>{_VALUE}} {'wrote':>{_VALUE}}"
    title += f"  bars: {'wrote' if by_length else 'fired'}"
    lines: list[Line] = [[Span(fit(title, min(cells, width(title))), "dim")]]
    largest = max((abs(_size(neuron, by_length)) for neuron in found), default=0.0)
    for index in shown:
        neuron, here, action = found[index], index == row, ("view", ROW, index)
        style = "here-text" if here else ""
        written = "?" if neuron.written is None else f"{neuron.written:.3f}"
        line = [
            Span("▶ " if here else "  ", style, action),
            Span(fit(f"{neuron.layer}.{neuron.index}", _NAME + 1), style, action),
            Span(" " + fit(number(neuron.activation), _VALUE, ">"), style if by_length else style or "bold", action),
            Span(" " + fit(written, _VALUE, ">"), style or ("bold" if by_length else ""), action),
        ]
        size = _size(neuron, by_length)
        room = min(30, cells - length(line) - 2)
        drawn = bar_of(size, largest, room) if room > 4 else ""
        lines.append([*line, Span("  "), Span(drawn, "positive" if size >= 0 else "negative")])
    return lines


def _size(neuron: Neuron, by_length: bool) -> float:
    return (neuron.written or 0.0) if by_length else neuron.activation


def fires(scene: Scene, neuron: Neuron, values: Sequence[float], cells: int, height: int) -> list[Line]:
    """Its activation at every token of the prompt; where there is no room for all of them, the largest ones."""
    title = [Span(f"neuron {neuron.layer}.{neuron.index}", "accent"), Span(" fires at")]
    if not values:
        return [[*title, Span(" ? (not known)", "dim")]]
    longest = max(width(scene.label(scene.ids[i])) for i in range(len(values)))
    size = min(_LONGEST, longest, cells - _VALUE - 3) + _VALUE + 3
    across = max(1, cells // size)
    legend = height > 5 and cells >= _LEGEND
    room = across * max(1, height - 1 - legend)
    order = sorted(range(len(values)), key=lambda i: -abs(values[i]))
    chosen = order[:room]
    if scene.position < len(values) and scene.position not in chosen and len(chosen) > 1:
        chosen = [*chosen[:-1], scene.position]
    kept, rest = sorted(chosen), [i for i in order if i not in set(chosen)]
    if rest:
        most, total = short(max(abs(values[i]) for i in rest), 2), number(fsum(values[i] for i in rest), 2)
        wide = cells - width(title[0].text)
        words = f" · {len(kept)} of {len(values)} tokens; the other {len(rest)} within ±{most}, added up {total}"
        brief = f" · {len(kept)} of {len(values)} tokens; rest ±{most}, Σ {total}"
        title[1:] = [Span(words if width(words) <= wide else brief)]
        if width(brief) > wide:
            title = [Span(brief.removeprefix(" · "))]
        if width(brief) - 3 > cells:
            title = [Span(f"{len(kept)} of {len(values)} tokens; rest within ±{most}")]
    largest = max((abs(value) for value in values), default=0.0)
    lines: list[Line] = [title]
    for start in range(0, len(kept), across):
        chips = [_chip(scene, i, values[i], largest, size) for i in kept[start : start + across]]
        lines.append([span for chip in chips for span in chip])
    return [*lines, legend_of_signed(largest, "fired")] if legend else lines


def _chip(scene: Scene, position: int, value: float, largest: float, size: int) -> Line:
    text = fit(scene.label(scene.ids[position]), size - _VALUE - 3)
    style = "here-text" if position == scene.position else ""
    return [
        Span(f" {text} ", f"signed:{signed_level(value, largest)}", ("position", position)),
        Span(fit(number(value, 2), _VALUE - 1, ">") + "  ", style, ("position", position)),
    ]


def promoted(scene: Scene, found: Effects, cells: int, height: int) -> list[Line]:
    """The tokens that a neuron promotes beside those it suppresses, and how that is measured."""
    size = (cells - 3) // 2
    words = "directly, and before ln_final divides by its scale"
    below: list[Line] = [[Span(words, "dim")]] if height > 5 and width(words) <= cells else []
    rows = height - 1 - len(below)
    title = "a unit of it promotes, logits" if size >= 28 else "a unit of it promotes"
    lines: list[Line] = [[Span(fit(title, size + 3), "bold"), Span("suppresses", "bold")]]
    for up, down in list(zip(found.promoted, found.suppressed))[:rows]:
        largest = max(abs(effect.value) for effect in (found.promoted[0], found.suppressed[0]))
        lines.append([*_effect(scene, up, largest, size), Span("   "), *_effect(scene, down, largest, size)])
    return [*lines, *below]


def _effect(scene: Scene, effect: Effect, largest: float, cells: int) -> Line:
    size = min(_TOKEN + 2, cells - _VALUE - 1)
    line = [
        Span(fit(scene.label(effect.token), size), "token"),
        Span(fit(number(effect.value), _VALUE, ">")),
    ]
    room = cells - length(line) - 1
    drawn = bar_of(effect.value, largest, room) if room > 3 else ""
    return [*line, Span(" " + fit(drawn, room), "positive" if effect.value >= 0 else "negative")]
