"""Attention: each position reads from itself and earlier ones, never from later ones ("causal": see ops.causal_mask).

At every position a head makes three vectors: a query (what it looks for), a key (what it offers) and a value (what it
hands over). It compares the position's query with the keys up to there, and takes a mean of their values, weighted by
how well they fit. Each head has matrices of its own, so several heads can look for several things at once.
Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
"""

from typing import NamedTuple

from gpt import ops as plain
from gpt.hooks import HEAD_RESULTS, Run
from gpt.ops import Arithmetic, Matrix, Tensor
from gpt.weights import BlockWeights, LinearWeights


class KeysValues(NamedTuple):
    """The cache of one block: keys and values of every position so far, all that later positions read of it.

    Queries are not kept: a position asks once, when it is computed, and nobody reads its question afterwards.
    """

    keys: Tensor  # [S, H, e]
    values: Tensor  # [S, H, e]


def attention(
    x: Matrix, weights: BlockWeights, run: Run, past: KeysValues | None = None
) -> tuple[Matrix, KeysValues]:  # [T, d], [P, H, e] twice -> [T, d], [S, H, e] twice
    """The heads' outputs, summed, for the T positions of x; and the keys and values of all S positions so far."""
    qkv = run.ops.linear(x, weights.attn_qkv.weight, weights.attn_qkv.bias)  # [T, 3d]: one matrix computes all three
    queries, keys, values = (
        run.ops.split_heads(part, run.config.n_head) for part in run.ops.split_columns(qkv, 3)
    )  # [T, H, e] each: every head reads all d dimensions, and has e of the outputs to itself
    queries = run.see("hook_q", queries)  # [T, H, e]
    keys = run.see("hook_k", keys)  # [T, H, e]
    values = run.see("hook_v", values)  # [T, H, e]
    if past:
        keys = run.ops.concatenate(past.keys, keys)  # [S, H, e]
        values = run.ops.concatenate(past.values, values)  # [S, H, e]

    raw = run.see("hook_attn_scores_raw", raw_scores(queries, keys, ops=run.ops))  # [H, T, S]
    # q·k is a sum of e products. If each is about 1 in size and their signs vary, the sum is about sqrt(e). Divided by
    # it, scores have one size at every head's width. Undivided, a wide head would read one position, and mix nothing.
    scaled = run.see("hook_attn_scores_scaled", run.ops.divide(raw, run.config.score_divisor(run.layer)))  # [H, T, S]
    masked = run.see("hook_attn_scores", run.ops.causal_mask(scaled))  # [H, T, S]
    pattern = run.see("hook_pattern", run.ops.softmax(masked))  # [H, T, S]: each row adds up to 1
    z = run.see("hook_z", mix(pattern, values, ops=run.ops))  # [T, H, e]

    if run.head_results:  # the same sum, head by head
        results = run.see(HEAD_RESULTS, results_by_head(z, weights.attn_out, ops=run.ops))  # [T, H, d]
        out = run.ops.add_all(results, weights.attn_out.bias)  # [T, d]
    else:
        out = run.ops.linear(run.ops.merge_heads(z), weights.attn_out.weight, weights.attn_out.bias)  # [T, d]
    return out, KeysValues(keys, values)


def raw_scores(
    queries: Tensor, keys: Tensor, *, ops: Arithmetic = plain
) -> Tensor:  # [T, H, e], [S, H, e] -> [H, T, S]
    """q·k for every head, every query and every key: how well the question fits what is offered.

    >>> raw_scores([[[1.0, 2.0]]], [[[3.0, 4.0]], [[5.0, 6.0]]])
    [[[11.0, 17.0]]]
    """
    return ops.stack([ops.matmul_transposed(q, k) for q, k in zip(ops.swap(queries), ops.swap(keys))])


def mix(pattern: Tensor, values: Tensor, *, ops: Arithmetic = plain) -> Tensor:  # [H, T, S], [S, H, e] -> [T, H, e]
    """z: for every head and position the mean of the values, as much of each as the pattern says.

    A share of 0 hides its value, however large:

    >>> mix([[[0.25, 0.75, 0.0]]], [[[4, 0]], [[0, 4]], [[9, 9]]])
    [[[1.0, 3.0]]]
    """
    return ops.swap(ops.stack([ops.matmul(p, v) for p, v in zip(pattern, ops.swap(values))]))


def results_by_head(z: Tensor, out: LinearWeights, *, ops: Arithmetic = plain) -> Tensor:  # [T, H, e] -> [T, H, d]
    """Each head's own output. Their sum and the bias are the same as joining the heads and multiplying once."""
    shares = ops.swap(ops.split_heads(out.weight, len(z[0])))  # [H, d, e]: the columns of the matrix that head i uses
    return ops.swap(ops.stack([ops.matmul_transposed(z_h, w_h) for z_h, w_h in zip(ops.swap(z), shares)]))
