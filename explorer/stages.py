"""The walk: every stage of the forward pass, in order.

A Stage is a place in the architecture. It says what is computed there in a formula and a sentence, which activations
show it, which function of `gpt` computes it, and what the residual stream is by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from gpt import attention, layer_norm, ops, sampling, tokenizer
from gpt.config import GPTConfig


class Kind(Enum):
    """Which picture fits a stage."""

    MERGES = auto()
    VECTORS = auto()
    NORM = auto()
    SCORES = auto()
    PATTERN = auto()
    HEADS_OUT = auto()
    NEURONS = auto()
    LOGITS = auto()
    LEDGER = auto()
    DRAW = auto()


@dataclass(frozen=True)
class Part:
    """One of the values that a stage shows: q, k and v are three parts of one stage."""

    label: str
    activation: str


@dataclass(frozen=True)
class Stage:
    """A place in the architecture."""

    id: str
    title: str
    layer: int | None
    kind: Kind
    formula: str
    sentence: str
    parts: tuple[Part, ...]  # the last one is what the stage is about; none where there is no activation
    function: Callable[..., Any]
    residual: str | None  # the residual stream's name as of this stage

    @property
    def local_id(self) -> str:
        """The id within the block: "pattern"."""
        return self.id.rpartition(".")[2]

    @property
    def place(self) -> str:
        """Where it is, in words: "block 2 · pattern"."""
        return self.title if self.layer is None else f"block {self.layer} · {self.title}"


def walk(config: GPTConfig) -> tuple[Stage, ...]:
    """All stages of a model, in the order in which they are computed."""
    stages = _entrance()
    for layer in range(config.n_layer):
        stages += [*_attention(layer, config), *_mlp(layer, config)]
    return tuple(stages + _exit(config))


def _entrance() -> list[Stage]:
    embed, total = "hook_embed", "blocks.0.hook_resid_pre"
    return [
        Stage(
            id="tokens",
            title="tokens",
            layer=None,
            kind=Kind.MERGES,
            formula="text → bytes → merges → token ids",
            sentence="Frequent neighbours are glued together, in the order in which the tokenizer learned them.",
            parts=(),
            function=tokenizer.merges_of,
            residual=None,
        ),
        Stage(
            id="embed",
            title="token embedding",
            layer=None,
            kind=Kind.VECTORS,
            formula="wte[token]",
            sentence="Each token id picks its own row of a table: all that the model knows of the word by itself.",
            parts=(Part("token", embed),),
            function=ops.take,
            residual=embed,
        ),
        Stage(
            id="pos_embed",
            title="position embedding",
            layer=None,
            kind=Kind.VECTORS,
            formula="wpe[position]",
            sentence="Each position has a row of its own too, or the order of the words would be lost.",
            parts=(Part("position", "hook_pos_embed"),),
            function=ops.take,
            residual=embed,
        ),
        Stage(
            id="sum",
            title="their sum",
            layer=None,
            kind=Kind.VECTORS,
            formula="wte[token] + wpe[position]",
            sentence="The residual stream begins: one vector a position, to which everything from here on adds.",
            parts=(Part("token", embed), Part("position", "hook_pos_embed"), Part("sum", total)),
            function=ops.add,
            residual=total,
        ),
    ]


def _norm(id: str, title: str, layer: int | None, prefix: str, residual: str, reader: str) -> Stage:
    return Stage(
        id=id,
        title=title,
        layer=layer,
        kind=Kind.NORM,
        formula="(x − mean) / √(variance + ε) · γ + β",
        sentence=f"Normalised, then scaled and shifted by the learned γ and β: what {reader} reads.",
        parts=(Part("normalised", f"{prefix}.hook_normalized"), Part("scaled", f"{prefix}.hook_out")),
        function=layer_norm.layer_norm,
        residual=residual,
    )


def _attention(layer: int, config: GPTConfig) -> list[Stage]:
    name = f"blocks.{layer}"
    return [
        _norm(f"{name}.ln1", "ln 1", layer, f"{name}.ln1", _entering(layer), "attention"),
        *(_in_attention(layer, *row) for row in (*_scores(layer, config), *_MIXING)),
        _added(f"{name}.resid_mid", layer, name, ("hook_resid_pre", "hook_attn_out", "hook_resid_mid"), "attention"),
    ]


StageInBlock = tuple[str, str, Kind, str, str, dict[str, str], Callable[..., Any]]
"""A stage without its block: id, title, kind, formula, sentence, parts, function."""


def _in_attention(
    layer: int,
    id: str,
    title: str,
    kind: Kind,
    formula: str,
    sentence: str,
    parts: dict[str, str],
    function: Callable[..., Any],
) -> Stage:
    name = f"blocks.{layer}"
    shown = tuple(Part(label, f"{name}.{activation}") for label, activation in parts.items())
    return Stage(f"{name}.{id}", title, layer, kind, formula, sentence, shown, function, _entering(layer))


def _scores(layer: int, config: GPTConfig) -> list[StageInBlock]:
    """From the vectors to the masked scores."""
    return [
        (
            "qkv",
            "q k v",
            Kind.VECTORS,
            "x · W + b, cut into heads",
            "Three readings of each position: what it looks for (q), offers (k) and passes on (v).",
            {"q": "attn.hook_q", "k": "attn.hook_k", "v": "attn.hook_v"},
            ops.linear,
        ),
        (
            "raw",
            "q·k",
            Kind.SCORES,
            "q · k",
            "How well what a position looks for fits what each position offers: one dot product each.",
            {"raw": "attn.hook_attn_scores_raw"},
            attention.raw_scores,
        ),
        (
            "scaled",
            "scaled",
            Kind.SCORES,
            f"q · k / {config.score_divisor(layer):.4g}",
            _scaling_sentence(config, layer),
            {"scaled": "attn.hook_attn_scores_scaled"},
            ops.divide,
        ),
        (
            "masked",
            "masked",
            Kind.SCORES,
            "−∞ where the key comes later than the query",
            "Nobody may look ahead: the model is to guess the next token, not to read it.",
            {"masked": "attn.hook_attn_scores"},
            ops.causal_mask,
        ),
    ]


_MIXING: list[StageInBlock] = [
    (
        "pattern",
        "pattern",
        Kind.PATTERN,
        "softmax: exp(score) / Σ exp(scores)",
        "How much each position looks at itself and at those before it; each row adds up to 1.",
        {"pattern": "attn.hook_pattern"},
        ops.softmax_row,
    ),
    (
        "z",
        "z",
        Kind.VECTORS,
        "z = pattern · v",
        "What each head has gathered: the values of the tokens it looks at, each times its weight.",
        {"z": "attn.hook_z"},
        attention.mix,
    ),
    (
        "out",
        "heads → out",
        Kind.HEADS_OUT,
        "z · W_O + b",
        "The heads' findings, put back into the width of the residual stream and added together.",
        {"written": "hook_attn_out"},
        ops.linear,
    ),
]


def _scaling_sentence(config: GPTConfig, layer: int) -> str:
    reasons = []
    if config.scale_attn_weights:
        reasons.append(f"√{config.head_width}")
    if config.scale_attn_by_inverse_layer_idx:
        reasons.append(f"{layer + 1} (this block, counted from 1)")
    if not reasons:
        return "This checkpoint does not scale its scores (scale_attn_weights is false): they stay as they are."
    return f"Divided by {' and by '.join(reasons)}, so that no token drowns out the others."


def _entering(layer: int) -> str:
    """The residual stream at the start of a block: what the one before left, by one name only."""
    return f"blocks.{layer - 1}.hook_resid_post" if layer else "blocks.0.hook_resid_pre"


def _added(id: str, layer: int, block: str, activations: tuple[str, str, str], writer: str) -> Stage:
    parts = tuple(Part(*pair) for pair in zip(("before", "written", "after"), (f"{block}.{a}" for a in activations)))
    return Stage(
        id=id,
        title=f"+ residual ({writer.removeprefix('the ')})",
        layer=layer,
        kind=Kind.VECTORS,
        formula=f"residual + what {writer} wrote",
        sentence=f"What {writer} found is added to the stream; nothing that was there is ever overwritten.",
        parts=parts,
        function=ops.add,
        residual=parts[-1].activation,
    )


def _mlp(layer: int, config: GPTConfig) -> list[Stage]:
    name = f"blocks.{layer}"
    before = f"{name}.hook_resid_mid"
    activation = config.activation_function

    def stage(id: str, title: str, kind: Kind, formula: str, sentence: str, shown: str, function: Any) -> Stage:
        parts = (Part(title, f"{name}.{shown}"),)
        return Stage(f"{name}.{id}", title, layer, kind, formula, sentence, parts, function, before)

    return [
        _norm(f"{name}.ln2", "ln 2", layer, f"{name}.ln2", before, "the MLP"),
        stage(
            "pre",
            "expand",
            Kind.NEURONS,
            "x · W_in + b",
            f"Each of {config.mlp_width} neurons looks for one direction in the vector.",
            "mlp.hook_pre",
            ops.linear,
        ),
        stage(
            "activation",
            activation.removesuffix("_new").removesuffix("_pytorch_tanh"),
            Kind.NEURONS,
            _ACTIVATION_FORMULAS[ops.ACTIVATIONS[activation]],
            "Each neuron decides how strongly it fires: the only bend in the whole MLP.",
            "mlp.hook_post",
            ops.ACTIVATIONS[activation],
        ),
        stage(
            "mlp_out",
            "contract",
            Kind.VECTORS,
            "neurons · W_out + b",
            "Every neuron writes a vector of its own, as strongly as it fires; this is their sum.",
            "hook_mlp_out",
            ops.linear,
        ),
        _added(f"{name}.resid_post", layer, name, ("hook_resid_mid", "hook_mlp_out", "hook_resid_post"), "the MLP"),
    ]


_ACTIVATION_FORMULAS: dict[Callable[[float], float], str] = {
    ops.gelu_new: "½x (1 + tanh(√(2/π) (x + 0.044715 x³)))",
    ops.gelu: "x · Φ(x) = ½x (1 + erf(x/√2))",
    ops.relu: "max(x, 0)",
    ops.silu: "x · sigmoid(x)",
    ops.tanh: "tanh(x)",
}


def _exit(config: GPTConfig) -> list[Stage]:
    last = f"blocks.{config.n_layer - 1}.hook_resid_post"

    def stage(id: str, title: str, kind: Kind, formula: str, sentence: str, function: Any) -> Stage:
        return Stage(id, title, None, kind, formula, sentence, (Part("logits", "logits"),), function, last)

    return [
        _norm("ln_final", "final norm", None, "ln_final", last, "the output head"),
        stage(
            "logits",
            "logits",
            Kind.LOGITS,
            "x · wte[token]" if config.tie_word_embeddings else "x · lm_head[token]",
            f"How well each of {config.vocab_size} tokens fits the vector: one dot product each.",
            ops.matmul_transposed,
        ),
        stage(
            "probabilities",
            "probabilities",
            Kind.LEDGER,
            "softmax(logits / T) → top-k → top-p → renormalised",
            "Temperature sharpens or flattens; top-k and top-p drop the unlikely; the rest adds up to 1.",
            sampling.distribution,
        ),
        stage(
            "draw",
            "draw",
            Kind.DRAW,
            "the first token whose sum exceeds a random number",
            "The probabilities are laid end to end and one random number falls on them.",
            sampling.draw,
        ),
    ]
