"""Multi-head causal self-attention: how a position reads from those before it.

Each head asks a question (query), compares it with what every position offers (key), and takes a weighted mix of what
they hold (value). Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
"""

from typing import NamedTuple

from gpt import ops as plain
from gpt.hooks import HEAD_RESULTS, Hook, scoped
from gpt.ops import Arithmetic, Matrix, Tensor
from gpt.weights import BlockWeights, LinearWeights


class KeysValues(NamedTuple):
    """What one block remembers of the positions it has seen, so that they need not be computed again."""

    keys: Tensor  # [S, H, e]
    values: Tensor  # [S, H, e]


def attention(
    x: Matrix,
    weights: BlockWeights,
    n_head: int,
    divisor: float,
    past: KeysValues | None = None,
    *,
    ops: Arithmetic = plain,
    hook: Hook | None = None,
    prefix: str = "",
    head_results: bool = False,
) -> tuple[Matrix, KeysValues]:  # [T, d] -> [T, d], and [S, H, e] twice
    """What the heads of one block write for the T positions of x, and the keys and values of all S up to now."""
    see = scoped(hook, prefix + "attn.")
    qkv = ops.linear(x, weights.attn_qkv.weight, weights.attn_qkv.bias)  # [T, 3d]: one matrix computes all three
    queries, keys, values = (ops.split_heads(part, n_head) for part in ops.split_columns(qkv, 3))
    queries = see("hook_q", queries)  # [T, H, e]
    keys = see("hook_k", keys)  # [T, H, e]
    values = see("hook_v", values)  # [T, H, e]
    if past:
        keys = ops.concatenate(past.keys, keys)  # [S, H, e]
        values = ops.concatenate(past.values, values)  # [S, H, e]

    raw = see("hook_attn_scores_raw", raw_scores(queries, keys, ops=ops))  # [H, T, S]
    scaled = see("hook_attn_scores_scaled", ops.divide(raw, divisor))  # [H, T, S]
    masked = see("hook_attn_scores", ops.causal_mask(scaled))  # [H, T, S]
    pattern = see("hook_pattern", ops.softmax(masked))  # [H, T, S]
    z = see("hook_z", mix(pattern, values, ops=ops))  # [T, H, e]

    if head_results:
        results = see(HEAD_RESULTS, results_by_head(z, weights.attn_out, ops=ops))  # [T, H, d]
        written = ops.add_all(results, weights.attn_out.bias)  # [T, d]
    else:
        written = ops.linear(ops.merge_heads(z), weights.attn_out.weight, weights.attn_out.bias)  # [T, d]
    return written, KeysValues(keys, values)


def raw_scores(
    queries: Tensor, keys: Tensor, *, ops: Arithmetic = plain
) -> Tensor:  # [T, H, e], [S, H, e] -> [H, T, S]
    """q·k for every head, every query and every key: how well the question fits what is offered."""
    return ops.stack([ops.matmul_transposed(q, k) for q, k in zip(ops.swap(queries), ops.swap(keys))])


def mix(pattern: Tensor, values: Tensor, *, ops: Arithmetic = plain) -> Tensor:  # [H, T, S], [S, H, e] -> [T, H, e]
    """z: for every head and position the values, each as strongly as the pattern says."""
    return ops.swap(ops.stack([ops.matmul(p, v) for p, v in zip(pattern, ops.swap(values))]))


def results_by_head(z: Tensor, out: LinearWeights, *, ops: Arithmetic = plain) -> Tensor:  # [T, H, e] -> [T, H, d]
    """What each head writes by itself. Their sum and the bias are what the block's attention writes."""
    shares = ops.swap(ops.split_heads(out.weight, len(z[0])))  # [H, d, e]
    return ops.swap(ops.stack([ops.matmul_transposed(z_h, w_h) for z_h, w_h in zip(ops.swap(z), shares)]))
