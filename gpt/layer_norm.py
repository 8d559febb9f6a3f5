"""Layer norm: every vector brought to mean 0 and variance 1, then multiplied and shifted by learned numbers."""

from gpt.hooks import Run
from gpt.ops import Matrix
from gpt.weights import LayerNormWeights


def layer_norm(x: Matrix, weights: LayerNormWeights, run: Run) -> Matrix:  # [T, d] -> [T, d]
    """(x - mean) / sqrt(variance + epsilon) · gamma + beta, for each position.

    The numbers in the stream grow as block after block adds to them. Whoever reads them wants one size, so each reader
    normalises a copy first. Its own gamma and beta then say how much each dimension matters to it.
    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450, section 3.1.

    >>> from gpt.config import GPTConfig
    >>> weights = LayerNormWeights(gamma=[1, 1, 1, 1], beta=[0, 0, 0, 0])
    >>> layer_norm([[0, 0, 2, 2]], weights, Run(GPTConfig(layer_norm_epsilon=0)))
    [[-1.0, -1.0, 1.0, 1.0]]
    """
    mean = run.see("hook_mean", run.ops.mean(x))  # [T, 1]
    variance = run.see("hook_var", run.ops.variance(x, mean))  # [T, 1]
    scale = run.see("hook_scale", run.ops.standard_deviation(variance, run.config.layer_norm_epsilon))  # [T, 1]
    normalized = run.see("hook_normalized", run.ops.normalize(x, mean, scale))  # [T, d]
    return run.see("hook_out", run.ops.scale_and_shift(normalized, weights.gamma, weights.beta))  # [T, d]
