"""The settings while they move: the four of them, and what each token's probability was and is."""

from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, bar, clipped, length
from explorer.terminal.text import fit
from explorer.walk.session import Session
from explorer.walk.settings import NAMES, Settings, in_words
from gpt import Distribution

KEYS = ("[ ]", "{ }", "( )", "S")
"""The keys that move each setting from anywhere."""

_SHORT = ("T", "k", "p", "seed")
_LABEL = 14
_FIGURE = 9


def settings(session: Session, moved: Settings, cells: int, height: int) -> list[Line]:
    """A line with the settings; below it, for the likeliest tokens, p before and p now side by side."""
    head = _head(moved, NAMES, cells)
    if length(head) > cells:
        head = _head(moved, _SHORT, cells)
    lines = [clipped(head, cells)]
    logits, now = session.trace.logits(session.position), session.draws.chances(session.position)
    if logits is None or now is None:
        return [*lines, [Span("not computed yet: the settings are taken all the same", "dim")]][:height]
    before = moved.chances_before(session.position, logits)
    return [*lines, *_both(session, moved, before, now, cells, height - 1)][:height]


def _head(moved: Settings, names: tuple[str, ...], cells: int) -> Line:
    line: Line = []
    for number, (name, value) in enumerate(zip(names, moved.values)):
        lit, action = number == moved.chosen, ("setting", number)
        shown = f"{moved.typed}_" if lit and moved.typed else value
        line += [Span(f"{name} ", "dim", action), Span(f" {shown} ", "here" if lit else "choice", action)]
        line += [Span(f" {KEYS[number]}", "key"), Span("   ")]
    return line[:-1]


def _both(
    session: Session, moved: Settings, before: Distribution, now: Distribution, cells: int, room: int
) -> list[Line]:
    was, names = "was " + _in_short(moved), min(_LABEL, cells // 4)
    bars = max(4, (cells - names - 2 * _FIGURE - 6) // 2)
    head = f"{fit('p of the next', names)}  {fit(was, bars + _FIGURE)}  now"
    after = session.label(session.ids[session.position])
    lines: list[Line] = [clipped([Span(head, "dim"), Span(f"  after {after}", "dim")], cells)]
    shown = session.trace.order(session.position)[: max(0, room - 1)]
    most = max(before.probabilities[before.order[0]], now.probabilities[now.order[0]])
    for token in shown:
        label = session.label(token)
        line: Line = [Span(fit(label, names), "token"), Span("  ")]
        for chances, style in ((before, "dim"), (now, "answer")):
            share = chances.probabilities[token]
            dropped = chances.top_p_logits[token] == float("-inf")
            figure = "dropped" if dropped else percent(share)
            line += [Span(fit(bar(share / most, bars), bars), style), Span(f"{figure:>{_FIGURE}}"), Span("  ")]
        lines.append(clipped(line, cells))
    return lines


def _in_short(moved: Settings) -> str:
    values = in_words(*moved.before)
    return " ".join(f"{name} {value}" for name, value in zip(_SHORT[:3], values))
