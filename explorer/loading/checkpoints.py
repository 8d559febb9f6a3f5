"""GPT-2 models on disk, in the directory layout of Hugging Face: checked when opened, read when loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from explorer.engine.engines import LISTS_UP_TO, NUMPY, PYTHON, choose
from explorer.errors import CheckpointError
from explorer.loading.places import find_model
from explorer.loading.tensors import Arrays, Rows, StoredTensors
from explorer.tokenizer.tokenizer import Tokenizer
from gpt import GPT, ConfigError, GPTConfig, WeightError, check_shapes, load_weights
from gpt.weights import Shape

HEAD = "lm_head.weight"


@dataclass(frozen=True)
class Checkpoint:
    """A model's directory in which everything fits together; the weights have not been read yet."""

    path: Path
    name: str
    config: GPTConfig
    tokenizer: Tokenizer
    tensors: StoredTensors = field(repr=False)

    def load(self, progress: Callable[[int, int], None] = lambda done, of: None, engine: str = PYTHON) -> GPT:
        """The model on that engine. `progress` is called with how many of how many parts have been read.

        CheckpointError where a file is damaged after all, or a weight is not a finite number.
        """
        if choose(engine, self.config) == NUMPY:
            from explorer.engine import numpy_ops

            return GPT(self.config, load_weights(self.config, Arrays(self.tensors), progress), ops=numpy_ops)
        rows = Rows(self.tensors, compact=self.config.parameters > LISTS_UP_TO)
        return GPT(self.config, load_weights(self.config, rows, progress))

    def arrays(self, dtype: type[np.floating]) -> GPT:
        """The model on NumPy arrays of that precision; CheckpointError as for `load`."""
        from explorer.engine import numpy_ops

        return GPT(self.config, load_weights(self.config, Arrays(self.tensors, dtype)), ops=numpy_ops)


def open_checkpoint(path: Path | str | None = None) -> Checkpoint:
    """The model in a directory, None for the embedded one; all is checked that can be without reading the weights.

    CheckpointError, or TokenizerError, says what is wrong, in which file, and what to do.

    >>> open_checkpoint().name
    'stories'
    """
    directory = find_model(path)
    config = _read_config(directory / "config.json")
    tensors = StoredTensors(directory)
    config = _fit(config, tensors)
    tokenizer = Tokenizer.from_directory(directory)
    if tokenizer.n_vocab > config.vocab_size:
        token = tokenizer.n_vocab - 1
        raise CheckpointError(
            f"{directory}: the tokenizer's token {tokenizer.decode([token])!r} has the id {token}, and the model has "
            f"none above {config.vocab_size - 1} (vocab_size in config.json is {config.vocab_size}). "
            "Use the tokenizer files that came with these weights."
        )
    return Checkpoint(directory, directory.resolve().name, config, tokenizer, tensors)


def _read_config(path: Path) -> GPTConfig:
    if not path.is_file():
        raise CheckpointError(f"{path}: this file is missing; it says how large the model is. Download it too.")
    try:
        return GPTConfig.from_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: this file cannot be read: {error.strerror}.") from error
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _fit(config: GPTConfig, tensors: StoredTensors) -> GPTConfig:
    """The configuration, untied where the weights have a head of their own; CheckpointError unless they fit it."""
    shapes = tensors.shapes
    if not config.tie_word_embeddings and HEAD not in shapes:
        raise CheckpointError(
            f"{tensors.path}: {HEAD} {[config.vocab_size, config.n_embd]} is missing, and config.json says that the "
            "head is not tied to the embedding (tie_word_embeddings is false). Set that to true if it is."
        )
    if config.tie_word_embeddings and HEAD in shapes:
        if _same(tensors, HEAD, "wte.weight"):
            del shapes[HEAD]
        else:
            config = replace(config, tie_word_embeddings=False)
    _check_depth(config, shapes, tensors.path)
    try:
        check_shapes(config, shapes)
    except WeightError as error:
        raise CheckpointError(f"{tensors.path}: {error} Use the config.json that came with these weights.") from error
    return config


def _same(tensors: StoredTensors, name: str, other: str) -> bool:
    shapes = tensors.shapes
    return shapes[name] == shapes.get(other) and np.array_equal(tensors.array(name), tensors.array(other))


def _check_depth(config: GPTConfig, shapes: Mapping[str, Shape], path: Path) -> None:
    """A config.json that asks for far too many blocks would otherwise have all of their tensors looked for."""
    blocks = {name.split(".")[1] for name in shapes if name.startswith("h.")}
    if config.n_layer > len(blocks):
        missing = next(layer for layer in range(config.n_layer) if str(layer) not in blocks)
        raise CheckpointError(
            f"{path}: block {missing} (h.{missing}.ln_1.weight and the rest) is missing: config.json asks for "
            f"{config.n_layer} (n_layer), {len(blocks)} are there. Use the config.json that came with these weights."
        )
