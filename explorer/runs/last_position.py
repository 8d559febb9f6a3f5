"""The answers of runs side by side: in the last block only what their last positions need is computed.

Nobody reads more of an earlier position there than its keys and values. That saves a block's other products for all
positions but one: a tenth of a sweep in GPT-2 small.
"""

from collections.abc import Callable
from typing import Any

from explorer.runs.side_by_side import SideBySide
from gpt import GPT, Hook
from gpt.attention import KeysValues
from gpt.block import block
from gpt.hooks import Run
from gpt.layer_norm import layer_norm
from gpt.model import Cache
from gpt.weights import BlockWeights

HookOf = Callable[[SideBySide], Hook]
"""The hook of a forward pass over some positions of the runs: from `first` on, as many as its `lengths` say."""


def last_logits(
    model: GPT, layer: int, residual: Any, cache: Cache | None, side: SideBySide, hook_of: HookOf
) -> Any:  # [B·T, d] -> [B, V]
    """The logits of the last position of each run, from the residual stream that enters block `layer`.

    The runs are of one length; `cache` holds the positions before `side.first`, which they share.
    """
    final, run = model.config.n_layer - 1, Run(model.config, side, hook_of(side))
    for index in range(layer, final):
        past = cache[index] if cache else None
        residual, _ = block(residual, model.weights.blocks[index], run.block(index), past)  # [B·T, d]
    if layer <= final:
        residual = _last_block(model, residual, cache[final] if cache else None, side, hook_of)  # [B, d]
    else:
        residual = side.by_run(residual)[:, -1]  # [B, d]
    return model.read_out(residual, hook=hook_of(side.rows(side.lengths[0] - 1)))


def _last_block(
    model: GPT, residual: Any, past: KeysValues | None, side: SideBySide, hook_of: HookOf
) -> Any:  # [B·T, d] -> [B, d]
    """The residual stream of the last positions after the last block."""
    weights, layer = model.weights.blocks[-1], model.config.n_layer - 1
    runs, before = len(side.lengths), side.lengths[0] - 1
    rows = side.by_run(residual)  # [B, T, d]
    if before:
        earlier = side.rows(0, before)
        run = Run(model.config, earlier, hook_of(earlier)).block(layer)
        past = _keys_values(earlier.reshape(rows[:, :-1], (runs * before, -1)), weights, run, past)
    last = side.rows(before)
    return block(rows[:, -1], weights, Run(model.config, last, hook_of(last)).block(layer), past)[0]


def _keys_values(
    residual: Any, weights: BlockWeights, run: Run, past: KeysValues | None
) -> KeysValues:  # [B·T, d] -> [S, B·H, e] twice
    """The keys and values of these positions, below those before them."""
    residual = run.see("hook_resid_pre", residual)
    x = layer_norm(residual, weights.ln_1, run.part("ln1"))
    ops, run = run.ops, run.part("attn")
    qkv, width = weights.attn_qkv, run.config.n_embd
    product = ops.linear(x, qkv.weight[width:], qkv.bias[width:])  # [B·T, 2d]: without the queries
    keys, values = (ops.split_heads(part, run.config.n_head) for part in ops.split_columns(product, 2))
    keys, values = run.see("hook_k", keys), run.see("hook_v", values)
    if past:
        keys, values = ops.concatenate(past.keys, keys), ops.concatenate(past.values, values)
    return KeysValues(keys, values)
