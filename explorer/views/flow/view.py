"""How information reached the last position: the strongest edges as a picture, and the strongest ways in words."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from explorer.analysis import flow
from explorer.analysis.edge_attribution import AttributedEdge, AttributedEdges, edge_attribution
from explorer.analysis.flow import Edge, EdgeKind, Node, Routes
from explorer.paint.spans import Line
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.views.flow.page import MEASURE, THRESHOLD, in_words, page, room_for_picture, told_only
from explorer.views.flow.paths import FlowPath, paths
from explorer.views.flow.state import (
    IN_WORDS,
    OF_THE_STATE,
    THRESHOLDS,
    AnswerFound,
    DrawnEdge,
    FlowState,
    RoutesFound,
)
from explorer.views.parts import ROW, guarded, scene_of
from explorer.views.view import View
from explorer.walk.session import Session

_PATHS = 40
_Edge = TypeVar("_Edge", Edge, AttributedEdge)


class FlowView(View):
    """Key 5. Its cursor is an edge of the picture, or a path in words; left and right change the threshold.

    Two measures of the same edges: the share of the last residual state, and what of the answer's logit came by them.
    """

    title = "Flow · how information reached this token"
    modes = ("picture", "in words")
    measures = ("of the last state", "of the answer")
    chooses_measure = MEASURE
    looks = ("mode", "measure", "level", "row")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.level = THRESHOLDS.index(flow.THRESHOLD)
        self.row = 0
        self._in_words = False  # the cursor is on a path in words: that is asked, or the picture does not fit

    # What is asked

    def questions(self) -> list[Hashable]:
        return self._questions(self.measure)

    def _questions(self, measure: int) -> list[Hashable]:
        session, threshold = self.session, THRESHOLDS[self.level]
        if session.run.positions(session.run.last_residual) <= session.position:
            return []
        if measure == OF_THE_STATE:
            return [(session.position, threshold)]
        order = session.run.order(session.position)
        return [(session.position, threshold, order[0])] if order else []

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[RoutesFound | AnswerFound]:
        if len(question) == 2:
            yield from self._routes(run, *question)
            return
        position, threshold, token = question
        found = edge_attribution(run, position, token, centred=True, threshold=threshold, cancelled=cancelled)
        if found:
            yield _brought(found)

    def _routes(self, run: Trace, position: int, threshold: float) -> Iterator[RoutesFound]:
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
        """The answer to the question that is asked: None, an error, the routes or the edges to the answer."""
        return self._found(self.measure)

    def _found(self, measure: int) -> Any:
        asked = self._questions(measure)
        return self.known.of(asked[0]) if asked else None

    def state(self) -> FlowState:
        """Everything that is known by now."""
        order = self.session.run.order(self.session.position)
        answer = self.session.label(order[0]) if order else ""
        scene = scene_of(self.session)
        found, other = self._found(self.measure), self._found(1 - self.measure)
        return FlowState(scene, self.mode, self.measure, answer, found, other, self.level, self.row, self._in_words)

    def chosen(self) -> DrawnEdge | FlowPath | None:
        """The edge or the path under the cursor."""
        return self.state().chosen

    # The cursor

    def move(self, across: int, down: int) -> None:
        self.level = max(0, min(self.level + across, len(THRESHOLDS) - 1))
        found = self.found()
        if isinstance(found, RoutesFound | AnswerFound):
            ways = isinstance(found, RoutesFound) and self._in_words
            count = len(found.paths) if ways and isinstance(found, RoutesFound) else found.count
            self.row = max(0, min(min(self.row, count - 1) + down, count - 1))

    def next_mode(self) -> None:
        super().next_mode()
        self.row, self._in_words = 0, self.mode == IN_WORDS

    def click(self, *numbers: int) -> None:
        which, chosen = numbers
        if which == THRESHOLD:
            self.level = chosen
        elif which == MEASURE:
            edge = self.chosen()
            self.measure = chosen
            self.row = self.state().row_of(edge)
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
        self._in_words = told_only(self.mode, room_for_picture(cells, height), self.session.config.n_layer)

    def lines(self, cells: int, height: int) -> list[Line]:
        return guarded(lambda cells, height: page(self.state(), cells, height), cells, height)

    def about(self, cells: int) -> list[Line]:
        return guarded(lambda cells, height: in_words(self.state(), cells), cells, 2)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        which, row = numbers
        if which != ROW:
            return []
        return guarded(lambda cells, height: in_words(replace(self.state(), row=row), cells), cells, 2)


def _found(routes: Routes, depth: int, whole: bool) -> RoutesFound:
    edges, count = _ordered(routes.edges)
    return RoutesFound(routes, edges, count, paths(routes, depth, _PATHS) if whole else [], whole)


def _brought(found: AttributedEdges) -> AnswerFound:
    return AnswerFound(found, *_ordered(found.edges))


def _ordered(edges: Sequence[_Edge]) -> tuple[tuple[_Edge, ...], int]:
    """Edges between tokens first, then other heads and MLPs, then the residual stream; and how many can be chosen."""
    strongest: list[_Edge] = sorted(edges, key=lambda edge: (not _moves(edge), -edge.share))
    chosen: list[_Edge] = [edge for edge in strongest if edge.kind in (EdgeKind.HEAD, EdgeKind.MLP)]
    others: list[_Edge] = [edge for edge in strongest if edge.kind is EdgeKind.RESIDUAL]
    return tuple(chosen + others), len(chosen)


def _moves(edge: DrawnEdge) -> bool:
    """Whether it takes something from one token to another."""
    return edge.source is not None and edge.source.position != edge.target.position
