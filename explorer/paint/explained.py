"""Explanations as text and as JSON: a number, the terms that made it, and behind their doors the next numbers."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from explorer.code.source import calculating_line, source_of
from explorer.engine.engines import plain
from explorer.errors import CellError
from explorer.paint.number import exactly
from explorer.paint.terms import factor_name, operation, verdict
from explorer.provenance.explanation import Explanation, Term
from explorer.provenance.names import DRAWN, TOKENS
from explorer.provenance.words import in_words, labels
from explorer.runs.cells import Cell
from explorer.terminal.text import fit, number, width
from explorer.terminal.text import short as digits
from explorer.walk.session import Session
from gpt import ops

_LABEL = 48  # cells for a term's name at the most
_COMPARED = 8  # terms at the least, when names are found that set them apart
_INDENT = "    "
_IDS = (TOKENS, DRAWN)


class Shown(NamedTuple):
    """How much is shown: so many terms of each number (0: all), and the numbers behind that many doors."""

    terms: int
    depth: int = 0
    unrolled: bool = False


def explanation_of(session: Session, cell: Cell, shown: Shown) -> Explanation:
    """Why the number has its value; CellError if there is no such number in this run."""
    explanation = session.provenance.explain(cell, shown.unrolled)
    if explanation.value is None:
        raise CellError(f"there is no {cell}: {_absent(cell)}")
    return explanation


def _absent(cell: Cell) -> str:
    if cell.name == DRAWN:
        return f"the token after position {cell.index[0]} was typed, not drawn. Ask for the last position."
    if cell.name == "cumulative":
        return "top-k or top-p dropped this token, so it has no place in the running sums. --top-k 0 keeps all."
    return "nothing was computed or recorded there."


# Text


def lines(session: Session, explanation: Explanation, shown: Shown, columns: int) -> list[str]:
    """The number, its terms in a table, whether they add up to it, and the function that computed it."""
    found = [*_head(session, explanation), *_body(session, explanation, shown, columns)]
    if explanation.function:
        found += _verdict(session, explanation, columns)
    return [line.rstrip() for line in found]


def _head(session: Session, explanation: Explanation) -> Iterator[str]:
    yield f"{in_words(explanation.cell, session)} = {_exactly(explanation)}"
    yield str(explanation.cell)
    if explanation.function:
        yield f"= {operation(session, explanation)}"
        yield "{file}:{line} {function}".format(**source_line(explanation.function))
    yield ""


def _body(session: Session, explanation: Explanation, shown: Shown, columns: int) -> Iterator[str]:
    if explanation.function is None:
        yield _origin(explanation)
        return
    rows = _rows(session, explanation, shown)
    name = min(_LABEL, max(width(row.name) for row in rows))
    value, door = max(width(row.value) for row in rows), max(width(row.door) for row in rows)
    how = max(width(row.how) for row in rows)
    if name + how + value + door + 8 > columns:  # a number that is cut off would be another number
        how = 0
    for row in rows:
        table = (fit(row.name, name), fit(row.how, how), fit(row.value, value, ">"), row.door)
        yield "  " + "  ".join(column for column in table if column)
        yield from _behind(session, row, shown, columns)


class _Row(NamedTuple):
    name: str
    how: str
    value: str
    door: str
    at: Cell | None


def _rows(session: Session, explanation: Explanation, shown: Shown) -> list[_Row]:
    """A line for each term, the largest first, and for what is not shown; of a single term one for each factor."""
    if len(explanation.terms) == 1:
        return list(_factors(session, explanation.terms[0])) or [_Row("", explanation.terms[0].text, "", "", None)]
    terms = explanation.ranked[: shown.terms or None]
    names = _names(session, explanation, len(terms))
    rows = [_row(term, name) for term, name in zip(terms, names)]
    if more := len(explanation.terms) - len(terms):
        rows.append(_Row(f"{more} more, together", "", _signed(explanation.remainder(len(terms))), "", None))
    if explanation.rounding and not math.isnan(explanation.rounding):
        rows.append(_Row("rounded while adding", "", _signed(explanation.rounding), "", None))
    return rows


def _names(session: Session, explanation: Explanation, count: int) -> list[str]:
    """Labels for the largest terms, which also tell them from those that are not shown."""
    terms = explanation.ranked[: max(count, _COMPARED)]
    return labels([term.at or explanation.cell for term in terms], session)[:count]


def _row(term: Term, name: str) -> _Row:
    how = term.text if len(term.factors) > 1 else ""
    return _Row(name, how, _signed(term.value), f"← {term.at}" if term.at else "", term.at)


def _factors(session: Session, term: Term) -> Iterator[_Row]:
    """The operands of an operation, each with its role where that needs saying."""
    for index, factor in enumerate(term.factors):
        name = factor_name(session, term, index)
        yield _Row(name, "", digits(factor.value, 8), f"← {factor.at}" if factor.at else "", factor.at)


def _signed(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "?"
    return number(value, 6) if abs(value) >= 1e-4 or not value else digits(value)


def _behind(session: Session, row: _Row, shown: Shown, columns: int) -> Iterator[str]:
    """The number behind the door of a term, indented."""
    if not shown.depth or row.at is None:
        return
    inner = session.provenance.explain(row.at, shown.unrolled)
    below = shown._replace(depth=shown.depth - 1)
    yield f"{_INDENT}{in_words(row.at, session)} = {_exactly(inner)}"
    if inner.function:
        yield f"{_INDENT}= {operation(session, inner)}"
    inside = [*_body(session, inner, below, columns - len(_INDENT))]
    if inner.function and not inner.exact:
        inside += _verdict(session, inner, columns - len(_INDENT))[1:]
    yield from (_INDENT + line for line in inside)


def _verdict(session: Session, explanation: Explanation, columns: int) -> list[str]:
    return ["".join(span.text for span in line) for line in verdict(session, explanation, columns)]


def _exactly(explanation: Explanation) -> str:
    """The value to its last bit; a token's id is a whole number."""
    value = explanation.value
    return str(int(value)) if value is not None and explanation.cell.name in _IDS else exactly(value)


def _origin(explanation: Explanation) -> str:
    """The origin of a number that was not computed."""
    if explanation.value is None:
        return "  not recorded"
    if explanation.cell.name == TOKENS:
        return "  typed: a token of the prompt"
    return "  learned: a number of the checkpoint"


# JSON


def as_json(session: Session, explanation: Explanation, shown: Shown) -> dict[str, Any]:
    """Everything at full precision. Infinities are strings, as JSON has no number for them; what is unknown is null."""
    terms = explanation.ranked[: shown.terms or None]
    names = _names(session, explanation, len(terms))
    return {
        "name": explanation.cell.name,
        "index": list(explanation.cell.index),
        "value": _plain(explanation.value),
        "operation": operation_name(explanation),
        "terms": [_term(session, term, name, shown) for term, name in zip(terms, names)],
        "more": len(explanation.terms) - len(terms),
        "remainder": _plain(explanation.remainder(len(terms))),
        "rounding": _plain(explanation.rounding),
        "computed": _plain(explanation.computed),
        "source": source_line(explanation.function) if explanation.function else None,
    }


def _term(session: Session, term: Term, label: str, shown: Shown) -> dict[str, Any]:
    found: dict[str, Any] = {
        "label": label,
        "value": _plain(term.value),
        "factors": [_plain(factor.value) for factor in term.factors],
        "doors": [str(factor.at) if factor.at else None for factor in term.factors],
        "at": str(term.at) if term.at else None,
        "text": term.text,
    }
    if shown.depth and term.at:
        inner = session.provenance.explain(term.at, shown.unrolled)
        found["explanation"] = as_json(session, inner, shown._replace(depth=shown.depth - 1))
    return found


def _plain(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    return str(float(value)) if math.isinf(value) else plain(value)


def operation_name(explanation: Explanation) -> str:
    """The function that computed it, or its other origin."""
    if explanation.unrolled:
        return "unrolled"
    if explanation.function:
        return "lookup" if explanation.function is ops.take else explanation.function.__name__
    if explanation.value is None:
        return "unknown"
    return "typed" if explanation.cell.name == TOKENS else "learned"


def source_line(function: Callable[..., Any]) -> dict[str, Any]:
    """Where a function of `gpt` calculates what it returns."""
    return {"file": source_of(function).file, "line": calculating_line(function), "function": function.__qualname__}
