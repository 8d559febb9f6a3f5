"""One row of numbers that can be read from afar: labelled bars, the largest first, and what the others add up to."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import NamedTuple

from explorer.paint.bars import bar_of
from explorer.paint.spans import Action, Line, Span
from explorer.text import fit, number, width

_WIDEST_BAR = 40


class Entry(NamedTuple):
    """A number with its name, and where a click on it leads."""

    label: str
    value: float
    action: Action | None = None


def labelled_bars(
    entries: Sequence[Entry],
    cells: int,
    height: int,
    *,
    current: int | None = None,
    text: Callable[[float], str] = number,
    noun: str = "more",
    adds_up: bool = True,
) -> list[Line]:
    """The entries of largest size with bars, in at most `height` lines; the last says how many more there are, and
    their sum, or the size of the largest of them where sums mean nothing. The current one is marked; where it is not
    among the largest it stands below them.
    """
    if height < 1 or not entries:
        return []
    order = sorted(range(len(entries)), key=lambda index: -_size(entries[index].value))
    shown = order if len(order) <= height else order[: max(1, height - 1)]
    if current is not None and current not in shown and len(shown) > 1:
        shown = [*shown[:-1], current]
    rest = [index for index in order if index not in set(shown)]
    names = min(max(width(entries[index].label) for index in shown), max(6, cells - 12))
    figures = max(width(text(entries[index].value)) for index in (*shown, *order[:1]))
    if rest:
        sum_of_rest = sum(entries[index].value for index in rest)
        figure = text(sum_of_rest) if adds_up else "±" + text(_size(entries[rest[0]].value)).lstrip("+−")
        names = max(names, min(width(_more(rest, noun)), max(6, cells - 12)))
        figures = max(figures, width(figure))
    bars = max(0, min(_WIDEST_BAR, cells - names - figures - 5))
    largest = _size(entries[order[0]].value)
    lines: list[Line] = []
    for index in shown:
        label, value, action = entries[index]
        here = index == current
        lines.append(
            [
                Span("▸" if here else " ", "here-text"),
                Span(fit(label, names, ">") + " ", "here-text" if here else "token", action),
                Span(f"{fit(text(value), figures, '>')}  ", "value" if index == order[0] else "", action),
                Span(bar_of(value, largest, bars), "positive" if value >= 0 else "negative", action),
            ]
        )
    if rest and height > len(shown):
        lines.append(
            [
                Span(" " + fit(_more(rest, noun), names, ">") + " ", "dim"),
                Span(f"{fit(figure, figures, '>')}  {'added up' if adds_up else 'at most'}", "dim"),
            ]
        )
    return lines


def _more(rest: Sequence[int], noun: str) -> str:
    return f"{len(rest)} {noun}"


def _size(value: float) -> float:
    """How large a number is for the order of the bars; what is no number comes last."""
    return abs(value) if isfinite(value) else (0.0 if value != value or value < 0 else float("inf"))
