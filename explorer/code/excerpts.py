"""Excerpts: for a place in the walk the function of `gpt/` that computes it, on no more than that place needs.

Always in plain Python, from recorded values. Every number in an excerpt is a number of the whole run; what would be
less than that (what one head alone adds up to, say) is left out: the excerpt ends before it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.code.stepping import LOOP_STOPS, Stepper, step_through
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from explorer.stages import Kind, Stage
from gpt import GPT, GPTError, Hook, Sampling, Weights, distribution, draw, ops
from gpt.attention import KeysValues, attention, mix, raw_scores
from gpt.block import block
from gpt.embeddings import embed
from gpt.hooks import Run
from gpt.layer_norm import layer_norm
from gpt.mlp import mlp
from gpt.ops import Matrix, Vector
from gpt.tokenizer import Piece, merges_of
from gpt.weights import BlockWeights, LayerNormWeights, LinearWeights

FEWER_STOPS = 256
"""For each loop of an excerpt that is wide: all heads, all neurons or the whole vocabulary."""

WIDEST_BLOCK = 1000
"""Dimensions: a whole block that is wider takes plain Python seconds, so what is added is shown by itself."""


class CodeError(GPTError):
    """The error of code that cannot be run again."""


@dataclass(frozen=True)
class Excerpt:
    """A function of `gpt/`, ready to be run and stepped through."""

    run: Callable[[Hook], Any]
    activation: str | None  # whose line the stepping begins at
    part: str  # in words, what of the stage it computes
    until: str | None = None  # the activation after which it ends
    from_the_start: bool = False  # the stepping begins at the first line
    most: int = LOOP_STOPS

    def step(self) -> Stepper:
        """Run it. The stepper stands on the line that computes what the stage shows."""
        stepper = step_through(self.run, most=self.most, until=self.until)
        found = self.activation is not None and stepper.to(self.activation)
        if not found and not self.from_the_start:
            value = stepper.value[0] if isinstance(stepper.value, tuple) else stepper.value
            stepper.to_value(value)
        stepper.start_here()
        return stepper


@dataclass(frozen=True)
class _Place:
    """Where the user stands in a recorded run."""

    trace: Trace
    stage: Stage
    position: int
    head: int
    column: int
    activation: str

    @property
    def block(self) -> str:
        return f"blocks.{self.stage.layer}."

    @property
    def layer(self) -> int:
        assert self.stage.layer is not None
        return self.stage.layer

    @property
    def weights(self) -> Weights:
        """CodeError where there are none."""
        if self.trace.weights is None:
            raise CodeError(
                "This is a recorded run without its model: the weights that this code multiplies with are not there. "
                "Open the model itself and type the same prompt to step through it."
            )
        return self.trace.weights

    @property
    def block_weights(self) -> BlockWeights:
        return self.weights.blocks[self.layer]

    def run(self, hook: Hook) -> Run:
        """In plain Python, within this block."""
        run = Run(self.trace.config, hook=hook)
        return run if self.stage.layer is None else run.block(self.stage.layer)

    def row(self, name: str) -> Vector:
        """An activation of this block, at this position: of those by head, this head's."""
        return self.trace.matrix(self.block + name, self.head)[self.position]

    def vector(self, name: str) -> Vector:
        """An activation of the residual stream's width, by its whole name."""
        return list(plain(self.trace.values[name][self.position]))

    def keys_values(self, until: int) -> tuple[Matrix, Matrix]:
        """Keys and values of this head, of the first positions."""
        keys, values = (
            self.trace.matrix(f"{self.block}attn.{name}", self.head)[:until] for name in ("hook_k", "hook_v")
        )
        return keys, values


def excerpt(
    stage: Stage,
    trace: Trace,
    position: int,
    head: int,
    column: int,
    *,
    activation: str | None = None,
    sampling: Sampling = Sampling(),
    number: float | None = None,
) -> Excerpt | None:
    """The call that computes a stage at a position, for one head, and one neuron, dimension or token (`column`).

    `activation` is the part of the stage that is shown, the last one unless it is named. `sampling` and the random
    `number` are for the last two stages. None where nothing is computed, or not yet; CodeError where weights are
    missing.
    """
    if not stage.parts or any(trace.positions(part.activation) <= position for part in stage.parts):
        return None
    place = _Place(trace, stage, position, head, column, activation or stage.parts[-1].activation)
    kind = stage.local_id
    if kind in ("probabilities", "draw"):
        return _chosen(place, sampling, number)
    too_wide = kind.startswith("resid") and trace.config.n_embd > WIDEST_BLOCK
    if kind in _WITHOUT_WEIGHTS and (trace.weights is None or too_wide):
        return _WITHOUT_WEIGHTS[kind](place)
    if stage.kind is Kind.NORM and stage.layer is not None:
        return _norm(place, kind)
    return _WITH_WEIGHTS[kind](place)


# The entrance and the exit


def merging(piece: Piece) -> Excerpt:
    """The merges of one piece of the prompt, from those of the list that join something in it."""
    ranks = {(merge.left, merge.right): merge.rank for merge in piece.merges}
    return Excerpt(
        lambda hook: merges_of(piece.spelling, ranks), None, "the piece that this token is from", from_the_start=True
    )


def _embedding(place: _Place) -> Excerpt:
    weights, position = place.weights, place.position
    tables = replace(
        weights,
        token_embedding=_rows_of(weights.token_embedding),
        position_embedding=_rows_of(weights.position_embedding),
    )
    ids = place.trace.ids[position : position + 1]
    return Excerpt(
        lambda hook: embed(ids, position, tables, place.run(hook)), place.activation, "the token of one position"
    )


def _read_out(place: _Place) -> Excerpt:
    weights, token = place.weights, place.column if place.stage.kind is Kind.LOGITS else 0
    residual = [place.vector(place.trace.last_residual)]
    part = replace(
        weights,
        token_embedding=[],
        position_embedding=[],
        blocks=(),
        ln_final=_norm_weights(weights.ln_final),
        unembedding=_rows(weights.unembedding, [token]),
    )
    model = GPT(place.trace.config, part)
    until = None if place.stage.kind is Kind.LOGITS else place.activation
    return Excerpt(
        lambda hook: model.read_out(residual, hook=hook), place.activation, f"one position, token {token}", until
    )


def _chosen(place: _Place, sampling: Sampling, number: float | None) -> Excerpt | None:
    """Probabilities and draw: there is nothing to draw within the prompt."""
    logits = place.trace.logits(place.position)
    assert logits is not None
    if place.stage.kind is not Kind.DRAW:
        return Excerpt(lambda hook: distribution(logits, sampling), None, "one position", most=FEWER_STOPS)
    if number is None:
        return None
    chances = distribution(logits, sampling)
    return Excerpt(lambda hook: draw(chances, number), None, "one position", most=FEWER_STOPS)


# A block


def _norm(place: _Place, kind: str) -> Excerpt:
    weights = place.block_weights.ln_1 if kind == "ln1" else place.block_weights.ln_2
    before = "hook_resid_pre" if kind == "ln1" else "hook_resid_mid"
    x, part = [place.row(before)], _norm_weights(weights)
    return Excerpt(lambda hook: layer_norm(x, part, place.run(hook).part(kind)), place.activation, "one position")


def _one_head(place: _Place) -> Excerpt:
    config, weights, width = place.trace.config, place.block_weights, place.trace.config.head_width
    columns = slice(place.head * width, (place.head + 1) * width)
    qkv = [part * config.n_embd + i for part in range(3) for i in range(columns.start, columns.stop)]
    part = replace(
        weights,
        attn_qkv=_some_outputs(weights.attn_qkv, qkv),
        attn_out=LinearWeights([plain(row[columns]) for row in weights.attn_out.weight], plain(weights.attn_out.bias)),
    )
    keys, values = place.keys_values(place.position)
    past = KeysValues([[key] for key in keys], [[value] for value in values]) if keys else None
    x, alone = [place.row("ln1.hook_out")], replace(config, n_head=1, n_embd=width)
    return Excerpt(
        lambda hook: attention(x, part, replace(place.run(hook), config=alone).part("attn"), past),
        place.activation,
        f"head {place.head} at one position",
        until=f"{place.block}attn.hook_z",
    )


def _all_heads(place: _Place) -> Excerpt:
    """All heads, for one dimension of their output."""
    weights = place.block_weights
    part = replace(
        weights, attn_qkv=_all_outputs(weights.attn_qkv), attn_out=_some_outputs(weights.attn_out, [place.column])
    )
    x, past = [place.row("ln1.hook_out")], _past(place)
    return Excerpt(
        lambda hook: attention(x, part, place.run(hook).part("attn"), past),
        place.activation,
        f"all heads at one position, dimension {place.column}",
        most=FEWER_STOPS,
    )


def _neuron(place: _Place) -> Excerpt:
    weights, neuron = place.block_weights, place.column
    part = replace(
        weights,
        mlp_in=_some_outputs(weights.mlp_in, [neuron]),
        mlp_out=LinearWeights([[float(row[neuron])] for row in weights.mlp_out.weight], plain(weights.mlp_out.bias)),
    )
    x = [place.row("ln2.hook_out")]
    return Excerpt(
        lambda hook: mlp(x, part, place.run(hook).part("mlp")),
        place.activation,
        f"neuron {neuron} at one position",
        until=f"{place.block}mlp.hook_post",
    )


def _all_neurons(place: _Place) -> Excerpt:
    """All neurons, for one dimension of their output."""
    weights = place.block_weights
    part = replace(weights, mlp_in=_all_outputs(weights.mlp_in), mlp_out=_some_outputs(weights.mlp_out, [place.column]))
    x = [place.row("ln2.hook_out")]
    return Excerpt(
        lambda hook: mlp(x, part, place.run(hook).part("mlp")),
        place.activation,
        f"all neurons at one position, dimension {place.column}",
        most=FEWER_STOPS,
    )


def _whole_block(place: _Place) -> Excerpt:
    """One position through the block: a smaller excerpt would not add up to the same sum."""
    config, weights = place.trace.config, place.block_weights
    part = BlockWeights(
        ln_1=_norm_weights(weights.ln_1),
        attn_qkv=_all_outputs(weights.attn_qkv),
        attn_out=_all_outputs(weights.attn_out),
        ln_2=_norm_weights(weights.ln_2),
        mlp_in=_all_outputs(weights.mlp_in),
        mlp_out=_all_outputs(weights.mlp_out),
    )
    before = place.stage.id.endswith("resid_mid")
    if before:  # the MLP is not shown any more
        neuron = LinearWeights([[0.0]] * config.n_embd, plain(weights.mlp_out.bias))
        part = replace(part, mlp_in=_some_outputs(weights.mlp_in, [0]), mlp_out=neuron)
    residual, past = [place.row("hook_resid_pre")], _past(place)
    return Excerpt(
        lambda hook: block(residual, part, place.run(hook), past),
        f"{place.block}{'hook_resid_mid' if before else 'hook_resid_post'}",
        "one position through the block",
        until=f"{place.block}hook_resid_mid" if before else None,
        most=FEWER_STOPS,
    )


def _past(place: _Place) -> KeysValues | None:
    """The keys and values of the earlier positions, for all heads."""
    keys, values = (
        [plain(row) for row in place.trace.values[f"{place.block}attn.{name}"][: place.position]]
        for name in ("hook_k", "hook_v")
    )
    return KeysValues(keys, values) if keys else None


_WITH_WEIGHTS: dict[str, Callable[[_Place], Excerpt]] = {
    **dict.fromkeys(("embed", "pos_embed", "sum"), _embedding),
    **dict.fromkeys(("qkv", "raw", "scaled", "masked", "pattern", "z"), _one_head),
    "out": _all_heads,
    **dict.fromkeys(("resid_mid", "resid_post"), _whole_block),
    **dict.fromkeys(("pre", "activation"), _neuron),
    "mlp_out": _all_neurons,
    **dict.fromkeys(("ln_final", "logits"), _read_out),
}


# What needs no weights can be run again from a recorded run too, by itself


def _by_itself(run: Callable[[_Place], Any], part: str = "head {head} at one position") -> Callable[[_Place], Excerpt]:
    def made(place: _Place) -> Excerpt:
        words = part.format(head=place.head, neuron=place.column)
        return Excerpt(lambda hook: run(place), None, words)

    return made


def _sum(place: _Place) -> Matrix:
    before, written, _ = (place.vector(part.activation) for part in place.stage.parts)
    return ops.add([before], [written])


def _raw(place: _Place) -> Any:
    keys, _ = place.keys_values(place.position + 1)
    return raw_scores([[place.row("attn.hook_q")]], [[key] for key in keys])


def _scores(place: _Place, name: str) -> Vector:
    """Of this head and position for all keys up to it."""
    return place.row(f"attn.{name}")[: place.position + 1]


def _scaled(place: _Place) -> Any:
    divisor = place.trace.config.score_divisor(place.layer)
    return ops.divide([[_scores(place, "hook_attn_scores_raw")]], divisor)


def _masked(place: _Place) -> Any:
    return ops.causal_mask([[_scores(place, "hook_attn_scores_scaled")]])


def _pattern(place: _Place) -> Any:
    return ops.softmax([[_scores(place, "hook_attn_scores")]])


def _z(place: _Place) -> Any:
    _, values = place.keys_values(place.position + 1)
    return mix([[_scores(place, "hook_pattern")]], [[value] for value in values])


def _activation(place: _Place) -> Any:
    return ops.activate([[place.row("mlp.hook_pre")[place.column]]], place.trace.config.activation_function)


_WITHOUT_WEIGHTS = {
    **dict.fromkeys(("sum", "resid_mid", "resid_post"), _by_itself(_sum, "one position")),
    "raw": _by_itself(_raw),
    "scaled": _by_itself(_scaled),
    "masked": _by_itself(_masked),
    "pattern": _by_itself(_pattern),
    "z": _by_itself(_z),
    "activation": _by_itself(_activation, "neuron {neuron} at one position"),
}


# Weights


class _Rows(Sequence[Vector]):
    """A matrix of NumPy whose rows become lists when they are read."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    def __len__(self) -> int:
        return len(self.matrix)

    def __getitem__(self, index: Any) -> Any:
        return plain(self.matrix[index])


def _rows_of(matrix: Matrix) -> Matrix:
    return _Rows(matrix) if hasattr(matrix, "tolist") else matrix


def _rows(matrix: Matrix, indices: Iterable[int]) -> Matrix:
    return [plain(matrix[index]) for index in indices]


def _some_outputs(weights: LinearWeights, outputs: Sequence[int]) -> LinearWeights:
    return LinearWeights(_rows(weights.weight, outputs), [float(weights.bias[output]) for output in outputs])


def _all_outputs(weights: LinearWeights) -> LinearWeights:
    return LinearWeights(_rows_of(weights.weight), plain(weights.bias))


def _norm_weights(weights: LayerNormWeights) -> LayerNormWeights:
    return LayerNormWeights(plain(weights.gamma), plain(weights.beta))
