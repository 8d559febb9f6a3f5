"""The layouts in which checkpoints hold the tensors of a GPT-2, brought to the one that is loaded.

All that is done here is told in notes: nothing is left out, taken for zeros or turned around without a word.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from explorer.errors import CheckpointError
from explorer.loading.tensors import StoredTensors
from explorer.terminal.text import printable
from gpt import GPTConfig, WeightError, check_shapes, tensor_shapes
from gpt.weights import Shape

HEAD, TABLE = "lm_head.weight", "wte.weight"

_OTHER_HEADS = re.compile(
    r"(v_head|value_head|value_model|critic|multiple_choice_head|score|classifier|lm_head\.bias)(\..*)?"
)
_MATRICES = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


def fit(config: GPTConfig, tensors: StoredTensors) -> tuple[GPTConfig, list[str]]:
    """The configuration, untied where the weights have a head of their own, and notes on what was done to the tensors.

    CheckpointError unless the tensors, so brought into order, fit the configuration.
    """
    notes = [*_prefixes(tensors), *_other_heads(tensors)]
    _check_head(config, tensors)
    _check_depth(config, tensors.shapes, tensors)
    notes += [*_biases(config, tensors), *_turned(config, tensors)]
    shapes = tensors.shapes
    if config.tie_word_embeddings and HEAD in shapes:
        if _same(tensors, HEAD, TABLE):
            del shapes[HEAD]
        else:
            config = replace(config, tie_word_embeddings=False)
    try:
        check_shapes(config, shapes)
    except WeightError as error:
        raise CheckpointError(f"{tensors.path}: {error} Use the config.json that came with these weights.") from error
    return config, notes


def _prefixes(tensors: StoredTensors) -> Iterable[str]:
    """Prefixes of wrappers; `transformer.` is Hugging Face's own."""
    prefixes = {stored.name.removesuffix(name) for name, stored in tensors.tensors.items()} - {"", "transformer."}
    if prefixes:
        yield f"{tensors.path}: the prefix {', '.join(sorted(prefixes))} is taken off the names of the tensors."


def _other_heads(tensors: StoredTensors) -> Iterable[str]:
    """Heads beside that of the language model, which nothing here computes."""
    others = sorted(name for name in tensors.tensors if _OTHER_HEADS.fullmatch(name))
    for name in others:
        del tensors.tensors[name]
    if others:
        names = ", ".join(map(printable, others[:3])) + (", ..." if len(others) > 3 else "")
        yield f"{tensors.path}: the language model is run; a head beside it ({names}) is left out."


def _check_head(config: GPTConfig, tensors: StoredTensors) -> None:
    """One matrix under either name is enough where the two are tied."""
    if config.tie_word_embeddings and HEAD in tensors.tensors and TABLE not in tensors.tensors:
        tensors.tensors[TABLE] = tensors.tensors.pop(HEAD)
    if not config.tie_word_embeddings and HEAD not in tensors.tensors:
        raise CheckpointError(
            f"{tensors.path}: {HEAD} {[config.vocab_size, config.n_embd]} is missing, and config.json says that the "
            "head is not tied to the embedding (tie_word_embeddings is false). Set that to true if it is."
        )


def _check_depth(config: GPTConfig, shapes: Mapping[str, Shape], tensors: StoredTensors) -> None:
    """A config.json that asks for far too many blocks would otherwise have all of their tensors looked for."""
    blocks = {name.split(".")[1] for name in shapes if name.startswith("h.")}
    if config.n_layer > len(blocks):
        missing = next(layer for layer in range(config.n_layer) if str(layer) not in blocks)
        raise CheckpointError(
            f"{tensors.path}: block {missing} (h.{missing}.ln_1.weight and the rest) is missing: config.json asks for "
            f"{config.n_layer} (n_layer), {len(blocks)} are there. Use the config.json that came with these weights."
        )


def _biases(config: GPTConfig, tensors: StoredTensors) -> Iterable[str]:
    """A model trained without biases has none at all; where some are missing, the file is damaged."""
    biases = {name: shape for name, shape in tensor_shapes(config).items() if name.endswith(".bias")}
    if not any(name in tensors.tensors for name in biases):
        tensors.fill(biases)
        yield f"{tensors.path}: the model has no biases: they are taken for zeros."


def _turned(config: GPTConfig, tensors: StoredTensors) -> Iterable[str]:
    """Matrices as [outputs, inputs], which is how PyTorch's Linear, and so nanoGPT, stores them.

    That of the attention's output is square: it follows the others, which must all be so.
    """
    shapes, wanted = tensors.shapes, tensor_shapes(config)
    names = [f"h.{layer}.{part}.weight" for layer in range(config.n_layer) for part in _MATRICES]
    telling = [name for name in names if wanted[name] != wanted[name][::-1]]
    if telling and all(shapes.get(name) == wanted[name][::-1] for name in telling) and shapes.keys() >= set(names):
        tensors.turn(names)
        yield f"{tensors.path}: the matrices are stored as [outputs, inputs], and are read the other way round."


def _same(tensors: StoredTensors, name: str, other: str) -> bool:
    shapes = tensors.shapes
    return shapes[name] == shapes.get(other) and np.array_equal(tensors.array(name), tensors.array(other))
