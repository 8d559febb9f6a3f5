"""GPT-2 in NumPy, all positions and heads at once, in float64: what the tests hold the plain Python against.

Written from the papers and from what Hugging Face's checkpoints mean, and sharing no code with `gpt`: it takes the
configuration as a dictionary (config.json) and the weights as a checkpoint stores them, Conv1D's (inputs, outputs).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tensors = dict[str, Array]

ERF = np.vectorize(math.erf, otypes=[np.float64])

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu_new": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3)))),
    "gelu": lambda x: x / 2 * (1 + ERF(x / np.sqrt(2))),
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "silu": lambda x: x * np.exp(-np.logaddexp(0.0, -x)),
    "tanh": np.tanh,
}
ACTIVATIONS["gelu_pytorch_tanh"] = ACTIVATIONS["gelu_new"]
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]


def softmax(scores: Array) -> Array:
    """Over the last axis."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def random_tensors(config: Mapping[str, Any], seed: int, spread: float = 0.3) -> Tensors:
    """A checkpoint with nothing in it that is zero, one, or like anything else: biases and gains are random as well."""
    random = np.random.default_rng(seed)
    d, vocabulary = config["n_embd"], config["vocab_size"]
    m = config.get("n_inner") or 4 * d
    tensors = {
        "wte.weight": random.normal(0, 1, (vocabulary, d)),
        "wpe.weight": random.normal(0, 1, (config["n_positions"], d)),
        "ln_f.weight": random.normal(1, spread, d),
        "ln_f.bias": random.normal(0, spread, d),
    }
    for layer in range(config["n_layer"]):
        for name in ("ln_1", "ln_2"):
            tensors[f"h.{layer}.{name}.weight"] = random.normal(1, spread, d)
            tensors[f"h.{layer}.{name}.bias"] = random.normal(0, spread, d)
        for name, inputs, outputs in (
            ("attn.c_attn", d, 3 * d),
            ("attn.c_proj", d, d),
            ("mlp.c_fc", d, m),
            ("mlp.c_proj", m, d),
        ):
            tensors[f"h.{layer}.{name}.weight"] = random.normal(0, spread, (inputs, outputs))
            tensors[f"h.{layer}.{name}.bias"] = random.normal(0, spread, outputs)
    if not config.get("tie_word_embeddings", True):
        tensors["lm_head.weight"] = random.normal(0, 1, (vocabulary, d))
    return tensors


class Source:
    """Those tensors as `gpt.load_weights` reads them: as rows of the kind that `row` makes."""

    def __init__(self, tensors: Tensors, row: Callable[[list[float]], Sequence[float]] = list) -> None:
        self.tensors = tensors
        self.row = row

    def vector(self, name: str) -> Sequence[float]:
        return self.row(self.tensors[name].tolist())

    def matrix(self, name: str, *, transpose: bool = False) -> list[Sequence[float]]:
        matrix = self.tensors[name]
        return [self.row(values) for values in (matrix.T if transpose else matrix).tolist()]


class Run:
    """One forward pass over `ids`; afterwards `seen` holds every activation under its name.

    A value that `replaced` names takes the place of the one computed.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        tensors: Tensors,
        ids: Sequence[int],
        replaced: Mapping[str, Array] | None = None,
    ) -> None:
        self.config = config
        self.tensors = tensors
        self.replaced = replaced or {}
        self.seen: dict[str, Array] = {}

        x = self.see("hook_embed", tensors["wte.weight"][list(ids)])
        x = x + self.see("hook_pos_embed", tensors["wpe.weight"][: len(ids)])
        for layer in range(config["n_layer"]):
            x = self.block(x, layer)
        head = tensors["wte.weight" if config.get("tie_word_embeddings", True) else "lm_head.weight"]
        self.see("logits", self.layer_norm(x, "ln_final.", "ln_f") @ head.T)

    def see(self, name: str, value: Array) -> Array:
        self.seen[name] = self.replaced.get(name, value)
        return self.seen[name]

    def conv1d(self, x: Array, name: str) -> Array:
        return x @ self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def layer_norm(self, x: Array, hooks: str, name: str) -> Array:
        epsilon = self.config.get("layer_norm_epsilon", 1e-5)
        mean = self.see(f"{hooks}hook_mean", x.mean(axis=-1, keepdims=True))
        variance = self.see(f"{hooks}hook_var", ((x - mean) ** 2).mean(axis=-1, keepdims=True))
        scale = self.see(f"{hooks}hook_scale", np.sqrt(variance + epsilon))
        normalized = self.see(f"{hooks}hook_normalized", (x - mean) / scale)
        out = normalized * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]
        return self.see(f"{hooks}hook_out", out)

    def block(self, x: Array, layer: int) -> Array:
        hooks, name = f"blocks.{layer}.", f"h.{layer}."
        x = self.see(f"{hooks}hook_resid_pre", x)
        written = self.attention(self.layer_norm(x, f"{hooks}ln1.", f"{name}ln_1"), layer)
        x = self.see(f"{hooks}hook_resid_mid", x + self.see(f"{hooks}hook_attn_out", written))
        pre = self.conv1d(self.layer_norm(x, f"{hooks}ln2.", f"{name}ln_2"), f"{name}mlp.c_fc")
        activation = ACTIVATIONS[self.config.get("activation_function", "gelu_new")]
        post = self.see(f"{hooks}mlp.hook_post", activation(self.see(f"{hooks}mlp.hook_pre", pre)))
        written = self.conv1d(post, f"{name}mlp.c_proj")
        return self.see(f"{hooks}hook_resid_post", x + self.see(f"{hooks}hook_mlp_out", written))

    def attention(self, x: Array, layer: int) -> Array:
        hooks, name, heads = f"blocks.{layer}.attn.", f"h.{layer}.attn.", self.config["n_head"]
        e = x.shape[-1] // heads
        qkv = self.conv1d(x, f"{name}c_attn").reshape(len(x), 3, heads, e)
        q, k, v = (self.see(f"{hooks}hook_{letter}", qkv[:, index]) for index, letter in enumerate("qkv"))
        raw = self.see(f"{hooks}hook_attn_scores_raw", np.einsum("qhe,khe->hqk", q, k))
        scale = e**-0.5 if self.config.get("scale_attn_weights", True) else 1.0
        if self.config.get("scale_attn_by_inverse_layer_idx", False):
            scale /= layer + 1
        scaled = self.see(f"{hooks}hook_attn_scores_scaled", raw * scale)
        visible = np.tril(np.ones(scaled.shape[1:], dtype=bool))
        masked = self.see(f"{hooks}hook_attn_scores", np.where(visible, scaled, -np.inf))
        pattern = self.see(f"{hooks}hook_pattern", softmax(masked))
        z = self.see(f"{hooks}hook_z", np.einsum("hqk,khe->qhe", pattern, v))
        by_head = self.tensors[f"{name}c_proj.weight"].reshape(heads, e, -1)
        result = self.see(f"{hooks}hook_result", np.einsum("qhe,hed->qhd", z, by_head))
        return result.sum(axis=1) + self.tensors[f"{name}c_proj.bias"]
