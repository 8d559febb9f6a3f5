"""The model, the prompt and the text of the commands that need no screen."""

import argparse
import codecs
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from explorer.commands.options import open_model
from explorer.commands.words import text_of
from explorer.edits import Edits, edited
from explorer.engine.cores import divided
from explorer.engine.engines import plain
from explorer.engine.threads import few_threads
from explorer.errors import CheckpointError, UsageError
from explorer.loading.checkpoints import Checkpoint
from explorer.runs import running
from explorer.runs.beginning import with_beginning
from explorer.runs.trace import LiveRun
from explorer.teaching import edit_words
from explorer.terminal import output
from explorer.terminal.glyphs import shortened
from explorer.terminal.text import visible
from explorer.tokenizer.tokenizer import Tokenizer
from explorer.walk.text import Tokens
from gpt import GPT, GPTConfig, Sampling, generate

MAX_NEW_TOKENS, END_TOKEN, CONTEXT = "max_new_tokens", "end_token", "context"
"""The reasons why a generation ends."""


@dataclass(frozen=True)
class Prompted:
    """A model that is open, and a prompt that it can read."""

    checkpoint: Checkpoint
    model: GPT
    prompt: str
    ids: list[int]
    computed: Callable[[], LiveRun] | None = None  # gives the run, where it is computed together with others
    edits: tuple[str, ...] = ()  # in force in every run, in plain words

    @property
    def tokenizer(self) -> Tokenizer:
        return self.checkpoint.tokenizer

    def run(self) -> LiveRun:
        """The run of the prompt, complete, with the edits in force; EditError where one cannot be made."""
        base = completed(self.computed() if self.computed else LiveRun(self.model, list(self.ids)))
        if not self.edits:
            return base
        edits = Edits(self.model.config)
        edit_words.add_all(self.edits, edits, len(self.ids))
        return completed(edited(base, edits.active))

    def label(self, token: int) -> str:
        """The text of a token, made visible."""
        return visible(self.tokenizer.token_bytes(token))

    def labels(self) -> list[str]:
        """The texts of the prompt's tokens, made visible."""
        return [self.label(token) for token in self.ids]

    def token_as_json(self, token: int) -> dict[str, Any]:
        """A token's id and text."""
        return {"id": token, "token": self.tokenizer.decode([token])}

    def as_json(self) -> dict[str, Any]:
        """The prompt, its token ids and their texts."""
        tokens = [self.tokenizer.decode([token]) for token in self.ids]
        return {"prompt": self.prompt, "ids": list(self.ids), "tokens": tokens}


def open_prompt(options: argparse.Namespace, arrays: bool = False) -> Prompted:
    """The model and the prompt of a call; UsageError without a prompt, InputError where the model cannot read it."""
    given = options.prompt and text_of(options.prompt)  # before the work, not after it
    checkpoint, model = open_model(options, arrays=True) if arrays else open_model(options)
    return prompted(checkpoint, model, options, given)


def prompted(checkpoint: Checkpoint, model: GPT, options: argparse.Namespace, prompt: str | None) -> Prompted:
    """A prompt, or the ids of a call, on a model that is open."""
    prompt, ids = prompt_and_ids(prompt, options.ids, checkpoint.tokenizer, model.config)
    if options.bos:
        ids = with_beginning(ids, model.config)
    model.check(ids)
    return Prompted(checkpoint, model, prompt, ids, edits=tuple(getattr(options, "edit", ())))


def completed(run: LiveRun) -> LiveRun:
    """The same run with everything in it computed; CheckpointError where its numbers are infinite or undefined."""
    with few_threads(run.model):
        running.complete(run, lambda: False)
    if not all(math.isfinite(value) for value in plain(run.logits(len(run.ids) - 1))):
        raise CheckpointError(running.NOT_FINITE)
    return run


@contextmanager
def _within_numbers() -> Iterator[None]:
    """CheckpointError where the model divides by zero or overflows, and no warning of NumPy's before it is said."""
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            yield
    except ArithmeticError as error:
        raise CheckpointError(running.NOT_FINITE) from error


def generate_text(
    model: GPT,
    tokenizer: Tokens,
    prompt: str,
    max_new_tokens: int,
    sampling: Sampling,
    seed: int,
    show: TextIO | None = None,
    prompt_ids: Sequence[int] | None = None,
) -> dict[str, Any]:
    """A prompt and its continuation: {"prompt", "prompt_ids", "ids", "text", "ended"}; both lists of ids begin alike.

    It ended at "max_new_tokens", at an "end_token", or because the "context" was full. With `show`, the text is written
    there as it is generated. On a terminal control characters appear as pictures.
    """
    if prompt_ids is None:
        prompt, prompt_ids = prompt_and_ids(prompt, None, tokenizer, model.config)
    model.check(prompt_ids)  # before anything is written
    ids = list(prompt_ids)
    say = _Speaker(show, tokenizer, ids) if show else None
    if say:
        say.text(prompt)
    with _within_numbers():
        for step in generate(divided(model), prompt_ids, max_new_tokens, sampling, seed):
            ids.append(step.token)
            if say and step.token not in model.config.end_tokens:
                say.token(step.token)
    if say:
        say.end()
    before = ids[: len(prompt_ids)]
    while before and before[0] in model.config.end_tokens and tokenizer.decode(before) != prompt:
        before = before[1:]  # it stands before the text, and is no part of it
    text = tokenizer.decode([*before, *ids[len(prompt_ids) :]])
    ended = _ended(ids[len(prompt_ids) :], max_new_tokens, model.config)
    return {"prompt": prompt, "prompt_ids": list(prompt_ids), "ids": ids, "text": text, "ended": ended}


def _ended(drawn: list[int], max_new_tokens: int, config: GPTConfig) -> str:
    if drawn and drawn[-1] in config.end_tokens:
        return END_TOKEN
    return MAX_NEW_TOKENS if len(drawn) == max_new_tokens else CONTEXT


def prompt_and_ids(
    prompt: str | None, ids: list[int] | None, tokenizer: Tokens, config: GPTConfig
) -> tuple[str, list[int]]:
    """A prompt with its token ids, from whichever of the two was given; UsageError if neither was, or both."""
    if prompt is not None and ids is not None:
        raise UsageError("a prompt and token ids were given: give one of them.")
    if ids is not None:
        if unknown := [token for token in ids if token >= config.vocab_size]:
            raise UsageError(f"there is no token {shortened(unknown[0])}: ids go from 0 to {config.vocab_size - 1}.")
        return tokenizer.decode(ids), ids
    if prompt is None:
        raise UsageError("there is no prompt: give some text, or token ids with --ids.")
    if not prompt:
        raise UsageError("the prompt is empty: give some text to continue.")
    ids = tokenizer.encode(prompt)
    if beyond := [token for token in ids if token >= config.vocab_size]:
        raise UsageError(
            f"{visible(tokenizer.token_bytes(beyond[0]))} is token {beyond[0]}, and this model has none above "
            f"{config.vocab_size - 1}: the token was added, and the model was not resized for it. Leave it out."
        )
    return prompt, ids


class _Speaker:
    """Writes tokens as they come; a character that is spread over several waits for its last byte."""

    def __init__(self, stream: TextIO, tokenizer: Tokens, prompt_ids: Sequence[int]) -> None:
        self._stream = stream
        self._tokenizer = tokenizer
        self._in_bytes = getattr(tokenizer, "in_bytes", True)
        self._ids = list(prompt_ids)
        self._shown = "" if self._in_bytes else tokenizer.decode(self._ids)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self, text: str) -> None:
        output.write(text, self._stream)

    def token(self, token: int) -> None:
        self._ids.append(token)
        if self._in_bytes:
            self.text(self._decoder.decode(self._tokenizer.token_bytes(token)))
        else:
            self._rest(unfinished="\ufffd")

    def end(self) -> None:
        if not self._in_bytes:
            self._rest()
        self.text(self._decoder.decode(b"", final=True) + "\n")

    def _rest(self, unfinished: str = "") -> None:
        """The text beyond what was shown: a token's own text depends on those before it."""
        text = self._tokenizer.decode(self._ids).rstrip(unfinished) if unfinished else self._tokenizer.decode(self._ids)
        if text.startswith(self._shown):
            self.text(text[len(self._shown) :])
            self._shown = text
