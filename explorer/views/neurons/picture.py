"""Neurons drawn: the list of them, the tokens at which one fires, and what it does to the vocabulary."""

from explorer.analysis.neurons import Effect, Effects, Neuron
from explorer.paint.bars import bar_of
from explorer.paint.spans import Line, Span, length, signed_level, window
from explorer.text import fit, number, short, width
from explorer.views.parts import ROW, Scene

PROMOTED = 12
_NAME, _VALUE, _TOKEN = 8, 7, 12


def table(found: list[Neuron], row: int, by_length: bool, cells: int, height: int) -> list[Line]:
    """The neurons around the chosen one; by length: of what they wrote."""
    first, last = window(row, len(found), max(1, height - 1))
    title = f"  {'neuron':<{_NAME + 1}} {'fired':>{_VALUE}} {'wrote':>{_VALUE}}"
    shown = f"  {first + 1}–{last} of {len(found)}" if last - first < len(found) else ""
    lines: list[Line] = [[Span(fit(title + shown, min(cells, width(title + shown))), "dim")]]
    largest = max((abs(_size(neuron, by_length)) for neuron in found), default=0.0)
    for index, neuron in enumerate(found[first:last], first):
        here, action = index == row, ("view", ROW, index)
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


def fires(scene: Scene, neuron: Neuron, values: list[float], cells: int, height: int) -> list[Line]:
    """The tokens of the prompt, each on the colour of its activation; where there are too many, the strongest."""
    if not values:
        return []
    size = min(_TOKEN, max(width(scene.label(scene.ids[i])) for i in range(len(values)))) + _VALUE + 3
    across = max(1, cells // size)
    fitting = across * max(1, height - 1)
    order = sorted(range(len(values)), key=lambda i: (i != scene.position, -abs(values[i])))
    kept, rest = sorted(order[:fitting]), order[fitting:]
    title = [Span(f"neuron {neuron.layer}.{neuron.index}", "accent"), Span(" fires at")]
    if rest:
        most = short(max(abs(values[i]) for i in rest), 2)
        within = "the rest are within" if cells >= 60 else "rest"
        title[1:] = [Span(f" · {len(kept)} of {len(values)} tokens; {within} ±{most}")]
    largest = max((abs(value) for value in values), default=0.0)
    lines: list[Line] = [title]
    for start in range(0, len(kept), across):
        chips = [_chip(scene, i, values[i], largest, size) for i in kept[start : start + across]]
        lines.append([span for chip in chips for span in chip])
    return lines


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
    lines: list[Line] = [[Span(fit("a unit of it promotes", size + 3), "bold"), Span("suppresses", "bold")]]
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
