"""How much of an answer's logit came along each edge of the flow: attribution on the same graph.

`flow` measures how much of a state of the residual stream an edge makes up, whatever is asked. This is about an answer:
at every state there is a direction such that the state's product with it is its part in the logit (or in the lead over
another token), with attention patterns and layer norms' scales held as recorded. An edge's number is the product of
what it carries with the direction of the state that it leads into. What enters a state adds up to the state's own
number. An MLP's number is what it wrote; its inputs are not followed, since it is not linear.
Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits" (frozen attention patterns).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.analysis.attribution import attribute, reading_direction
from explorer.analysis.flow import EdgeKind, Node
from explorer.analysis.recorded import value_of, weights_of
from explorer.engine.engines import plain
from explorer.runs.trace import Trace

Array = np.ndarray


@dataclass(frozen=True)
class AttributedEdge:
    """One part of a state, and how much of the logit came by it."""

    kind: EdgeKind
    source: Node | None  # None: a bias comes from no position
    target: Node
    head: int | None
    value: float  # of the logit
    share: float = 0.0  # of the logit, without its sign

    @property
    def layer(self) -> int:
        """The block that the edge runs through."""
        return (self.target.depth - 1) // 2


@dataclass(frozen=True)
class AttributedEdges:
    """The edges behind a logit, from the answer backwards; all of those into a state add up to its own number."""

    position: int
    edges: tuple[AttributedEdge, ...]
    states: dict[Node, float]
    logit: float  # recorded (or the lead), less ln_final's beta: what the last state's number is
    entered: tuple[float, ...] = ()  # [position + 1]: what came in at each, from embeddings, MLPs and biases

    def into(self, node: Node) -> float:
        """The sum of the edges into a state."""
        return float(sum(edge.value for edge in self.edges if edge.target == node))


def edge_attribution(
    trace: Trace,
    position: int,
    token: int,
    versus: int | None = None,
    *,
    centred: bool = False,
    threshold: float = 0.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> AttributedEdges | None:
    """Every edge that leads to the end of a position and brought at least `threshold` of the logit; None if cancelled.

    `centred` measures the logit against the mean of all, as `attribution` does.
    """
    direction = np.asarray(reading_direction(trace, position, token, versus, centred=centred))  # [d]
    found = attribute(trace, position, token, versus, centred=centred)
    beta = next(part.value for part in found.contributions if part.name == "ln_final.hook_out")
    walk = _Walk(trace, position, found.logit - beta, threshold)
    walk.directions[position] = direction
    for layer in reversed(range(trace.config.n_layer)):
        if cancelled():
            return None
        walk.through_mlp(layer)
        walk.through_attention(layer)
    walk.at_embeddings()
    return AttributedEdges(position, tuple(walk.edges), walk.states, found.logit - beta, tuple(walk.entered.tolist()))


class _Walk:
    """Backwards through the blocks, with the direction of every position's state."""

    def __init__(self, trace: Trace, position: int, logit: float, threshold: float) -> None:
        self.trace, self.position, self.logit = trace, position, abs(logit)
        self.least = threshold * abs(logit)
        self.entered = np.zeros(position + 1)
        self._causal: Array = np.tri(position + 1, dtype=bool)  # [T, S]
        self.directions = np.zeros((position + 1, trace.config.n_embd))  # [T, d]
        self.edges: list[AttributedEdge] = []
        self.states: dict[Node, float] = {}

    def _value(self, name: str) -> Array:
        return np.asarray(plain(value_of(self.trace, name, self.position + 1)), dtype=np.float64)

    def _rows(self, name: str) -> Array:  # [T, d]
        return self._value(name)[: self.position + 1]

    def _reached(self) -> list[int]:
        return [place for place in range(self.position + 1) if self.directions[place].any()]

    def _add(self, kind: EdgeKind, source: Node | None, target: Node, value: float, head: int | None = None) -> None:
        if abs(value) >= self.least:
            share = abs(value) / self.logit if self.logit else 0.0
            self.edges.append(AttributedEdge(kind, source, target, head, float(value), float(share)))

    def _residual(self, target: int, name: str) -> None:
        """The edges from the states before."""
        states = self._rows(name)
        for place in self._reached():
            value = float(states[place] @ self.directions[place])
            self._add(EdgeKind.RESIDUAL, Node(target - 1, place), Node(target, place), value)

    def _note(self, depth: int, name: str) -> None:
        states = self._rows(name)
        for place in self._reached():
            self.states[Node(depth, place)] = float(states[place] @ self.directions[place])

    def through_mlp(self, layer: int) -> None:
        target = 2 * layer + 2
        self._note(target, f"blocks.{layer}.hook_resid_post")
        out = self._rows(f"blocks.{layer}.hook_mlp_out")
        for place in self._reached():
            value = float(out[place] @ self.directions[place])
            self._add(EdgeKind.MLP, Node(target - 1, place), Node(target, place), value)
            self.entered[place] += value
        self._residual(target, f"blocks.{layer}.hook_resid_mid")

    def through_attention(self, layer: int) -> None:
        target = 2 * layer + 1
        self._note(target, f"blocks.{layer}.hook_resid_mid")
        self._residual(target, f"blocks.{layer}.hook_resid_pre")
        block = weights_of(self.trace).blocks[layer]
        bias = np.asarray(plain(block.attn_out.bias), dtype=np.float64)
        for place in self._reached():
            value = float(bias @ self.directions[place])
            self._add(EdgeKind.BIAS, None, Node(target, place), value)
            self.entered[place] += value
        into = self._through_heads(layer, target)
        # a value is linear in what is there, and a constant: the constant comes in at the position that is read
        self.entered -= (into * self._rows(f"blocks.{layer}.hook_resid_pre")).sum(axis=1)
        self.directions = self.directions + into

    def _through_heads(self, layer: int, target: int) -> Array:  # [T, d]
        """The edges of the heads, and what they make of the directions at the positions that are attended to."""
        trace, config = self.trace, self.trace.config
        block = weights_of(trace).blocks[layer]
        out = np.array([plain(row) for row in block.attn_out.weight], dtype=np.float64)  # [d, d]
        reads = np.array([plain(row) for row in block.attn_qkv.weight[2 * config.n_embd :]], dtype=np.float64)
        pattern = self._value(f"blocks.{layer}.attn.hook_pattern")  # [H, T, S]
        values = self._rows(f"blocks.{layer}.attn.hook_v")  # [T, H, e]
        size = self.position + 1
        into = np.zeros((size, config.n_embd))
        for head in range(config.n_head):
            columns = slice(head * config.head_width, (head + 1) * config.head_width)
            asked = self.directions @ out[:, columns]  # [T, e]: the directions as the head's z
            carried = pattern[head, :size, :size] * (asked @ values[:, head].T)  # [T, S]
            self.entered += carried.sum(axis=0)
            reached = np.asarray(self.directions.any(axis=1, keepdims=True))  # [T, 1]
            kept = (np.abs(carried) >= self.least) & reached
            for place, source in np.argwhere(kept & self._causal).tolist():
                value = carried[place, source]
                self._add(EdgeKind.HEAD, Node(target - 1, source), Node(target, place), value, head)
            into += pattern[head, :size, :size].T @ asked @ reads[columns]
        gamma, scale = np.asarray(plain(block.ln_1.gamma)), self._rows(f"blocks.{layer}.ln1.hook_scale")
        stretched = into * gamma
        return np.asarray((stretched - stretched.mean(axis=1, keepdims=True)) / scale)

    def at_embeddings(self) -> None:
        self._note(0, "blocks.0.hook_resid_pre")
        self.entered += [self.states.get(Node(0, place), 0.0) for place in range(self.position + 1)]
