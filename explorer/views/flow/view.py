"""How information reached the answer: the strongest edges as a picture, and the strongest ways in words."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from explorer.analysis import flow
from explorer.analysis.flow import Edge, Node, Routes
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, length, wrapped
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.views.answers import Answers, to_choose, token_at
from explorer.views.flow.picture import FlowPicture
from explorer.views.flow.ways import Way, ways
from explorer.views.flow.words import told
from explorer.walk.session import Session

_THRESHOLDS = (0.3, 0.2, 0.1, 0.05, 0.03, flow.THRESHOLD, 0.01, 0.005)
_WAYS = 40
_MEASURE = (
    "Of a state: how much nearer to that sum a part alone brings (L1 norm), next to the other parts. Of the answer: "
    "those shares along all kept ways, multiplied. Source: Ferrando and Voita 2024, arXiv:2403.00824."
)
_BRIEFLY = "measure: L1 proximity, multiplied along the way"
_AROUND = 6  # lines of the picture besides its blocks: the answer, tokens and shares, the legend, the chosen edge
_THRESHOLD = 1


@dataclass(frozen=True)
class _Found:
    """The edges above the threshold; the ones to choose from, and the ways, by share of the answer."""

    routes: Routes
    edges: tuple[Edge, ...]  # what moves between tokens, then other heads and MLPs, then the residual stream
    count: int  # of heads and MLPs
    ways: list[Way]
    whole: bool


class Flow(Answers):
    """Key 5. Its cursor is an edge of the picture, or a way in words; left and right change the threshold."""

    title = "Flow · how information reached the answer"
    modes = ("picture", "in words")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.level = _THRESHOLDS.index(flow.THRESHOLD)
        self.row = 0
        self._in_words = False  # as it was drawn last: the picture may not fit

    # What is asked

    def questions(self) -> list[Hashable]:
        session = self.session
        if session.run.positions(session.run.last_residual) <= session.position:
            return []
        return [(session.position, _THRESHOLDS[self.level])]

    def answers(self, trace: Trace, question: Any) -> Iterator[_Found]:
        position, threshold = question
        depth = 2 * trace.config.n_layer
        edges: list[Edge] = []
        shares = {Node(depth, position): 1.0}
        found, drawn = _found(Routes(position, threshold, (), shares), depth, whole=False), depth
        for kept in flow.walk(trace, position, threshold, shares):
            edges += kept
            if kept and kept[0].target.depth < drawn:  # a layer is whole
                drawn = kept[0].target.depth
                found = _found(Routes(position, threshold, tuple(edges), dict(shares)), depth, whole=False)
            yield found
        yield _found(Routes(position, threshold, tuple(edges), shares), depth, whole=True)

    def found(self) -> Any:
        """What is known of the question that is asked: None, an error or the routes."""
        asked = self.questions()
        return self.known(asked[0]) if asked else None

    def chosen(self) -> Edge | Way | None:
        """The edge or the way under the cursor."""
        found = self.found()
        if not isinstance(found, _Found):
            return None
        there: list[Any] = found.ways if self._in_words else list(found.edges[: found.count])
        return there[min(self.row, len(there) - 1)] if there else None

    # The cursor

    def move(self, across: int, down: int) -> None:
        self.level = max(0, min(self.level + across, len(_THRESHOLDS) - 1))
        found = self.found()
        if isinstance(found, _Found):
            count = len(found.ways) if self._in_words else found.count
            self.row = max(0, min(min(self.row, count - 1) + down, count - 1))

    def next_mode(self) -> None:
        super().next_mode()
        self.row, self._in_words = 0, self.modes[self.mode] == "in words"

    def click(self, *numbers: int) -> None:
        which, chosen = numbers
        if which == _THRESHOLD:
            self.level = chosen
        else:
            self.row = chosen

    def enter(self) -> bool:
        """The session's cursor on the pattern of that head, or on what that MLP wrote."""
        chosen, session = self.chosen(), self.session
        if chosen is None:
            return False
        if isinstance(chosen, Way):
            if not chosen.moves:
                session.go_to(Cell("hook_embed", (chosen.source, 0)))
                return True
            chosen = chosen.moves[-1]
        if chosen.head is not None and chosen.source is not None:
            index = (chosen.head, chosen.target.position, chosen.source.position)
            session.go_to(Cell(f"blocks.{chosen.layer}.attn.hook_pattern", index))
        else:
            session.cursor.go_to_value(f"blocks.{chosen.layer}.hook_mlp_out")
            session.cursor.go_to_position(chosen.target.position)
        return True

    # The picture

    def paint(self, cells: int, height: int) -> list[Line]:
        found = self.found()
        head = self._head(found, cells)
        if waiting := self.waiting(found, cells):
            return [*head, [], *waiting]
        layers, room = self.session.config.n_layer, height - len(head)
        measure = wrapped(_MEASURE, cells, "dim") if height >= 22 else wrapped(_BRIEFLY, cells, "dim")[:1]
        high = room - len(measure) - _AROUND
        self._in_words = self.modes[self.mode] == "in words" or high < layers
        if self._in_words:
            gap: list[Line] = [[]] if height >= 22 else []
            body = [*gap, *self._told(found, cells, room - len(measure) - 1 - len(gap), chosen=True)]
        else:
            body = self._drawn(found, cells, halves=high >= 2 * layers)
            left = room - len(body) - len(measure) - 2
            if left >= 4:
                body += [*([[]] if body[-1] else []), *self._told(found, cells, left, chosen=False)]
        filling: list[Line] = [[]] * max(0, room - len(body) - len(measure))
        return [*head, *body, *filling, *measure]

    def _head(self, found: Any, cells: int) -> list[Line]:
        session = self.session
        order = session.run.order(session.position)
        answer = [Span(session.label(order[0]), "answer")] if order else [Span("the answer")]
        here = Span(token_at(session, session.position), "here-text")
        line = [Span("how "), *answer, Span(" came to follow "), here]
        if isinstance(found, _Found):
            known = "traced back to a token" if cells >= 60 else "traced"
            line.append(Span(f": {percent(found.routes.kept)} {known}" if found.whole else ": tracing …", "dim"))
        labels = [f"{threshold * 100:g}%" for threshold in _THRESHOLDS]
        title = "edges of at least ←→ " if cells >= 70 else "edges ≥ ←→ "
        return [line, [Span(title, "dim"), *to_choose(_THRESHOLD, labels, self.level, cells - len(title) - 2)]]

    def _drawn(self, found: _Found, cells: int, halves: bool) -> list[Line]:
        """The picture, what each token's share of the answer is, and the chosen edge in words."""
        session, chosen = self.session, self.chosen()
        edge = chosen if isinstance(chosen, Edge) else None
        picture = FlowPicture(session, found.edges, edge, cells, halves)
        order = session.run.order(session.position)
        answer = {session.position: Span(session.label(order[0]) if order else "▲", "answer")}
        shares = {node.position: share for node, share in found.routes.shares.items() if not node.depth}
        below = {position: Span(percent(share), "dim") for position, share in shares.items()}
        lines = [picture.row_of(answer, "answer"), *picture.lines(), *picture.tokens(below)]
        return [*lines, picture.legend(cells), *self._about(found, edge, cells)]

    def _about(self, found: _Found, edge: Edge | None, cells: int) -> list[Line]:
        """The chosen edge in words."""
        if edge is None or edge.source is None:
            return [[Span("No head or MLP is above this threshold.", "dim")]]
        session, target = self.session, token_at(self.session, edge.target.position)
        line = [Span(f"▶ {min(self.row, found.count - 1) + 1} of {found.count}  ", "here-text")]
        if edge.kind == "head":
            line += [Span(f"head {edge.layer}.{edge.head}", "bold"), Span(" ")]
            line += [Span(f"{token_at(session, edge.source.position)} → {target}")]
        else:
            line += [Span(f"MLP of block {edge.layer}", "bold"), Span(f" at {target}")]
        share = [Span(f"  {percent(edge.share)}", "value"), Span(" of the answer", "dim")]
        weight = Span(f", {percent(edge.weight)} of the state there", "dim")
        whole = [*line, *share, weight]
        return [whole, []] if length(whole) <= cells else [line, [*share, weight]]

    def _told(self, found: _Found, cells: int, height: int, chosen: bool) -> list[Line]:
        if not found.ways:
            none = "No way leads back to a token at this threshold." if found.whole else "Tracing the edges back …"
            return [[Span(none, "dim")]]
        return told(self.session, found.ways, min(self.row, len(found.ways) - 1) if chosen else None, cells, height)


def _found(routes: Routes, depth: int, whole: bool) -> _Found:
    strongest = sorted(routes.edges, key=lambda edge: (not _moves(edge), -edge.share))
    chosen = [edge for edge in strongest if edge.kind in ("head", "mlp")]
    others = [edge for edge in strongest if edge.kind == "residual"]
    return _Found(routes, (*chosen, *others), len(chosen), ways(routes, depth, _WAYS) if whole else [], whole)


def _moves(edge: Edge) -> bool:
    """Whether it takes something from one token to another."""
    return edge.source is not None and edge.source.position != edge.target.position
