"""How information reached the last state of a position: routes through heads, MLPs and the residual stream, backwards.

Every state of the residual stream is a sum of parts: what was there before, and what a head moved from each position,
or what the MLP wrote. How much a part makes up of the sum is measured by how much nearer it brings to the sum:

    proximity(part) = max(0, ‖sum‖₁ - ‖sum - part‖₁)        weight = proximity / Σ proximities

Edges whose weight is below a threshold are dropped, and only states that a kept edge leaves are looked into. All of
it is the same whatever token is asked for: `edge_attribution` is about an answer.
Source of the weights: Ferrando and Voita 2024, "Information Flow Routes", arXiv:2403.00824, section 2. The shares,
weights multiplied along the ways, are ours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from operator import sub
from typing import Any, NamedTuple

from explorer.analysis.recorded import (
    by_head,
    check_position,
    pattern_row,
    residuals,
    row_of,
    weights_of,
)
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from gpt.attention import results_by_head
from gpt.ops import Matrix, Vector

THRESHOLD = 0.02
"""A default that leaves a picture with something to see: an edge makes up 2% or more of the state it leads into."""


class Node(NamedTuple):
    """A state of the residual stream: depth 0 is the embeddings, 2l + 1 after block l's attention, 2l + 2 its MLP."""

    depth: int
    position: int


class EdgeKind(StrEnum):
    """The ways into a state of the residual stream."""

    RESIDUAL = "residual"  # the state before it
    HEAD = "head"
    MLP = "mlp"
    BIAS = "bias"


@dataclass(frozen=True)
class Edge:
    """One part of a state."""

    kind: EdgeKind
    source: Node | None  # None: a bias comes from no position
    target: Node
    head: int | None
    weight: float  # its share of the state it leads into, from 0 to 1
    share: float  # of the last residual state: the weights along all kept ways from here, multiplied and added up

    @property
    def layer(self) -> int:
        """The block that the edge runs through."""
        return (self.target.depth - 1) // 2


@dataclass(frozen=True)
class Routes:
    """The strongest edges of the graph behind the last state of a position."""

    position: int
    threshold: float
    edges: tuple[Edge, ...]  # from the answer backwards
    shares: dict[Node, float]  # of the last residual state, for every state that was reached

    @property
    def kept(self) -> float:
        """How much of the last state can be followed back to the embeddings; the rest was dropped, or is biases."""
        return fsum(share for node, share in self.shares.items() if not node.depth)


def routes(
    trace: Trace, position: int, threshold: float = THRESHOLD, cancelled: Callable[[], bool] = lambda: False
) -> Routes | None:
    """The edges above the threshold on the way to the end of a position; None if it was cancelled."""
    edges: list[Edge] = []
    shares = {Node(2 * trace.config.n_layer, position): 1.0}
    for found in walk(trace, position, threshold, shares):
        if cancelled():
            return None
        edges += found
    return Routes(position, threshold, tuple(edges), shares)


def walk(trace: Trace, position: int, threshold: float, shares: dict[Node, float]) -> Iterator[list[Edge]]:
    """The kept edges of one state after the other, from the answer backwards; `shares` is filled in on the way.

    A state after attention costs, for each position it can see, the products of the output projection (kept in
    `trace.derived`) and one sum of the width for each head; one after an MLP next to nothing.
    """
    check_position(trace, position)
    weights_of(trace)
    for depth in range(2 * trace.config.n_layer, 0, -1):
        for target in sorted((node for node in shares if node.depth == depth), reverse=True):
            kept = [edge for edge in _edges(trace, target, shares[target]) if edge.weight >= threshold]
            for edge in kept:
                if edge.source:
                    shares[edge.source] = shares.get(edge.source, 0.0) + edge.share
            yield kept


def _edges(trace: Trace, target: Node, share: float) -> list[Edge]:
    """All parts of one state, the largest first."""
    whole, parts, ways = _after_attention(trace, target) if target.depth % 2 else _after_mlp(trace, target)
    edges = [
        Edge(kind, source, target, head, weight, weight * share)
        for (kind, source, head), weight in zip(ways, proximities(parts, whole))
    ]
    return sorted(edges, key=lambda edge: -edge.weight)


_Origin = tuple[EdgeKind, Node | None, int | None]


def _after_mlp(trace: Trace, target: Node) -> tuple[Vector, list[Vector], list[_Origin]]:
    layer, before = target.depth // 2 - 1, Node(target.depth - 1, target.position)
    names = (f"blocks.{layer}.hook_resid_mid", f"blocks.{layer}.hook_mlp_out")
    parts = [row_of(trace, name, target.position) for name in names]
    return _state(trace, target), parts, [(EdgeKind.RESIDUAL, before, None), (EdgeKind.MLP, before, None)]


def _after_attention(trace: Trace, target: Node) -> tuple[Vector, list[Vector], list[_Origin]]:
    layer, depth = target.depth // 2, target.depth - 1
    bias = plain(weights_of(trace).blocks[layer].attn_out.bias)
    # block l's own input: the state before it, unless an edit put something else there
    parts = [row_of(trace, f"blocks.{layer}.hook_resid_pre", target.position), bias]
    ways: list[_Origin] = [(EdgeKind.RESIDUAL, Node(depth, target.position), None), (EdgeKind.BIAS, None, None)]
    patterns = [pattern_row(trace, layer, head, target.position) for head in range(trace.config.n_head)]
    for source in range(target.position + 1):
        for head, vector in enumerate(moved(trace, layer, source)):
            weight = patterns[head][source]
            parts.append([weight * value for value in vector])
            ways.append((EdgeKind.HEAD, Node(depth, source), head))
    return _state(trace, target), parts, ways


def _state(trace: Trace, node: Node) -> Vector:  # [d]
    return row_of(trace, residuals(trace.config.n_layer)[node.depth], node.position)


def moved(trace: Trace, layer: int, source: int) -> Matrix:  # [H, d]
    """v·W_O of each head: what it would write if it attended to that position alone; kept in `trace.derived`."""
    key = (f"blocks.{layer}.attn.moved", source)
    if key not in trace.derived:
        values = by_head(trace, f"blocks.{layer}.attn.hook_v", source)
        weights = weights_of(trace).blocks[layer].attn_out
        trace.derived[key] = plain(results_by_head([values], weights, ops=trace.ops)[0])
    return trace.derived[key]


def proximities(parts: Any, whole: Vector) -> list[float]:  # [n, d], [d] -> [n]
    """How much each part makes up of the whole: from 0 to 1, together 1; all 0 where none brings it any nearer.

    proximities([[3, 0], [0, 1]], [3, 1]) = [0.75, 0.25]
    """
    length = _manhattan(whole)
    near = [max(0.0, length - _manhattan(map(sub, whole, part))) for part in parts]
    total = fsum(near)
    return [value / total for value in near] if total else near


def _manhattan(vector: Any) -> float:
    return sum(map(abs, vector))
