"""Makes model directories as Hugging Face lays them out, without any of the code that reads them."""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

CONFIG: dict[str, Any] = {
    "model_type": "gpt2",
    "vocab_size": 262,
    "n_positions": 8,
    "n_embd": 8,
    "n_layer": 2,
    "n_head": 2,
}
# The letters of the bytes in the order of the ids of OpenAI's vocab.json: printable bytes first.
LETTERS = "".join(map(chr, [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]))
MERGES = ["h e", "t he", "Ġ the", "i n"]
VOCABULARY = {token: id for id, token in enumerate([*LETTERS, *(m.replace(" ", "") for m in MERGES), "<|endoftext|>"])}


def weights(config: Mapping[str, Any] = CONFIG, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under the names and in the shapes of GPT2LMHeadModel, without a prefix and tied."""
    d, m = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    shapes: dict[str, tuple[int, ...]] = {
        "wte.weight": (config["vocab_size"], d),
        "wpe.weight": (config["n_positions"], d),
    }
    for layer in range(config["n_layer"]):
        block = {"ln_1": (d,), "attn.c_attn": (d, 3 * d), "attn.c_proj": (d, d)}
        block |= {"ln_2": (d,), "mlp.c_fc": (d, m), "mlp.c_proj": (m, d)}
        for name, shape in block.items():
            shapes[f"h.{layer}.{name}.weight"], shapes[f"h.{layer}.{name}.bias"] = shape, shape[-1:]
    shapes |= {"ln_f.weight": (d,), "ln_f.bias": (d,)}
    random = np.random.default_rng(seed)
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def write_config(directory: Path, **changes: Any) -> None:
    (directory / "config.json").write_text(json.dumps({**CONFIG, **changes}))


def write_tokenizer(
    directory: Path, vocabulary: Mapping[str, int] = VOCABULARY, merges: Iterable[str] = MERGES
) -> None:
    (directory / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (directory / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")


def write_checkpoint(directory: Path, tensors: Mapping[str, np.ndarray] | None = None, **changes: Any) -> Path:
    """A whole model; `changes` go into its config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    write_config(directory, **changes)
    write_tokenizer(directory)
    save_file(dict(weights({**CONFIG, **changes}) if tensors is None else tensors), directory / "model.safetensors")
    return directory


def write_shards(directory: Path, *shards: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The tensors in several files and their index, in place of model.safetensors; the index is also returned."""
    (directory / "model.safetensors").unlink(missing_ok=True)
    files: dict[str, str] = {}
    for number, tensors in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file(dict(tensors), directory / file)
        files |= dict.fromkeys(tensors, file)
    (directory / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return files


def write_raw(path: Path, tensors: Mapping[str, tuple[str, tuple[int, ...], bytes]]) -> None:
    """A safetensors file by hand, for the types that numpy has no name for: {name: (dtype, shape, bytes)}."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
