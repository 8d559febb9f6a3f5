"""The terms of an explained number, and whether they add up to it."""

import math
from collections.abc import Sequence

from explorer.engine.engines import in_words, on_arrays, roundoff
from explorer.paint.number import exactly
from explorer.paint.spans import Line, Span, bar, length, window, wrapped
from explorer.provenance.explanation import Explanation, Factor, Term, exact_sum
from explorer.provenance.names import TOTAL
from explorer.provenance.words import brief, labels, together
from explorer.runs.cells import Cell
from explorer.terminal.text import fit, number, short, width
from explorer.walk.session import Session
from explorer.walk.why import Why

_LABEL = 34  # cells for a term's name at the most
_VALUE = 11
_LEAST_BAR, _MOST_BAR = 6, 30
_DOUBLE = 2.0**-53  # the unit roundoff of the sum
_ROUNDED = 200  # times, at the most: a number itself, with the exponential and the argument of one


def table(session: Session, asked: Why, explanation: Explanation, cells: int, height: int) -> list[Line]:
    """The terms of a sum, as many as fit around the chosen one; the rest as one remainder; and the sum."""
    foot = verdict(session, explanation, cells)
    ranked, (row, factor) = explanation.ranked, asked.chosen
    first, last = window(row, len(ranked), max(1, height - len(foot) - 1))
    shown = ranked[first:last]
    names = labels([term.at or explanation.cell for term in shown], session)
    hidden = [*ranked[:first], *ranked[last:]]
    rest = f"{len(hidden)} more, together" if hidden else ""
    columns = [] if explanation.unrolled else _columns(shown)
    how = sum(columns) + 3 * max(0, len(columns) - 1)  # cells for what a term is made of
    size = min(_LABEL, max(*map(width, names), width(rest) - how), cells // 2)
    lines: list[Line] = []
    for index, (term, name) in enumerate(zip(shown, names), first):
        here = index == row
        style, action = "here-text" if here else "", ("term", index, 0)
        pieces = _pieces(term, columns, index, factor if here else None)
        line = [Span("▶ " if here else "  ", style, action), Span(fit(name, size) + "  ", style, action), *pieces]
        line += [Span(" " * max(0, how - length(pieces))), Span(fit(_value(term), _VALUE, ">") + " ", style)]
        lines.append([*line, *_bar(term, ranked[0], cells - length(line))])
    if hidden:
        together = exact_sum(hidden)
        total = fit("?" if math.isnan(together) else number(together, 5), _VALUE, ">")
        lines.append([Span(fit(f"  {rest}", 2 + size + 2 + how), "dim"), Span(total)])
    return [*lines, *foot]


def _bar(term: Term, largest: Term, room: int) -> Line:
    """A bar for the size of a term next to the largest; colour and sign say its direction."""
    if room < _LEAST_BAR or term.value is None or not largest.size:
        return []
    style = "positive" if term.value >= 0 else "negative"
    return [Span(bar(term.size / largest.size, min(room, _MOST_BAR)), style)]


def _value(term: Term) -> str:
    return "?" if term.value is None else number(term.value, 5)


def _columns(terms: Sequence[Term]) -> list[int]:
    """The width of the column of each factor."""
    widths: dict[int, int] = {}
    for term in terms:
        for text, factor in term.pieces():
            if factor is not None:
                widths[factor] = max(widths.get(factor, 0), width(text))
    return [widths[factor] for factor in sorted(widths)]


def _pieces(term: Term, columns: list[int], index: int, chosen: int | None) -> Line:
    """The formula of a term, its numbers in columns, each a thing to choose; nothing without columns."""
    line: Line = []
    for text, factor in term.pieces() if columns else ():
        if factor is None:
            line.append(Span(text, "dim"))
            continue
        style = "here" if factor == chosen else "" if term.factors[factor].at else "dim"
        padding = " " * (columns[factor] - width(text))
        line += [Span(padding), Span(text, style, ("term", index, factor))]
    return line


def verdict(session: Session, explanation: Explanation, cells: int) -> list[Line]:
    """Whether the terms add up to the recorded number."""
    if explanation.computed is None:
        return [[], *wrapped(_missing(session), cells, "down")]
    if explanation.exact:
        return [[], [Span("✓ equal to the recorded number, to the last bit", "done")]]
    assert explanation.value is not None
    gap = short(explanation.computed - explanation.value)
    apart = f"{gap} apart: {_reason(session, explanation)}"
    return [[], [Span(f"sum {exactly(explanation.computed)}", ""), Span(f"  {apart}", "dim")]]


def _reason(session: Session, explanation: Explanation) -> str:
    """Why the sum may differ from what was recorded."""
    if session.trace.editor and not _nearly(session, explanation):
        return "an edit changed it after it was computed"
    if on_arrays(session.model):
        library, dtype, *_ = in_words(session.model).split()
        return f"{library} rounds to {dtype}" if dtype == "bfloat16" else f"{library} adds in another order, in {dtype}"
    if explanation.unrolled:
        return "added in another order"
    return "recorded with less precision" if session.recorded else "changed after it was computed"


def _nearly(session: Session, explanation: Explanation) -> bool:
    """Whether rounding may explain the difference: that of the run, and that of computing the number again."""
    assert explanation.computed is not None
    assert explanation.value is not None
    config = session.config
    often = len(explanation.terms) + config.n_embd + config.n_positions + _ROUNDED
    sizes = math.fsum(abs(value) for value in explanation.values if value is not None)
    run = roundoff(session.model)
    return abs(explanation.computed - explanation.value) <= often * (run + _DOUBLE) * sizes


def _missing(session: Session) -> str:
    if session.recorded:
        return "The weights are not in this file: the products are not known."
    return "Some of its terms are not computed yet."


def single(session: Session, asked: Why, explanation: Explanation, cells: int, height: int) -> list[Line]:
    """The numbers of one operation, a line each, and, where one of them is a sum, what it is the sum of."""
    (term,) = explanation.terms
    row, _ = asked.chosen
    names = [factor_name(session, term, index) for index in range(len(term.factors))]
    size = min(max(map(width, names), default=0), cells - _VALUE - 4)
    lines: list[Line] = []
    for index, (factor, name) in enumerate(zip(term.factors, names)):
        here = index == row
        action = ("term", index, 0)
        style = "here-text" if here else "" if factor.at else "dim"
        value = "?" if factor.value is None else short(factor.value, 8)
        lines.append(
            [
                Span("▶ " if here else "  ", "here-text", action),
                Span(fit(name, size) + "  ", style, action),
                Span(fit(value, _VALUE, ">"), "value" if here else "", action),
            ]
        )
    lines += verdict(session, explanation, cells)
    for factor in term.factors:
        if factor.at and factor.at.name.endswith(TOTAL) and height - len(lines) > 3:
            lines += [[], *_breakdown(session, factor.at, cells, height - len(lines) - 1)]
    return lines


def factor_name(session: Session, term: Term, index: int) -> str:
    """The role of a number in an operation, and where it is from."""
    factor = term.factors[index]
    place = brief(factor.at, session) if factor.at else factor.label
    role = term.how.roles[index] if term.how.roles else ""
    return place if not role or role in place else f"{role}: {place}"


def _breakdown(session: Session, cell: Cell, cells: int, height: int) -> list[Line]:
    """A sum within the operation, in short."""
    inner = session.provenance.explain(cell)
    shown = inner.ranked[: height - 1]
    names = labels([term.at or cell for term in shown], session)
    size, texts = min(_LABEL, max(map(width, names))), [term.text for term in shown]
    wide = max(map(width, texts))
    part = f", the largest {len(shown)}" if len(shown) < len(inner.terms) else ""
    lines: list[Line] = [[Span(f"{short(inner.value)} = the sum of {len(inner.terms)} exponentials{part}", "dim")]]
    for term, name, text in zip(shown, names, texts):
        line = [Span(f"  {fit(name, size)}  "), Span(fit(text, wide), "dim"), Span(fit(_value(term), _VALUE, ">"))]
        room = min(_MOST_BAR, cells - length(line) - 1)
        lines.append([*line, Span(" " + bar(term.size / (inner.ranked[0].size or 1.0), room), "positive")])
    return lines


def operation(session: Session, explanation: Explanation) -> str:
    """The operation in a line: with its numbers where they are few, else with the names of what is added up."""
    if explanation.unrolled:
        return f"the sum of {len(explanation.terms)} contributions"
    if len(explanation.terms) <= 3:
        return explanation.formula(3)
    how = explanation.terms[0].how
    common = [term for term in explanation.terms if term.how is how]
    others = [brief(term.at, session) for term in explanation.terms if term.how is not how and term.at]
    each = how.text.format(*(_kind(session, factors) for factors in zip(*(term.factors for term in common))))
    return " + ".join([f"the sum of {len(common)}: {each}", *others])


def _kind(session: Session, factors: Sequence[Factor]) -> str:
    """The name of a factor that all terms share."""
    cells = [factor.at for factor in factors if factor.at]
    return together(cells, session) if cells else factors[0].label
