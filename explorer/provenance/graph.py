"""A run as a graph: the value that a hook sees under every name, and how they depend on each other."""

from collections.abc import Sequence
from typing import Any

from explorer.engine.weights import leaves
from explorer.provenance import operations
from explorer.provenance.names import TOKENS
from explorer.provenance.nodes import Computed, Named, Number, TokenId, ValueNode, Weight
from gpt import GPT, GPTConfig, load_weights
from gpt.weights import tensor_shapes


class _Tensors:
    """A checkpoint of which only names and shapes are known."""

    def __init__(self, config: GPTConfig) -> None:
        self._shapes = tensor_shapes(config)

    def vector(self, name: str) -> Any:
        return Weight(name, self._shapes[name])

    def matrix(self, name: str, *, transpose: bool = False) -> Any:
        return Weight(name, self._shapes[name], transpose)


class Graph:
    """The nodes of one run by name: activations, weights, tokens."""

    def __init__(self, config: GPTConfig, ids: Sequence[int], head_results: bool = False) -> None:
        self.weights = load_weights(config, _Tensors(config))
        self.nodes: dict[str, ValueNode] = {leaf.name: leaf for leaf in leaves(self.weights)}
        tokens = self.nodes[TOKENS] = ValueNode((len(ids),))
        tokens.name = TOKENS
        GPT(config, self.weights, ops=operations).forward(
            [_token(id, tokens.at(position)) for position, id in enumerate(ids)],
            hook=self._name,
            head_results=head_results,
        )

    def _name(self, name: str, node: ValueNode) -> ValueNode:
        """The hook: give what is computed its name, and what comes up on the way to it as well."""
        source = node.at(*[0] * len(node.shape)).node  # behind what was only rearranged
        for word, inner in source.inner.items() if isinstance(source, Computed) else ():
            inner.name = f"{name}.{word}"
            self.nodes[inner.name] = inner
        self.nodes[name] = Named(name, node)
        return self.nodes[name]


def _token(id: int, number: Number) -> TokenId:
    token = TokenId(id)
    token.number = number
    return token
