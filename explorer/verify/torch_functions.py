"""The same functions in PyTorch: torch.nn.functional's own where there is one. In float64.

Imported only where PyTorch is installed.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

Tensor = Any

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
    "tanh": torch.tanh,
}


def causal_mask(scores: Tensor) -> Tensor:  # [H, T, S] -> [H, T, S]
    rows, columns = scores.shape[-2:]
    later = torch.ones(rows, columns, dtype=torch.bool).triu(columns - rows + 1)
    return scores.masked_fill(later, -torch.inf)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "matmul": torch.matmul,
    "matmul_transposed": F.linear,
    "linear": F.linear,
    "add": torch.add,
    "add_all": lambda parts, bias: parts.sum(1) + bias,
    "divide": torch.div,
    "mean": lambda x: x.mean(-1, keepdim=True),
    "variance": lambda x, mean: (x - mean).square().mean(-1, keepdim=True),
    "standard_deviation": lambda variance, epsilon: torch.sqrt(variance + epsilon),
    "normalize": lambda x, mean, scale: (x - mean) / scale,
    "scale_and_shift": lambda x, gamma, beta: x * gamma + beta,
    "causal_mask": causal_mask,
    "softmax": lambda scores: F.softmax(scores, dim=-1),
    "activate": lambda x, name: ACTIVATIONS[name](x),
    "take": lambda matrix, rows: F.embedding(torch.tensor(list(rows)), matrix),
    "transpose": lambda x: x.mT,
    "concatenate": lambda a, b: torch.cat([a, b]),
    "split_heads": lambda x, n_head: x.unflatten(-1, (n_head, -1)),
    "merge_heads": lambda x: x.flatten(1),
    "split_columns": lambda x, parts: torch.stack(x.chunk(parts, dim=-1)),
    "swap": lambda x: x.transpose(0, 1),
}


def embed(ids: Sequence[int], first: int, weights: Any) -> Tensor:  # [T] -> [T, d]
    places = torch.arange(first, first + len(ids))
    tokens = F.embedding(torch.tensor(list(ids)), weights.token_embedding)
    return tokens + F.embedding(places, weights.position_embedding)


def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: float) -> Tensor:  # [T, d] -> [T, d]
    return F.layer_norm(x, gamma.shape, gamma, beta, epsilon)


def raw_scores(queries: Tensor, keys: Tensor) -> Tensor:  # [T, H, e], [S, H, e] -> [H, T, S]
    return queries.transpose(0, 1) @ keys.transpose(0, 1).mT


def mix(pattern: Tensor, values: Tensor) -> Tensor:  # [H, T, S], [S, H, e] -> [T, H, e]
    return (pattern @ values.transpose(0, 1)).transpose(0, 1)


def attention(x: Tensor, weights: Any, layer: int, config: Any) -> tuple[Tensor, ...]:
    """As in `formulas.attention`; z is scaled_dot_product_attention's, which never shows its pattern."""
    block, heads = weights.blocks[layer], config.n_head
    qkv = F.linear(x, block.attn_qkv.weight, block.attn_qkv.bias)
    q, k, v = (part.reshape(len(x), heads, -1) for part in qkv.chunk(3, dim=-1))
    scale = q.shape[-1] ** -0.5 if config.scale_attn_weights else 1.0
    if config.scale_attn_by_inverse_layer_idx:
        scale /= layer + 1
    raw = raw_scores(q, k)
    scaled = raw * scale
    masked = causal_mask(scaled)
    queries, keys, values = (part.transpose(0, 1)[None] for part in (q, k, v))
    z = F.scaled_dot_product_attention(queries, keys, values, is_causal=True, scale=scale)[0].transpose(0, 1)
    shares = block.attn_out.weight.unflatten(1, (heads, -1))
    by_head = torch.stack([F.linear(z[:, head], shares[:, head]) for head in range(heads)], dim=1)
    written = F.linear(z.flatten(1), block.attn_out.weight, block.attn_out.bias)
    return q, k, v, raw, scaled, masked, F.softmax(masked, dim=-1), z, by_head, written


def mlp(x: Tensor, weights: Any, layer: int, config: Any) -> Tensor:  # [T, d] -> [T, d]
    block = weights.blocks[layer]
    post = ACTIVATIONS[config.activation_function](F.linear(x, block.mlp_in.weight, block.mlp_in.bias))
    return F.linear(post, block.mlp_out.weight, block.mlp_out.bias)


def block(x: Tensor, weights: Any, layer: int, config: Any) -> Tensor:  # [T, d] -> [T, d]
    norms, epsilon = weights.blocks[layer], config.layer_norm_epsilon
    x = x + attention(layer_norm(x, norms.ln_1.gamma, norms.ln_1.beta, epsilon), weights, layer, config)[-1]
    return x + mlp(layer_norm(x, norms.ln_2.gamma, norms.ln_2.beta, epsilon), weights, layer, config)


def read_out(x: Tensor, weights: Any, config: Any) -> tuple[Tensor, Tensor]:  # [T, d] -> [T, d], [T, V]
    final = layer_norm(x, weights.ln_final.gamma, weights.ln_final.beta, config.layer_norm_epsilon)
    return final, F.linear(final, weights.unembedding)


def forward(ids: Sequence[int], weights: Any, config: Any) -> Tensor:  # [T] -> [T, V]
    x = embed(ids, 0, weights)
    for layer in range(config.n_layer):
        x = block(x, weights, layer, config)
    return read_out(x, weights, config)[1]


def distribution(logits: Tensor, sampling: Any) -> tuple[Tensor, ...]:  # [V]
    """As in `formulas.distribution`."""
    tempered = logits / (sampling.temperature or 1)
    ranked, order = tempered.sort(descending=True, stable=True)
    kept = tempered
    if sampling.temperature == 0:
        kept = torch.full_like(tempered, -torch.inf).index_copy(0, order[:1], ranked[:1])
    elif sampling.top_k and sampling.top_k < len(logits):
        kept = tempered.masked_fill(tempered < tempered.topk(sampling.top_k).values[-1], -torch.inf)
    top_k_logits = kept
    if sampling.top_p < 1:
        chances = F.softmax(kept, dim=-1)[order]
        before = torch.cat([chances.new_zeros(1), chances.cumsum(0)[:-1]])
        kept = kept.index_fill(0, order[before >= sampling.top_p], -torch.inf)
    probabilities = F.softmax(kept, dim=-1)
    left = order[kept[order] > -torch.inf]
    return F.softmax(tempered, dim=-1), top_k_logits, kept, probabilities, left, probabilities[left].cumsum(0)


def generate(ids: Sequence[int], weights: Any, config: Any, count: int, sampling: Any, seed: int) -> list[int]:
    """As in `formulas.generate`."""
    numbers, text = random.Random(seed), list(ids)
    for _ in range(min(count, config.n_positions - len(ids) + 1)):
        *_, order, reached = distribution(forward(text, weights, config)[-1], sampling)
        place = int(torch.searchsorted(reached, numbers.random(), right=True))
        text.append(int(order[min(place, len(order) - 1)]))
        if text[-1] in config.end_tokens:
            break
    return text[len(ids) :]
