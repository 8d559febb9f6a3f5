"""Vectors: in words, the largest numbers of the chosen row, what they mean, and the rows of all tokens in small."""

from functools import partial

from explorer.paint.pictures.vectors.curve import curve, has_curve
from explorer.paint.pictures.vectors.facts import facts
from explorer.paint.pictures.vectors.grid import grid, numbers_fit
from explorer.paint.pictures.vectors.heads import heads, heads_of
from explorer.paint.pictures.vectors.largest import largest, made_of
from explorer.paint.pictures.vectors.layout import Part, beside, split, stacked
from explorer.paint.pictures.vectors.mix import has_mix, mix
from explorer.paint.pictures.vectors.near import has_near, near, near_in_a_line
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.pictures.vectors.strip import lines_of_strip, strip
from explorer.paint.pictures.vectors.terms import has_terms, terms
from explorer.paint.spans import Line
from explorer.stages import Kind
from explorer.walk.session import Session

_TWO_COLUMNS, _THREE_COLUMNS = 54, 104  # cells from which on there are so many
_LEGEND = 26  # cells for the ends of the colours, and the gap beside them
_FOR_OWN = 70  # cells from which on what only this stage has stands beside the row
_ROW_ABOVE_OTHERS = 9  # lines of the row where all stands in one column
_ROW_BELOW_MIX, _ROW_ABOVE_TABLE, _TABLE_BELOW = 7, 6, 7  # lines of the row, and of the table that has to fit below
_CURVE = 7  # lines of a curve at the least: five of it, a title, and the axis
_TALL = 16  # lines from which on lists stand below each other
_ROW, _LIST = 44, 25  # lines of the list of the largest numbers, and of other lists, at the most


def vectors(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The picture of any activation with a vector for each position."""
    shown = Shown(session, halves)
    tall = height >= _TALL
    above = facts(shown, cells)
    if has_near(shown) and (not tall or _in_one_column(shown, cells)):
        above.append(near_in_a_line(shown, cells))
    above = above[: 0 if height < 4 else 1 if height < 7 else 2 if height < 9 else len(above)]
    if height - len(above) >= 9:
        above.append([])
    return [*above, *_body(shown, cells, height - len(above), tall)]


def _body(shown: Shown, cells: int, height: int, tall: bool) -> list[Line]:
    """The chosen row, what belongs to it, and the small picture, in columns."""
    row = Part(partial(largest, shown), 8 if tall else 3, _ROW)
    own = [] if has_curve(shown) and height < _CURVE else _own(shown)
    table = Part(partial(grid, shown), 4, len(shown.session.ids) + 3)
    whole = _whole(shown, split(cells, 0.4, 0.6)[0] if cells >= _TWO_COLUMNS else cells)
    if numbers_fit(shown, cells) and table.most + 6 <= height:  # a small model: all numbers can be read
        rest = height - table.most - 1
        return [*grid(shown, cells, table.most), [], *_columns([row], own + _lists(shown), cells, rest)]
    if cells < _TWO_COLUMNS or (cells < _FOR_OWN and (own or (tall and made_of(shown)))):
        if tall:
            least = _ROW_BELOW_MIX if has_mix(shown) else row.least if own else _ROW_ABOVE_TABLE
            row = row._replace(least=least, most=_ROW_ABOVE_OTHERS)
            table = table._replace(least=_TABLE_BELOW)
        first = [*own, row] if tall and has_mix(shown) else [row, *own]
        return stacked([*first, *_lists(shown, not tall), table, *whole], cells, height)
    if tall and cells >= _THREE_COLUMNS and (own or _lists(shown)):
        sizes = split(cells, 0.27, 0.28, 0.45) if has_mix(shown) else split(cells, 0.3, 0.38, 0.32)
        whole = _whole(shown, sizes[0])
        return beside(list(zip(sizes, ([table, *whole], [row], [*own, *_lists(shown)]))), height)
    if not tall:
        small = [part._replace(least=min(part.most, height)) for part in own]
        share = 0.57 if has_mix(shown) else max(0.42, _LEGEND / cells)
        return _columns([*small, table], [row], cells, height, share)
    return _columns([*own, table, *whole], [row, *_lists(shown)], cells, height, 0.57 if has_mix(shown) else 0.48)


def _in_one_column(shown: Shown, cells: int) -> bool:
    """Whether all parts stand below each other."""
    return cells < _FOR_OWN and bool(_own(shown) or made_of(shown))


def _columns(left: list[Part], right: list[Part], cells: int, height: int, share: float = 0.48) -> list[Line]:
    """Two columns, or one where the other has nothing or there is no room for two."""
    if not right or cells < _TWO_COLUMNS:
        return stacked([*left, *right], cells, height)
    return beside(list(zip(split(cells, share, 1 - share), (left, right))), height)


def _own(shown: Shown) -> list[Part]:
    """The parts that only this kind of stage has."""
    parts: list[Part] = []
    if has_mix(shown):
        parts.append(Part(partial(mix, shown), min(7, shown.session.position + 4), min(24, shown.session.position + 4)))
    if has_curve(shown):
        parts.append(Part(partial(curve, shown), _CURVE, 14))
    if shown.name.endswith("mlp.hook_pre") and has_terms(shown):
        parts.append(Part(partial(terms, shown), 4, _LIST))
    if shown.session.stage.kind is Kind.HEADS_OUT and not shown.session.what_if.difference:
        lengths = heads_of(shown.session)
        parts += [Part(partial(heads, shown), min(7, len(lengths) + 1), len(lengths) + 1)] if lengths else []
    return parts


def _lists(shown: Shown, with_near: bool = True) -> list[Part]:
    """The lists for which a small screen has no room."""
    lists = [Part(partial(near, shown), 4, _LIST)] if has_near(shown) and with_near else []
    if shown.name.endswith("hook_mlp_out") and has_terms(shown):
        lists.append(Part(partial(terms, shown), 4, _LIST))
    return lists


def _whole(shown: Shown, cells: int) -> list[Part]:
    """The whole vector, where the table shows only a part of it."""
    if len(shown.vector) <= cells // 2:
        return []
    lines = lines_of_strip(shown, cells)
    return [Part(partial(strip, shown), min(lines, 5), lines)]
