"""The MLP: each position by itself, through a wide layer of neurons and back."""

from gpt import ops as plain
from gpt.hooks import Hook, scoped
from gpt.ops import Arithmetic, Matrix
from gpt.weights import BlockWeights


def mlp(
    x: Matrix,
    weights: BlockWeights,
    activation: str,
    *,
    ops: Arithmetic = plain,
    hook: Hook | None = None,
    prefix: str = "",
) -> Matrix:  # [T, d] -> [T, d]
    """Expand, activate, contract: a neuron that fires on something in x writes its own vector, that strongly."""
    see = scoped(hook, prefix + "mlp.")
    pre = see("hook_pre", ops.linear(x, weights.mlp_in.weight, weights.mlp_in.bias))  # [T, m]
    post = see("hook_post", ops.activate(pre, activation))  # [T, m]
    return ops.linear(post, weights.mlp_out.weight, weights.mlp_out.bias)  # [T, d]
