"""The stages about the vocabulary: logits, the ledger from logits to probabilities, and the draw."""

import math

from explorer.paint.bars import signed_bar
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, page
from explorer.text import fit, number, width
from explorer.walk.session import Session
from gpt import Distribution

_TOKEN = 14


def logits(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The tokens by rank, each with its logit."""
    ranking = session.trace.ranking("logits", session.position)
    if ranking is None:
        return []
    low, high = min(ranking.logits), ranking.logits[ranking.order[0]]
    first, last = page(session.cursor.column, len(ranking.order), height - 1)
    room = min(40, max(0, cells - _TOKEN - 24))
    head = f"{'rank':>5} {fit('token', _TOKEN)} {'id':>6} {'logit':>8}  of {len(ranking.order)}"
    lines: list[Line] = [[Span(head, "dim")]]
    for rank in range(first, last):
        token = ranking.order[rank]
        value = ranking.logits[token]
        lines.append(
            [
                *_ranked(session, rank, token, _TOKEN),
                Span(f" {token:>6}", "dim"),
                Span(f" {number(value):>8} "),
                *signed_bar(value, low, high, room),
            ]
        )
    return lines


def _ranked(session: Session, rank: int, token: int, names: int) -> Line:
    """The beginning of a row: where the cursor is, the rank, the token."""
    here = rank == session.cursor.column
    action = ("cell", session.position, rank)
    return [
        Span(f"{'▶' if here else ' '}{rank + 1:>4} ", "here-text" if here else "dim", action),
        Span(fit(session.label(token), names), "here" if here else "token", action),
    ]


def ledger(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """Every step from logit to probability, a token a line."""
    step = session.draws.step_after(session.position)
    chances = session.draws.chances_shown(session.position)
    if chances is None:
        return []
    drawn, stay = step.token if step else None, f"{len(chances.order)} of {len(chances.logits)} stay"
    whole = f"{_drawn_from(session)} · {stay}"
    head: list[Line] = [[Span(whole)], []] if width(whole) <= cells else [[Span(_drawn_from(session))], [Span(stay)]]
    return [*head, *_rows(session, chances, drawn, cells, height - 2)]


def _drawn_from(session: Session) -> str:
    """The settings that made the probabilities here, which need not be those at temperature 1 beside them."""
    settings, _ = session.draws.settings_shown(session.position)
    top_k = "off" if settings.top_k is None else settings.top_k
    return f"p is drawn from: T {settings.temperature:g}, top-k {top_k}, top-p {settings.top_p:g}"


def _rows(session: Session, chances: Distribution, drawn: int | None, cells: int, height: int) -> list[Line]:
    """The ledger's table: logit, over T, which cut it fell to, renormalised, running sum."""
    order = session.trace.order(session.position)
    first, last = page(session.cursor.column, len(order), height - 1)
    names = max(7, min(16, cells - 41))
    title = f"{'rank':>5} {fit('token', names)}{'logit':>7}{'÷ T':>7}{'stays':>6}{'p':>7}{'sum':>6}"
    lines: list[Line] = [[Span(title, "dim")]]
    reached = dict(zip(chances.order, chances.cumulative))
    for rank in range(first, last):
        token = order[rank]
        stays = token in reached
        figures = f"{number(chances.logits[token], 2):>7}{number(chances.tempered[token], 2):>7}"
        share = f"{percent(chances.probabilities[token]):>7}{reached[token]:>6.3f}" if stays else f"{'·':>7}{'·':>6}"
        fate = Span(f"{_fate(chances, token):>6}", "done" if stays else "down")
        line = [*_ranked(session, rank, token, names), Span(figures), fate, Span(share, "" if stays else "dim")]
        lines.append([*line, Span(" ◂", "here-text")] if token == drawn else line)
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
        return _given(session)
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
    lines: list[Line] = [
        [*number_line, Span(f"   seed {seed}", "dim")],
        [Span(" " * mark), Span("▼", "here-text")],
        _number_line(session, chances, size),
        [Span("0" + " " * (size - 2) + "1", "dim")],
        [
            Span(f"{verb} "),
            Span(session.label(step.token), "here"),
            Span(f" ({start:.4f} to {chances.cumulative[place]:.4f})"),
            Span("" if made else "  n takes it", "dim"),
        ],
        [Span(_drawn_from(session), "dim")],
    ]
    return [*lines, *_rows(session, chances, step.token, cells, height - len(lines))]


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


def _given(session: Session) -> list[Line]:
    """Within the prompt nothing is drawn: what comes next was typed."""
    following = session.ids[session.position + 1]
    ranking = session.trace.ranking("logits", session.position)
    words = "Nothing is drawn here: the prompt goes on with "
    lines: list[Line] = [[Span(words), Span(session.label(following), "here")]]
    if ranking:
        rank, share = ranking.order.index(following) + 1, ranking.probabilities[following]
        lines.append([Span(f"The model gave it {share:.2%} (at T 1), rank {rank} of {len(ranking.order)}.", "dim")])
    return [*lines, [], [Span("The draw is at the last token: press > to go there.", "dim")]]
