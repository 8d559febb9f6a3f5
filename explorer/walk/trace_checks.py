"""The checks of a recorded run before it is walked: everything in it is another's word, and may be wrong or hostile.

Nothing is built that the size of the file does not bound.
"""

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from explorer.engine.axes import axis_sizes
from explorer.errors import TraceError
from explorer.terminal.glyphs import one_line, quoted, shortened
from gpt import ConfigError, GPTConfig, activation_shapes

_NUMBERS = ("F64", "F32", "F16", "BF16")
_MASKED = "attn.hook_attn_scores"  # those of later positions are minus infinity
_BLOCKS, _BYTES_A_BLOCK = 1000, 1000
_HEADS = 100_000
_LONGEST = 300  # characters of an edit in words
"""The blocks that any file may have, and the bytes that each block beyond them takes: a block has thirty names."""

_AGAIN = "Make one with `gpt-explorer trace PROMPT -o FILE`."


def size_of(path: Path) -> int:
    """The size of the file in bytes; TraceError if it is no regular file: opening a pipe would wait for ever."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TraceError(f"{path}: this file cannot be read as a trace: {reason}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise TraceError(f"{path}: this file cannot be read as a trace: it is no regular file.")
    return found.st_size


def config_of(path: Path, text: str, size: int) -> GPTConfig:
    """The configuration in the metadata; TraceError if it is none, or describes far more than this file can hold."""
    try:
        config = GPTConfig.from_json(text)
    except ConfigError as error:
        _damaged(path, str(error))
    if config.n_layer > max(_BLOCKS, size // _BYTES_A_BLOCK):
        _damaged(path, f"n_layer is {shortened(config.n_layer)}, and the file has {size:,} bytes.")
    if config.n_layer * config.n_head > max(_HEADS, size // 8):
        _damaged(path, f"n_head is {shortened(config.n_head)}, and the file has {size:,} bytes.")
    for name, count in (("n_embd", config.n_embd), ("n_inner", config.mlp_width), ("n_positions", config.n_positions)):
        if count > max(2**24, size):
            _damaged(path, f"{name} is {shortened(count)}, and the file has {size:,} bytes.")
    return config


def vocabulary_of(path: Path, text: str, config: GPTConfig) -> list[str]:
    """The tokens' texts, one for each id; TraceError if they are not that."""
    found = _list(path, "vocabulary", text, str, "text")
    if len(found) != config.vocab_size:
        _damaged(path, f"vocabulary has {len(found):,} tokens, and vocab_size is {shortened(config.vocab_size)}.")
    for id, token in enumerate(found):
        try:
            token.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            _damaged(path, f"token {id} of the vocabulary is {quoted(token)}, which stands for no bytes.")
    return found


def ids_of(path: Path, text: str, config: GPTConfig) -> list[int]:
    """The token ids; TraceError unless they are those of a prompt that this model can read."""
    found = _list(path, "ids", text, int, "a token id")
    if not 0 < len(found) <= config.n_positions:
        _damaged(path, f"ids has {len(found):,} tokens; it must be one or more, up to {config.n_positions}.")
    for id in found:
        if not 0 <= id < config.vocab_size:
            _damaged(path, f"{shortened(id)} in ids is no token id: they go from 0 to {config.vocab_size - 1}.")
    return found


def edits_of(path: Path, text: str) -> tuple[str, ...]:
    """The edits that the run was recorded with, in words; TraceError if they are no list of texts."""
    return tuple(one_line(each)[:_LONGEST] for each in _list(path, "edits", text, str, "text"))


def check_tokens(path: Path, text: str, ids: list[int], vocabulary: list[str]) -> None:
    """TraceError unless the tokens' texts are those of the ids, so that none is shown as another."""
    if _list(path, "tokens", text, str, "text") != [vocabulary[id] for id in ids]:
        _damaged(path, "tokens are not those of ids in the vocabulary.")


def check_header(path: Path, stored: Mapping[str, tuple[str, list[int]]], config: GPTConfig, ids: list[int]) -> None:
    """TraceError unless every array, (dtype, shape) by name, holds numbers in the shape that its name asks for."""
    if not stored:
        raise TraceError(f"{path}: there is no activation in this trace. {_AGAIN}")
    sizes = axis_sizes(config, len(ids))
    shapes = {name: [sizes[axis] for axis in axes] for name, axes in activation_shapes(config, True)}
    for name, (dtype, shape) in stored.items():
        if shape != shapes.get(name):
            raise TraceError(f"{path}: {name} has shape {shape}; expected is {shapes.get(name, 'nothing')}.")
        if dtype not in _NUMBERS:
            raise TraceError(f"{path}: {name} is stored as {dtype}; {', '.join(_NUMBERS)} can be read.")


def check_numbers(path: Path, name: str, values: np.ndarray) -> None:
    """TraceError unless the numbers are finite; masked scores may be −∞."""
    finite = np.isfinite(values)
    if name.endswith(_MASKED):
        later = np.triu(np.ones(values.shape[1:], dtype=bool), 1)
        finite |= later & np.isneginf(values)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise TraceError(
            f"{path}: {name} must hold finite numbers; {np.count_nonzero(~finite)} of {values.size} are not, the first "
            f"at {list(first)}: {values[first]}. The file is damaged, or its run overflowed."
        )


def require(path: Path, metadata: Mapping[str, str], names: Iterable[str]) -> None:
    """TraceError if something is missing in the metadata."""
    if missing := set(names) - set(metadata):
        lacking = ", ".join(sorted(missing))
        raise TraceError(f"{path}: this is no trace of GPT Explorer (it has no {lacking} in its metadata). {_AGAIN}")


def _list(path: Path, name: str, text: str, kind: type, words: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        _damaged(path, f"{name} is not JSON: {error}.")
    if not isinstance(found, list):
        _damaged(path, f"{name} must be a list.")
    for place, each in enumerate(found):
        if type(each) is not kind:
            _damaged(path, f"{name}[{place}] is not {words}.")
    return found


def _damaged(path: Path, reason: str) -> NoReturn:
    raise TraceError(f"{path}: the metadata of this trace is damaged: {reason} {_AGAIN}")
