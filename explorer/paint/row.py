"""One row of numbers that can be read from afar: labelled bars, the largest first, and what the others add up to."""

from collections.abc import Callable, Sequence
from math import floor, isfinite, log10
from typing import NamedTuple

from explorer.paint.bars import bar_of, signed_bar
from explorer.paint.spans import Action, Line, Span
from explorer.terminal.text import fit, number, width

_WIDEST_BAR = 40
_MORE_DIGITS = 3  # for a number that would read as zero
_APART = "the cursor"


class Entry(NamedTuple):
    """A number with its name, where a click on it leads, and how it came about, in writing."""

    label: str
    value: float
    action: Action | None = None
    aside: str = ""  # shown where there is room


Rest = Callable[[Sequence[float]], tuple[float | str, tuple[str, ...]]]
"""The numbers that are not shown -> one number for them all, and what it is, in many words and in few."""


def added_up(values: Sequence[float]) -> tuple[float, tuple[str, ...]]:
    """Their sum."""
    return sum(values), ("added up", "sum")


def at_most(values: Sequence[float]) -> tuple[float, tuple[str, ...]]:
    """The largest of them, where a sum would mean nothing."""
    return max(values), ("at most", "max")


def at_most_in_size(values: Sequence[float]) -> tuple[float, tuple[str, ...]]:
    """The one of largest size, where a sum would mean nothing."""
    return max(values, key=_size), ("at most in size", "at most")


def labelled_bars(
    entries: Sequence[Entry],
    cells: int,
    height: int,
    *,
    current: int | None = None,
    text: Callable[[float], str] | None = None,
    noun: str = "more",
    signed: bool = False,
    of_rest: Rest = added_up,
) -> list[Line]:
    """The entries of largest size with bars, in at most `height` lines; the last says how many more there are, and
    their sum. The current one is marked; where it is not among the largest it stands apart, below that.

    `signed`: the largest numbers come first and those below zero last, and bars begin at an axis. `of_rest` says
    something else of those that are not shown than their sum.
    """
    if height < 1 or not entries:
        return []
    text = text or figure
    place = _place if signed else _size
    order = sorted(range(len(entries)), key=lambda index: -place(entries[index].value))
    shown, apart = order if len(order) <= height else order[: max(1, height - 1)], None
    if current is not None and current not in shown and len(shown) > 1:
        shown, apart = shown[:-1], current
    listed = shown if apart is None else [*shown, apart]
    visible = set(listed)
    rest = [entries[index].value for index in order if index not in visible]
    left_out, words = _left_out(rest, text, of_rest)
    names = max(width(entries[index].label) for index in listed)
    names = min(max(names, width(f"{len(rest)} {noun}") if rest else 0), max(6, cells - 12))
    figures = max(width(left_out), *(width(text(entries[index].value)) for index in (*listed, order[0])))
    asides = max(width(entries[index].aside) for index in shown) + 2
    if asides == 2 or names + figures + asides + 4 > cells:
        asides = 0
    bars = max(0, min(_WIDEST_BAR, cells - names - figures - asides - 5))
    ends = [value for index in (order[0], order[-1]) if isfinite(value := entries[index].value)] or [0.0]
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
                *_bar(value, min(ends), max(ends), bars, signed, action),
            ]
        )
    if rest and height > len(shown):
        named = f" {fit(f'{len(rest)} {noun}', names, '>')} "
        said = next((text for text in words if width(text) <= cells - names - figures - 4), words[-1])
        lines.append([Span(named, "dim"), Span(f"{fit(left_out, figures, '>')}  {said}", "dim")])
    if apart is not None:
        lines.append(_apart(entries[apart], names, fit(text(entries[apart].value), figures, ">"), cells))
    return lines


def _apart(entry: Entry, names: int, value: str, cells: int) -> Line:
    """The cursor's entry below the largest, said to be there because the cursor is."""
    long = names + width(value) + 12 + width(_APART) <= cells
    name = Span(fit(entry.label, names, ">") + " ", "here-text", entry.action)
    return [Span("▸", "here-text"), name, Span(value + "  ", "", entry.action), Span(_APART if long else "", "dim")]


def figure(value: float, digits: int = 3, plus: str = "+") -> str:
    """A signed number in a few characters; one that would read as zero with a sign gets the digits it needs.

    figure(-0.0002) = "−0.0002"; what is zero, or less than can be written, has no sign.
    """
    text = number(value, digits, plus)
    if any(character in "123456789∞N" for character in text):
        return text
    if abs(value) < 0.5 * 10.0 ** -(digits + _MORE_DIGITS):
        return f"{0:.{digits}f}"
    return number(value, -floor(log10(abs(value))), plus)


def _left_out(rest: Sequence[float], text: Callable[[float], str], of_rest: Rest) -> tuple[str, tuple[str, ...]]:
    """A number for those that are not shown, in writing, and what it is."""
    if not rest:
        return "", ("",)
    found, words = of_rest(rest)
    return found if isinstance(found, str) else text(found), words


def _bar(value: float, least: float, most: float, cells: int, signed: bool, action: Action | None) -> Line:
    """From zero; where some numbers are below zero and `signed`, on both sides of an axis."""
    if signed and least < 0:
        return [span._replace(action=action) for span in signed_bar(value, least, most, cells)]
    largest = max(abs(least), abs(most))
    return [Span(bar_of(value, largest, cells), "positive" if value >= 0 else "negative", action)]


def _size(value: float) -> float:
    """How large a number is for the order of the bars; what is no number comes last."""
    return abs(value) if isfinite(value) else (0.0 if value != value or value < 0 else float("inf"))


def _place(value: float) -> float:
    """A number's place in their order; what is no number comes last."""
    return float("-inf") if value != value else value


def text_for(largest: float) -> Callable[[float], str]:
    """How to write numbers up to that size: three decimals, more where all are small."""
    if not isfinite(largest) or largest >= 0.1 or largest <= 0:
        return figure
    if largest < 1e-6:
        return lambda value: f"{value:+.2e}".replace("-", "−") if isfinite(value) else number(value)
    digits = 2 - floor(log10(largest))
    return lambda value: figure(value, digits)
