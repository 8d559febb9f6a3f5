"""Direct logit attribution: how much each part of the model wrote of one logit, or of the difference of two.

The logit of a token is ln_final's output times its row of the unembedding. Held at the scale it was recorded with, the
layer norm is linear, so the logit is a sum with one term for each part that wrote into the residual stream:

    logit = Σ (part - mean(part)) · (gamma ∘ u) / scale + beta · u        u = W_U[token], or W_U[token] - W_U[versus]

Only the direct path counts: what a part made later parts do is counted there. Sources: Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits", section "The Path Expansion Trick"; TransformerLens,
demos/Direct_Logit_Attribution_Demo.ipynb.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from typing import Any

from explorer.analysis.errors import AnalysisError
from explorer.analysis.recorded import (
    OF_THE_MODEL,
    by_head,
    check_position,
    pattern_row,
    row_of,
    value_of,
    weights_of,
)
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from gpt.ops import Matrix, Vector, dot
from gpt.weights import BlockWeights

_ROWS_AT_ONCE = 4096


class Level(StrEnum):
    """How finely the logit is taken apart."""

    COMPONENT = "component"  # embeddings, each attention, each MLP
    HEAD = "head"  # each attention by heads
    POSITION = "position"  # each head by the position it moved something from
    NEURON = "neuron"  # each MLP by neurons


class PartKind(StrEnum):
    """The parts of the model that a term can come from."""

    EMBEDDING = "embedding"
    ATTENTION = "attention"
    HEAD = "head"
    SOURCE = "source"  # what a head moved from one position
    MLP = "mlp"
    NEURON = "neuron"
    BIAS = "bias"


class Convention(StrEnum):
    """How biases are counted, and what a logit is measured against."""

    PLAIN = "plain"
    TRANSFORMER_LENS = "transformer-lens"


CENTRED = (
    "Measured against the mean of all logits: what all tokens share changes no probability. Every bias has a line of "
    "its own, as in the plain logit. ln_final's scale is held as recorded."
)

IN_WORDS = {
    Convention.PLAIN: (
        "The logit as the model computed it. Every bias has a line of its own: ln_final's beta, and in each block the "
        "value biases (what heads write whatever they attend to), the attention's output bias and the MLP's. "
        "ln_final's scale is held as recorded."
    ),
    Convention.TRANSFORMER_LENS: (
        "As TransformerLens' default processing gives it (layer norms folded, writing weights and unembedding centred, "
        "value biases folded): the logit is measured against the mean of all logits. An attention and an MLP carry "
        "their biases; by head, one line a block holds the output bias with the value biases and what ln_1's beta "
        "makes of them, by neuron one holds the MLP's bias. b_U is ln_final's beta. "
        "ln_final's scale is held as recorded."
    ),
}


@dataclass(frozen=True)
class Contribution:
    """One term of the sum."""

    label: str
    value: float
    kind: PartKind
    layer: int | None = None
    head: int | None = None
    source: int | None = None  # the position from which a head moved it
    neuron: int | None = None
    name: str = ""  # the activation that it is, or that a bias goes into; "" for parts of one


@dataclass(frozen=True)
class LogitAttribution:
    """All terms of a logit, in the order in which the model wrote them, and how they add up."""

    position: int
    token: int
    versus: int | None
    level: Level
    convention: Convention
    contributions: tuple[Contribution, ...]
    logit: float  # recorded; less that of `versus`, or less the mean of all where it is centred
    centred: bool = False  # against the mean of all logits

    @property
    def sum(self) -> float:
        """The sum of the contributions."""
        return fsum(part.value for part in self.contributions)

    @property
    def gap(self) -> float:
        """The logit less the sum: rounding, or an edit of the run that none of the parts shows."""
        return self.logit - self.sum

    def ranked(self) -> list[Contribution]:
        """The largest first, whatever their sign."""
        return sorted(self.contributions, key=lambda part: -abs(part.value))


def attribute(
    trace: Trace,
    position: int,
    token: int,
    versus: int | None = None,
    level: Level = Level.COMPONENT,
    convention: Convention = Convention.PLAIN,
    *,
    centred: bool = False,
) -> LogitAttribution:
    """Which parts wrote the logit of a token at a position, or by how much it beats that of another token.

    `centred` measures it against the mean of all logits: what is the same for every token changes no probability, and
    can change the order of the parts. TransformerLens' convention is always centred; so is the lead over a token.
    """
    reader = _Reader(trace, position, token, versus, convention, centred)
    parts = tuple(_parts(reader, level))
    return LogitAttribution(position, token, versus, level, convention, parts, reader.logit(), reader.centred)


def reading_direction(
    trace: Trace, position: int, token: int, versus: int | None = None, *, centred: bool = False
) -> Vector:  # [d]
    """The direction whose product with the last residual state is the logit, or the lead, less ln_final's beta."""
    return _Reader(trace, position, token, versus, Convention.PLAIN, centred).direction


class _Reader:
    """Holds the direction in which the residual stream is read, and every part's share along it."""

    def __init__(
        self,
        trace: Trace,
        position: int,
        token: int,
        versus: int | None,
        convention: Convention,
        centred: bool = False,
    ) -> None:
        check_position(trace, position)
        self.trace, self.position, self.token, self.versus = trace, position, token, versus
        self.folded = convention is Convention.TRANSFORMER_LENS
        self.centred = versus is None and (centred or self.folded)
        self.weights = weights_of(trace)
        self._check_tokens()
        final = self.weights.ln_final
        self.unembedding = self._unembedding()  # u
        (scale,) = row_of(trace, "ln_final.hook_scale", position)
        stretched = [g * u for g, u in zip(plain(final.gamma), self.unembedding)]
        mean = fsum(stretched) / len(stretched)
        # (x - mean(x)) · g = x · (g - mean(g)): the centring is done once, to what is read with
        self.direction = [(value - mean) / scale for value in stretched]  # [d]

    def _check_tokens(self) -> None:
        for token in (self.token, self.versus):
            if token is not None and not 0 <= token < self.trace.config.vocab_size:
                last = self.trace.config.vocab_size - 1
                raise AnalysisError(f"there is no token {token}: ids go from 0 to {last}.")

    def _unembedding(self) -> Vector:  # [d]
        row = plain(self.weights.unembedding[self.token])
        if self.versus is not None:  # what is the same for all tokens falls out of a difference
            against = plain(self.weights.unembedding[self.versus])
        elif self.centred:
            against = mean_unembedding(self.trace)
        else:
            return list(row)
        return [a - b for a, b in zip(row, against)]

    def logit(self) -> float:
        """The recorded logit that the parts must add up to."""
        logits = row_of(self.trace, "logits", self.position)
        if self.versus is not None:
            return logits[self.token] - logits[self.versus]
        return logits[self.token] - (fsum(logits) / len(logits) if self.centred else 0.0)

    def share(self, vector: Any) -> float:  # [d]
        """The amount that a vector adds to the logit when it is written into the residual stream."""
        return float(dot(plain(vector), self.direction))

    def read(self, name: str) -> float:
        """The share of a recorded activation at the position."""
        return self.share(row_of(self.trace, name, self.position))

    def beta(self) -> float:
        return float(dot(plain(self.weights.ln_final.beta), self.unembedding))

    def back_through(self, matrix: Matrix) -> Vector:  # [d, n] -> [n]
        """The direction as an input of the matrix that writes: what a unit of each of its inputs adds to the logit."""
        return plain(self.trace.ops.matmul([self.direction], matrix)[0])

    def heads(self, layer: int) -> list[Vector]:  # [H, e]
        """The direction as each head of a block reads it, through its part of W_O."""
        back = self.back_through(self.weights.blocks[layer].attn_out.weight)
        width = self.trace.config.head_width
        return [back[start : start + width] for start in range(0, len(back), width)]

    def value_bias(self, layer: int) -> list[Vector]:  # [H, e]
        """The part of the values that is the same whatever is attended to."""
        block = self.weights.blocks[layer]
        d, width = self.trace.config.n_embd, self.trace.config.head_width
        bias = plain(block.attn_qkv.bias[2 * d :])
        if self.folded:
            bias = [b + added for b, added in zip(bias, self._beta_through_values(block))]
        return [bias[start : start + width] for start in range(0, d, width)]

    def _beta_through_values(self, block: BlockWeights) -> Vector:  # [d]
        into_values = block.attn_qkv.weight[2 * self.trace.config.n_embd :]
        return plain(self.trace.ops.matmul_transposed([block.ln_1.beta], into_values)[0])


def mean_unembedding(trace: Trace) -> Vector:  # [d]
    """The mean of the unembedding's rows over the vocabulary, kept in `trace.derived`."""
    key = ("the mean of the unembedding", OF_THE_MODEL)
    if key not in trace.derived:
        matrix, total = weights_of(trace).unembedding, [[0.0] * trace.config.n_embd]
        for start in range(0, len(matrix), _ROWS_AT_ONCE):
            total = trace.ops.add_all([matrix[start : start + _ROWS_AT_ONCE]], total[0])
        trace.derived[key] = [value / len(matrix) for value in plain(total[0])]
    return trace.derived[key]


def _parts(reader: _Reader, level: Level) -> Iterator[Contribution]:
    yield Contribution("token embedding", reader.read("hook_embed"), PartKind.EMBEDDING, name="hook_embed")
    yield Contribution("position embedding", reader.read("hook_pos_embed"), PartKind.EMBEDDING, name="hook_pos_embed")
    for layer in range(reader.trace.config.n_layer):
        yield from _attention(reader, layer, level)
        yield from _mlp(reader, layer, level)
    yield Contribution(
        "b_U" if reader.folded else "ln_final beta", reader.beta(), PartKind.BIAS, name="ln_final.hook_out"
    )


def _attention(reader: _Reader, layer: int, level: Level) -> Iterator[Contribution]:
    apart = level in (Level.HEAD, Level.POSITION)
    name = f"blocks.{layer}.hook_attn_out"
    written, title = reader.read(name), f"block {layer} attention"
    if reader.folded and not apart:
        yield Contribution(title, written, PartKind.ATTENTION, layer, name=name)
        return
    backs, biases = reader.heads(layer), reader.value_bias(layer)
    constants = [_attended(reader, layer, head) * dot(*pair) for head, pair in enumerate(zip(biases, backs))]
    by_values, by_output = fsum(constants), reader.share(reader.weights.blocks[layer].attn_out.bias)
    if level is Level.HEAD:
        yield from _by_head(reader, layer, backs, constants)
    elif level is Level.POSITION:
        for head, (back, bias) in enumerate(zip(backs, biases)):
            yield from _by_source(reader, layer, head, back, bias)
    else:
        yield Contribution(title, written - by_values - by_output, PartKind.ATTENTION, layer, name=name)
    if reader.folded:
        yield Contribution(f"{title} biases", by_values + by_output, PartKind.BIAS, layer, name=name)
    else:
        values = f"blocks.{layer}.attn.hook_v"
        yield Contribution(f"block {layer} value biases", by_values, PartKind.BIAS, layer, name=values)
        yield Contribution(f"{title} bias", by_output, PartKind.BIAS, layer, name=name)


def _attended(reader: _Reader, layer: int, head: int) -> float:
    """The sum of a row of the pattern: 1, unless the run was edited."""
    return fsum(pattern_row(reader.trace, layer, head, reader.position))


def _by_head(
    reader: _Reader, layer: int, backs: Sequence[Vector], constants: Sequence[float]
) -> Iterator[Contribution]:
    written = by_head(reader.trace, f"blocks.{layer}.attn.hook_z", reader.position)
    for head, (z, back, constant) in enumerate(zip(written, backs, constants)):
        yield Contribution(f"head {layer}.{head}", dot(z, back) - constant, PartKind.HEAD, layer, head)


def _by_source(reader: _Reader, layer: int, head: int, back: Vector, bias: Vector) -> Iterator[Contribution]:
    constant = dot(bias, back)
    row = pattern_row(reader.trace, layer, head, reader.position)
    values = value_of(reader.trace, f"blocks.{layer}.attn.hook_v", len(row))
    for source, weight in enumerate(row):
        share = weight * (dot(plain(values[source][head]), back) - constant)
        yield Contribution(f"head {layer}.{head} from position {source}", share, PartKind.SOURCE, layer, head, source)


def _mlp(reader: _Reader, layer: int, level: Level) -> Iterator[Contribution]:
    title, out = f"block {layer} MLP", reader.weights.blocks[layer].mlp_out
    name = f"blocks.{layer}.hook_mlp_out"
    written = reader.read(name)
    if reader.folded and level is not Level.NEURON:
        yield Contribution(title, written, PartKind.MLP, layer, name=name)
        return
    bias = reader.share(out.bias)
    if level is Level.NEURON:
        post = row_of(reader.trace, f"blocks.{layer}.mlp.hook_post", reader.position)
        for neuron, (activation, back) in enumerate(zip(post, reader.back_through(out.weight))):
            yield Contribution(f"neuron {layer}.{neuron}", activation * back, PartKind.NEURON, layer, neuron=neuron)
    else:
        yield Contribution(title, written - bias, PartKind.MLP, layer, name=name)
    yield Contribution(f"{title} bias", bias, PartKind.BIAS, layer, name=name)
