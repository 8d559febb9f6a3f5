"""One row of numbers that can be read from afar: labelled bars, the largest first, and what the others add up to."""

from collections.abc import Callable, Sequence
from math import floor, isfinite, log10
from typing import NamedTuple

from explorer.paint.bars import bar_of
from explorer.paint.spans import Action, Line, Span
from explorer.text import fit, number, width

_WIDEST_BAR = 40


class Entry(NamedTuple):
    """A number with its name, where a click on it leads, and how it came about, in writing."""

    label: str
    value: float
    action: Action | None = None
    aside: str = ""  # shown where there is room


Rest = Callable[[Sequence[float]], tuple[float, Sequence[str]]]
"""The numbers that are not shown -> one number for them all, and what it is, in many words and in few."""


def added_up(values: Sequence[float]) -> tuple[float, Sequence[str]]:
    """Their sum."""
    return sum(values), ("added up", "sum")


def at_most(values: Sequence[float]) -> tuple[float, Sequence[str]]:
    """The largest of them, where a sum would mean nothing."""
    return max(values), ("at most", "max")


def labelled_bars(
    entries: Sequence[Entry],
    cells: int,
    height: int,
    *,
    current: int | None = None,
    text: Callable[[float], str] = number,
    noun: str = "more",
    signed: bool = False,
    of_rest: Rest = added_up,
) -> list[Line]:
    """The entries of largest size with bars, in at most `height` lines; the last says how many more there are, and
    their sum. The current one is marked; where it is not among the largest it stands below them.

    `signed`: the most positive come first. `of_rest` says something else of the others than their sum.
    """
    if height < 1 or not entries:
        return []
    rank = _place if signed else _size
    order = sorted(range(len(entries)), key=lambda index: -rank(entries[index].value))
    shown = order if len(order) <= height else order[: max(1, height - 1)]
    if current is not None and current not in shown and len(shown) > 1:
        shown = [*shown[:-1], current]
    rest = [index for index in order if index not in set(shown)]
    names = min(max(width(entries[index].label) for index in shown), max(6, cells - 12))
    figures = max(width(text(entries[index].value)) for index in (*shown, *order[:1]))
    if rest:
        total, words = of_rest([entries[index].value for index in rest])
        names = max(names, min(width(_more(rest, noun)), max(6, cells - 12)))
        figures = max(figures, width(text(total)))
    asides = max(width(entries[index].aside) for index in shown) + 2
    if asides == 2 or names + figures + asides + 4 > cells:
        asides = 0
    bars = max(0, min(_WIDEST_BAR, cells - names - figures - asides - 5))
    largest = max(_size(entries[index].value) for index in shown)
    lines: list[Line] = []
    for index in shown:
        label, value, action, aside = entries[index]
        here = index == current
        lines.append(
            [
                Span("▸" if here else " ", "here-text"),
                Span(fit(label, names, ">") + " ", "here-text" if here else "token", action),
                Span(f"{fit(text(value), figures, '>')}  ", "value" if index == order[0] else "", action),
                Span(fit(aside, asides), "dim"),
                Span(bar_of(value, largest, bars), "positive" if value >= 0 else "negative", action),
            ]
        )
    if rest and height > len(shown):
        left = cells - names - figures - 4
        said = next((text for text in words if width(text) <= left), words[-1])
        lines.append(
            [
                Span(" " + fit(_more(rest, noun), names, ">") + " ", "dim"),
                Span(f"{fit(text(total), figures, '>')}  {said}", "dim"),
            ]
        )
    return lines


def _more(rest: Sequence[int], noun: str) -> str:
    return f"{len(rest)} {noun}"


def _size(value: float) -> float:
    """How large a number is for the order of the bars; what is no number comes last."""
    return abs(value) if isfinite(value) else (0.0 if value != value or value < 0 else float("inf"))


def _place(value: float) -> float:
    """Where a number stands in their order; what is no number comes last."""
    return float("-inf") if value != value else value


def text_for(largest: float) -> Callable[[float], str]:
    """How to write numbers up to that size: three decimals, more where all are small."""
    if not isfinite(largest) or largest >= 0.1 or largest <= 0:
        return number
    if largest < 1e-6:
        return lambda value: f"{value:+.2e}".replace("-", "−") if isfinite(value) else number(value)
    digits = 2 - floor(log10(largest))
    return lambda value: number(value, digits)
