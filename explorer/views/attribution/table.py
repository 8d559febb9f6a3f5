"""The terms of an attribution as a table of signed bars, and those of heads as a map as well."""

from math import fsum

from explorer.analysis.attribution import Contribution, PartKind
from explorer.paint.bars import signed_bar
from explorer.paint.legend import legend_of_signed
from explorer.paint.spans import Line, Span, window
from explorer.terminal.text import fit, number, width
from explorer.views.attribution.state import RankedParts
from explorer.views.head_map import head_map, size_of_map
from explorer.views.parts import ROW, Scene, side_by_side

_VALUE = 9
_LEGEND = 32  # cells for the scale of the map's colours
_LABEL = 32
_TWO_COLUMNS = 150  # cells from which the terms stand in two columns
_LEAST_TABLE, _LEAST_ROWS = 44, 12  # cells and lines, or there is no place for the map beside it, or below


def table_and_map(scene: Scene, found: RankedParts, chosen: int, cells: int, height: int) -> list[Line]:
    """The table, and where there is room a map of all heads beside it or below."""
    wide, high = size_of_map(scene.config, cells)
    wide = max(wide, _LEGEND)
    beside = cells - wide - 3
    if beside >= _LEAST_TABLE and high <= height:
        rows = table(scene, found, chosen, beside, height)
        return side_by_side(rows, _map(scene, found, chosen, wide), beside + 3)
    if wide <= cells and height - high > _LEAST_ROWS:
        rows = table(scene, found, chosen, cells, height - high - 1)
        return [*rows, [], *_map(scene, found, chosen, cells)]
    return table(scene, found, chosen, cells, height)


def _map(scene: Scene, found: RankedParts, chosen: int, cells: int) -> list[Line]:
    heads = [(row, part) for row, part in enumerate(found.ranked) if part.kind is PartKind.HEAD]
    values = {(part.layer or 0, part.head or 0): (part.value, ("view", ROW, row)) for row, part in heads}
    here = next(((part.layer or 0, part.head or 0) for row, part in heads if row == chosen), None)
    largest = max((abs(value) for value, _ in values.values()), default=0.0)
    return [*head_map(scene.config, values, here, cells), legend_of_signed(largest, "logits")]


def table(scene: Scene, found: RankedParts, chosen: int, cells: int, height: int) -> list[Line]:
    """The terms around the chosen one, always with the largest, and all others as one remainder; in two columns where
    there is room.
    """
    ranked = found.ranked
    columns = 2 if cells >= _TWO_COLUMNS and len(ranked) > height else 1
    room = height if len(ranked) <= height else columns * (height - 1)
    first, last = window(max(0, chosen), len(ranked), max(1, room))
    shown = [0, *range(first + 1, last)] if last - first > 1 else list(range(first, last))
    hidden = [part for row, part in enumerate(ranked) if row not in set(shown)]
    rest = f"{len(hidden)} more, added up" if hidden else ""
    tall, wide = -(-len(shown) // columns), (cells - 3 * (columns - 1)) // columns
    lines = _rows(scene, found, shown[:tall], chosen, wide, rest)
    if columns == 2:
        lines = side_by_side(lines, _rows(scene, found, shown[tall:], chosen, wide, rest), wide + 3)
    if hidden:
        size = _name_cells(scene, found, shown[:tall], wide, rest)
        total = fit(number(fsum(part.value for part in hidden), 4), _VALUE, ">")
        lines.append([Span(fit(f"  {rest}", size + 3), "dim"), Span(total, "dim")])
    return lines


def _name_cells(scene: Scene, found: RankedParts, rows: list[int], cells: int, rest: str) -> int:
    names = [part_name(scene, found.ranked[row]) for row in rows]
    return min(_LABEL, max(map(width, [*names, rest]), default=0), cells - _VALUE - 4)


def _rows(scene: Scene, found: RankedParts, rows: list[int], chosen: int, cells: int, rest: str) -> list[Line]:
    """These terms, a line each, with signed bars."""
    size = _name_cells(scene, found, rows, cells, rest)
    lines: list[Line] = []
    for row in rows:
        part, here, action = found.ranked[row], row == chosen, ("view", ROW, row)
        style = "here-text" if here else ""
        line = [
            Span("▶ " if here else "  ", style, action),
            Span(fit(part_name(scene, part), size) + " ", style, action),
            Span(fit(number(part.value, 4), _VALUE, ">") + "  ", style, action),
        ]
        lines.append([*line, *signed_bar(part.value, found.least, found.most, cells - size - _VALUE - 5)])
    return lines


def part_name(scene: Scene, part: Contribution) -> str:
    """A term by its name; what was moved from a token by that token."""
    if part.source is None:
        return part.label
    token = scene.token_at(part.source)
    return f"head {part.layer}.{part.head} ← {token}" if part.head is not None else f"heads ← {token}"
