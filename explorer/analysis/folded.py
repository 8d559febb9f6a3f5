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
    unembedding = _array(weights.unembedding)
    return Weights(
        _centred(_array(weights.token_embedding)),
        _centred(_array(weights.position_embedding)),
        tuple(_block(block, config) for block in weights.blocks),
        LayerNormWeights(_array(weights.ln_final.gamma), _array(weights.ln_final.beta)),
        unembedding - unembedding.mean(axis=0),
    )


def _block(block: BlockWeights, config: GPTConfig) -> BlockWeights:
    d = config.n_embd
    qkv, mlp_in = _reading(block.attn_qkv, block.ln_1), _reading(block.mlp_in, block.ln_2)
    out, mlp_out = _writing(block.attn_out), _writing(block.mlp_out)
    values = qkv.bias[2 * d :]
    without = _array([*qkv.bias[: 2 * d], *[0.0] * d])
    nothing = LayerNormWeights(_array([1.0] * d), _array([0.0] * d))
    return BlockWeights(
        ln_1=nothing,
        attn_qkv=LinearWeights(qkv.weight, without),
        attn_out=LinearWeights(out.weight, out.bias + out.weight @ values),
        ln_2=nothing,
        mlp_in=mlp_in,
        mlp_out=mlp_out,
    )


def _reading(linear: LinearWeights, norm: LayerNormWeights) -> Any:
    """A matrix that reads, with the norm before it inside; what is read has the mean 0, so its columns may too."""
    weight = _array(linear.weight)  # [n, d]
    return LinearWeights(_centred(weight * _array(norm.gamma)), _array(linear.bias) + weight @ _array(norm.beta))


def _writing(linear: LinearWeights) -> Any:
    weight, bias = _array(linear.weight), _array(linear.bias)  # [d, n], [d]
    return LinearWeights(weight - weight.mean(axis=0), bias - bias.mean())


def _centred(rows: Array) -> Array:  # [n, d]
    return rows - rows.mean(axis=1, keepdims=True)


def _array(values: Any) -> Array:
    if isinstance(values, list) and values and hasattr(values[0], "tobytes"):  # rows in compact arrays
        return np.array([np.asarray(row, dtype=np.float64) for row in values])
    return np.asarray(values, dtype=np.float64)
