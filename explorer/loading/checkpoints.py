"""GPT-2 models on disk, in the directory layout of Hugging Face: checked when opened, read when loaded."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from explorer.engine.engines import (
    LISTS_UP_TO,
    NUMPY,
    PYTHON,
    SINGLE_UP_TO,
    check_installed,
    choose,
    engine_in_full,
    on_engine,
    parsed,
)
from explorer.errors import CheckpointError, TokenizerError
from explorer.json_file import read_json
from explorer.loading.layout import fit
from explorer.loading.other_formats import no_config
from explorer.loading.places import find_model
from explorer.loading.tensors import Arrays, Rows, StoredTensors
from explorer.terminal.text import counted, printable, visible
from explorer.tokenizer.tokenizer import NoTokenizer, Tokenizer
from gpt import GPT, ConfigError, GPTConfig, load_weights


@dataclass(frozen=True)
class Checkpoint:
    """A model's directory in which everything fits together; the weights have not been read yet."""

    path: Path
    name: str
    config: GPTConfig
    tokenizer: Tokenizer
    tensors: StoredTensors = field(repr=False)
    notes: tuple[str, ...] = ()  # what a user should know about the files, though they can be used

    def load(self, progress: Callable[[int, int], None] = lambda done, of: None, engine: str = PYTHON) -> GPT:
        """The model on that engine. `progress` is called with how many of how many parts have been read.

        CheckpointError where a file is damaged after all, or a weight is not a finite number; EngineError where the
        engine is not there.
        """
        check_installed(engine)
        chosen = parsed(choose(engine, self.config))
        if chosen.name != PYTHON:
            found = self._on_numpy(chosen.dtype, progress)
            precision = chosen.dtype or engine_in_full(found).dtype or "float32"
            return found if chosen.name == NUMPY else on_engine(found, str(chosen._replace(dtype=precision)))
        rows = Rows(self.tensors, compact=self.config.parameters > LISTS_UP_TO)
        return GPT(self.config, load_weights(self.config, rows, progress))

    def _on_numpy(self, dtype: str, progress: Callable[[int, int], None]) -> GPT:
        """The model on NumPy arrays: where no precision is asked for, of float32 if its range is enough."""
        from explorer.engine import array_ops

        if dtype == "float64":
            return self.arrays(np.float64, progress)
        arrays = Arrays(self.tensors)
        weights = load_weights(self.config, arrays, progress)
        if not dtype and max(arrays.largest, self.config.layer_norm_epsilon) > SINGLE_UP_TO:
            return self.arrays(np.float64, progress)
        return GPT(self.config, weights, ops=array_ops)

    def arrays(self, dtype: type[np.floating], progress: Callable[[int, int], None] = lambda done, of: None) -> GPT:
        """The model on NumPy arrays of that precision; CheckpointError as for `load`."""
        from explorer.engine import array_ops

        return GPT(self.config, load_weights(self.config, Arrays(self.tensors, dtype), progress), ops=array_ops)


def open_checkpoint(path: Path | str | None = None, ids_alone: bool = False) -> Checkpoint:
    """The model in a directory, None for the embedded one; all is checked that can be without reading the weights.

    With `ids_alone` it may be without a tokenizer that can be used: token ids need none.
    CheckpointError, or TokenizerError, says what is wrong, in which file, and what to do.

    >>> open_checkpoint().name
    'stories'
    """
    directory = find_model(path)
    config = _ends(_read_config(directory / "config.json"), directory / "generation_config.json")
    tensors = StoredTensors(directory)
    config, notes = fit(config, tensors)
    tokenizer = _tokenizer(directory, ids_alone)
    notes += [*tokenizer.notes, *_beyond(directory, config, tokenizer)]
    return Checkpoint(directory, directory.resolve().name, config, tokenizer, tensors, tuple(notes))


def _tokenizer(directory: Path, ids_alone: bool) -> Tokenizer:
    try:
        return Tokenizer.from_directory(directory)
    except TokenizerError as error:
        if not ids_alone:
            raise
        return NoTokenizer(str(error))


def _read_config(path: Path) -> GPTConfig:
    if not path.is_file():
        raise CheckpointError(no_config(path.parent))
    try:
        return GPTConfig.from_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: this file cannot be read: {error.strerror}.") from error
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _ends(config: GPTConfig, path: Path) -> GPTConfig:
    """The configuration with the end tokens of generation_config.json, which alone decides where it is there."""
    if not path.is_file():
        return config
    given = read_json(path, CheckpointError)
    if not isinstance(given, dict):
        raise CheckpointError(f"{path}: this must be a JSON object. Delete the file, or download it again.")
    try:
        return replace(
            config, eos_token_id=GPTConfig.from_dict({"eos_token_id": given.get("eos_token_id")}).eos_token_id
        )
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _beyond(directory: Path, config: GPTConfig, tokenizer: Tokenizer) -> tuple[str, ...]:
    """A note on added tokens without a row in the model; CheckpointError where others are: those of another model."""
    beyond = sorted(id for id in tokenizer.ids() if id >= config.vocab_size)
    added = set(tokenizer.special.values())
    if own := [id for id in beyond if id not in added]:
        name = printable(repr(tokenizer.decode([own[-1]])))
        raise CheckpointError(
            f"{directory}: the tokenizer's token {name} has the id {own[-1]}, and the model has none above "
            f"{config.vocab_size - 1} (vocab_size in config.json is {config.vocab_size}). "
            "Use the tokenizer files that came with these weights."
        )
    if not beyond:
        return ()
    some = ", ".join(f"{visible(tokenizer.token_bytes(id))} ({id})" for id in beyond[:3])
    return (
        f"{directory}: the model has no row for {counted(len(beyond), 'added token')}, and cannot run a text with it: "
        f"{some}{', ...' if len(beyond) > 3 else ''}.",
    )
