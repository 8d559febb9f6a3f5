"""The MLP: each position by itself, through many neurons and back."""

from gpt.hooks import Run
from gpt.ops import Matrix
from gpt.weights import BlockWeights


def mlp(x: Matrix, weights: BlockWeights, run: Run) -> Matrix:  # [T, d] -> [T, d]
    """Expand, activate, contract.

    Neuron i has a row of mlp_in: what it looks for. The dot product of x with the row, plus bias, after the activation,
    is how strongly it fires. That number times its column of mlp_out is what the neuron adds to the stream.
    Without the activation both matrices would be one, and all neurons together no more than a single linear map.

    Two neurons, one that looks for the first dimension and one that looks for its opposite, with relu:

    >>> from gpt import GPTConfig
    >>> from gpt.weights import BlockWeights, LinearWeights
    >>> weights = BlockWeights(
    ...     *[None] * 4,  # no norms and no attention
    ...     mlp_in=LinearWeights([[1, 0], [-1, 0]], [0, 0]),
    ...     mlp_out=LinearWeights([[0, 5], [7, 5]], [0, 0]),
    ... )
    >>> mlp([[3.0, 1.0]], weights, Run(GPTConfig(activation_function="relu")))
    [[0.0, 21.0]]
    """
    pre = run.see("hook_pre", run.ops.linear(x, weights.mlp_in.weight, weights.mlp_in.bias))  # [T, m]
    post = run.see("hook_post", run.ops.activate(pre, run.config.activation_function))  # [T, m]
    return run.ops.linear(post, weights.mlp_out.weight, weights.mlp_out.bias)  # [T, d]
