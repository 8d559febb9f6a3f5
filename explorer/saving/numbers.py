"""The numbers of the picture of a stage, with their names: whole, where the picture shows a part of them."""

from collections.abc import Sequence

import numpy as np

from explorer.api.results import Axis, Numbers, Table
from explorer.errors import CellError
from explorer.stages import Kind
from explorer.terminal.text import visible
from explorer.walk.session import Session

NOT_YET = "there are no numbers here yet: wait until the run is computed"
_AXES = {"T": "position", "S": "key position", "H": "head", "d": "dimension", "e": "dimension", "m": "neuron"}
_ATTENTION = {"T": "query", "S": "key"}


def of_stage(session: Session) -> Numbers | Table:
    """The numbers that the picture of the stage is drawn from; CellError while they are not computed."""
    stage = session.stage
    if stage.kind is Kind.MERGES:
        return _tokens(session)
    if not session.trace.computed(stage, session.position):
        raise CellError(f"{NOT_YET}.")
    if stage.kind in (Kind.LEDGER, Kind.DRAW) and not session.what_if.difference:
        return _ledger(session)
    if session.cursor.axes == "TV":
        return _logits(session)
    return _row(session) if session.cursor.steps and session.cursor.axes == "HTS" else _grid(session)


def positions(session: Session, count: int | None = None) -> tuple[str, ...]:
    """The tokens by position: "0 Once", "1 ·upon"."""
    return tuple(f"{position} {label}" for position, label in enumerate(session.labels()[:count]))


def _place(session: Session) -> str:
    what_if = session.what_if
    edited = f", {what_if.in_words(session.labels())}" if what_if.edited else ""
    return f"{session.stage.place}{f', {what_if.showing}' if what_if.showing else edited}"


def _grid(session: Session) -> Numbers:
    """An activation: of one head, or of all where all are shown."""
    cursor, trace = session.cursor, session.trace
    assert cursor.part
    name, axes = cursor.part.activation, cursor.axes
    known = trace.positions(name)
    if "H" in axes and cursor.overview:
        heads = [trace.matrix(name, head) for head in range(session.config.n_head)]
        values, axes = _square(heads), "H" + axes.replace("H", "")
    else:
        values, axes = _square([trace.matrix(name, cursor.head)])[0], axes.replace("H", "")
    values = values[..., :known, :known] if axes.endswith("TS") else values[..., :known, :]
    title = f"{_place(session)}: {name}" + (
        f", head {cursor.head}" if "H" in cursor.axes and not cursor.overview else ""
    )
    named = _AXES | (_ATTENTION if "S" in axes else {})
    found = []
    for letter, size in zip(axes, values.shape):
        labels = positions(session, size) if letter in "TS" else tuple(map(str, range(size)))
        found.append(Axis(named.get(letter, letter), labels))
    return Numbers(title, tuple(found), values)


def _square(heads: Sequence[Sequence[Sequence[float]]]) -> np.ndarray:
    """Matrices as one array; rows that end at their own position go on with NaN."""
    width = max((len(row) for head in heads for row in head), default=0)
    rows = [[[*row, *[np.nan] * (width - len(row))] for row in head] for head in heads]
    return np.array(rows, dtype=np.float64)


def _row(session: Session) -> Table:
    """One row of attention, step by step: from the scores to the shares."""
    cursor, trace = session.cursor, session.trace
    names = [part.activation for stage in cursor.stages if stage.layer == session.stage.layer for part in stage.parts]
    steps = [name for name in names if trace.axes.get(name) == "HTS" and trace.positions(name) > session.position]
    columns = [trace.matrix(name, cursor.head)[session.position][: session.position + 1] for name in steps]
    labels = session.labels()
    rows = tuple((key, labels[key], *(column[key] for column in columns)) for key in range(session.position + 1))
    title = f"{_place(session)}, head {cursor.head}: the row of {labels[session.position]} ({session.position})"
    return Table(title, ("key", "token", *(name.rpartition(".")[2] for name in steps)), rows)


def _logits(session: Session) -> Table:
    """The vocabulary by rank."""
    ranking = session.trace.ranking("logits", session.position)
    if ranking is None:
        raise CellError(f"{NOT_YET}.")
    apart = session.what_if.difference is not None
    rows = tuple(
        (
            rank + 1,
            token,
            session.label(token),
            ranking.logits[token],
            *(() if apart else (ranking.probabilities[token],)),
        )
        for rank, token in enumerate(ranking.order)
    )
    columns = ("rank", "id", "token", *(("logit B - A",) if apart else ("logit", "probability")))
    return Table(f"{_place(session)} after {_here(session)}", columns, rows)


def _here(session: Session) -> str:
    return f"{session.labels()[session.position]} ({session.position})"


def _ledger(session: Session) -> Table:
    """Every step from the logit to the probability, by rank, with the running sum of those that stay."""
    chances, step = session.draws.chances_shown(session.position), session.draws.step_after(session.position)
    if chances is None:
        raise CellError(f"{NOT_YET}.")
    sums = dict(zip(chances.order, chances.cumulative))
    rows = tuple(
        (
            rank + 1,
            token,
            session.label(token),
            chances.logits[token],
            chances.tempered[token],
            chances.tempered_probabilities[token],
            token in sums,
            chances.probabilities[token],
            sums.get(token),
        )
        for rank, token in enumerate(session.trace.order(session.position))
    )
    columns = ("rank", "id", "token", "logit", "over temperature", "before cuts", "stays", "probability", "running sum")
    drawn = f"drawn: {session.label(step.token)} at {step.number!r}" if step else ""
    return Table(f"{_place(session)} after {_here(session)}", columns, rows, drawn)


def _tokens(session: Session) -> Table:
    rows = tuple(
        (position, token, visible(session.tokenizer.token_bytes(token)), session.tokenizer.token_bytes(token).hex(" "))
        for position, token in enumerate(session.ids)
    )
    return Table("tokens", ("position", "id", "token", "bytes"), rows)
