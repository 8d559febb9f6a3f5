"""The thing under the mouse, in a line: a number with its place, a token, a head, a stage, a prediction."""

from collections.abc import Callable

from explorer.paint.number import exactly
from explorer.paint.spans import Action, Line, Span, clipped
from explorer.provenance.words import in_words
from explorer.runs.cells import Cell
from explorer.terminal.text import number
from explorer.walk.session import Session

_AROUND = 2  # numbers of a row that a head attends to, as they are told


def pointed(session: Session, action: Action, cells: int) -> list[Line]:
    """The words for a span that can be clicked on; none where there is nothing to tell."""
    kind, *numbers = action
    tell = _TOLD.get(kind)
    line = tell(session, *numbers) if tell else []
    return [clipped([Span("› ", "dim"), *line], cells)] if line else []


def _number(session: Session, position: int, column: int) -> Line:
    cell = session.cell(session.cursor.in_cell(position, column))
    return _of_cell(session, cell) if cell else []


def _of_cell(session: Session, cell: Cell) -> Line:
    apart = session.what_if.difference
    if apart:
        value = apart.at(cell.name, cell.index) if apart.positions(cell.name) else None
    else:
        value = session.provenance.value(cell)
    return [Span(in_words(cell, session), "bold"), Span(" = "), Span(exactly(value), "value")]


def _token(session: Session, position: int) -> Line:
    if position >= len(session.ids):
        return []
    token = session.ids[position]
    words = f" token {position + 1} of {len(session.ids)} (position {position}), id {token}"
    return [Span(session.label(token), "here-text"), Span(words)]


def _head(session: Session, head: int) -> Line:
    """A head, and what it attends to most at this position."""
    layer = session.stage.layer
    if layer is None:
        return []
    line = [Span(f"head {layer}.{head}", "bold")]
    name = f"blocks.{layer}.attn.hook_pattern"
    if session.trace.positions(name) <= session.position or session.what_if.difference:
        return line
    row = session.trace.matrix(name, head)[session.position]
    most = sorted(range(len(row)), key=lambda column: -row[column])[:_AROUND]
    line.append(Span(f" attends from {session.label(session.ids[session.position])} most to "))
    for index, column in enumerate(most):
        line += [Span(", " if index else ""), Span(session.label(session.ids[column]), "here-text")]
        line.append(Span(f" ({row[column]:.2f})"))
    return line


def _stage(session: Session, index: int) -> Line:
    stage = session.cursor.stages[index]
    return [Span(stage.place, "bold"), Span(f"  {stage.sentence}")]


def _part(session: Session, index: int) -> Line:
    part = session.stage.parts[index]
    return [Span(part.label, "bold"), Span(f"  {part.activation}")]


def _prediction(session: Session, token: int) -> Line:
    """A token of the vocabulary, its logit, and what a click does."""
    logits = session.trace.logits(session.position)
    line = [Span(session.label(token), "here-text"), Span(f" id {token}")]
    if logits is not None:
        line.append(Span(f", logit {number(logits[token], 3)} at the end"))
    last = session.position + 1 == len(session.ids) and not session.recorded
    return [*line, Span("  click: what if it were drawn?" if last else "", "dim")]


def _term(session: Session, row: int, factor: int) -> Line:
    why = session.why
    if why is None or row >= len(why.rows):
        return []
    term, factors = why.rows[row]
    found = term.factors[factors[factor]] if factor < len(factors) else None
    if found is None:
        return []
    return _of_cell(session, found.at) if found.at else [Span(found.label, "bold"), Span(f" = {exactly(found.value)}")]


def _visit(session: Session, index: int) -> Line:
    why = session.why
    return _of_cell(session, why.visits[index].cell) if why and index < len(why.visits) else []


_TOLD: dict[str, Callable[..., Line]] = {
    "cell": _number,
    "position": _token,
    "head": _head,
    "stage": _stage,
    "part": _part,
    "predicted": _prediction,
    "term": _term,
    "trail": _visit,
}
