"""The numbers of a view, and of a number that is opened: whatever is known of them by now."""

from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.analysis.circuits import Direction
from explorer.api.results import Axis, Numbers, Table, numbered
from explorer.errors import CellError
from explorer.saving.numbers import NOT_YET, positions
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import token_at
from explorer.views.attribution.view import AttributionView
from explorer.views.circuits import picture as circuits
from explorer.views.circuits.state import Ends, Matches, Show
from explorer.views.circuits.view import CircuitsView
from explorer.views.compare.view import CompareView
from explorer.views.flow.state import RoutesFound
from explorer.views.flow.view import FlowView
from explorer.views.heads.view import HeadsView
from explorer.views.lens.view import LensView
from explorer.views.neurons.view import NeuronsView
from explorer.views.patching import picture as patching
from explorer.views.patching.view import PatchingView, why_not
from explorer.views.scores.state import in_full
from explorer.views.scores.view import ScoresView
from explorer.views.sweep import picture as sweep
from explorer.views.sweep.state import PATCH
from explorer.views.sweep.view import SweepView
from explorer.views.view import View
from explorer.walk.session import Session
from explorer.walk.why import Look, Why
from gpt import GPTError


def of_view(view: View) -> Numbers | Table:
    """The numbers of a view; CellError while none are known."""
    found = next(made for kind, made in _OF.items() if isinstance(view, kind))(view)
    if isinstance(found, Table) and not found.rows:
        raise CellError(f"{NOT_YET}.")
    return found


def _lens(view: LensView) -> Table:
    state, session = view.state(), view.session
    labels = session.labels()
    rows = tuple(
        (
            state.rows[row].title,
            position,
            labels[position],
            session.label(cell.token),
            cell.probability,
            cell.entropy,
            session.label(cell.answer),
            cell.answer_rank,
            cell.answer_probability,
            cell.answer_logit,
        )
        for (row, position), cell in sorted(state.cells.items())
    )
    columns = ("after", "position", "token", "says", "probability", "entropy in bits")
    return Table("logit lens", (*columns, "answer", "its rank", "its probability", "its logit"), rows)


def _attribution(view: AttributionView) -> Table:
    state = view.state()
    if isinstance(state.found, GPTError):
        raise state.found
    labels = view.session.labels()
    rows = (
        ()
        if state.found is None
        else tuple(
            (part.name, "" if part.source is None else token_at(part.source, labels), part.value)
            for part in state.found.ranked
        )
    )
    note = "" if state.found is None else f"sum {state.found.sum!r}, recorded {state.found.logit!r}"
    title = f"attribution: {state.measured} after {token_at(view.session.position, labels)}, {state.convention}"
    return Table(title, ("part", "from", "value"), rows, note)


def _heads(view: HeadsView) -> Numbers | Table:
    """Every pattern; where the scores are defined, the scores."""
    state, config = view.state(), view.session.config
    if state.defining:
        return _scores(view)
    patterns = state.weighted_patterns if state.weighted else state.patterns
    known = {head: patterns[head] for head in patterns}
    size = min(map(len, known.values()), default=0)
    if len(known) < config.n_layer * config.n_head or not size:
        raise CellError(f"{NOT_YET}.")
    values = np.full((config.n_layer, config.n_head, size, size), np.nan)
    for head, rows in known.items():
        for query, row in enumerate(rows[:size]):
            values[head.layer, head.head, query, : len(row[:size])] = row[:size]
    tokens = positions(view.session, size)
    axes = numbered("block", range(config.n_layer)), numbered("head", range(config.n_head))
    title = "attention patterns" + (", times the length of what is moved" if state.weighted else "")
    return Numbers(title, (*axes, Axis("query", tokens), Axis("key", tokens)), values)


def _scores(view: HeadsView) -> Table:
    scores = view.state().scores
    behaviours = list(dict.fromkeys(behaviour for found in scores.values() for behaviour in found.scores))
    rows = tuple(
        (head.layer, head.head, found.label or "", *(found.scores[each].value for each in behaviours))
        for head, found in sorted(scores.items())
    )
    return Table("scores of the heads", ("block", "head", "behaviour", *map(str, behaviours)), rows)


def _neurons(view: NeuronsView) -> Table:
    state = view.state()
    if isinstance(state.found, GPTError):
        raise state.found
    rows = tuple((neuron.layer, neuron.index, neuron.activation, neuron.written) for neuron in state.listed)
    title = f"neurons after {token_at(view.session.position, view.session.labels())}: {state.heading}"
    return Table(title, ("block", "neuron", "activation", "written"), rows)


def _flow(view: FlowView) -> Table:
    found, labels = view.found(), view.session.labels()
    if isinstance(found, GPTError):
        raise found
    edges = found.routes.edges if isinstance(found, RoutesFound) else ()
    rows = tuple(
        (
            edge.kind.value,
            edge.layer,
            edge.head,
            None if edge.source is None else edge.source.position,
            "" if edge.source is None else labels[edge.source.position],
            edge.target.position,
            labels[edge.target.position],
            edge.weight,
            edge.share,
        )
        for edge in edges
    )
    columns = ("kind", "block", "head", "from", "from token", "to", "to token", "weight", "share")
    return Table(f"flow to {token_at(view.session.position, labels)}", columns, rows)


def _sweep(view: SweepView) -> Table:
    """The change of each measure by every edit; between two runs, the normalised one where that is shown."""
    state = view.state()
    if state is None or not state.baseline:
        raise _none_of(view)
    if view.asked.done == PATCH and state.source is None:
        raise CellError("there is no other run to patch from: press 6, then enter, and type its prompt.")
    token, versus = (state.scene.label(id) for id in (state.metrics[1].token, state.metrics[1].versus))
    measures = [f"probability of {token}", f"logit of {token} less that of {versus}", "KL in bits"]
    base = ", ".join(f"{name} {value!r}" for name, value in zip(measures, state.baseline))
    between = state.normalised and bool(state.other)
    rows = tuple(
        (
            state.in_words(cell),
            *(value - before for value, before in zip(values, state.baseline)),
            *([state.shown(values)] if between else []),
        )
        for cell, values in sorted(state.measured.items())
    )
    columns = ("place", *measures, *(["normalised"] if between else []))
    return Table(f"sweep, {sweep.how(state)}: the change by each edit", columns, rows, f"before: {base}")


def _patching(view: PatchingView) -> Table:
    if why := why_not(view.session):
        raise CellError(" ".join(why))
    state = view.state()
    if state is None or state.metric is None:
        raise _none_of(view)
    token, versus = (state.scene.label(id) for id in (state.metric.token, state.metric.versus))
    rows = tuple((state.in_words(cell), state.normalised(lead), lead) for cell, lead in sorted(state.leads.items()))
    title = f"patching, {patching.how(state)}: lead of {token} over {versus}"
    note = f"normalised: 0 as in the corrupted run, {state.corrupted!r}; 1 as in the clean one, {state.clean!r}"
    return Table(title, ("place", "normalised", "lead"), rows, note)


def _score_table(view: ScoresView) -> Table:
    """Who wrote the query's side, by who wrote the key's; the first row and column are the sums."""
    state, asked = view.state(), view.score()
    if state is None or asked is None:
        raise _none_of(view, view.found())
    names = tuple(in_full(state.reader(column)) for column in range(len(state.columns) + 1))
    rows = tuple((in_full(state.writer(row)), *values) for row, values in enumerate(state.totals))
    query, key = (state.scene.token_at(position) for position in asked[2:])
    return Table(f"score of head {view.layer}.{view.head}, {query} → {key}", ("query's side", *names), rows)


def _circuits(view: CircuitsView) -> Numbers | Table:
    """The table that is shown of the chosen head."""
    if view.session.recorded:
        raise _none_of(view)
    state, label = view.state(), view.session.label
    title = "".join(span.text for span in circuits.title(state))
    match state.found:
        case Ends() as ends:
            return Table(title, ("token", "logit"), _of_tokens(ends, label))
        case Matches() as found:
            sides = (("query", found.by_query), ("key", found.by_key))
            rows = ((side, *row) for side, ends in sides for row in _of_tokens(ends, label))
            return Table(title, ("side of the token", "matches", "score"), tuple(rows))
        case [Direction(), *_] as directions:
            rows = (
                (each.strength, *(" ".join(label(t) for t, _ in end) for end in (each.read, each.written)))
                for each in directions
            )
            return Table(title, ("strength", "reads", "writes"), tuple(rows))
        case [[*_], *_] as table if state.show is Show.POSITIONS:
            places = positions(view.session, len(table))
            return Numbers(title, (Axis("query", places), Axis("key", places)), np.array(table))
        case [[*_], *_] as table:
            if state.layer == 0:
                raise CellError("there are no earlier heads that a head of block 0 could read: choose a later one.")
            earlier = np.array(table)[: state.layer]
            axes = (numbered(name, range(size)) for name, size in zip(("block", "head"), earlier.shape))
            return Numbers(title, tuple(axes), earlier)
    raise _none_of(view, state.found)


def _none_of(view: View, found: Any = None) -> GPTError:
    """The reason why a view has no numbers; `found` is what it knows instead."""
    if isinstance(found, GPTError):
        return found
    if view.session.recorded:
        return CellError("there are no numbers here: this is a recorded run, without the model that they come from.")
    return CellError(f"{NOT_YET}.")


def _of_tokens(ends: Ends, label: Callable[[int], str]) -> tuple[tuple[str, float], ...]:
    """Each token once: of a small vocabulary the two ends meet."""
    both = dict((*ends.most, *reversed(ends.least)))
    return tuple((label(token), value) for token, value in both.items())


def _compare(view: CompareView) -> Table:
    """Position by position how far A and B are apart."""
    state, session = view.state(), view.session
    if state is None:
        raise CellError(
            f"there is only one run: edit something ({pressed('edit', 'x')}), or name another prompt, to compare."
        )
    rows = []
    for position, apart in sorted(state.known.items()):
        partner = state.alignment.in_a(position)
        said = [session.label(token) for token in apart.best]
        ids = session.label(state.pair.b.ids[position])
        rows.append((position, ids, partner, *said, apart.kl))
    title = f"A: {state.pair.title_a}, B: {state.pair.title_b}"
    return Table(
        title, ("position in B", "token", "position in A", "A says", "B says", "KL(A to B) in bits"), tuple(rows)
    )


_OF: dict[type[View], Callable[..., Numbers | Table]] = {
    LensView: _lens,
    AttributionView: _attribution,
    HeadsView: _heads,
    NeuronsView: _neurons,
    FlowView: _flow,
    SweepView: _sweep,
    CircuitsView: _circuits,
    ScoresView: _score_table,
    PatchingView: _patching,
    CompareView: _compare,
}


def of_why(why: Why, session: Session) -> Table:
    """The terms of the number that is open, the largest first; of a path, every number on it."""
    if why.look is Look.PATH:
        cells = [visit.cell for visit in why.visits]
        rows = tuple((str(cell), session.provenance.value(cell)) for cell in cells)
        return Table("the way back", ("number", "value"), rows)
    explanation = why.explanation
    terms = tuple((term.value, term.text, str(term.at or "")) for term in explanation.ranked)
    note = f"value {explanation.value!r}, rounding {explanation.rounding!r}"
    return Table(f"{explanation.cell}: the terms it is the sum of", ("term", "made of", "comes from"), terms, note)
