"""The picture of the lens: when the model knew, how much the prompt surprised it, the table, and the chosen cell."""

from math import isnan, log, log2
from typing import NamedTuple

from explorer.analysis.lens import LensCell
from explorer.paint.spans import SHARE_LEVELS, Line, Span, clipped, length, page, share_level, window, wrapped
from explorer.text import fit, width
from explorer.views.lens.cell import below, beside, in_columns, in_words, short
from explorer.views.lens.state import LensState

_MARGIN = 9  # the names of the rows
_NARROWEST, _WIDEST = 7, 13  # cells for a column
_NUMBERED = 11  # from here on a column has room for a number beside the token
_MANY = 9  # columns that are enough where not all tokens fit
_SIDE = 28  # cells for the list beside the table
_PROBABILITY, _ENTROPY, _RANK = range(3)
_TALL = 8  # lines from which on the list below is drawn


class LensLayout(NamedTuple):
    """Which part of the table is drawn, and how wide a column is."""

    rows: range
    columns: range
    size: int
    side: bool  # the list of the chosen cell stands beside the table


def table(state: LensState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    top = _top(state, cells, height)
    plan = _plan(state, cells, height - len(top) - 2)
    left = [*_header(state, plan), *_body(state, plan)]
    lines = top + (beside(state, left, _MARGIN + len(plan.columns) * plan.size, cells) if plan.side else left)
    rest = height - len(lines)
    if rest >= 2:
        lines.append(_legend(state, plan, cells))
    if rest >= 1:
        lines.append(in_words(state, cells))
    rest = height - len(lines)
    if plan.side or rest <= 0:
        return lines[:height]
    return [*lines, *(below(state, cells, rest) if rest >= _TALL else in_columns(state, cells, rest))]


def columns_shown(state: LensState, cells: int, height: int) -> range:
    """The positions for which there is room."""
    return _plan(state, cells, height - len(_top(state, cells, height)) - 2).columns


def _top(state: LensState, cells: int, height: int) -> list[Line]:
    """The answer and the loss."""
    return [*_answer(state, cells)[: 2 if height > 18 else 1], _loss(state, cells)]


def _plan(state: LensState, cells: int, height: int) -> LensLayout:
    """As many columns and rows as fit; the list goes where the table needs no room."""
    tokens, here = len(state.scene.ids), state.scene.position
    fitting = (cells - _MARGIN) // _NARROWEST
    with_list = (cells - _MARGIN - _SIDE) // _NARROWEST
    side = with_list >= tokens or (fitting < tokens and with_list >= _MANY)
    room = cells - _MARGIN - (_SIDE if side else 0)
    shown = max(1, min(tokens, room // _NARROWEST))
    size = max(_NARROWEST, min(_WIDEST, room // shown))
    first, last = window(here, tokens, shown)
    from_top = len(state.rows) - 1 - state.row
    top, bottom = page(from_top, len(state.rows), max(1, height - 2))
    return LensLayout(
        range(len(state.rows) - 1 - top, len(state.rows) - 1 - bottom, -1), range(first, last), size, side
    )


# On top


def _answer(state: LensState, cells: int) -> list[Line]:
    """From where on the answer stays at the chosen position."""
    scene, position = state.scene, state.scene.position
    here = Span(scene.label(scene.ids[position]), "here-text")
    last = state.cells.get((len(state.rows) - 1, position))
    if state.failure:
        return wrapped(state.failure, cells, "down")
    if last is None:
        waiting = "stopped · r goes on" if scene.stopped and not state.predicted else "computing …"
        return [clipped([Span("after "), here, Span(f"  {_missing(state) or waiting}", "dim")], cells)]
    answer = Span(scene.label(last.answer), "value")
    line = [Span("after "), here, Span(" it says "), answer]
    if scene.recorded:
        return [
            clipped(line, cells),
            clipped([Span("a recorded run has no weights to look inside with", "dim")], cells),
        ]
    found = state.settled(position)
    if found is None:
        return [clipped([*line, Span("  looking for where it began …", "dim")], cells)]
    since = "embeddings" if not found else state.rows[found].title
    spans = [*line, Span(", since "), Span(since, "bold")]
    rest = f" ({len(state.rows) - 1 - found} of {len(state.rows) - 1} steps before the end)"
    if length(spans) + width(rest) <= cells:
        spans.append(Span(rest, "dim"))
    return [clipped(spans, cells)]


def _missing(state: LensState) -> str:
    return "its logits were not recorded" if state.scene.recorded and not state.predicted else ""


def _loss(state: LensState, cells: int) -> Line:
    """How much the prompt surprised the model as a whole."""
    found, tokens = state.loss, len(state.scene.ids)
    if found is None:
        waiting = "no loss: nothing predicts a first token" if tokens == 1 else "loss: computing …"
        return clipped([Span(waiting, "dim")], cells)
    line = [Span("loss "), Span(f"{found.bits:.2f} bits a token", "value")]
    for words in (f" · perplexity {found.perplexity:.1f}", f" · {found.nats:.3f} nats", f" · {found.tokens} predicted"):
        if length([*line, Span(words)]) <= cells:
            line.append(Span(words, "dim"))
    return clipped(line, cells)


# The table


def _header(state: LensState, plan: LensLayout) -> list[Line]:
    """The prompt's tokens, coloured by how much each surprised the model, and by how many bits."""
    scene, unsure = state.scene, log2(state.vocabulary)
    names: Line = [Span(fit(_more(plan, len(scene.ids)), _MARGIN), "dim")]
    bits: Line = [Span(fit("surprise", _MARGIN), "dim")]
    for position in plan.columns:
        amount = state.surprises.get(position)
        label = fit(scene.label(scene.ids[position]), plan.size - 1, mark="")
        here = position == scene.position
        heat = "chip" if amount is None else f"share:{_share_of(amount / unsure)}"
        names += [Span(label, "here" if here else heat, ("position", position)), Span(" ")]
        text = "" if position == 0 else "…" if amount is None else f"{amount:.1f}"
        bits.append(Span(fit(text, plan.size), "here-text" if here else "dim"))
    return [names, bits]


def _more(plan: LensLayout, tokens: int) -> str:
    """Which tokens are there, where it is not all of them."""
    if len(plan.columns) == tokens:
        return ""
    first, last = plan.columns[0], plan.columns[-1]
    return f"{'‹ ' if first else ''}{first}–{last}{' ›' if last + 1 < tokens else ''}"


def _body(state: LensState, plan: LensLayout) -> list[Line]:
    settled = {position: state.settled(position) for position in plan.columns}
    lines: list[Line] = []
    for row in plan.rows:
        chosen = row == state.row
        name = fit(short(state.rows[row]), _MARGIN - 1, ">")
        line = [Span(name + " ", "here-text" if chosen else "dim", ("view", row, state.scene.position))]
        for position in plan.columns:
            since = settled[position]
            line += _entry(state, plan, row, position, since is not None and row >= since)
        lines.append(line)
    return lines


def _entry(state: LensState, plan: LensLayout, row: int, position: int, stays: bool) -> Line:
    """A cell: the token, a number where there is room, and a line along those in which the answer stays."""
    found, action = state.cells.get((row, position)), ("view", row, position)
    here = row == state.row and position == state.scene.position
    size = plan.size - 1
    mark = Span("▎" if stays else " ", "answer", action)
    if found is None:
        unknown = "·" if state.scene.recorded else "…"
        return [Span(fit(unknown, size), "here" if here else "dim", action), mark]
    label = state.scene.label(found.token)
    amount = _amount(state.mode, found) if plan.size >= _NUMBERED else ""
    text = fit(label, size - width(amount) - 1, mark="") + " " + amount if amount else fit(label, size, mark="")
    style = "here" if here else f"share:{_level(state, found)}"
    return [Span(text, style, action), mark]


def _amount(mode: int, found: LensCell) -> str:
    """The number that the colour stands for."""
    if mode == _ENTROPY:
        return f"{found.entropy:.1f}"
    if mode == _RANK:
        return str(found.answer_rank) if found.answer_rank < 1000 else f"{found.answer_rank // 1000}k"
    return f"{found.probability:3.0%}"


def _level(state: LensState, found: LensCell) -> int:
    """How bright a cell is: the more probable its token, or the answer, the brighter; dark where it is NaN."""
    if isnan(found.probability):
        return 0
    vocabulary = state.vocabulary
    if state.mode == _ENTROPY:
        return _share_of(1 - found.entropy / log2(vocabulary))
    if state.mode == _RANK:
        return _share_of(1 - log(found.answer_rank) / log(vocabulary))
    return share_level(found.probability)


def _share_of(share: float) -> int:
    return round(SHARE_LEVELS * min(max(share, 0.0), 1.0))


# Below


def _legend(state: LensState, plan: LensLayout, cells: int) -> Line:
    """The legend: the colours, and how much of the table is there, where it is not all."""
    vocabulary = state.vocabulary
    low, high, what = (
        ("0%", "100%", "probability, T 1"),
        (f"{log2(vocabulary):.0f} bits", "0", "entropy"),
        (str(vocabulary), "1", "rank of the answer"),
    )[state.mode]
    scale = [Span("▄", f"share:{4 * step}/") for step in range(SHARE_LEVELS // 4 + 1)]
    line = [Span(f"{low} ", "dim"), *scale, Span(f" {high}  {what}", "dim"), Span("   ▎", "answer")]
    parts = ((plan.rows, len(state.rows), "rows"), (plan.columns, len(state.scene.ids), "tokens"))
    cut = "".join(f" · {len(part)} of {count} {noun}" for part, count, noun in parts if len(part) < count)
    stays = "the answer stays" if length(line) + width(f"the answer stays{cut}") <= cells else "stays"
    line.append(Span(stays + cut, "dim"))
    return clipped(line, cells)
