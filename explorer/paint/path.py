"""The trail as one picture: every number a line, from the last to the first, and where among the tokens it is."""

from explorer.paint.spans import Line, Span, window
from explorer.provenance.names import TOKENS, axes_of
from explorer.provenance.words import brief
from explorer.terminal.text import fit, number, width
from explorer.walk.session import Session
from explorer.walk.why import Why

_COMPUTED = "the largest contribution, back to where it began"
_RECORDED = "the largest inputs, back to where they began (this file has no weights)"
_NAME = 40
_VALUE = 10


def path(session: Session, asked: Why, cells: int, height: int) -> list[Line]:
    """A number a line: what it is, its value, how much of it the next one is, and a mark in the column of its token."""
    count = len(asked.visits)
    first, last = window(asked.at, count, height - 3)
    names = min(_NAME, max(width(brief(visit.cell, session)) for visit in asked.visits))
    tracks = cells - names - _VALUE - 16
    positions = _positions(session, asked)
    shown = f"  {last - first} of {count} numbers" if last - first < count else ""
    lines: list[Line] = [
        [Span(_RECORDED if session.recorded else _COMPUTED, "bold"), Span(shown, "dim")],
        [Span(f"{'':>{names + 2}}{'value':>{_VALUE}}{'of which':>10}   ", "dim"), *_tokens(session, positions, tracks)],
    ]
    for index in range(first, last):
        lines.append(_step(session, asked, index, positions, names, tracks))
    return lines


def _positions(session: Session, asked: Why) -> list[int | None]:
    """At which token each number is; a weight is at none, and stands where the path left off."""
    positions: list[int | None] = []
    for visit in asked.visits:
        axes = axes_of(visit.cell.name, session.trace.axes)
        known = axes.index("T") if "T" in axes else None
        positions.append(visit.cell.index[known] if known is not None else positions[-1] if positions else None)
    return positions


def _step(session: Session, asked: Why, index: int, positions: list[int | None], names: int, tracks: int) -> Line:
    cell = asked.visits[index].cell
    here = index == asked.at
    explanation = asked.explanation_of(index)
    share = ""
    if index + 1 < len(asked.visits):
        following = asked.visits[index + 1].cell
        term = next((t for t in explanation.terms if any(f.at == following for f in t.factors)), None)
        if term and len(explanation.terms) > 1 and term.value is not None:
            share = number(term.value, 3)
    value = "?" if explanation.value is None else number(explanation.value)
    if cell.name == TOKENS:
        value = f"id {explanation.value:.0f}"
    style = "here-text" if here else ""
    action = ("trail", index)
    return [
        Span("▶ " if here else "  ", "here-text", action),
        Span(fit(brief(cell, session), names), style, action),
        Span(fit(value, _VALUE, ">"), "value" if here else "", action),
        Span(fit(share, 10, ">") + "   ", "dim", action),
        *_track(positions, index, tracks),
    ]


def _columns(positions: list[int | None], tracks: int) -> dict[int, int]:
    """In which cell each token has its column: those that the path visits, evenly spread."""
    visited = sorted({position for position in positions if position is not None})
    step = max(2, min(12, tracks // max(1, len(visited))))
    return {position: i * step for i, position in enumerate(visited) if i * step < tracks}


def _tokens(session: Session, positions: list[int | None], tracks: int) -> Line:
    """The tokens that the path visits, above their columns."""
    columns = _columns(positions, tracks)
    step = min((b - a for a, b in zip(list(columns.values()), list(columns.values())[1:])), default=tracks)
    return [Span(fit(session.label(session.ids[position]), step - 1) + " ", "token") for position in columns]


def _track(positions: list[int | None], index: int, tracks: int) -> Line:
    """A mark in the token's column; where the path comes from another token, the way there."""
    columns = _columns(positions, tracks)
    here, before = positions[index], positions[index - 1] if index else positions[index]
    if here not in columns:
        return []
    at, source = columns[here], columns.get(before, columns[here]) if before is not None else columns[here]
    if at == source:
        return [Span(" " * at), Span("●", "accent")]
    left, right = sorted((at, source))
    ends = ("●", "╯") if at < source else ("╰", "●")
    return [Span(" " * left), Span(ends[0], "accent"), Span("─" * (right - left - 1), "dim"), Span(ends[1], "accent")]
