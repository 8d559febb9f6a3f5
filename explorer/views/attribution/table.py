"""The terms of an attribution as a table of signed bars, and those of heads as a map as well."""

from dataclasses import dataclass
from math import fsum

from explorer.analysis.attribution import Contribution, PartKind
from explorer.paint.bars import signed_bar
from explorer.paint.spans import Line, Span, window
from explorer.text import fit, number, width
from explorer.views.head_map import head_map, size_of_map
from explorer.views.parts import ROW, Scene, side_by_side

_VALUE = 9
_LABEL = 32
_LEAST_TABLE, _LEAST_ROWS = 44, 12  # cells and lines, or there is no place for the map beside it, or below


@dataclass(frozen=True)
class RankedParts:
    """An attribution with its terms, the largest first."""

    ranked: list[Contribution]
    sum: float
    logit: float
    least: float
    most: float

    @property
    def gap(self) -> float:
        return self.logit - self.sum


def table_and_map(scene: Scene, found: RankedParts, chosen: int, cells: int, height: int) -> list[Line]:
    """The table, and where there is room a map of all heads beside it or below."""
    wide, high = size_of_map(scene.config, cells)
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
    return head_map(scene.config, values, here, cells)


def table(scene: Scene, found: RankedParts, chosen: int, cells: int, height: int) -> list[Line]:
    """The terms around the chosen one, and all others as one remainder."""
    ranked = found.ranked
    room = height if len(ranked) <= height else height - 1
    first, last = window(max(0, chosen), len(ranked), max(1, room))
    names = [_name(scene, part) for part in ranked[first:last]]
    hidden = [*ranked[:first], *ranked[last:]]
    rest = f"{len(hidden)} more, together" if hidden else ""
    size = min(_LABEL, max(map(width, [*names, rest])), cells // 2)
    room = cells - size - _VALUE - 5
    lines: list[Line] = []
    for row, (part, name) in enumerate(zip(ranked[first:last], names), first):
        here, action = row == chosen, ("view", ROW, row)
        style = "here-text" if here else ""
        line = [Span("▶ " if here else "  ", style, action), Span(fit(name, size) + " ", style, action)]
        line.append(Span(fit(number(part.value, 4), _VALUE, ">") + "  ", style, action))
        lines.append([*line, *signed_bar(part.value, found.least, found.most, room)])
    if hidden:
        total = fit(number(fsum(part.value for part in hidden), 4), _VALUE, ">")
        lines.append([Span(fit(f"  {rest}", size + 3), "dim"), Span(total, "dim")])
    return lines


def _name(scene: Scene, part: Contribution) -> str:
    if part.source is None:
        return part.label
    token = scene.token_at(part.source)
    return f"head {part.layer}.{part.head} ← {token}" if part.head is not None else f"heads ← {token}"
