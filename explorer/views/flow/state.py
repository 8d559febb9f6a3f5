"""The view of the flow at one moment: all that its picture is drawn from."""

from dataclasses import dataclass
from typing import Any

from explorer.analysis import flow
from explorer.analysis.flow import Edge, Routes
from explorer.views.flow.paths import FlowPath
from explorer.views.parts import Scene

THRESHOLDS = (0.3, 0.2, 0.1, 0.05, 0.03, flow.THRESHOLD, 0.01, 0.005)
IN_WORDS = 1
"""The mode in which the ways are told without a picture."""


@dataclass(frozen=True)
class RoutesFound:
    """The edges above the threshold; the ones to choose from, and the paths, by share of the answer."""

    routes: Routes
    edges: tuple[Edge, ...]  # what moves between tokens, then other heads and MLPs, then the residual stream
    count: int  # of heads and MLPs
    paths: list[FlowPath]
    whole: bool


@dataclass(frozen=True)
class FlowState:
    """The routes as far as they are known, and the chosen one."""

    scene: Scene
    mode: int
    answer: str  # the token that the routes lead to; "" while that is not known
    found: Any  # the routes; None or an error where they are not there
    level: int  # which of the thresholds is chosen
    row: int
    in_words: bool  # the cursor is on a path in words: that is asked, or the picture does not fit

    @property
    def chosen(self) -> Edge | FlowPath | None:
        """The edge or the path under the cursor."""
        if not isinstance(self.found, RoutesFound):
            return None
        found = self.found
        there: list[Any] = found.paths if self.in_words else list(found.edges[: found.count])
        return there[min(self.row, len(there) - 1)] if there else None
