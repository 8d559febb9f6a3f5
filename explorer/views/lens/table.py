"""The picture of the lens: when the model knew, how much the prompt surprised it, the table, and the chosen cell."""

from math import isnan, log, log2
from typing import TYPE_CHECKING, NamedTuple

from explorer.analysis.lens import LensCell
from explorer.paint.spans import SHARE_LEVELS, Line, Span, clipped, length, page, share_level, window, wrapped
from explorer.text import fit, width
from explorer.views.lens.cell import below, beside, in_columns, in_words, short

if TYPE_CHECKING:
    from explorer.views.lens.view import Lens

_MARGIN = 9  # the names of the rows
_NARROWEST, _WIDEST = 7, 13  # cells for a column
_NUMBERED = 11  # from here on a column has room for a number beside the token
_MANY = 9  # columns that are enough where not all tokens fit
_SIDE = 28  # cells for the list beside the table
_PROBABILITY, _ENTROPY, _RANK = range(3)
_TALL = 8  # lines from which on the list below is drawn


class Layout(NamedTuple):
    """Which part of the table is drawn, and how wide a column is."""

    rows: range
    columns: range
    size: int
    side: bool  # the list of the chosen cell stands beside the table


def table(view: "Lens", cells: int, height: int) -> list[Line]:
    """The whole view."""
    top = [*_answer(view, cells)[: 2 if height > 18 else 1], _loss(view, cells)]
    plan = _plan(view, cells, height - len(top) - 2)
    left = [*_header(view, plan), *_body(view, plan)]
    lines = top + (beside(view, left, _MARGIN + len(plan.columns) * plan.size, cells) if plan.side else left)
    rest = height - len(lines)
    lines += [_legend(view, plan, cells), in_words(view, cells)][-max(0, rest) :] if rest else []
    rest = height - len(lines)
    if plan.side or rest <= 0:
        return lines[:height]
    return [*lines, *(below(view, cells, rest) if rest >= _TALL else in_columns(view, cells, rest))]


def _plan(view: "Lens", cells: int, height: int) -> Layout:
    """As many columns and rows as fit; the list goes where the table needs no room."""
    tokens, here = len(view.session.ids), view.session.position
    fitting = (cells - _MARGIN) // _NARROWEST
    with_list = (cells - _MARGIN - _SIDE) // _NARROWEST
    side = with_list >= tokens or (fitting < tokens and with_list >= _MANY)
    room = cells - _MARGIN - (_SIDE if side else 0)
    shown = max(1, min(tokens, room // _NARROWEST))
    size = max(_NARROWEST, min(_WIDEST, room // shown))
    first, last = window(here, tokens, shown)
    view.columns = range(first, last)
    from_top = len(view.rows) - 1 - view.row
    top, bottom = page(from_top, len(view.rows), max(1, height - 2))
    return Layout(range(len(view.rows) - 1 - top, len(view.rows) - 1 - bottom, -1), range(first, last), size, side)


# On top


def _answer(view: "Lens", cells: int) -> list[Line]:
    """From where on the answer stays at the chosen position."""
    session, position = view.session, view.session.position
    here = Span(session.label(session.ids[position]), "here-text")
    last = view.cell(len(view.rows) - 1, position)
    if view.failure:
        return wrapped(view.failure, cells, "down")
    if last is None:
        known = session.run.positions("logits") > position
        waiting = "stopped · r goes on" if session.stopped and not known else "computing …"
        return [clipped([Span("after "), here, Span(f"  {_missing(view) or waiting}", "dim")], cells)]
    answer = Span(session.label(last.answer), "value")
    line = [Span("after "), here, Span(" it says "), answer]
    if session.recorded:
        return [
            clipped(line, cells),
            clipped([Span("a recorded run has no weights to look inside with", "dim")], cells),
        ]
    found = view.settled(position)
    if found is None:
        return [clipped([*line, Span("  looking for where it began …", "dim")], cells)]
    since = "embeddings" if not found else view.rows[found].title
    spans = [*line, Span(", since "), Span(since, "bold")]
    rest = f" ({len(view.rows) - 1 - found} of {len(view.rows) - 1} steps before the end)"
    if length(spans) + width(rest) <= cells:
        spans.append(Span(rest, "dim"))
    return [clipped(spans, cells)]


def _missing(view: "Lens") -> str:
    recorded = view.session.recorded and view.session.run.positions("logits") <= view.session.position
    return "its logits were not recorded" if recorded else ""


def _loss(view: "Lens", cells: int) -> Line:
    """How much the prompt surprised the model as a whole."""
    found, tokens = view.loss(), len(view.session.ids)
    if found is None:
        waiting = "no loss: nothing predicts a first token" if tokens == 1 else "loss: computing …"
        return clipped([Span(waiting, "dim")], cells)
    line = [Span("loss "), Span(f"{found.bits:.2f} bits a token", "value")]
    for words in (f" · perplexity {found.perplexity:.1f}", f" · {found.nats:.3f} nats", f" · {found.tokens} predicted"):
        if length([*line, Span(words)]) <= cells:
            line.append(Span(words, "dim"))
    return clipped(line, cells)


# The table


def _header(view: "Lens", plan: Layout) -> list[Line]:
    """The prompt's tokens, coloured by how much each surprised the model, and by how many bits."""
    session, unsure = view.session, log2(max(2, view.session.config.vocab_size))
    names: Line = [Span(fit(_more(plan, len(session.ids)), _MARGIN), "dim")]
    bits: Line = [Span(fit("surprise", _MARGIN), "dim")]
    for position in plan.columns:
        amount = view.surprise(position)
        label = fit(session.label(session.ids[position]), plan.size - 1, mark="")
        here = position == session.position
        heat = "chip" if amount is None else f"share:{_share_of(amount / unsure)}"
        names += [Span(label, "here" if here else heat, ("position", position)), Span(" ")]
        text = "" if position == 0 else "…" if amount is None else f"{amount:.1f}"
        bits.append(Span(fit(text, plan.size), "here-text" if here else "dim"))
    return [names, bits]


def _more(plan: Layout, tokens: int) -> str:
    """Which tokens are there, where it is not all of them."""
    if len(plan.columns) == tokens:
        return ""
    first, last = plan.columns[0], plan.columns[-1]
    return f"{'‹ ' if first else ''}{first}–{last}{' ›' if last + 1 < tokens else ''}"


def _body(view: "Lens", plan: Layout) -> list[Line]:
    settled = {position: view.settled(position) for position in plan.columns}
    lines: list[Line] = []
    for row in plan.rows:
        chosen = row == view.row
        name = fit(short(view.rows[row]), _MARGIN - 1, ">")
        line = [Span(name + " ", "here-text" if chosen else "dim", ("view", row, view.session.position))]
        for position in plan.columns:
            since = settled[position]
            line += _entry(view, plan, row, position, since is not None and row >= since)
        lines.append(line)
    return lines


def _entry(view: "Lens", plan: Layout, row: int, position: int, stays: bool) -> Line:
    """A cell: the token, a number where there is room, and a line along those in which the answer stays."""
    found, action = view.cell(row, position), ("view", row, position)
    here = row == view.row and position == view.session.position
    size = plan.size - 1
    mark = Span("▎" if stays else " ", "answer", action)
    if found is None:
        unknown = "·" if view.session.recorded else "…"
        return [Span(fit(unknown, size), "here" if here else "dim", action), mark]
    label = view.session.label(found.token)
    amount = _amount(view.mode, found) if plan.size >= _NUMBERED else ""
    text = fit(label, size - width(amount) - 1, mark="") + " " + amount if amount else fit(label, size, mark="")
    style = "here" if here else f"share:{_level(view, found)}"
    return [Span(text, style, action), mark]


def _amount(mode: int, found: LensCell) -> str:
    """The number that the colour stands for."""
    if mode == _ENTROPY:
        return f"{found.entropy:.1f}"
    if mode == _RANK:
        return str(found.answer_rank) if found.answer_rank < 1000 else f"{found.answer_rank // 1000}k"
    return f"{found.probability:3.0%}"


def _level(view: "Lens", found: LensCell) -> int:
    """How bright a cell is: the surer of what it says, or of the answer, the brighter; dark where it is no number."""
    if isnan(found.probability):
        return 0
    vocabulary = max(2, view.session.config.vocab_size)
    if view.mode == _ENTROPY:
        return _share_of(1 - found.entropy / log2(vocabulary))
    if view.mode == _RANK:
        return _share_of(1 - log(found.answer_rank) / log(vocabulary))
    return share_level(found.probability)


def _share_of(share: float) -> int:
    return round(SHARE_LEVELS * min(max(share, 0.0), 1.0))


# Below


def _legend(view: "Lens", plan: Layout, cells: int) -> Line:
    """What the colours are, and how much of the table is there, where it is not all."""
    vocabulary = max(2, view.session.config.vocab_size)
    low, high, what = (
        ("0%", "100%", "probability, T 1"),
        (f"{log2(vocabulary):.0f} bits", "0", "entropy"),
        (str(vocabulary), "1", "rank of the answer"),
    )[view.mode]
    scale = [Span("▄", f"share:{4 * step}/") for step in range(SHARE_LEVELS // 4 + 1)]
    line = [Span(f"{low} ", "dim"), *scale, Span(f" {high}  {what}", "dim"), Span("   ▎", "answer")]
    parts = ((plan.rows, len(view.rows), "rows"), (plan.columns, len(view.session.ids), "tokens"))
    cut = "".join(f" · {len(part)} of {count} {noun}" for part, count, noun in parts if len(part) < count)
    stays = "the answer stays" if length(line) + width(f"the answer stays{cut}") <= cells else "stays"
    line.append(Span(stays + cut, "dim"))
    return clipped(line, cells)
