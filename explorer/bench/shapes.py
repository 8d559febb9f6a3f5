"""A checkpoint of a well-known shape with random weights: for its speed, where nobody need download it."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpt import GPTConfig
from gpt.weights import tensor_shapes

SHAPES = {
    "distilgpt2": (6, 12, 768),
    "gpt2": (12, 12, 768),
    "gpt2-medium": (24, 16, 1024),
    "gpt2-large": (36, 20, 1280),
    "gpt2-xl": (48, 25, 1600),
}
"""Layers, heads, width."""


@contextmanager
def directory(name: str) -> Iterator[Path]:
    """A directory with such a checkpoint, in float32 and without a tokenizer; it is gone afterwards."""
    import numpy as np
    from safetensors.numpy import save_file

    layers, heads, width = SHAPES[name]
    sizes = {"n_layer": layers, "n_head": heads, "n_embd": width, "n_positions": 1024, "vocab_size": 50257}
    given = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_inner": None, **sizes}
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="gpt-explorer-bench-") as folder:
        place = Path(folder) / name
        place.mkdir()
        (place / "config.json").write_text(json.dumps(given), encoding="utf-8")
        tensors = {}
        for tensor, shape in tensor_shapes(GPTConfig.from_dict(given)).items():
            values = random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
            is_gamma = ".ln_" in f".{tensor}" and tensor.endswith("weight")
            tensors[tensor] = values + np.float32(1) if is_gamma else values
        save_file(tensors, place / "model.safetensors", metadata={"format": "pt"})
        yield place
