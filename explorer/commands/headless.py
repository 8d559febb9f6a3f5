"""The model, the prompt and the text of the commands that need no screen."""

import argparse
import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from explorer.commands.options import open_model
from explorer.engine.threads import few_threads
from explorer.errors import UsageError
from explorer.loading.checkpoints import Checkpoint
from explorer.runs import running
from explorer.runs.beginning import with_beginning
from explorer.runs.trace import LiveRun
from explorer.text import printable, visible
from explorer.tokenizer.tokenizer import Tokenizer
from explorer.walk.text import Tokens
from gpt import GPT, GPTConfig, Sampling, generate


@dataclass(frozen=True)
class Prompted:
    """A model that is open, and a prompt that it can read."""

    checkpoint: Checkpoint
    model: GPT
    prompt: str
    ids: list[int]

    @property
    def tokenizer(self) -> Tokenizer:
        return self.checkpoint.tokenizer

    def run(self) -> LiveRun:
        """The run of the prompt, complete."""
        return completed(LiveRun(self.model, list(self.ids)))

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
    opened = open_model(options, arrays=True) if arrays else open_model(options)
    return prompted(*opened, options)


def prompted(checkpoint: Checkpoint, model: GPT, options: argparse.Namespace) -> Prompted:
    """The prompt of a call on a model that is open."""
    prompt, ids = prompt_and_ids(options.prompt, options.ids, checkpoint.tokenizer, model.config)
    if options.bos:
        ids = with_beginning(ids, model.config)
    model.check(ids)
    return Prompted(checkpoint, model, prompt, ids)


def completed(run: LiveRun) -> LiveRun:
    """The same run with everything in it computed."""
    with few_threads(run.model):
        running.complete(run, lambda: False)
    return run


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
    """A prompt and its continuation: {"prompt", "prompt_ids", "ids", "text"}, both lists of ids beginning alike.

    With `show`, the text is written there as it is generated. On a terminal control characters appear as pictures.
    """
    if prompt_ids is None:
        prompt, prompt_ids = prompt_and_ids(prompt, None, tokenizer, model.config)
    model.check(prompt_ids)  # before anything is written
    ids = list(prompt_ids)
    say = _Speaker(show) if show else None
    if say:
        say.text(prompt)
    for step in generate(model, prompt_ids, max_new_tokens, sampling, seed):
        ids.append(step.token)
        if say and step.token != model.config.eos_token_id:
            say.bytes(tokenizer.token_bytes(step.token))
    if say:
        say.end()
    before = ids[: len(prompt_ids)]
    while before and before[0] == model.config.eos_token_id and tokenizer.decode(before) != prompt:
        before = before[1:]  # it stands before the text, and is no part of it
    text = tokenizer.decode([*before, *ids[len(prompt_ids) :]])
    return {"prompt": prompt, "prompt_ids": list(prompt_ids), "ids": ids, "text": text}


def prompt_and_ids(
    prompt: str | None, ids: list[int] | None, tokenizer: Tokens, config: GPTConfig
) -> tuple[str, list[int]]:
    """A prompt with its token ids, from whichever of the two was given; UsageError if neither was, or both."""
    if prompt is not None and ids is not None:
        raise UsageError("a prompt and token ids were given: give one of them.")
    if ids is not None:
        if unknown := [token for token in ids if token >= config.vocab_size]:
            raise UsageError(f"there is no token {unknown[0]}: ids go from 0 to {config.vocab_size - 1}.")
        return tokenizer.decode(ids), ids
    if prompt is None:
        raise UsageError("there is no prompt: give some text, or token ids with --ids.")
    if not prompt:
        raise UsageError("the prompt is empty: give some text to continue.")
    return prompt, tokenizer.encode(prompt)


class _Speaker:
    """Writes tokens as they come; a character that is spread over several waits for its last byte."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self, text: str) -> None:
        self._stream.write(printable(text) if self._stream.isatty() else text)
        self._stream.flush()

    def bytes(self, token: bytes) -> None:
        self.text(self._decoder.decode(token))

    def end(self) -> None:
        self.text(self._decoder.decode(b"", final=True) + "\n")
