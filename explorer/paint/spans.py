"""The vocabulary of the painters: a Line is a list of Spans, a Span is a text, a style by name, and what a click does.

Style names are either words that the stylesheet gives a colour to ("dim", "here", ...) or levels of heat:

    share:7         the eighth of 17 levels from 0 to 1
    signed:-3       the third of 8 levels below zero
    signed:-3/5     two of them in one cell, one above the other; none in place of a level is the ground
    share:7!        the cursor is here: the colour stays that of the value, a mark is drawn on it
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from explorer.engine.engines import plain
from explorer.terminal.text import fit, width

Action = tuple[str, *tuple[int, ...]]
"""The action of a click: ("stage", 3), ("cell", position, column), ..."""

MARK = "!"
"""At the end of a style: the cursor is on this span."""

SHARE_LEVELS = 16
SIGNED_LEVELS = 8


class Span(NamedTuple):
    text: str
    style: str = ""
    action: Action | None = None


Line = list[Span]


def share_level(value: float) -> int:
    """A share from 0 to 1 as a level from 0 to 16; by its square root, so that small shares can be seen too."""
    return 0 if math.isnan(value) else round(SHARE_LEVELS * math.sqrt(min(max(value, 0.0), 1.0)))


def signed_level(value: float, spread: float) -> int:
    """A number as a level from -8 to 8, where `spread` and beyond are the ends."""
    if math.isnan(value) or not spread:
        return 0
    return round(SIGNED_LEVELS * min(max(value / spread, -1.0), 1.0))


def spread_of(rows: Sequence[Sequence[float]], most: int = 4000) -> float:
    """The size that nearly all numbers stay below (the 98th percentile), so that a few giants do not hide the rest.

    Of a large matrix only every so-many-th number is looked at.
    """
    sizes = sorted(map(abs, _some_of(rows, most)))
    return sizes[min(len(sizes) - 1, int(len(sizes) * 0.98))] if sizes else 0.0


def ends_of(rows: Sequence[Sequence[float]], most: int = 4000) -> tuple[float, float]:
    """The least and the largest of the numbers that `spread_of` looks at; zeros where there are none."""
    found = _some_of(rows, most)
    return (min(found), max(found)) if found else (0.0, 0.0)


def _some_of(rows: Sequence[Sequence[float]], most: int) -> list[float]:
    """The finite numbers of the rows; of many only every so-many-th."""
    step = max(1, sum(map(len, rows)) // most)
    return [
        value
        for start, row in enumerate(rows)
        for value in plain(row[start % step : len(row) : step])
        if math.isfinite(value)
    ]


def out_of_sight(above: int, below: int, left: int, right: int) -> str:
    """How much of a table is not drawn, and where: "↑ 5 ↓ 2 rows, ← 46 columns"; "" where all is."""
    parts = []
    for sides, noun in (((("↑", above), ("↓", below)), "row"), ((("←", left), ("→", right)), "column")):
        if counts := [(arrow, count) for arrow, count in sides if count > 0]:
            last = counts[-1][1]
            said = " ".join(f"{arrow} {count}" for arrow, count in counts)
            parts.append(f"{said} {noun}{'s' * (last > 1 or len(counts) > 1)}")
    return ", ".join(parts)


def marked(span: Span) -> Span:
    """The span with the cursor on it: brackets take the place of blanks around its text, and it is drawn bold.

    A cursor marks and never paints: the ground shows the value still. " .19 " becomes "[.19]", two blanks "[]".
    """
    text, style = span.text, span.style + MARK
    if not text.strip():
        return Span("•" if len(text) < 2 else "[" + text[2:] + "]", style, span.action)
    inner = text.strip()
    before, after = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
    left = " " * (before - 1) + "[" if before else ""
    right = "]" + " " * (after - 1) if after else ""
    return Span(left + inner + right, style, span.action)


def bar(share: float, cells: int) -> str:
    """A horizontal bar, to the eighth of a cell: bar(0.5, 3) = "█▌"."""
    eighths = 0 if math.isnan(share) else round(min(max(share, 0.0), 1.0) * cells * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def length(line: Iterable[Span]) -> int:
    """How many cells a line takes."""
    return sum(width(span.text) for span in line)


def clipped(line: Line, cells: int) -> Line:
    """The line in at most that many cells; a mark stands where something other than blanks was cut off."""
    kept: Line = []
    room = cells
    for index, span in enumerate(line):
        size = width(span.text)
        if size > room:
            fitting = fit(span.text, room, mark="").rstrip()
            missing = span.text.rstrip() != fitting or any(rest.text.strip() for rest in line[index + 1 :])
            mark = "…" if missing else ""
            if room or not kept:
                return [*kept, span._replace(text=fit(span.text + "  ", room, mark=mark))]
            last = kept[-1]
            return [*kept[:-1], last._replace(text=fit(last.text + " ", width(last.text), mark=mark))]
        kept.append(span)
        room -= size
    return kept


def shortened(lines: list[Line], height: int) -> list[Line]:
    """At most that many lines; the last of them says how many more there are."""
    if len(lines) <= height or height < 1:
        return lines[: max(0, height)]
    rest = len(lines) - height + 1
    return [*lines[: height - 1], [Span(f"… {rest} more lines", "dim")]]


def part_of(first: int, last: int, count: int, noun: str, places: str = "") -> str:
    """Which of `count` things are shown, and how many: "8 of 12 tokens: positions 4–11"; "" where all of them are."""
    if last - first >= count:
        return ""
    return f"{last - first} of {count} {noun}: {places}{places and ' '}{first}–{last - 1}"


def wrapped(text: str, cells: int, style: str = "") -> list[Line]:
    """Running text broken between words into lines of at most that many cells."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(lines[-1]) + 1 + width(word) <= cells:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return [[Span(fit(line, min(width(line), cells)), style)] for line in lines]


def choices(labels: Sequence[str], current: int, action: str, cells: int) -> Line:
    """A row of things to click on, the current one lit; where they do not all fit, those around it."""
    first, last = window(current, len(labels), max(1, cells // (max(map(width, labels)) + 3)))
    line = [Span("‹", "dim") if first else Span(" ")]
    for index in range(first, last):
        style = "here" if index == current else "choice"
        line += [Span(f" {labels[index]} ", style, (action, index)), Span(" ")]
    return [*line, Span("›", "dim")] if last < len(labels) else line


def window(current: int, count: int, room: int) -> tuple[int, int]:
    """Which of `count` things to show where there is room for some: a stretch around the current one."""
    room = min(room, count)
    first = max(0, min(current - room // 2, count - room))
    return first, first + room


def page(current: int, count: int, room: int) -> tuple[int, int]:
    """The same, a page at a time: the picture stands still while the cursor moves within it."""
    room = max(1, min(room, count))
    first = min(current // room * room, count - room)
    return first, first + room
