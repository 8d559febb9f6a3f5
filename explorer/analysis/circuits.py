"""The circuits of weights: what a head would copy, promote and match, whatever the prompt.

A head has two. OV says what it writes for a token that it attends to: W_E · W_V · W_O · W_U. QK says which tokens (or
positions) its query matches: W_E · W_Q · W_Kᵀ · W_Eᵀ / sqrt(e). Both are of the weights alone, with layer norms folded
in (`folded`) and their scales left out, and without biases; the embedding stands for a residual stream that no block
has written into. Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; TransformerLens'
FactoredMatrix, whose numbers these are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from explorer.analysis.errors import AnalysisError
from explorer.analysis.folded import as_array, centred, reading, writing
from explorer.analysis.recorded import row_of, weights_of
from explorer.runs.trace import Trace
from gpt import GPT, GPTConfig, Run
from gpt.layer_norm import layer_norm
from gpt.ops import Matrix
from gpt.weights import Weights

Array = np.ndarray

COPYING = (
    "Σ λ / Σ |λ| over the eigenvalues λ of the OV circuit of the vocabulary, W_E · W_V · W_O · W_U: 1 where whatever "
    "token is attended to is promoted, -1 where it is suppressed. Source: Elhage et al. 2021, section 'Summarizing "
    "OV/QK matrices'."
)
TOP_COPYING = (
    "The share of tokens which are themselves among the 5 most promoted, if the head attended to their residual stream "
    "after block 0's MLP alone, its output through ln_final to the logits. Source: Wang et al. 2022, arXiv:2211.00593, "
    "section 3.1 (copy score, over the names of prompts)."
)
COMPOSITION = (
    "‖OV · M‖ / (‖OV‖ · ‖M‖), Frobenius norms, for a head and one of a later block: M is the later head's QK for its "
    "queries, QKᵀ for its keys, OV for its values. Random matrices score above 0 as well: compare pairs. Source: "
    "Elhage et al. 2021, section 'Three Kinds of Composition'."
)


class Circuit(StrEnum):
    """The two circuits of a head."""

    OV = "ov"
    QK = "qk"


class Composition(StrEnum):
    """Where a later head reads what an earlier one wrote."""

    Q = "q"
    K = "k"
    V = "v"


@dataclass(frozen=True)
class Direction:
    """One singular vector of a circuit: its strength, and the tokens nearest to both of its ends."""

    strength: float  # the singular value
    read: tuple[tuple[int, float], ...]  # tokens with their product: what is attended to (OV), the query's (QK)
    written: tuple[tuple[int, float], ...]  # tokens promoted (OV), the key's (QK)


class Circuits:
    """The circuits of every head of a model, in float64."""

    def __init__(self, weights: Weights, config: GPTConfig) -> None:
        self.config = config
        self._weights = weights
        self._blocks: dict[int, tuple[Array, Array]] = {}

    @cached_property
    def embedding(self) -> Array:  # [V, d]
        return centred(as_array(self._weights.token_embedding))

    @cached_property
    def unembedding(self) -> Array:  # [V, d]
        """With ln_final's gamma, centred over the vocabulary."""
        unembedding = as_array(self._weights.unembedding)
        return (unembedding - unembedding.mean(axis=0)) * as_array(self._weights.ln_final.gamma)

    @cached_property
    def _through_the_vocabulary(self) -> Array:  # [d, d]
        """W_U · W_E: the one product over the vocabulary that all heads' copying shares."""
        return self.unembedding.T @ self.embedding

    def _block(self, layer: int) -> tuple[Array, Array]:  # [3d, d], [d, d]
        """The two matrices of a block's attention, folded when they are first asked for."""
        if layer not in self._blocks:
            block = self._weights.blocks[layer]
            self._blocks[layer] = reading(block.attn_qkv, block.ln_1).weight, writing(block.attn_out).weight
        return self._blocks[layer]

    def queries(self, layer: int, head: int) -> Array:  # [d, e]
        """W_Q, as it reads the residual stream."""
        return self._reading(layer, head, 0)

    def keys(self, layer: int, head: int) -> Array:  # [d, e]
        """W_K."""
        return self._reading(layer, head, 1)

    def values(self, layer: int, head: int) -> Array:  # [d, e]
        """W_V."""
        return self._reading(layer, head, 2)

    def output(self, layer: int, head: int) -> Array:  # [e, d]
        """W_O."""
        self._check(layer, head)
        e = self.config.head_width
        return self._block(layer)[1][:, head * e : (head + 1) * e].T

    def _reading(self, layer: int, head: int, third: int) -> Array:
        self._check(layer, head)
        e, start = self.config.head_width, third * self.config.n_embd
        return self._block(layer)[0][start + head * e : start + (head + 1) * e].T

    def _check(self, layer: int, head: int) -> None:
        config = self.config
        if not (0 <= layer < config.n_layer and 0 <= head < config.n_head):
            raise AnalysisError(
                f"there is no head {layer}.{head}: this model has blocks 0 to {config.n_layer - 1} of heads 0 to "
                f"{config.n_head - 1}."
            )

    # Over the vocabulary, and over positions

    def promoted(self, layer: int, head: int, token: int) -> Array:  # [V]
        """A row of the OV circuit: what the head adds to every logit for each unit of attention to that token."""
        return (
            self.embedding[self._token(token)]
            @ self.values(layer, head)
            @ self.output(layer, head)
            @ self.unembedding.T
        )

    def matched(self, layer: int, head: int, token: int) -> Array:  # [V]
        """A row of the QK circuit: the score of that token's query with the key of every token."""
        query = self.embedding[self._token(token)] @ self.queries(layer, head)
        return query @ (self.embedding @ self.keys(layer, head)).T / self.config.score_divisor(layer)

    def matched_by(self, layer: int, head: int, token: int) -> Array:  # [V]
        """A column of it: the score of every token's query with the key of that token."""
        key = self.embedding[self._token(token)] @ self.keys(layer, head)
        return self.embedding @ self.queries(layer, head) @ key / self.config.score_divisor(layer)

    def matched_positions(self, layer: int, head: int, positions: int | None = None) -> Array:  # [T, T]
        """The QK circuit of the position embeddings alone: rows are queries; what a mask would hide is there too."""
        places = np.asarray(self._weights.position_embedding)[:positions]
        queries, keys = places @ self.queries(layer, head), places @ self.keys(layer, head)
        return queries @ keys.T / self.config.score_divisor(layer)

    def _token(self, token: int) -> int:
        if not 0 <= token < self.config.vocab_size:
            raise AnalysisError(f"there is no token {token}: ids go from 0 to {self.config.vocab_size - 1}.")
        return token

    # Scores of heads

    def copying(self, layer: int, head: int) -> float:
        """From -1 to 1: whether the head promotes the tokens that it attends to. `COPYING` says how it is measured."""
        return self._copying(layer, head, self._through_the_vocabulary @ self.values(layer, head))

    def all_copying(self) -> Array:  # [L, H]
        """The same for every head, with one product over the vocabulary for all of them."""
        layers, heads, through = range(self.config.n_layer), range(self.config.n_head), self._through_the_vocabulary
        scores = [
            [self._copying(layer, head, through @ self.values(layer, head)) for head in heads] for layer in layers
        ]
        return np.array(scores)

    def _copying(self, layer: int, head: int, into: Array) -> float:  # [d, e]
        values = np.linalg.eigvals(self.output(layer, head) @ into)
        return float(values.sum().real / np.abs(values).sum())

    @cached_property
    def _writers(self) -> list[tuple[Array, Array, Array]]:  # [H·e, d], [H, e, e], [H] for each block
        """Of each block: what its heads write, one below the other; their values' products; the norms of both."""
        found = []
        for layer in range(self.config.n_layer):
            pairs = [(self.values(layer, head), self.output(layer, head)) for head in range(self.config.n_head)]
            products = np.stack([values.T @ values for values, _ in pairs])
            found.append((np.vstack([out for _, out in pairs]), products, np.array([_norm(*pair) for pair in pairs])))
        return found

    def composition(self, kind: Composition) -> Array:  # [L, H, L, H]
        """How far each later head reads what each earlier one writes; 0 elsewhere. `COMPOSITION` says how."""
        return np.stack([self.read_by(kind, layer) for layer in range(self.config.n_layer)], axis=2)

    def read_by(self, kind: Composition, layer: int) -> Array:  # [L, H, H]
        """The same for the heads of one later block, which come last.

        All pairs of two blocks are one product; the norms are those of matrices of the heads' width.
        """
        heads, e = self.config.n_head, self.config.head_width
        pairs = [self._reader(kind, layer, head) for head in range(heads)]
        reads = np.hstack([into for into, _ in pairs])  # [d, H·e]
        products = np.stack([out @ out.T for _, out in pairs])  # [H, e, e]
        sizes = np.array([_norm(*pair) for pair in pairs])  # [H]
        found = np.zeros((self.config.n_layer, heads, heads))
        for earlier, (writes, before, norms) in enumerate(self._writers[:layer]):
            met = (writes @ reads).reshape(heads, e, heads, e).transpose(0, 2, 1, 3)  # [H, H, e, e]
            squares = np.sum((before[:, None] @ met @ products[None]) * met, axis=(2, 3))
            found[earlier] = np.sqrt(np.maximum(squares, 0.0)) / np.outer(norms, sizes)
        return found

    def _reader(self, kind: Composition, layer: int, head: int) -> tuple[Array, Array]:  # [d, e], [e, d]
        if kind is Composition.V:
            return self.values(layer, head), self.output(layer, head)
        queries, keys = self.queries(layer, head), self.keys(layer, head)
        return (queries, keys.T) if kind is Composition.Q else (keys, queries.T)

    # Singular vectors

    def strengths(self, layer: int, head: int, circuit: Circuit = Circuit.OV) -> Array:  # [e]
        """The singular values of W_V · W_O or W_Q · W_Kᵀ, the largest first."""
        return self._decomposed(layer, head, circuit)[1]

    def directions(
        self, layer: int, head: int, circuit: Circuit = Circuit.OV, count: int = 5, tokens: int = 5
    ) -> list[Direction]:
        """The strongest singular vectors, read out: the tokens nearest to what is read, and to the other end.

        A singular vector has no sign: both of its ends may be turned round together. Source: Millidge and Black 2022,
        "The Singular Value Decompositions of Transformer Weight Matrices are Highly Interpretable" (LessWrong).
        """
        left, strengths, right = self._decomposed(layer, head, circuit)
        table = self.unembedding if circuit is Circuit.OV else self.embedding
        found = []
        for vector, strength, other in zip(left.T[:count], strengths, right):
            read, written = self.embedding @ vector, table @ other
            found.append(Direction(float(strength), largest(read, tokens), largest(written, tokens)))
        return found

    def _decomposed(self, layer: int, head: int, circuit: Circuit) -> tuple[Array, Array, Array]:  # [d, e], [e], [e, d]
        """The product of a head's two matrices as a singular value decomposition, by those of its factors."""
        a, b = (
            (self.values(layer, head), self.output(layer, head))
            if circuit is Circuit.OV
            else (self.queries(layer, head), self.keys(layer, head).T)
        )
        (q_a, r_a), (q_b, r_b) = np.linalg.qr(a), np.linalg.qr(b.T)
        inner_left, strengths, inner_right = np.linalg.svd(r_a @ r_b.T)
        return q_a @ inner_left, strengths, inner_right @ q_b.T


def largest(values: Array, count: int) -> tuple[tuple[int, float], ...]:  # [V]
    """The tokens with the largest values, with these: largest(np.array([1, 3, 2]), 2) = ((1, 3.0), (2, 2.0))."""
    order = np.argsort(-values, kind="stable")[:count]
    return tuple((int(token), float(values[token])) for token in order)


def _norm(a: Array, b: Array) -> float:  # [d, e], [e, d]
    """The Frobenius norm of a · b, by way of matrices of the heads' width."""
    return float(np.sqrt(max(0.0, np.sum((a.T @ a) * (b @ b.T)))))


def top_copying(trace: Trace, layer: int, head: int, positions: Sequence[int], top: int = 5) -> float:
    """The copy score of Wang et al. over tokens of a run, from 0 to 1. `TOP_COPYING` says how it is measured.

    With real weights: ln1's scale is that of the stream after block 0, biases and ln_final are as in the model.
    """
    return float(np.mean(copied(trace, layer, head, positions, top)))


def copied(trace: Trace, layer: int, head: int, positions: Sequence[int], top: int = 5) -> tuple[bool, ...]:
    """Of each token whether it is copied: the copy score is the mean."""
    model = GPT(trace.config, weights_of(trace), ops=trace.ops)
    streams = [row_of(trace, "blocks.0.hook_resid_post", position) for position in positions]
    logits = np.asarray(model.read_out(_if_attended(model, streams, layer, head)))  # [n, V]
    own = logits[np.arange(len(positions)), [trace.ids[position] for position in positions]]
    return tuple(map(bool, (logits > own[:, None]).sum(axis=1) < top))


def _if_attended(model: GPT, streams: Matrix, layer: int, head: int) -> Matrix:  # [n, d] -> [n, d]
    """The vectors that a head writes for each residual stream if it attends to that one alone."""
    weights, ops = model.weights.blocks[layer], model.ops
    x = layer_norm(streams, weights.ln_1, Run(model.config, ops))
    d, e = model.config.n_embd, model.config.head_width
    part = slice(2 * d + head * e, 2 * d + (head + 1) * e)
    values = ops.linear(x, weights.attn_qkv.weight[part], weights.attn_qkv.bias[part])
    return ops.matmul_transposed(values, [row[head * e : (head + 1) * e] for row in weights.attn_out.weight])
