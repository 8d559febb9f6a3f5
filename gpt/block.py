"""One transformer block: attention moves information between positions, the MLP works on each; both add what they find.

The residual stream runs straight through; the layer norms stand before each part (GPT-2 is "pre-norm").
Source: Radford et al. 2019, section 2.3.
"""

from gpt import ops as plain
from gpt.attention import KeysValues, attention
from gpt.config import GPTConfig
from gpt.hooks import Hook, scoped
from gpt.layer_norm import layer_norm
from gpt.mlp import mlp
from gpt.ops import Arithmetic, Matrix
from gpt.weights import BlockWeights


def block(
    residual: Matrix,
    layer: int,
    weights: BlockWeights,
    config: GPTConfig,
    past: KeysValues | None = None,
    *,
    ops: Arithmetic = plain,
    hook: Hook | None = None,
    head_results: bool = False,
) -> tuple[Matrix, KeysValues]:  # [T, d] -> [T, d], and [S, H, e] twice
    """Block number `layer`, on the residual stream of T positions; `past` is what it remembers of earlier ones."""
    prefix, epsilon = f"blocks.{layer}.", config.layer_norm_epsilon
    see = scoped(hook, prefix)
    residual = see("hook_resid_pre", residual)  # [T, d]

    x = layer_norm(residual, weights.ln_1, epsilon, ops=ops, hook=hook, prefix=prefix + "ln1.")  # [T, d]
    written, present = attention(
        x,
        weights,
        config.n_head,
        config.score_divisor(layer),
        past,
        ops=ops,
        hook=hook,
        prefix=prefix,
        head_results=head_results,
    )
    residual = see("hook_resid_mid", ops.add(residual, see("hook_attn_out", written)))  # [T, d]

    x = layer_norm(residual, weights.ln_2, epsilon, ops=ops, hook=hook, prefix=prefix + "ln2.")  # [T, d]
    written = mlp(x, weights, config.activation_function, ops=ops, hook=hook, prefix=prefix)  # [T, d]
    residual = see("hook_resid_post", ops.add(residual, see("hook_mlp_out", written)))  # [T, d]
    return residual, present
