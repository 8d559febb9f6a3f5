"""A recorded run as a file that other tools read: safetensors, under the names of `gpt.hooks`, without a batch axis.

with safe_open("run.safetensors", framework="numpy") as file:
    pattern = file.get_tensor("blocks.2.attn.hook_pattern")  # [H, T, S]
    tokens = json.loads(file.metadata()["tokens"])
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from explorer import __version__
from explorer.edits import Edit
from explorer.edits.apply import Editor
from explorer.engine.engines import plain
from explorer.errors import TraceError
from explorer.files import replacing
from explorer.runs import running
from explorer.runs.ranking import Ranking, rank
from explorer.runs.trace import LiveRun, RecordedRun
from explorer.terminal.text import visible
from explorer.walk import trace_checks
from explorer.walk.session import NO_OTHER_PROMPT, Session
from explorer.walk.text import Tokens
from gpt import GPT, activation_shapes
from gpt.ops import Matrix
from gpt.tokenizer import Piece

MODEL, PROMPT, IDS, TOKENS, CONFIG, VERSION, VOCABULARY, EDITS = (
    "model",
    "prompt",
    "ids",
    "tokens",
    "config",
    "version",
    "vocabulary",
    "edits",
)


def record(
    model: GPT, ids: Sequence[int], only: Sequence[str] = (), head_results: bool = False, edits: Sequence[Edit] = ()
) -> tuple[dict[str, Any], Matrix]:
    """Every activation of one run whose name fits one of the patterns (none given: all), and the logits.

    A pattern is a shell's: "blocks.*.hook_resid_post". With `edits` it is the run with these.

    TraceError where nothing fits; EditError where edits cannot be made.
    """
    names = [name for name, _ in activation_shapes(model.config, head_results)]
    wanted = {name for name in names if not only or any(fnmatchcase(name, pattern) for pattern in only)}
    if not wanted:
        raise TraceError(f"no activation is called {' or '.join(only)}: names are {names[0]}, {names[2]} and so on.")
    run = LiveRun(model, list(ids))
    if edits:
        base = LiveRun(model, list(ids))
        running.complete(base, lambda: False)
        run.editor = Editor(edits, base, len(ids))
    output = model.forward(ids, hook=run.hook, head_results=head_results)
    return {name: value for name, value in run.values.items() if name in wanted}, output.logits


def predictions(logits: Matrix, ids: Sequence[int], tokenizer: Tokens, count: int) -> dict[str, Any]:
    """The likeliest next tokens after each position, best first."""

    def likeliest(ranking: Ranking) -> list[dict[str, Any]]:
        return [
            {
                "id": token,
                "token": tokenizer.decode([token]),
                "logit": ranking.logits[token],
                "probability": ranking.probabilities[token],
            }
            for token in ranking.order[:count]
        ]

    rows = [likeliest(rank(plain(row))) for row in logits]
    return {"ids": list(ids), "tokens": [tokenizer.decode([token]) for token in ids], "predictions": rows}


def write(
    path: Path,
    values: dict[str, Any],
    model: GPT,
    name: str,
    prompt: str,
    ids: Sequence[int],
    tokenizer: Tokens,
    dtype: type[np.floating] = np.float64,
    edits: Sequence[str] = (),
) -> None:
    """The recorded values as a safetensors file; WriteError, and what was there stays, if it cannot be written.

    `edits` are those of the run, in words: whoever opens the file is told.
    """
    metadata = metadata_of(model, name, prompt, ids, tokenizer)
    if edits:
        metadata[EDITS] = json.dumps(list(edits))
    arrays = {name: np.ascontiguousarray(value, dtype=dtype) for name, value in values.items()}
    with replacing(path) as part:
        try:
            save_file(arrays, part, metadata=metadata)
        except SafetensorError as error:  # no room, for instance
            raise OSError(str(error)) from error


def metadata_of(model: GPT, name: str, prompt: str, ids: Sequence[int], tokenizer: Tokens) -> dict[str, str]:
    """The metadata of a recorded run: whose it is, of which tokens, and all that walks it without the model."""
    vocabulary = [_text(tokenizer.token_bytes(token)) for token in range(model.config.vocab_size)]
    return {
        MODEL: name,
        PROMPT: prompt,
        IDS: json.dumps(list(ids)),
        TOKENS: json.dumps([vocabulary[token] for token in ids]),
        CONFIG: json.dumps(asdict(model.config)),
        VERSION: __version__,
        VOCABULARY: json.dumps(vocabulary),
    }


def _text(token: bytes) -> str:
    """A token as text, its bytes kept where they are no UTF-8 by themselves."""
    return token.decode("utf-8", "surrogateescape")


class _RecordedTokens:
    """A tokenizer that knows the tokens of a trace, and cannot spell other texts."""

    def __init__(self, vocabulary: list[str]) -> None:
        self.vocabulary = vocabulary

    def encode(self, text: str) -> list[int]:
        raise TraceError(NO_OTHER_PROMPT)

    def decode(self, ids: list[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", "replace")

    def token_bytes(self, id: int) -> bytes:
        return self.vocabulary[id].encode("utf-8", "surrogateescape")

    def pieces(self, text: str) -> list[Piece]:
        return []


def read(path: Path) -> tuple[Session, str]:
    """A session on a recorded run, without the model, and the model's name; TraceError if it is none, or damaged."""
    size = trace_checks.size_of(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            trace_checks.require(path, metadata, (PROMPT, IDS, CONFIG, VOCABULARY))
            config = trace_checks.config_of(path, metadata[CONFIG], size)
            vocabulary = trace_checks.vocabulary_of(path, metadata[VOCABULARY], config)
            ids = trace_checks.ids_of(path, metadata[IDS], config)
            if TOKENS in metadata:
                trace_checks.check_tokens(path, metadata[TOKENS], ids, vocabulary)
            edits = trace_checks.edits_of(path, metadata[EDITS]) if EDITS in metadata else ()
            names = list(file.keys())
            slices = {name: file.get_slice(name) for name in names}
            stored = {name: (part.get_dtype(), list(part.get_shape())) for name, part in slices.items()}
            trace_checks.check_header(path, stored, config, ids)
            values = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise TraceError(f"{path}: this file cannot be read as a trace: {error}.") from error
    for name, value in values.items():
        trace_checks.check_numbers(path, name, value)
    run = RecordedRun(config, ids, values)
    run.edits = edits
    session = Session(run, _RecordedTokens(vocabulary))
    session.begin(run, metadata[PROMPT])
    return session, visible(metadata.get(MODEL, path.name))
