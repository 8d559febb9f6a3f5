"""GPT-2's parts written a second time, straight from the formulas, in NumPy, to compare `gpt` with.

Nothing here is shared with `gpt` or `array_ops`: had both sides the same structure, a mistake in it would cancel out.
"""

import random
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from gpt import GPTConfig, Sampling, Weights

Array = Any


def _sum(products: str, *factors: Array) -> Array:
    """einsum, by way of matrix products where it can."""
    return np.einsum(products, *factors, optimize=True)


def _softmax(scores: Array) -> Array:
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


def embed(ids: Sequence[int], first: int, weights: Weights) -> Array:  # [T] -> [T, d]
    places = np.arange(first, first + len(ids))
    return np.asarray(weights.token_embedding)[list(ids)] + np.asarray(weights.position_embedding)[places]


def layer_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:  # [T, d] -> [T, d]
    return (x - x.mean(-1)[:, None]) / np.sqrt(x.var(-1) + epsilon)[:, None] * gamma + beta


def attention(x: Array, weights: Weights, layer: int, config: GPTConfig) -> tuple[Array, ...]:
    """q, k, v [T, H, e]; the four stages of the scores [H, T, T]; z [T, H, e]; by head [T, H, d]; written [T, d]."""
    block = weights.blocks[layer]
    e = config.n_embd // config.n_head
    qkv = _sum("td,od->to", x, block.attn_qkv.weight) + block.attn_qkv.bias
    q, k, v = np.moveaxis(qkv.reshape(len(x), 3, config.n_head, e), 1, 0)
    raw = _sum("qhe,khe->hqk", q, k)
    divisor = np.sqrt(e) if config.scale_attn_weights else 1.0
    scaled = raw / (divisor * (layer + 1) if config.scale_attn_by_inverse_layer_idx else divisor)
    later = np.triu(np.ones((len(x), len(x)), dtype=bool), k=1)
    masked = np.where(later, -np.inf, scaled)
    pattern = _softmax(masked)
    z = _sum("hqk,khe->qhe", pattern, v)
    shares = np.asarray(block.attn_out.weight).reshape(config.n_embd, config.n_head, e)
    by_head = _sum("the,dhe->thd", z, shares)
    written = z.reshape(len(x), -1) @ np.asarray(block.attn_out.weight).T + block.attn_out.bias
    return q, k, v, raw, scaled, masked, pattern, z, by_head, written


def _gelu(x: Array) -> Array:
    # NumPy has no erf; the standard library's statistics have the normal distribution
    return x * np.vectorize(NormalDist().cdf, otypes=[float])(x)


def _silu(x: Array) -> Array:
    with np.errstate(over="ignore"):  # x over infinity is 0, as it should be
        return x / (1 + np.exp(-x))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu_new": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "gelu": _gelu,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "silu": _silu,
    "tanh": np.tanh,
}
ACTIVATIONS |= {"gelu_pytorch_tanh": ACTIVATIONS["gelu_new"], "swish": _silu}


def mlp(x: Array, weights: Weights, layer: int, config: GPTConfig) -> Array:  # [T, d] -> [T, d]
    block = weights.blocks[layer]
    pre = _sum("td,md->tm", x, block.mlp_in.weight) + block.mlp_in.bias
    post = ACTIVATIONS[config.activation_function](pre)
    return _sum("tm,dm->td", post, block.mlp_out.weight) + block.mlp_out.bias


def block(x: Array, weights: Weights, layer: int, config: GPTConfig) -> Array:  # [T, d] -> [T, d]
    norms, epsilon = weights.blocks[layer], config.layer_norm_epsilon
    x = x + attention(layer_norm(x, norms.ln_1.gamma, norms.ln_1.beta, epsilon), weights, layer, config)[-1]
    return x + mlp(layer_norm(x, norms.ln_2.gamma, norms.ln_2.beta, epsilon), weights, layer, config)


def read_out(x: Array, weights: Weights, config: GPTConfig) -> tuple[Array, Array]:  # [T, d] -> [T, d], [T, V]
    final = layer_norm(x, weights.ln_final.gamma, weights.ln_final.beta, config.layer_norm_epsilon)
    return final, _sum("td,vd->tv", final, weights.unembedding)


def forward(ids: Sequence[int], weights: Weights, config: GPTConfig) -> Array:  # [T] -> [T, V]
    x = embed(ids, 0, weights)
    for layer in range(config.n_layer):
        x = block(x, weights, layer, config)
    return read_out(x, weights, config)[1]


def distribution(logits: Array, sampling: Sampling) -> tuple[Array, ...]:  # [V]
    """After the temperature, after top-k, after top-p, renormalised; the order of what is left, and its running sum."""
    tempered = logits / (sampling.temperature or 1)
    kept = tempered.copy()
    k = 1 if sampling.temperature == 0 else sampling.top_k or len(kept)
    order = np.argsort(-tempered, kind="stable")
    if k < len(kept):
        kept[kept < kept[order[k - 1]]] = -np.inf
    if sampling.temperature == 0:
        kept[order[1:]] = -np.inf  # of several that are largest, the first
    top_k_logits = kept.copy()
    if sampling.top_p < 1:
        before = np.concatenate([[0.0], np.cumsum(_softmax(kept)[order])[:-1]])
        kept[order[before >= sampling.top_p]] = -np.inf
    probabilities = _softmax(kept)
    left = order[kept[order] > -np.inf]
    return _softmax(tempered), top_k_logits, kept, probabilities, left, np.cumsum(probabilities[left])


def generate(
    ids: Sequence[int], weights: Weights, config: GPTConfig, count: int, sampling: Sampling, seed: int
) -> list[int]:
    """The new tokens, every one from a run over all before it: no cache."""
    numbers, text = random.Random(seed), list(ids)
    for _ in range(min(count, config.n_positions - len(ids) + 1)):
        *_, order, reached = distribution(forward(text, weights, config)[-1], sampling)
        place = np.searchsorted(reached, numbers.random(), side="right")
        text.append(int(order[min(place, len(order) - 1)]))
        if text[-1] in config.end_tokens:
            break
    return text[len(ids) :]
