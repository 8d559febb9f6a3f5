"""Paths through the kept edges, told by the tokens they pass: from which one, by which heads, to the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from explorer.analysis.flow import Edge, Node, Routes

_MOST_LOOKED_AT = 20_000  # beginnings of paths; the strongest are found long before


@dataclass(frozen=True)
class FlowPath:
    """From a token to the answer: where it stays is not told apart, only by which heads it moves."""

    share: float  # of the answer
    source: int  # the position where it begins
    moves: tuple[Edge, ...]  # the heads that took it to another token, the first one first


def paths(routes: Routes, depth: int, most: int) -> list[FlowPath]:
    """The strongest paths from the embeddings to the state at that depth, the strongest first."""
    staying, moving = _by_target(routes.edges)
    order = count()  # among equals the one found first
    begun: list[tuple[float, int, Node, tuple[Edge, ...]]] = [(-1.0, next(order), Node(depth, routes.position), ())]
    found: list[FlowPath] = []
    for _ in range(_MOST_LOOKED_AT):
        if not begun or len(found) == most:
            break
        share, _, node, moves = heappop(begun)
        if not node.depth:
            found.append(FlowPath(-share, node.position, moves))
            continue
        if weight := staying.get(node):
            heappush(begun, (share * weight, next(order), Node(node.depth - 1, node.position), moves))
        for edge in moving.get(node, ()):
            assert edge.source
            heappush(begun, (share * edge.weight, next(order), edge.source, (edge, *moves)))
    return found


def _by_target(edges: Sequence[Edge]) -> tuple[dict[Node, float], dict[Node, list[Edge]]]:
    """How much of a state stayed at its position, by whatever way, and what was moved there from others."""
    staying: dict[Node, float] = {}
    moving: dict[Node, list[Edge]] = {}
    for edge in edges:
        if edge.source and edge.source.position == edge.target.position:
            staying[edge.target] = staying.get(edge.target, 0.0) + edge.weight
        elif edge.source:
            moving.setdefault(edge.target, []).append(edge)
    return staying, moving
