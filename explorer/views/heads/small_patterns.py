"""Attention patterns drawn small: two rows of numbers share a line, and of a long prompt several tokens share a dot."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan

from explorer.paint.spans import Action, Line, Span, part_of, share_level

_FAINT = 4  # levels below it are told apart by lightness alone
_ALIKE = 2  # levels so close look the same
_MOST_IN_A_DOT = 16  # tokens; of a longer prompt a stretch is shown


@dataclass(frozen=True)
class Extent:
    """Which tokens a small pattern shows, and how many of them share a dot."""

    first: int
    last: int  # exclusive
    step: int

    @property
    def dots(self) -> int:
        """How many dots it is wide and high."""
        return -(-(self.last - self.first) // self.step)

    def briefly(self, tokens: int) -> list[str]:
        """The same in few words."""
        shown = self.last - self.first
        words = [f"{shown} of {tokens} tokens"] if shown < tokens else []
        return [*words, f"a dot: largest of {self.step} × {self.step} weights"] if self.step > 1 else words

    def in_words(self, tokens: int) -> str:
        """The part of the prompt that is there, and what a dot stands for; "" where every token has its own."""
        part = part_of(self.first, self.last, tokens, "tokens", "positions")
        words = [part] if part else []
        if self.step > 1:
            words.append(f"one dot stands for {self.step} × {self.step} weights: their largest")
        return ", ".join(words)


def extent(tokens: int, position: int, room: int) -> Extent:
    """The tokens to show in at most `room` dots: all, or a stretch that has the position in it."""
    room = max(1, room)
    step = min(_MOST_IN_A_DOT, -(-tokens // room))
    shown = min(tokens, step * room)
    first = max(0, min(position - shown // 2, tokens - shown))
    return Extent(first, first + shown, step)


Levels = list[list[int | None]]
"""The heat of every dot; None where nothing can be attended to, or nothing is known."""


def levels(rows: Sequence[Sequence[float]], part: Extent, largest: float = 1.0) -> Levels:
    """The most that is attended to in each dot, as levels."""
    found: Levels = []
    for row in range(part.dots):
        top = part.first + row * part.step
        queries = range(top, min(top + part.step, part.last, len(rows)))
        most = [_most(rows[query][part.first : query + 1], part.step) for query in queries]
        dots = [_level([values[dot] for values in most if dot < len(values)], largest) for dot in range(row + 1)]
        found.append([*dots, *[None] * (part.dots - row - 1)])
    return found


def _most(values: Sequence[float], step: int) -> list[float]:
    """The largest of every so many numbers; NaN where there is none."""
    if step == 1:
        return list(values)
    stretches = (values[start : start + step] for start in range(0, len(values), step))
    if not isnan(sum(values)):
        return list(map(max, stretches))
    return [max((value for value in stretch if not isnan(value)), default=nan) for stretch in stretches]


def _level(values: list[float], largest: float) -> int | None:
    known = [value for value in values if not isnan(value)]
    return share_level(max(known) / (largest or 1.0)) if known else None


def drawn(dots: Levels, action: Action | None = None) -> list[Line]:
    """The lines of a small pattern, each as wide as it has dots."""
    empty: Levels = [[None] * len(dots)] * (len(dots) % 2)  # above the first row, which is nearly empty anyway
    rows = empty + dots
    pairs = zip(rows[::2], rows[1::2])
    return [[_pair(top, bottom, action) for top, bottom in zip(above, below)] for above, below in pairs]


def _pair(top: int | None, bottom: int | None, action: Action | None) -> Span:
    """Two dots in one cell. The half that is drawn is the stronger one, so that it is seen without colours too."""
    if top is None and bottom is None:
        return Span(" ", "", action)
    if top is None:
        return Span("▄", f"share:{bottom}/", action)
    if bottom is None:
        return Span("▀", f"share:{top}/", action)
    strong, weak = max(top, bottom), min(top, bottom)
    if strong < _FAINT or (weak >= _FAINT and strong - weak <= _ALIKE):
        return Span(" ", f"share:{strong}", action)
    return Span("▀" if top == strong else "▄", f"share:{strong}/{weak}", action)
