"""One row of numbers that can be read from afar: labelled bars, the largest first, and what the others add up to."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import NamedTuple

from explorer.paint.bars import bar_of, signed_bar
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
    signed: bool = False,
    of_rest: Callable[[Sequence[float]], tuple[str, str]] | None = None,
) -> list[Line]:
    """The entries of largest size with bars, in at most `height` lines; the last says how many more there are, and
    their sum. The current one is marked; where it is not among the largest it stands below them.

    `signed`: the largest numbers come first and those below zero last, and bars begin at an axis. `of_rest` gives a
    number and a word for those that are not shown, in place of their sum.
    """
    if height < 1 or not entries:
        return []
    order = sorted(range(len(entries)), key=lambda index: -_place(entries[index].value, signed))
    shown = order if len(order) <= height else order[: max(1, height - 1)]
    if current is not None and current not in shown and len(shown) > 1:
        shown = [*shown[:-1], current]
    visible = set(shown)
    rest = [index for index in order if index not in visible]
    names = min(max(width(entries[index].label) for index in shown), max(6, cells - 12))
    figures = max(width(text(entries[index].value)) for index in (*shown, *order[:1]))
    left_out, word = "", ""
    if rest:
        values = [entries[index].value for index in rest]
        left_out, word = of_rest(values) if of_rest else (text(sum(values)), "added up")
        names = max(names, min(width(_more(rest, noun)), max(6, cells - 12)))
        figures = max(figures, width(left_out))
    bars = max(0, min(_WIDEST_BAR, cells - names - figures - 5))
    ends = [value for index in (order[0], order[-1]) if isfinite(value := entries[index].value)] or [0.0]
    lines: list[Line] = []
    for index in shown:
        label, value, action = entries[index]
        here = index == current
        lines.append(
            [
                Span("▸" if here else " ", "here-text"),
                Span(fit(label, names, ">") + " ", "here-text" if here else "token", action),
                Span(f"{fit(text(value), figures, '>')}  ", "value" if index == order[0] else "", action),
                *_bar(value, min(ends), max(ends), bars, signed, action),
            ]
        )
    if rest and height > len(shown):
        lines.append(
            [
                Span(" " + fit(_more(rest, noun), names, ">") + " ", "dim"),
                Span(f"{fit(left_out, figures, '>')}  {word}", "dim"),
            ]
        )
    return lines


def _more(rest: Sequence[int], noun: str) -> str:
    return f"{len(rest)} {noun}"


def _bar(value: float, least: float, most: float, cells: int, signed: bool, action: Action | None) -> Line:
    """From zero; where some numbers are below zero and `signed`, on both sides of an axis."""
    if signed and least < 0:
        return [span._replace(action=action) for span in signed_bar(value, least, most, cells)]
    largest = max(abs(least), abs(most))
    return [Span(bar_of(value, largest, cells), "positive" if value >= 0 else "negative", action)]


def _place(value: float, signed: bool) -> float:
    """A number's place in the order of the bars; what is no number comes last."""
    if value != value:
        return float("-inf")
    return value if signed else abs(value) if isfinite(value) else (0.0 if value < 0 else float("inf"))
