"""One transformer block: attention moves information between positions, then the MLP works on each of them."""

from gpt.attention import KeysValues, attention
from gpt.hooks import Run
from gpt.layer_norm import layer_norm
from gpt.mlp import mlp
from gpt.ops import Matrix
from gpt.weights import BlockWeights


def block(
    residual: Matrix, weights: BlockWeights, run: Run, past: KeysValues | None = None
) -> tuple[Matrix, KeysValues]:  # [T, d], [P, H, e] twice -> [T, d], [S, H, e] twice
    """The residual stream after this block, and the block's cache; `past` is its cache of the P positions before.

    There are two norms because the stream is read twice: the second reading includes what attention has just added.
    (GPT-2 is "pre-norm": the norm stands before each part. Source: Radford et al. 2019, section 2.3.)
    """
    residual = run.see("hook_resid_pre", residual)  # [T, d]

    x = layer_norm(residual, weights.ln_1, run.part("ln1"))  # [T, d]
    attn_out, present = attention(x, weights, run.part("attn"), past)  # [T, d], and [S, H, e] twice
    attn_out = run.see("hook_attn_out", attn_out)  # [T, d]
    residual = run.see("hook_resid_mid", run.ops.add(residual, attn_out))  # [T, d]

    x = layer_norm(residual, weights.ln_2, run.part("ln2"))  # [T, d]
    mlp_out = run.see("hook_mlp_out", mlp(x, weights, run.part("mlp")))  # [T, d]
    residual = run.see("hook_resid_post", run.ops.add(residual, mlp_out))  # [T, d]
    return residual, present
