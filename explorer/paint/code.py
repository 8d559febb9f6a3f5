"""The code pane: the running function with the running line lit, and the names in scope."""

from array import array
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

from explorer.code.source import Coloured, Source
from explorer.code.stepping import Stepper
from explorer.paint.spans import Line, Span, clipped, length, shortened, window
from explorer.terminal.text import fit, number, visible, width
from gpt.hooks import Run

_HANGING = 4
_ROOMY = 20  # lines from which on there is room for blank ones
_LEAST = 16  # cells that a wrapped line has at least, however deep its code is indented


def code(stepper: Stepper, cells: int, height: int) -> list[Line]:
    """Where one is; the lines around the running one; what it computes; the names, the changed ones first."""
    names = _names(stepper, cells)
    result = _result(stepper, cells)
    gap: list[Line] = [[]] if height >= _ROOMY else []
    room = height - 1 - len(result) - 2 * len(gap)
    below = min(len(names), max(3, room * 2 // 5))
    rows = _source(stepper, cells, max(1, room - below))
    # the names take the lines that the function does not need
    names = shortened(names, room - len(rows))
    return [_header(stepper, cells), *gap, *rows, *gap, *result, *names][:height]


def _header(stepper: Stepper, cells: int) -> Line:
    """The file, the calls that led here, and in a loop which pass it is; the calls nearest to here stay."""
    chain = [stop.function for stop in stepper.chain]
    passes, file = stepper.stop.passes, f"{stepper.stop.file}  "
    tail = f" · pass {' · '.join(map(str, passes))}" if passes else ""
    if stepper.stop.returned:
        tail = " · returned"
    while len(chain) > 1 and width(file + " › ".join(chain) + tail) > cells:
        chain = ["…", *chain[2:]] if chain[0] == "…" else ["…", *chain[1:]]
    callers = "".join(f"{name} › " for name in chain[:-1])
    return clipped([Span(file, "dim"), Span(callers, "dim"), Span(chain[-1], "bold"), Span(tail)], cells)


# The source


def _source(stepper: Stepper, cells: int, height: int) -> list[Line]:
    statement = stepper.statement
    return source_lines(stepper.source, range(statement.first, statement.last + 1), cells, height)


def source_lines(source: Source, running: range, cells: int, height: int) -> list[Line]:
    """As many lines of a function as fit around the running ones."""
    digits = len(str(source.first + len(source.lines)))
    rows: list[Line] = []
    lit: list[int] = []
    for line_number, line in enumerate(source.lines, source.first):
        here = line_number in running
        mark = "▸" if line_number == running.start else " "
        margin = Span(f"{mark}{line_number:>{digits}} ", "lit" if here else "dim")
        for index, part in enumerate(_wrapped(line, max(1, cells - digits - 2))):
            if here:
                lit.append(len(rows))
            rows.append(_row(margin if not index else margin._replace(text=" " * (digits + 2)), part, here, cells))
    first, last = window((lit[0] + lit[-1]) // 2, len(rows), height)
    if lit[0] < first:  # a statement that does not fit is shown from its beginning
        first, last = lit[0], lit[0] + height
    return rows[first:last]


def _row(margin: Span, part: list[tuple[str, str]], lit: bool, cells: int) -> Line:
    line = [margin, *(Span(text, "lit" if lit else style) for text, style in part)]
    return [*line, Span(" " * (cells - length(line)), "lit")] if lit else line


def _wrapped(line: Coloured, cells: int) -> list[list[tuple[str, str]]]:
    """A line of code broken between words, going on a little further in."""
    text = "".join(piece for piece, _ in line)
    indent = len(text) - len(text.lstrip())
    hanging = max(0, min(indent + _HANGING, cells - _LEAST))
    ends = _word_ends(line, cells - hanging)
    rows, start, room = [], 0, cells
    while width(text[start:].rstrip()) > room:
        fitting = [end for end in ends if start < end and width(text[start:end].rstrip()) <= room]
        if fitting and text[start : fitting[-1]].strip():
            end = fitting[-1]
        else:  # a word longer than a line
            end = start + max(1, len(fit(text[start:], room, mark="").rstrip()))
        rows.append((start, end))
        start, room = end, cells - hanging
    rows.append((start, len(text)))
    return [[*([(" " * hanging, "")] if index else []), *_slice(line, *row)] for index, row in enumerate(rows)]


def _word_ends(line: Coloured, cells: int) -> list[int]:
    """Where a line may be broken: behind blanks, and not in a comment that fits by itself."""
    ends, start = [], 0
    for text, style in line:
        if style != "comment" or width(text) > cells:
            ends += [start + index + 1 for index, character in enumerate(text) if character == " "]
        start += len(text)
    return ends


def _slice(line: Coloured, first: int, last: int) -> list[tuple[str, str]]:
    """A part of a line, without spaces at its end."""
    pieces, start = [], 0
    for text, style in line:
        pieces.append((text[max(0, first - start) : max(0, last - start)], style))
        start += len(text)
    while pieces and not pieces[-1][0].strip():
        pieces.pop()
    if pieces:
        pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
    return [piece for piece in pieces if piece[0]]


# Names and values


def _result(stepper: Stepper, cells: int) -> list[Line]:
    """The value that the running line computes."""
    if not stepper.known:
        return []
    targets = ", ".join(stepper.targets)
    result, several = stepper.result, len(stepper.targets) > 1
    shown = " · ".join(value(part) for part in result) if several else value(result, cells - len(targets) - 5)
    return [
        clipped([Span("→ ", "bold"), Span(f"{targets} = " if targets else "", "bold"), Span(shown, "value")], cells)
    ]


def _names(stepper: Stepper, cells: int) -> list[Line]:
    """A line for each name that holds something to look at."""
    changed = stepper.changed
    scope = {name: stepper.stop.scope[name] for name in stepper.names if _to_be_shown(stepper.stop.scope[name])}
    margin = min(16, max(map(width, scope), default=0))
    return [
        clipped(
            [
                Span(fit(visible(name), margin) + " ", "here-text" if name in changed else "dim"),
                Span(value(scope[name], cells - margin - 1)),
            ],
            cells,
        )
        for name in scope
    ]


def _to_be_shown(held: Any) -> bool:
    return held is not None and not callable(held) and not isinstance(held, ModuleType | Run)


def value(held: Any, cells: int = 24) -> str:
    """A value in a few words: a number, a vector's length and beginning, a matrix's shape, a record's fields."""
    if isinstance(held, float):
        return _scalar(held)
    if isinstance(held, bool | int):
        return str(held)
    if isinstance(held, str | bytes):
        return visible(held)
    fields_of = _fields(held)
    if fields_of:
        return "  ".join(f"{name} {_brief(part)}" for name, part in fields_of.items())
    return _numbers(held, cells) if _is_sequence(held) else _brief(held)


def _scalar(held: float) -> str:
    if held - held != 0:  # infinite, or not a number
        return number(held)
    return f"{held:.6g}".replace("-", "−")


def _fields(held: Any) -> dict[str, Any]:
    if is_dataclass(held):
        return {part.name: getattr(held, part.name) for part in fields(held)}
    return held._asdict() if hasattr(held, "_asdict") else {}


def _is_sequence(held: Any) -> bool:
    """Whether it is a list of some kind: text is not, nor are the bytes of a token."""
    return isinstance(held, Sequence | array) and not isinstance(held, str | bytes)


def _brief(held: Any) -> str:
    """A value within a list of others: sequences by their shapes, records by their kind."""
    if isinstance(held, float | int | str | bytes):
        return value(held)
    if _is_sequence(held) and not hasattr(held, "_asdict"):
        return _shape(held)
    if isinstance(held, set | frozenset):
        return f"{len(held)} of them"
    return "none" if held is None else type(held).__name__


def _axes(held: Any) -> list[int]:
    axes = []
    while _is_sequence(held):
        axes.append(len(held))
        held = held[0] if len(held) else None
    return axes


def _shape(held: Any) -> str:
    return f"[{', '.join(map(str, _axes(held)))}]"


def _numbers(held: Any, cells: int) -> str:
    """The shape and as many of the first numbers, or pieces of text, as there is room for."""
    text = _shape(held)
    row, more = held, False
    while _is_sequence(row) and len(row) and _is_sequence(row[0]):
        row, more = row[0], more or len(row) > 1
    for index, part in enumerate(row):
        if not isinstance(part, float | int | str | bytes):
            break
        shown = number(part) if isinstance(part, float) else value(part)
        last = index == len(row) - 1 and not more
        if width(text) + 1 + width(shown) + (0 if last else 2) > cells:
            return text + " …"
        text += " " + shown
    return text + " …" if more else text
