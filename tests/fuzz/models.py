"""Campaigns on what a model is stored as: configurations, files of weights, tokenizers."""

import json
import random
import struct
from pathlib import Path

import numpy as np

from explorer.loading.checkpoints import open_checkpoint
from explorer.terminal.glyphs import printable
from explorer.tokenizer.tokenizer import Tokenizer
from gpt import GPTError
from gpt.__main__ import load
from tests.fuzz import hostile
from tests.helpers.checkpoint_builder import (
    CONFIG,
    MERGES,
    VOCABULARY,
    weights,
    write_checkpoint,
    write_shards,
    write_tokenizer,
)

_KEYS = [
    *CONFIG,
    *("n_inner", "activation_function", "layer_norm_epsilon", "scale_attn_weights", "tie_word_embeddings"),
    *("scale_attn_by_inverse_layer_idx", "eos_token_id", "architectures", "add_cross_attention", "quantization_config"),
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", "bos_token_id"),
]


def _try(folder: Path) -> None:
    """Open and run the model in a folder: it works, or a GPTError says why not."""
    for open_it in (_by_explorer, _by_gpt):
        try:
            with np.errstate(all="ignore"):
                open_it(folder)
        except GPTError as error:
            hostile.check_printable(printable(str(error)))


def _by_explorer(folder: Path) -> None:
    checkpoint = open_checkpoint(folder)
    model = checkpoint.load()
    ids = checkpoint.tokenizer.encode("the in")[: model.config.n_positions]
    logits = model.forward(ids).logits
    assert len(logits[-1]) == model.config.vocab_size


def _by_gpt(folder: Path) -> None:
    model, tokenizer = load(folder)
    model.forward(tokenizer.encode("the in")[: model.config.n_positions])


def configurations(dice: random.Random, folder: Path) -> int:
    """A config.json with some of its values changed, beside weights of the usual shapes."""
    write_checkpoint(folder)
    given = dict(CONFIG)
    for _ in range(dice.randint(1, 4)):
        key = dice.choice(_KEYS) if dice.random() < 0.9 else hostile.text(dice)
        if dice.random() < 0.2:
            given.pop(key, None)
        else:
            given[key] = hostile.value(dice)
    written = hostile.as_json(dice, given).encode("utf-8", "surrogatepass")
    (folder / "config.json").write_bytes(hostile.damaged(dice, written) if dice.random() < 0.1 else written)
    _try(folder)
    return 1


def weights_files(dice: random.Random, folder: Path) -> int:
    """A safetensors file, or the index of several, with its header or its numbers changed."""
    tensors = weights(seed=dice.randrange(3))
    if dice.random() < 0.5:
        for _ in range(dice.randint(0, 2)):
            name = dice.choice(list(tensors))
            tensors[name] = _other(dice, tensors[name])
    if dice.random() < 0.3:
        tensors[
            dice.choice(("transformer.", "module.", "_orig_mod.", ""))
            + hostile.text(dice, 2).encode("utf-8", "replace").decode()
        ] = np.zeros(3)
    write_checkpoint(folder, tensors)
    if dice.random() < 0.25:
        names = list(tensors)
        half = dice.randrange(len(names))
        files = write_shards(
            folder, {name: tensors[name] for name in names[:half]}, {name: tensors[name] for name in names[half:]}
        )
        for _ in range(dice.randint(0, 3)):
            files[dice.choice(names)] = dice.choice((hostile.value(dice), "model-00001-of-00002.safetensors"))
        index = hostile.as_json(dice, {"metadata": hostile.value(dice), "weight_map": files})
        (folder / "model.safetensors.index.json").write_bytes(index.encode("utf-8", "surrogatepass"))
    elif dice.random() < 0.8:
        file = folder / "model.safetensors"
        file.write_bytes(_with_header(dice, file.read_bytes()))
    _try(folder)
    return 1


def _other(dice: random.Random, tensor: np.ndarray) -> np.ndarray:
    kind = dice.randrange(5)
    if kind == 0:
        return np.full_like(tensor, dice.choice((np.nan, np.inf, 3e38, 1e-45)))
    if kind == 1:
        return tensor.astype(dice.choice((np.float64, np.float16, np.int32, np.complex64, np.bool_)))
    if kind == 2:
        return tensor.T.copy()
    if kind == 3:
        return tensor[:0]
    return np.zeros(dice.choice(((), (0,), (2, 3, 4), (8,))), tensor.dtype)


def _with_header(dice: random.Random, data: bytes) -> bytes:
    """The file with a changed header, its length mended or not; or damaged anywhere."""
    if dice.random() < 0.3:
        return hostile.damaged(dice, data)
    length = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    for _ in range(dice.randint(1, 3)):
        name = dice.choice(list(header))
        kind = dice.randrange(4)
        if kind == 0:
            header[hostile.text(dice)] = header.pop(name)
        elif kind == 1:
            header[name] = hostile.value(dice)
        elif isinstance(header[name], dict) and header[name]:
            header[name][dice.choice((*header[name], "dtype", "shape", "data_offsets"))] = hostile.value(dice)
        if not header:
            break
    text = hostile.as_json(dice, header).encode("utf-8", "surrogatepass")
    size = len(text) if dice.random() < 0.9 else dice.choice((0, 2**63, 2**64 - 1, len(text) + 9))
    return struct.pack("<Q", size) + text + rest


def tokenizers(dice: random.Random, folder: Path) -> int:
    """The files of a tokenizer with their content changed."""
    vocabulary: dict[str, object] = dict(VOCABULARY)
    merges = list(MERGES)
    for _ in range(dice.randint(0, 3)):
        token = dice.choice(list(vocabulary))
        kind = dice.randrange(3)
        if kind == 0:
            vocabulary[hostile.text(dice)] = vocabulary.pop(token)
        elif kind == 1:
            vocabulary[token] = hostile.value(dice)
        else:
            merges.insert(dice.randrange(len(merges) + 1), hostile.text(dice))
    write_tokenizer(folder)
    (folder / "vocab.json").write_bytes(hostile.as_json(dice, vocabulary).encode("utf-8", "surrogatepass"))
    ends = dice.choice(("\n", "\n", "\r\n", "\r"))
    (folder / "merges.txt").write_bytes(ends.join(["#version: 0.2", *merges, ""]).encode("utf-8", "surrogatepass"))
    for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json"):
        if dice.random() < 0.25:
            given = {key: hostile.value(dice, 3) for key in dice.sample(_TOKENIZER_KEYS, 3)}
            (folder / name).write_bytes(hostile.as_json(dice, given).encode("utf-8", "surrogatepass"))
    if dice.random() < 0.2:
        file = folder / dice.choice(("vocab.json", "merges.txt"))
        file.write_bytes(hostile.damaged(dice, file.read_bytes()))
    try:
        tokenizer = Tokenizer.from_directory(folder)
        for text in ("the in", hostile.text(dice)):
            ids = tokenizer.encode(text)
            assert all(0 <= id < tokenizer.n_vocab for id in ids)
            tokenizer.decode(ids)
            tokenizer.pieces(text)
    except GPTError as error:
        hostile.check_printable(printable(str(error)))
    return 1


_TOKENIZER_KEYS = [
    *("added_tokens_decoder", "added_tokens", "model", "bos_token", "eos_token", "additional_special_tokens", "vocab"),
    *("normalizer", "pre_tokenizer", "post_processor", "decoder", "<x>", "version", "tokenizer_class"),
]
