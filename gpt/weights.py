"""Hugging Face names -> `Weights`, and a check of every shape.

A checkpoint stores a linear layer of GPT-2 ("Conv1D") as (inputs, outputs): y = x · W + b. Here it is kept transposed,
one row for each output, so that an output is the dot product of its row with the input. The tables (embeddings and
unembedding) have one row for each token or position, in the checkpoint as here.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gpt.config import GPTConfig
from gpt.errors import WeightError
from gpt.ops import Matrix, Vector

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerNormWeights:
    """The learned part of a layer norm."""

    gamma: Vector  # [d]
    beta: Vector  # [d]


@dataclass(frozen=True)
class LinearWeights:
    """A matrix and its bias: output i is row i · x + bias i."""

    weight: Matrix  # [outputs, inputs]
    bias: Vector  # [outputs]


@dataclass(frozen=True)
class BlockWeights:
    """The learned numbers of one block."""

    ln_1: LayerNormWeights
    attn_qkv: LinearWeights  # [3d, d]: d rows for q, then k, then v; head i has rows i·e to (i+1)·e - 1 of each
    attn_out: LinearWeights  # [d, d]: head i has columns i·e to (i+1)·e - 1
    ln_2: LayerNormWeights
    mlp_in: LinearWeights  # [m, d]
    mlp_out: LinearWeights  # [d, m]


@dataclass(frozen=True)
class Weights:
    """All learned numbers of a model."""

    token_embedding: Matrix  # [V, d]
    position_embedding: Matrix  # [C, d]
    blocks: tuple[BlockWeights, ...]  # L of them
    ln_final: LayerNormWeights
    unembedding: Matrix  # [V, d]; the very same object as token_embedding where the two are tied


class TensorSource(Protocol):
    """Where weights come from, one tensor at a time: a large file need never be in memory twice."""

    def vector(self, name: str) -> Vector:
        """The tensor of that name, [n]."""

    def matrix(self, name: str, *, transpose: bool = False) -> Matrix:
        """The tensor of that name, [a, n]; transposed, [n, a]."""


_MASK = re.compile(r"h\.\d+\.attn\.(masked_)?bias")
_PREFIXES = re.compile(
    r"((_orig_mod|module|model|pretrained_model|transformer)\.)*"
)  # of wrappers in PyTorch and others


def plain_name(stored: str) -> str | None:
    """A tensor's name without the prefixes that some checkpoints have; None for a causal mask, which is no weight.

    >>> plain_name("transformer.h.0.attn.c_attn.bias"), plain_name("h.0.attn.bias")
    ('h.0.attn.c_attn.bias', None)
    """
    name = _PREFIXES.sub("", stored, count=1)
    return None if _MASK.fullmatch(name) else name


def tensor_shapes(config: GPTConfig) -> dict[str, Shape]:
    """Every tensor that a checkpoint of this configuration holds, by Hugging Face's name (no `transformer.`)."""
    d, m = config.n_embd, config.mlp_width
    shapes: dict[str, Shape] = {"wte.weight": (config.vocab_size, d), "wpe.weight": (config.n_positions, d)}
    for layer in range(config.n_layer):
        for name, shape in {
            "ln_1": (d,),
            "attn.c_attn": (d, 3 * d),
            "attn.c_proj": (d, d),
            "ln_2": (d,),
            "mlp.c_fc": (d, m),
            "mlp.c_proj": (m, d),
        }.items():
            shapes[f"h.{layer}.{name}.weight"] = shape
            shapes[f"h.{layer}.{name}.bias"] = shape[-1:]
    shapes |= {"ln_f.weight": (d,), "ln_f.bias": (d,)}
    if not config.tie_word_embeddings:
        shapes["lm_head.weight"] = (config.vocab_size, d)
    return shapes


def check_shapes(config: GPTConfig, found: Mapping[str, Shape]) -> None:
    """WeightError, naming the tensors, unless `found` is exactly what `tensor_shapes(config)` expects."""
    expected = tensor_shapes(config)
    if missing := [name for name in expected if name not in found]:
        wanted = ", ".join(f"{name} {list(expected[name])}" for name in missing[:3])
        raise WeightError(f"{_count(missing)} missing: {wanted}{_more(missing)}.")
    if extra := [name for name in found if name not in expected]:
        raise WeightError(
            f"{_count(extra)} not part of a GPT-2 with this config.json: {', '.join(extra[:3])}{_more(extra)}."
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise WeightError(f"{name} has shape {list(found[name])}; config.json asks for {list(shape)}.")


def load_weights(
    config: GPTConfig, source: TensorSource, progress: Callable[[int, int], None] = lambda done, of: None
) -> Weights:
    """All weights of a model, read one tensor after the other.

    `progress` is called with how many of how many parts are done: the tables, each block, the end.
    """
    parts = config.n_layer + 2

    def layer_norm(name: str) -> LayerNormWeights:
        return LayerNormWeights(source.vector(f"{name}.weight"), source.vector(f"{name}.bias"))

    def linear(name: str) -> LinearWeights:
        return LinearWeights(source.matrix(f"{name}.weight", transpose=True), source.vector(f"{name}.bias"))

    def block(layer: int) -> BlockWeights:
        weights = BlockWeights(
            ln_1=layer_norm(f"h.{layer}.ln_1"),
            attn_qkv=linear(f"h.{layer}.attn.c_attn"),
            attn_out=linear(f"h.{layer}.attn.c_proj"),
            ln_2=layer_norm(f"h.{layer}.ln_2"),
            mlp_in=linear(f"h.{layer}.mlp.c_fc"),
            mlp_out=linear(f"h.{layer}.mlp.c_proj"),
        )
        progress(layer + 2, parts)
        return weights

    tokens, positions = source.matrix("wte.weight"), source.matrix("wpe.weight")
    progress(1, parts)
    blocks = tuple(block(layer) for layer in range(config.n_layer))
    unembedding = tokens if config.tie_word_embeddings else source.matrix("lm_head.weight")
    weights = Weights(tokens, positions, blocks, layer_norm("ln_f"), unembedding)
    progress(parts, parts)
    return weights


class RandomTensors:
    """Weights drawn at random: normal with standard deviation 0.02; gammas 1, biases and betas 0.

    (GPT-2's own training began much like this, with the positions and the outputs into the stream drawn smaller.)
    `spread`, where given, is the standard deviation of everything, gammas and biases too, so that no weight is 0.
    """

    def __init__(self, config: GPTConfig, seed: int = 0, spread: float | None = None) -> None:
        self.shapes = tensor_shapes(config)
        self.random = random.Random(seed)
        self.spread = spread

    def vector(self, name: str) -> Vector:
        centre = 1.0 if ".ln_" in f".{name}" and name.endswith("weight") else 0.0
        return [
            centre + value for value in self._draw(self.shapes[name][0], 0.0 if self.spread is None else self.spread)
        ]

    def matrix(self, name: str, *, transpose: bool = False) -> Matrix:
        rows, columns = reversed(self.shapes[name]) if transpose else self.shapes[name]
        deviation = 0.02 if self.spread is None else self.spread
        return [self._draw(columns, deviation) for _ in range(rows)]

    def _draw(self, count: int, deviation: float) -> list[float]:
        return [self.random.gauss(0.0, deviation) for _ in range(count)]


def _count(names: list[str]) -> str:
    return "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"


def _more(names: list[str]) -> str:
    return f" and {len(names) - 3} more" if len(names) > 3 else ""
