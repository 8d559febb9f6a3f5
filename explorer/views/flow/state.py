"""The view of the flow at one moment: all that its picture is drawn from."""

from dataclasses import dataclass
from typing import Any

from explorer.analysis import flow
from explorer.analysis.edge_attribution import AttributedEdge, AttributedEdges
from explorer.analysis.flow import Edge, Node, Routes
from explorer.views.flow.paths import FlowPath
from explorer.views.parts import Scene

THRESHOLDS = (0.3, 0.2, 0.1, 0.05, 0.03, flow.THRESHOLD, 0.01, 0.005)
IN_WORDS = 1
"""The mode in which the ways are told without a picture."""


OF_THE_STATE, OF_THE_ANSWER = range(2)
"""The measures: a share of the last residual state, whatever is asked; what of the answer's logit came by an edge."""

DrawnEdge = Edge | AttributedEdge


@dataclass(frozen=True)
class RoutesFound:
    """The edges above the threshold; the ones to choose from, and the paths, by share of the last state."""

    routes: Routes
    edges: tuple[Edge, ...]  # what moves between tokens, then other heads and MLPs, then the residual stream
    count: int  # of heads and MLPs
    paths: list[FlowPath]
    whole: bool

    @property
    def by_token(self) -> dict[int, float]:
        """The share of the last state that leads back to each token's embedding."""
        return {node.position: share for node, share in self.routes.shares.items() if not node.depth}


@dataclass(frozen=True)
class AnswerFound:
    """The edges by which at least the threshold of the answer's logit came, in the same order."""

    attributed: AttributedEdges
    edges: tuple[AttributedEdge, ...]
    count: int  # of heads and MLPs

    @property
    def by_token(self) -> dict[int, float]:
        """The part of the logit that came in at each token: from its embeddings, and MLPs and biases there."""
        return dict(enumerate(self.attributed.entered))


@dataclass(frozen=True)
class FlowState:
    """The routes as far as they are known, and the chosen one."""

    scene: Scene
    mode: int
    measure: int
    answer: str  # the token that comes next; "" while that is not known
    found: Any  # the routes, or the edges to the answer; None or an error where they are not there
    other: Any  # the same by the other measure, as far as it is known
    level: int  # which of the thresholds is chosen
    row: int
    in_words: bool  # the cursor is on a path in words: that is asked, or the picture does not fit

    @property
    def chosen(self) -> DrawnEdge | FlowPath | None:
        """The edge or the path under the cursor."""
        found = self.found
        if not isinstance(found, RoutesFound | AnswerFound):
            return None
        there: list[Any] = list(found.edges[: found.count])
        if self.in_words and isinstance(found, RoutesFound):
            there = found.paths
        return there[min(self.row, len(there) - 1)] if there else None

    def row_of(self, chosen: DrawnEdge | FlowPath | None) -> int:
        """The row of an edge that was chosen by the other measure; the first where it has none."""
        found = self.found
        if chosen is None or isinstance(chosen, FlowPath) or not isinstance(found, RoutesFound | AnswerFound):
            return 0
        there = [key_of(edge) for edge in found.edges[: found.count]]
        return there.index(key_of(chosen)) if key_of(chosen) in there else 0

    def by_the_other(self, edge: DrawnEdge) -> DrawnEdge | None:
        """The same edge by the other measure; None where that is not known, or below its threshold."""
        found = self.other
        if not isinstance(found, RoutesFound | AnswerFound):
            return None
        return next((each for each in found.edges if key_of(each) == key_of(edge)), None)


def key_of(edge: DrawnEdge) -> tuple[str, Node | None, Node, int | None]:
    """The edge of the model that it is, by whatever measure."""
    return edge.kind, edge.source, edge.target, edge.head
