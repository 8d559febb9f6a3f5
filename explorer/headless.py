"""What the explorer does without a screen."""

import codecs
from typing import Any, TextIO

from explorer.session import Tokens
from explorer.text import printable
from gpt import GPT, InputError, Sampling, generate


def generate_text(
    model: GPT,
    tokenizer: Tokens,
    prompt: str,
    max_new_tokens: int,
    sampling: Sampling,
    seed: int,
    show: TextIO | None = None,
) -> dict[str, Any]:
    """A prompt and its continuation: {"prompt", "prompt_ids", "ids", "text"}, both lists of ids beginning alike.

    With `show`, the text is written there as it is generated. On a terminal control characters appear as pictures.
    """
    if not prompt:
        raise InputError("the prompt is empty: give some text to continue.")
    prompt_ids = tokenizer.encode(prompt)
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
    return {"prompt": prompt, "prompt_ids": prompt_ids, "ids": ids, "text": tokenizer.decode(ids)}


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
