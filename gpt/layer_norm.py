"""Layer norm: every vector brought to mean 0 and variance 1, then stretched and shifted as was learned."""

from gpt import ops as plain
from gpt.hooks import Hook, scoped
from gpt.ops import Arithmetic, Matrix
from gpt.weights import LayerNormWeights


def layer_norm(
    x: Matrix,
    weights: LayerNormWeights,
    epsilon: float,
    *,
    ops: Arithmetic = plain,
    hook: Hook | None = None,
    prefix: str = "",
) -> Matrix:  # [T, d] -> [T, d]
    """(x - mean) / sqrt(variance + epsilon) · gamma + beta, for each position by itself.

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450, section 3.1.
    """
    see = scoped(hook, prefix)
    mean = see("hook_mean", ops.mean(x))  # [T, 1]
    variance = see("hook_var", ops.variance(x, mean))  # [T, 1]
    scale = see("hook_scale", ops.standard_deviation(variance, epsilon))  # [T, 1]
    normalized = see("hook_normalized", ops.normalize(x, mean, scale))  # [T, d]
    return see("hook_out", ops.scale_and_shift(normalized, weights.gamma, weights.beta))  # [T, d]
