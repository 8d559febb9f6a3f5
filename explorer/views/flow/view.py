"""How information reached the answer: the strongest edges as a picture, and the strongest ways in words."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from explorer.analysis import flow
from explorer.analysis.flow import Edge, EdgeKind, Node, Routes
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, length, wrapped
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.views.flow.paths import FlowPath, paths
from explorer.views.flow.picture import FlowPicture
from explorer.views.flow.words import told
from explorer.views.parts import Scene, guarded, scene_of, to_choose
from explorer.views.view import View
from explorer.walk.session import Session

_THRESHOLDS = (0.3, 0.2, 0.1, 0.05, 0.03, flow.THRESHOLD, 0.01, 0.005)
_PATHS = 40
_MEASURE = (
    "Of a state: how much nearer to that sum a part alone brings (L1 norm), next to the other parts. Of the answer: "
    "those shares along all kept ways, multiplied. Source: Ferrando and Voita 2024, arXiv:2403.00824."
)
_BRIEFLY = "measure: L1 proximity, multiplied along the way"
_AROUND = 6  # lines of the picture besides its blocks: the answer, tokens and shares, the legend, the chosen edge
_THRESHOLD = 1
_IN_WORDS = 1  # a mode


@dataclass(frozen=True)
class RoutesFound:
    """The edges above the threshold; the ones to choose from, and the paths, by share of the answer."""

    routes: Routes
    edges: tuple[Edge, ...]  # what moves between tokens, then other heads and MLPs, then the residual stream
    count: int  # of heads and MLPs
    paths: list[FlowPath]
    whole: bool


class FlowView(View):
    """Key 5. Its cursor is an edge of the picture, or a path in words; left and right change the threshold."""

    title = "Flow · how information reached the answer"
    modes = ("picture", "in words")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.level = _THRESHOLDS.index(flow.THRESHOLD)
        self.row = 0
        self._in_words = False  # the cursor is on a path in words: that is asked, or the picture does not fit

    # What is asked

    def questions(self) -> list[Hashable]:
        session = self.session
        if session.run.positions(session.run.last_residual) <= session.position:
            return []
        return [(session.position, _THRESHOLDS[self.level])]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[RoutesFound]:
        position, threshold = question
        depth = 2 * run.config.n_layer
        edges: list[Edge] = []
        shares = {Node(depth, position): 1.0}
        found, drawn = _found(Routes(position, threshold, (), shares), depth, whole=False), depth
        for kept in flow.walk(run, position, threshold, shares):
            edges += kept
            if kept and kept[0].target.depth < drawn:  # a layer is whole
                drawn = kept[0].target.depth
                found = _found(Routes(position, threshold, tuple(edges), dict(shares)), depth, whole=False)
            yield found
        yield _found(Routes(position, threshold, tuple(edges), shares), depth, whole=True)

    def found(self) -> Any:
        """The answer to the question that is asked: None, an error or the routes."""
        asked = self.questions()
        return self.known.of(asked[0]) if asked else None

    def chosen(self) -> Edge | FlowPath | None:
        """The edge or the path under the cursor."""
        found = self.found()
        if not isinstance(found, RoutesFound):
            return None
        there: list[Any] = found.paths if self._in_words else list(found.edges[: found.count])
        return there[min(self.row, len(there) - 1)] if there else None

    # The cursor

    def move(self, across: int, down: int) -> None:
        self.level = max(0, min(self.level + across, len(_THRESHOLDS) - 1))
        found = self.found()
        if isinstance(found, RoutesFound):
            count = len(found.paths) if self._in_words else found.count
            self.row = max(0, min(min(self.row, count - 1) + down, count - 1))

    def next_mode(self) -> None:
        super().next_mode()
        self.row, self._in_words = 0, self.mode == _IN_WORDS

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
        if isinstance(chosen, FlowPath):
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

    def follow(self, cells: int, height: int) -> None:
        room = height - len(self._head(scene_of(self.session), self.found(), cells))
        self._in_words = self._told_only(_room_for_picture(cells, height, room))

    def _told_only(self, high: int) -> bool:
        """Whether the paths are told in words alone; `high`: the lines there are for the blocks."""
        return self.mode == _IN_WORDS or high < self.session.config.n_layer

    def lines(self, cells: int, height: int) -> list[Line]:
        return guarded(self._painted, cells, height)

    def _painted(self, cells: int, height: int) -> list[Line]:
        found, scene = self.found(), scene_of(self.session)
        head = self._head(scene, found, cells)
        if waiting := scene.waiting(found, cells):
            return [*head, [], *waiting]
        measure, room = _measure(cells, height), height - len(head)
        high = _room_for_picture(cells, height, room)
        if self._told_only(high):
            gap: list[Line] = [[]] if height >= 22 else []
            body = [*gap, *self._told(scene, found, cells, room - len(measure) - 1 - len(gap), chosen=True)]
        else:
            body = self._drawn(scene, found, cells, halves=high >= 2 * scene.config.n_layer)
            left = room - len(body) - len(measure) - 2
            if left >= 4:
                body += [*([[]] if body[-1] else []), *self._told(scene, found, cells, left, chosen=False)]
        filling: list[Line] = [[]] * max(0, room - len(body) - len(measure))
        return [*head, *body, *filling, *measure]

    def _head(self, scene: Scene, found: Any, cells: int) -> list[Line]:
        order = self.session.run.order(scene.position)
        answer = [Span(scene.label(order[0]), "answer")] if order else [Span("the answer")]
        here = Span(scene.token_at(scene.position), "here-text")
        line = [Span("how "), *answer, Span(" came to follow "), here]
        if isinstance(found, RoutesFound):
            known = "traced back to a token" if cells >= 60 else "traced"
            line.append(Span(f": {percent(found.routes.kept)} {known}" if found.whole else ": tracing …", "dim"))
        labels = [f"{threshold * 100:g}%" for threshold in _THRESHOLDS]
        title = "edges of at least ←→ " if cells >= 70 else "edges ≥ ←→ "
        return [line, [Span(title, "dim"), *to_choose(_THRESHOLD, labels, self.level, cells - len(title) - 2)]]

    def _drawn(self, scene: Scene, found: RoutesFound, cells: int, halves: bool) -> list[Line]:
        """The picture, what each token's share of the answer is, and the chosen edge in words."""
        chosen = self.chosen()
        edge = chosen if isinstance(chosen, Edge) else None
        picture = FlowPicture(scene, found.edges, edge, cells, halves)
        order = self.session.run.order(scene.position)
        answer = {scene.position: Span(scene.label(order[0]) if order else "▲", "answer")}
        shares = {node.position: share for node, share in found.routes.shares.items() if not node.depth}
        below = {position: Span(percent(share), "dim") for position, share in shares.items()}
        lines = [picture.row_of(answer, "answer"), *picture.lines(), *picture.tokens(below)]
        return [*lines, picture.legend(cells), *self._edge_in_words(scene, found, edge, cells)]

    def _edge_in_words(self, scene: Scene, found: RoutesFound, edge: Edge | None, cells: int) -> list[Line]:
        if edge is None or edge.source is None:
            return [[Span("No head or MLP is above this threshold.", "dim")]]
        target = scene.token_at(edge.target.position)
        line = [Span(f"▶ {min(self.row, found.count - 1) + 1} of {found.count}  ", "here-text")]
        if edge.kind is EdgeKind.HEAD:
            line += [Span(f"head {edge.layer}.{edge.head}", "bold"), Span(" ")]
            line += [Span(f"{scene.token_at(edge.source.position)} → {target}")]
        else:
            line += [Span(f"MLP of block {edge.layer}", "bold"), Span(f" at {target}")]
        share = [Span(f"  {percent(edge.share)}", "value"), Span(" of the answer", "dim")]
        weight = Span(f", {percent(edge.weight)} of the state there", "dim")
        whole = [*line, *share, weight]
        return [whole, []] if length(whole) <= cells else [line, [*share, weight]]

    def _told(self, scene: Scene, found: RoutesFound, cells: int, height: int, chosen: bool) -> list[Line]:
        if not found.paths:
            none = "No way leads back to a token at this threshold." if found.whole else "Tracing the edges back …"
            return [[Span(none, "dim")]]
        return told(scene, found.paths, min(self.row, len(found.paths) - 1) if chosen else None, cells, height)


def _measure(cells: int, height: int) -> list[Line]:
    """How shares are measured, as far as there is room."""
    return wrapped(_MEASURE, cells, "dim") if height >= 22 else wrapped(_BRIEFLY, cells, "dim")[:1]


def _room_for_picture(cells: int, height: int, room: int) -> int:
    """The lines that are left of `room` for the blocks of the picture."""
    return room - len(_measure(cells, height)) - _AROUND


def _found(routes: Routes, depth: int, whole: bool) -> RoutesFound:
    strongest = sorted(routes.edges, key=lambda edge: (not _moves(edge), -edge.share))
    chosen = [edge for edge in strongest if edge.kind in (EdgeKind.HEAD, EdgeKind.MLP)]
    others = [edge for edge in strongest if edge.kind is EdgeKind.RESIDUAL]
    return RoutesFound(routes, (*chosen, *others), len(chosen), paths(routes, depth, _PATHS) if whole else [], whole)


def _moves(edge: Edge) -> bool:
    """Whether it takes something from one token to another."""
    return edge.source is not None and edge.source.position != edge.target.position
