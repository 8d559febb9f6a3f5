"""The stages about the vocabulary: logits, the ledger from logits to probabilities, and the draw."""

import math
from collections.abc import Sequence

from explorer.paint.bars import bar_of, signed_bar
from explorer.paint.predictions import percent
from explorer.paint.row import figure
from explorer.paint.spans import Line, Span, clipped, length, page
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, width
from explorer.walk.session import Session
from gpt import Distribution

_FROM_ZERO = " · bars from 0"
_FIRST = 5  # ranks that are always shown
_WIDEST_BAR = 60
_WORDY = 70  # cells from which on the ledger names its columns in full
_COLUMNS = "sum: the running sum of p   ◂ drawn"
_TALL = 12  # lines from which on there is a blank one


def logits(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The tokens by rank, each with its logit: the first ones, and those around the cursor."""
    ranking = session.trace.ranking("logits", session.position)
    if ranking is None:
        return []
    order, values = ranking.order, ranking.logits
    ranks = _ranks(session.cursor.column, len(order), max(1, height - 1))
    shown = [values[order[rank]] for rank in ranks if rank is not None]
    low, high = min(shown), values[order[0]]
    names = _names(session, [order[rank] for rank in ranks if rank is not None], cells // 2)
    ids = max(2, len(str(len(order) - 1)))
    figures = max(8, *map(width, map(figure, (low, high))))
    room = min(_WIDEST_BAR, max(0, cells - names - ids - figures - 11))
    unit = "logit, B − A" if session.what_if.difference else "logit"
    head = f"{'rank':>5} {fit('token', names)} {'id':>{ids}} {unit:>{figures}}"
    title = f"{head}  {_shown(ranks, len(order))}"
    if room > 12 and width(title + _FROM_ZERO) <= cells:
        title += _FROM_ZERO
    lines: list[Line] = [clipped([Span(title, "dim")], cells)]
    for rank in ranks:
        if rank is None:
            lines.append([Span(f"{'⋮':>5}", "dim")])
            continue
        token = order[rank]
        lines.append(
            [
                *_ranked(session, rank, token, names),
                Span(f" {token:>{ids}}", "dim"),
                Span(f" {figure(values[token]):>{figures}} ", "value" if rank == 0 else ""),
                *signed_bar(values[token], low, high, room),
            ]
        )
    return lines


def _ranks(here: int, count: int, room: int) -> list[int | None]:
    """The ranks to show: the first ones, and the page that the cursor is on; None is a gap between the two."""
    if here < room or room < _FIRST + 2:
        return list(range(*page(here, count, room)))
    rest = room - _FIRST - 1
    first, last = page(here, count, rest)
    return [*range(_FIRST), None, *range(max(first, _FIRST), last)]


def _names(session: Session, tokens: Sequence[int], most: int) -> int:
    """Cells for the longest of these tokens."""
    return max(7, min(most, max((width(session.label(token)) for token in tokens), default=0)))


def _shown(ranks: Sequence[int | None], count: int) -> str:
    """How many of the vocabulary are shown."""
    return f"{sum(rank is not None for rank in ranks)} of {count} shown"


def _ranked(session: Session, rank: int, token: int, names: int) -> Line:
    """The beginning of a row: where the cursor is, the rank, the token."""
    here = rank == session.cursor.column
    action = ("cell", session.position, rank)
    return [
        Span(f"{'▸' if here else ' '}{rank + 1:>4} ", "here-text" if here else "dim", action),
        Span(fit(session.label(token), names), "here-text" if here else "token", action),
    ]


def ledger(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """Every step from logit to probability, a token a line."""
    step = session.draws.step_after(session.position)
    chances = session.draws.chances_shown(session.position)
    if chances is None:
        return []
    drawn, stay = step.token if step else None, f"{len(chances.order)} of {len(chances.logits)} stay"
    whole = f"{_drawn_from(session)} · {stay}"
    head: list[Line] = [[Span(whole)]] if width(whole) <= cells else [[Span(_drawn_from(session))], [Span(stay)]]
    if height >= _TALL:
        head.append([Span(_COLUMNS, "dim")] if cells < _WORDY else [])
    return [*head, *_rows(session, chances, drawn, cells, height - len(head))]


def _drawn_from(session: Session) -> str:
    """The settings that made the probabilities here, which need not be those at temperature 1 beside them."""
    settings, _ = session.draws.settings_shown(session.position)
    top_k = "off" if settings.top_k is None else settings.top_k
    return f"p is drawn from: T {settings.temperature:g}, top-k {top_k}, top-p {settings.top_p:g}"


def _rows(session: Session, chances: Distribution, drawn: int | None, cells: int, height: int) -> list[Line]:
    """The ledger's table: logit, over T, which cut it fell to, renormalised, running sum."""
    order = session.trace.order(session.position)
    ranks = _ranks(session.cursor.column, len(order), max(1, height - 1))
    settings, _ = session.draws.settings_shown(session.position)
    share, added = f"p at T {settings.temperature:g}", "running sum" if cells >= _WORDY else "sum"
    shares, sums = width(share) + 1, max(6, width(added) + 1)
    fixed = 29 + shares + sums
    names = _names(session, [order[rank] for rank in ranks if rank is not None], max(7, min(cells // 2, cells - fixed)))
    title = f"{'rank':>5} {fit('token', names)}{'logit':>8}{'÷ T':>7}{'stays':>6}{share:>{shares}}{added:>{sums}}"
    shown = f"  {_shown(ranks, len(order))}"
    lines: list[Line] = [[Span(title + (shown if width(title + shown) <= cells else ""), "dim")]]
    mark = " ◂ drawn " if cells >= _WORDY else " ◂ "
    largest = chances.probabilities[chances.order[0]]
    reached = dict(zip(chances.order, chances.cumulative))
    for rank in ranks:
        if rank is None:
            lines.append([Span(f"{'⋮':>5}", "dim")])
            continue
        token = order[rank]
        stays = token in reached
        figures = f"{figure(chances.logits[token], 2):>8}{figure(chances.tempered[token], 2):>7}"
        p, total = (percent(chances.probabilities[token]), f"{reached[token]:.3f}") if stays else ("·", "·")
        fate = Span(f"{_fate(chances, token):>6}", "done" if stays else "down")
        line = [*_ranked(session, rank, token, names), Span(figures), fate]
        line.append(Span(f"{p:>{shares}}{total:>{sums}}", "" if stays else "dim"))
        line.append(Span(fit(mark if token == drawn else "", width(mark)), "here-text"))
        if stays:
            bars = min(_WIDEST_BAR, cells - length(line))
            line.append(Span(bar_of(chances.probabilities[token], largest, bars), "answer"))
        lines.append(line)
    return lines


def _fate(chances: Distribution, token: int) -> str:
    """Whether a token is still there after each cut."""
    if chances.top_k_logits[token] == -math.inf:
        return "top-k"
    return "top-p" if chances.top_p_logits[token] == -math.inf else "✓"


def drawing(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The number line from 0 to 1 with the tokens laid along it, and where the random number falls."""
    step = session.draws.step_after(session.position)
    if step is None:
        return _given(session, cells, height)
    chances, number_drawn = step.distribution, step.number
    size = min(cells, 80)
    place = chances.order.index(step.token)
    start = chances.cumulative[place - 1] if place else 0.0
    mark = _mark(number_drawn, start, chances.cumulative[place], size)
    made = session.draws.made.get(session.position + 1)
    verb = "you chose" if made and made.chosen else "it fell on" if made else "it falls on"
    number_line = [Span("random number "), Span(f"{number_drawn:.6f}", "value")]
    if made and made.chosen:
        number_line = [Span("chosen by you, in place of a draw")]
    _, seed = session.draws.settings_shown(session.position)
    first: Line = [*number_line, Span(f"   seed {seed}", "dim")]
    settings: Line = [Span(_drawn_from(session), "dim")]
    together = length([*first, *settings]) + 3 <= cells
    lines: list[Line] = [
        [*first, Span("   "), *settings] if together else first,
        [Span(" " * mark), Span("▼", "here-text")],
        _number_line(session, chances, size),
        [Span(_axis(size), "dim")],
        [
            Span(f"{verb} "),
            Span(session.label(step.token), "here"),
            Span(f" ({start:.4f} to {chances.cumulative[place]:.4f})"),
            Span("" if made else f"  press {pressed('draw', 'n')} to take it", "dim"),
        ],
    ]
    if not together:
        lines.append(settings)
    return [*lines, *_rows(session, chances, step.token, cells, height - len(lines))]


def _axis(size: int) -> str:
    """The ends of the number line, and what it counts."""
    words = next(
        (text for text in (" the p of the tokens, laid end to end ", " p, added up ") if len(text) < size - 8), ""
    )
    left = (size - 2 - len(words)) // 2
    return "0" + "─" * left + words + "─" * (size - 2 - left - len(words)) + "1"


def _mark(number_drawn: float, start: float, end: float, size: int) -> int:
    """The cell that the random number falls on: one of its token's own, though their edges are rounded to cells."""
    first, last = round(start * size), round(end * size) - 1
    mark = int(number_drawn * size)
    return max(first, min(mark, last)) if first <= last else min(mark, size - 1)


def _number_line(session: Session, chances: Distribution, size: int) -> Line:
    """The tokens end to end, each as wide as it is probable; names where they fit."""
    line: Line = []
    before = 0
    for index, (token, reached) in enumerate(zip(chances.order, chances.cumulative)):
        end = round(reached * size)
        if end > before:
            label = session.label(token)
            text = fit(label, end - before) if end - before > 2 else " " * (end - before)
            line.append(Span(text, "stripe-a" if index % 2 else "stripe-b", ("cell", session.position, index)))
            before = end
    return line


def _given(session: Session, cells: int, height: int) -> list[Line]:
    """Within the prompt nothing is drawn: what comes next was typed."""
    following = session.ids[session.position + 1]
    ranking = session.trace.ranking("logits", session.position)
    words = "Nothing is drawn here: the prompt goes on with "
    lines: list[Line] = [[Span(words), Span(session.label(following), "here")]]
    if ranking:
        rank, share = ranking.order.index(following) + 1, ranking.probabilities[following]
        given = f"{share:.2%}" if share >= 0.00005 else "less than 0.01%"
        lines.append([Span(f"The model gave it {given} (at T 1), rank {rank} of {len(ranking.order)}.", "dim")])
    lines.append([Span("The draw is at the last token: press > to go there.", "dim")])
    chances = session.draws.chances_shown(session.position)
    if chances is None or height < len(lines) + 3:
        return lines
    return [*lines, [], *_rows(session, chances, None, cells, height - len(lines) - 1)]
