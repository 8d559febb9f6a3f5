"""The same model with its layer norms folded away, as TransformerLens processes weights by default.

Every step leaves the probabilities as they are:

- ln1 and ln2: gamma and beta go into the matrices that read, which are centred over what they read;
- whatever writes into the residual stream (embeddings, W_O, W_out, their biases) is centred over the dimensions;
- the value biases go into the attention's output bias, for a row of the pattern adds up to 1;
- the unembedding is centred over the vocabulary, so logits have the mean 0.

Source: TransformerLens, fold_ln, center_writing_weights, center_unembed, fold_value_biases. (There the final layer
norm is folded as well, into W_U and b_U. Here it stays: this model's read-out has no bias.)
"""

from typing import Any

import numpy as np

from gpt import GPTConfig
from gpt.weights import BlockWeights, LayerNormWeights, LinearWeights, Weights

Array = Any
"""An array, which the model takes for its lists of numbers."""


def folded(weights: Weights, config: GPTConfig) -> Weights:
    """The processed weights, in float64 arrays, with an unembedding of their own."""
    unembedding = as_array(weights.unembedding)
    return Weights(
        centred(as_array(weights.token_embedding)),
        centred(as_array(weights.position_embedding)),
        tuple(_block(block, config) for block in weights.blocks),
        LayerNormWeights(as_array(weights.ln_final.gamma), as_array(weights.ln_final.beta)),
        unembedding - unembedding.mean(axis=0),
    )


def _block(block: BlockWeights, config: GPTConfig) -> BlockWeights:
    d = config.n_embd
    qkv, mlp_in = reading(block.attn_qkv, block.ln_1), reading(block.mlp_in, block.ln_2)
    out, mlp_out = writing(block.attn_out), writing(block.mlp_out)
    values = qkv.bias[2 * d :]
    without = as_array([*qkv.bias[: 2 * d], *[0.0] * d])
    nothing = LayerNormWeights(as_array([1.0] * d), as_array([0.0] * d))
    return BlockWeights(
        ln_1=nothing,
        attn_qkv=LinearWeights(qkv.weight, without),
        attn_out=LinearWeights(out.weight, out.bias + out.weight @ values),
        ln_2=nothing,
        mlp_in=mlp_in,
        mlp_out=mlp_out,
    )


def reading(linear: LinearWeights, norm: LayerNormWeights) -> Any:
    """A matrix that reads, with the norm before it inside; what is read has the mean 0, so its columns may too."""
    weight = as_array(linear.weight)  # [n, d]
    return LinearWeights(centred(weight * as_array(norm.gamma)), as_array(linear.bias) + weight @ as_array(norm.beta))


def writing(linear: LinearWeights) -> Any:
    """A matrix that writes, centred over what it writes."""
    weight, bias = as_array(linear.weight), as_array(linear.bias)  # [d, n], [d]
    return LinearWeights(weight - weight.mean(axis=0), bias - bias.mean())


def centred(rows: Array) -> Array:  # [n, d]
    """Each row less its mean."""
    return rows - rows.mean(axis=1, keepdims=True)


def as_array(values: Any) -> Array:
    """A vector or a matrix of any engine in float64."""
    if isinstance(values, list) and values and hasattr(values[0], "tobytes"):  # rows in compact arrays
        return np.array([np.asarray(row, dtype=np.float64) for row in values])
    return np.asarray(values, dtype=np.float64)
