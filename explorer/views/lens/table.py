"""The picture of the lens: when the model knew, how much the prompt surprised it, the table, and the chosen cell."""

from math import isnan, log, log2
from typing import NamedTuple

from explorer.analysis.lens import LensCell
from explorer.paint.predictions import percent
from explorer.paint.spans import SHARE_LEVELS, Line, Span, clipped, length, marked, page, share_level, window, wrapped
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, width
from explorer.views.lens.cell import likeliest, short
from explorer.views.lens.curve import curve, strip
from explorer.views.lens.state import ENTROPY, RANK, LensState
from explorer.views.parts import beyond, fitting, out_of_sight, ramp, row_mark, side_by_side

_MARGIN = 9  # the names of the rows
_NARROWEST, _WIDEST = 7, 13  # cells for a column
_NUMBERED = 11  # from here on a column has room for a number beside the token
_LONGEST = 26  # cells for the chosen column, whose tokens stand in full
_ARROW = 4  # cells for how many columns lie beyond the last one
_SIDE = 29  # cells for the list beside the table
_BELOW = 5  # lines from which on the list stands below the table
_STRIP = 13  # lines for the way of the answer below the table and the list
_TALL = 20  # lines from which on there are two lines for the tokens, for the answer, and for the colours


class LensLayout(NamedTuple):
    """Which part of the table is drawn, and how wide a column is."""

    rows: range
    columns: range
    size: int
    chosen: int  # cells for the chosen column
    side: bool  # the list of the chosen cell stands beside the table
    below: int  # lines below the table

    @property
    def cells(self) -> int:
        return _MARGIN + (len(self.columns) - 1) * self.size + self.chosen


def table(state: LensState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    top = _top(state, cells, height)
    if state.is_curve:
        return [*top[:1], *curve(state, cells, height - 1)][:height]
    plan = _plan(state, cells, height)
    lines = [*_header(state, plan, height), *_body(state, plan)]
    if plan.side:
        used, room = plan.cells + 2, height - len(top) - (2 if height >= _TALL else 1)
        if room - len(lines) >= _STRIP:  # the way of the answer has room below
            room = max(len(lines), room - _STRIP)
        lines = side_by_side(lines, likeliest(state, cells - used, room), used)
    lines = [*top, *lines, *_legend(state, plan, cells, height)]
    return [*lines, *_below(state, cells, height - len(lines), plan.side)][:height]


def columns_shown(state: LensState, cells: int, height: int) -> range:
    """The positions for which there is room; of a curve alone the chosen one."""
    position = state.scene.position
    return range(position, position + 1) if state.is_curve else _plan(state, cells, height).columns


def _below(state: LensState, cells: int, height: int, side: bool) -> list[Line]:
    """The tokens of the chosen cell, where that does not stand beside the table, and the way of the answer."""
    if height < _BELOW:
        return []
    if side:
        return [[], *strip(state, cells, min(height - 1, 12))]
    if cells < 100:
        return [[], *likeliest(state, cells, height - 1)]
    left = cells // 2 - 4
    return [[], *side_by_side(likeliest(state, left, height - 1), strip(state, cells - left - 3, height - 1), left + 3)]


def _top(state: LensState, cells: int, height: int) -> list[Line]:
    """The answer and the loss."""
    answer, loss = _answer(state, cells), _loss(state, cells)
    if height >= _TALL:
        return [*answer[:2], clipped(loss, cells)]
    line = [*answer[0], Span("   "), *loss[:2]]
    return [line if length(line) <= cells and len(answer) == 1 else answer[0]]


def _plan(state: LensState, cells: int, height: int) -> LensLayout:
    """As many columns and rows as fit; the chosen one is so wide that its tokens can be read."""
    tokens, here, rows = len(state.scene.ids), state.scene.position, len(state.rows)
    room = max(1, height - len(_top(state, cells, height)) - 2 * (2 if height >= _TALL else 1))
    top, bottom = page(state.row, rows, room)
    below = room - (bottom - top)
    chosen = max(_NARROWEST, min(_chosen_width(state), _LONGEST, cells - _MARGIN))
    whole = _MARGIN + chosen + (tokens - 1) * _NARROWEST
    side = cells - whole >= _SIDE or (below < _BELOW and cells - _MARGIN - chosen >= _SIDE)
    rest = cells - _MARGIN - chosen - (_SIDE if side else 0)
    if rest < (tokens - 1) * _NARROWEST:
        rest -= _ARROW
    others = max(0, min(tokens - 1, rest // _NARROWEST))
    size = max(_NARROWEST, min(_WIDEST, rest // others if others else 0))
    first, last = window(here, tokens, others + 1)
    return LensLayout(range(top, bottom), range(first, last), size, chosen, side, below)


def _chosen_width(state: LensState) -> int:
    """Cells for the chosen column: its longest token in full, and a number."""
    scene, position = state.scene, state.scene.position
    found = (state.cells.get((row, position)) for row in range(len(state.rows)))
    labels = [scene.label(scene.ids[position]), *(scene.label(cell.token) for cell in found if cell)]
    return max(10, *map(width, labels)) + 8


# On top


def _answer(state: LensState, cells: int) -> list[Line]:
    """From where on the answer stays at the chosen position."""
    scene, position = state.scene, state.scene.position
    here = Span(scene.label(scene.ids[position]), "here-text")
    last = state.cells.get((len(state.rows) - 1, position))
    if state.failure:
        return wrapped(state.failure, cells, "down")
    if last is None:
        waiting = (
            f"stopped · {pressed('again', 'r')} goes on" if scene.stopped and not state.predicted else "computing …"
        )
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
    count = len(state.rows)
    last_ones = "all" if not found else "only the last of" if found == count - 1 else f"the last {count - found} of"
    rest = f" ({last_ones} {count} rows)"
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
        return [Span(waiting, "dim")]
    line = [Span("loss "), Span(f"{found.bits:.2f} bits a token", "value")]
    for words in (f" · perplexity {found.perplexity:.1f}", f" · {found.nats:.3f} nats", f" · {found.tokens} predicted"):
        if length([*line, Span(words)]) <= cells:
            line.append(Span(words, "dim"))
    return line


# The table


def _header(state: LensState, plan: LensLayout, height: int) -> list[Line]:
    """The prompt's tokens, coloured by how much each surprised the model, and by how many bits."""
    scene, unsure, tall = state.scene, log2(state.vocabulary), height >= _TALL
    before, after = beyond(plan.columns.start, plan.columns.stop, len(scene.ids))
    names: Line = [Span(fit(fit(before, _MARGIN - 1, ">") if tall else "surprise", _MARGIN), "dim")]
    bits: Line = [Span(fit("surprise", _MARGIN), "dim")]
    for position in plan.columns:
        here = position == scene.position
        size = plan.chosen if here else plan.size
        amount = state.surprises.get(position)
        heat = "chip" if amount is None else f"share:{_share_of(amount / unsure)}"
        label = (" " if here else "") + scene.label(scene.ids[position])
        span = Span(fit(label, size - 1), heat, ("position", position))
        names += [marked(span) if here else span, Span(" ")]
        text = "" if position == 0 else "…" if amount is None else f"{amount:.1f}" + (" bits" if here else "")
        bits.append(Span(fit(" " * here + text, size), "here-text" if here else "dim"))
    names.append(Span(after, "dim"))
    return [names, bits] if tall else [names]


def _body(state: LensState, plan: LensLayout) -> list[Line]:
    settled = {position: state.settled(position) for position in plan.columns}
    lines: list[Line] = []
    for row in plan.rows:
        name = fit(short(state.rows[row]), _MARGIN - 2, ">")
        arrow = row_mark(row, plan.rows.start, plan.rows.stop, len(state.rows))
        style = "here-text" if row == state.row else "dim"
        line = [Span(name + arrow + " ", style, ("view", row, state.scene.position))]
        for position in plan.columns:
            since = settled[position]
            line += _entry(state, plan, row, position, since is not None and row >= since)
        lines.append(line)
    return lines


def _entry(state: LensState, plan: LensLayout, row: int, position: int, stays: bool) -> Line:
    """A cell: the token, a number where there is room, and a line along those in which the answer stays."""
    found, action = state.cells.get((row, position)), ("view", row, position)
    column = position == state.scene.position
    size = (plan.chosen if column else plan.size) - 1
    mark = Span("▎" if stays else " ", "answer", action)
    here = column and row == state.row
    if found is None:
        span = Span(fit(" " * column + ("·" if state.scene.recorded else "…"), size), "dim", action)
        return [marked(span) if here else span, mark]
    label = state.scene.label(found.token)
    amount = _amount(state.mode, found) if size + 1 >= _NUMBERED else ""
    if column:  # a blank at both ends, where the mark of the cursor can stand
        text = " " + fit(label, size - width(amount) - 3) + " " + amount + " "
    else:
        text = fit(label, size - width(amount) - 1) + " " + amount if amount else fit(label, size)
    span = Span(text, f"share:{_level(state, found)}", action)
    return [marked(span) if here else span, mark]


def _amount(mode: int, found: LensCell) -> str:
    """The number that the colour stands for."""
    if mode == ENTROPY:
        return f"{found.entropy:.1f}"
    if mode == RANK:
        return str(found.answer_rank) if found.answer_rank < 1000 else f"{found.answer_rank // 1000}k"
    return percent(found.probability)


def _level(state: LensState, found: LensCell) -> int:
    """How bright a cell is: the more probable its token, or the answer, the brighter; dark where it is NaN."""
    if isnan(found.probability):
        return 0
    vocabulary = state.vocabulary
    if state.mode == ENTROPY:
        return _share_of(1 - found.entropy / log2(vocabulary))
    if state.mode == RANK:
        return _share_of(1 - log(found.answer_rank) / log(vocabulary))
    return share_level(found.probability)


def _share_of(share: float) -> int:
    return round(SHARE_LEVELS * min(max(share, 0.0), 1.0))


# Below


def _legend(state: LensState, plan: LensLayout, cells: int, height: int) -> list[Line]:
    """The colours, low numbers at the left, and what is out of sight; with room the colours of the tokens too."""
    bits = f"{log2(state.vocabulary):.0f} bits"
    low, high, many, few = (
        ("0%", "100%", "probability at T 1", "probability"),
        ("0", bits, "entropy", "entropy"),
        ("1", str(state.vocabulary), "rank of the answer", "rank"),
    )[state.mode]
    scale = _turned(ramp()) if state.mode else ramp()
    hidden = out_of_sight(plan.rows, len(state.rows), plan.columns, len(state.scene.ids))
    shown = ((row, position) for row in plan.rows for position in plan.columns)
    waiting = not state.scene.recorded and any(cell not in state.cells for cell in shown)
    others = [*(["…: computing"] if waiting else []), *hidden]
    line: Line = []
    for what, stays in (
        (many, "the answer from here on"),
        (many, "answer stays"),
        (few, "answer stays"),
        (few, "stays"),
    ):
        line = [Span(f"{low} ", "dim"), *scale, Span(f" {high}  {what}", "dim"), Span("   ▎", "answer")]
        short_line = [*line, Span(stays, "dim")]
        line = fitting(short_line, others, cells)
        if len(line) == len(short_line) + len(others):
            break
    return [clipped(line, cells), *([_legend_of_surprise(bits, cells)] if height >= _TALL else [])]


def _legend_of_surprise(bits: str, cells: int) -> Line:
    line = [Span("0 ", "dim"), *ramp(), Span(f" {bits}  surprise at this token", "dim")]
    return fitting(line, ["below it: what would come after"], cells)


def _turned(line: Line) -> Line:
    """The same from the brightest to the darkest."""
    return [span._replace(style="share:" + "/".join(reversed(span.style[6:].split("/")))) for span in reversed(line)]
