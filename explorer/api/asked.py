"""Questions to a run, as tables and grids of numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.analysis import lens as lenses
from explorer.analysis.attribution import CENTRED, IN_WORDS, Convention, Level, LogitAttribution, PartKind, attribute
from explorer.analysis.circuits import top_copying
from explorer.analysis.detectors import DETECTED, attends_to_repeated, detector_score
from explorer.analysis.edge_attribution import edge_attribution
from explorer.analysis.flow import Edge, EdgeKind, routes
from explorer.analysis.heads import head_scores
from explorer.analysis.neurons import effects, fired
from explorer.analysis.neurons import wrote as most_written
from explorer.analysis.score_parts import score_parts
from explorer.api.metrics import Token
from explorer.api.results import Axis, Numbers, Table
from explorer.engine.engines import plain
from explorer.errors import UsageError
from explorer.terminal.text import token_at
from gpt.ops import softmax_row

if TYPE_CHECKING:
    from explorer.api.run import Run

_PLAIN, _CENTRED = "plain", "centred"
_CONVENTIONS = (_CENTRED, _PLAIN, Convention.TRANSFORMER_LENS.value)


@dataclass(frozen=True, repr=False)
class Attribution(Table):
    """The parts that wrote a logit; they add up to it."""

    found: LogitAttribution | None = None
    shape: tuple[int, int] = (0, 0)

    @property
    def logit(self) -> float:
        """The recorded logit, lead, or logit less the mean, that the parts add up to."""
        assert self.found
        return self.found.logit

    @property
    def by_head(self) -> np.ndarray:  # [L, H]
        """The heads' parts as an array; UsageError unless the attribution is by head."""
        assert self.found
        values = [part.value for part in self.found.contributions if part.kind is PartKind.HEAD]
        if not values:
            raise UsageError("this attribution is not by head: ask with by='head'.")
        return np.array(values).reshape(self.shape)


def attribution(
    run: "Run", token: Token | None, versus: Token | None, by: str, position: int, convention: str
) -> Attribution:
    """Which parts wrote a logit, the largest first."""
    if by not in tuple(Level):
        raise UsageError(f"there is no level {by!r}: there are {', '.join(Level)}.")
    if convention not in _CONVENTIONS:
        raise UsageError(f"there is no convention {convention!r}: there are {', '.join(_CONVENTIONS)}.")
    place = place_of(run, position)
    answer = answer_of(run, place) if token is None else run.model.token(token)
    against = None if versus is None else run.model.token(versus)
    kind = Convention.TRANSFORMER_LENS if convention == Convention.TRANSFORMER_LENS else Convention.PLAIN
    found = attribute(run.trace, place, answer, against, Level(by), kind, centred=convention == _CENTRED)
    rows = tuple((part.label, part.value) for part in found.ranked())
    title = f"logit of {run.model.label(answer)}"
    if against is not None:
        title += f" less that of {run.model.label(against)}"
    elif found.centred:
        title += " less the mean of all"
    note = CENTRED if found.centred and kind is Convention.PLAIN else IN_WORDS[kind]
    config = run.trace.config
    return Attribution(
        f"{title}: {found.logit:.4f}", ("part", "value"), rows, note, found, (config.n_layer, config.n_head)
    )


def place_of(run: "Run", position: int) -> int:
    """A position, counted from the end where it is below zero; UsageError if there is none."""
    place = position + len(run.ids) if position < 0 else position
    if not 0 <= place < len(run.ids):
        raise UsageError(f"there is no position {position}: this run has 0 to {len(run.ids) - 1} (or -1, the last).")
    return place


def answer_of(run: "Run", position: int) -> int:
    """The likeliest token after a position."""
    return lenses.answer(run.trace, position)


def lens(run: "Run", token: Token | None) -> Numbers:
    """The probability of a token (the last position's answer) by the lens, rows × positions."""
    answer = answer_of(run, len(run.ids) - 1) if token is None else run.model.token(token)
    rows, values = lenses.rows(run.trace.config.n_layer), []
    for row in rows:
        logits = run.model.model.read_out(run.trace.values[row.name])
        values.append([softmax_row(plain(each))[answer] for each in logits])
    axes = Axis("place", tuple(row.title for row in rows)), positions(run)
    return Numbers(f"lens: probability of {run.model.label(answer)}", axes, np.array(values))


def positions(run: "Run") -> Axis:
    """The axis of a run's positions."""
    return Axis("position", tuple(f"{place} {token}" for place, token in enumerate(run.tokens)))


def heads(run: "Run", copying: bool = False) -> Table:
    """Every head: its label, the label's score and rows, the detectors' scores, attention to the repeated token."""
    rows, words = [], [run.model.tokenizer.decode([token]).strip() for token in run.ids]
    for layer in range(run.trace.config.n_layer):
        patterns = plain(run.trace.values[f"blocks.{layer}.attn.hook_pattern"])
        for found in head_scores(run.trace, layer):
            best = found.scores[found.label] if found.label else None
            detected = [detector_score(patterns[found.head], run.ids, behaviour) for behaviour in DETECTED]
            rows.append(
                (
                    f"{layer}.{found.head}",
                    found.label.words if found.label else "none",
                    "" if best is None or best.value is None else best.value,
                    best.rows if best else 0,
                    *detected,
                    _or_blank(attends_to_repeated(run.trace, layer, found.head, words)),
                    *([copy_score(run, layer, found.head)] if copying else []),
                )
            )
    theirs = tuple(f"TL {behaviour.words}" for behaviour in DETECTED)
    columns = ("head", "label", "score", "rows", *theirs, "end to repeated", *(["copy score"] if copying else []))
    return Table("heads", columns, tuple(rows))


def copy_score(run: "Run", layer: int, head: int, positions: list[int] | None = None) -> float:
    """The copy score of Wang et al. 2022, from 0 to 1: how often what is attended to is among the 5 most promoted.

    Over the tokens at some positions of the run, or at all.
    """
    places = range(len(run.ids)) if positions is None else [place_of(run, position) for position in positions]
    return top_copying(run.trace, layer, head, list(places))


def _or_blank(value: float | None) -> float | str:
    return "" if value is None else value


def score(run: "Run", layer: int, head: int, query: int, key: int) -> Numbers:
    """A score by its writers: rows the query's side, columns the key's."""
    places = place_of(run, query), place_of(run, key)
    found = score_parts(run.trace, layer, head, *places)
    title = f"score of head {layer}.{head}, {token_at(places[0], run.tokens)} → {token_at(places[1], run.tokens)}"
    axes = (
        Axis("query part", tuple(writer.label for writer in found.rows)),
        Axis("key part", tuple(writer.label for writer in found.columns)),
    )
    return Numbers(f"{title}: {found.score:.4f}", axes, np.array(found.values))


def flow(run: "Run", token: Token | None, versus: Token | None, position: int, threshold: float) -> Table:
    """The kept edges, by their share of the last residual state, and what of the logit came along each."""
    last = place_of(run, position)
    answer = answer_of(run, last) if token is None else run.model.token(token)
    against = None if versus is None else run.model.token(versus)
    graph = routes(run.trace, last, threshold)
    attributed = edge_attribution(run.trace, last, answer, against, centred=against is None)
    assert graph
    assert attributed
    values = {(edge.kind, edge.source, edge.target, edge.head): edge.value for edge in attributed.edges}
    rows = [
        (_edge(run, edge), edge.share, values.get((edge.kind, edge.source, edge.target, edge.head), 0.0))
        for edge in sorted(graph.edges, key=lambda edge: -edge.share)
        if edge.kind is not EdgeKind.RESIDUAL
    ]
    note = "share: of the last residual state, whatever is asked; logit: of the token, along the same edge"
    less = "the mean of all" if against is None else f"that of {run.model.label(against)}"
    title = f"flow to {run.tokens[last]}, logit of {run.model.label(answer)} less {less}"
    return Table(title, ("edge", "share", "logit"), tuple(rows), note)


def neurons(run: "Run", *, position: int = -1, layer: int | None = None, wrote: bool = False, count: int = 10) -> Table:
    """The neurons of all blocks, or of one, that fired most at a position; `wrote`: those that wrote most."""
    place, rows = place_of(run, position), []
    for neuron in (most_written if wrote else fired)(run.trace, place, layer, count):
        promoted = effects(run.trace, neuron.layer, neuron.index, 4).promoted
        words = " ".join(run.model.label(effect.token) for effect in promoted)
        rows.append((f"{neuron.layer}.{neuron.index}", neuron.activation, neuron.written, words))
    title = f"neurons at {run.tokens[place]} ({place})"
    return Table(title, ("neuron", "activation", "written", "promotes"), tuple(rows))


def _edge(run: "Run", edge: Edge) -> str:
    target = token_at(edge.target.position, run.tokens)
    if edge.kind is EdgeKind.MLP:
        return f"MLP {edge.layer} at {target}"
    if edge.source is None:
        return f"bias of block {edge.layer} at {target}"
    return f"head {edge.layer}.{edge.head}: {token_at(edge.source.position, run.tokens)} → {target}"
