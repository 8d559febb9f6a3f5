"""Text from a GPT-2, with Python alone: python -m gpt DIRECTORY "Once upon a time" """

import argparse
import codecs
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from gpt.config import GPTConfig
from gpt.errors import GPTError
from gpt.model import GPT
from gpt.safetensors import SafeTensors
from gpt.sampling import Sampling, generate
from gpt.tokenizer import Tokenizer
from gpt.weights import check_shapes, load_weights

_LISTS_UP_TO = 8_000_000  # parameters; a larger model is kept compact
_UNEMBEDDING = "lm_head.weight"


def load(directory: Path) -> tuple[GPT, Tokenizer]:
    """The model and the tokenizer in a directory of Hugging Face's layout; GPTError says what is wrong with it."""
    try:
        config = GPTConfig.from_json((directory / "config.json").read_bytes())
    except OSError as error:
        raise GPTError(
            f"{directory}: there is no model here: config.json cannot be read ({error.strerror})."
        ) from error
    tensors = SafeTensors(directory / "model.safetensors", compact=config.parameters > _LISTS_UP_TO)
    config = replace(config, tie_word_embeddings=_UNEMBEDDING not in tensors.shapes)  # the file decides
    if config.n_layer > len(tensors.shapes):  # or the names of all their tensors would be listed
        raise GPTError(f"{directory}: config.json asks for {config.n_layer} blocks, far more than the weights have.")
    check_shapes(config, tensors.shapes)
    return GPT(config, load_weights(config, tensors)), Tokenizer.from_directory(directory)


def continuation(
    model: GPT, tokenizer: Tokenizer, prompt: str, count: int, sampling: Sampling, seed: int
) -> Iterator[str]:
    """The text that the model adds to a prompt, as it comes; a character of several tokens when it is whole."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for step in generate(model, tokenizer.encode(prompt), count, sampling, seed):
        if step.token not in model.config.end_tokens:
            yield decoder.decode(tokenizer.tokens[step.token])
    yield decoder.decode(b"", final=True)


def main(words: Sequence[str] | None = None) -> int:
    """Print a prompt and what the model makes of it. The exit status is 1 where it cannot be done."""
    parser = _Parser(prog="python -m gpt", description=__doc__)
    parser.add_argument("directory", type=Path, help="config.json, model.safetensors, vocab.json and merges.txt")
    parser.add_argument("prompt")
    parser.add_argument("--max-new-tokens", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--temperature", type=float, default=0.8, metavar="X", help="0 is greedy; default: 0.8")
    parser.add_argument("--top-k", type=int, default=40, metavar="N", help="0 keeps all; default: 40")
    parser.add_argument("--top-p", type=float, default=1.0, metavar="X", help="default: 1, which keeps all")
    parser.add_argument("--seed", type=int, default=42, metavar="N", help="default: 42")
    options = parser.parse_args(words)
    try:
        sampling = Sampling(options.temperature, options.top_k or None, options.top_p)
        model, tokenizer = load(options.directory)
        _write(options.prompt, sys.stdout)
        for text in continuation(model, tokenizer, options.prompt, options.max_new_tokens, sampling, options.seed):
            _write(text, sys.stdout)
        _write("\n", sys.stdout)
    except GPTError as error:
        _write(f"error: {printable(str(error))}\n", sys.stderr)
        return 1
    return 0


def _write(text: str, stream: TextIO) -> None:
    """Write text, on a terminal in its printable form; what the encoding lacks is written as escapes."""
    if stream.isatty():
        text = printable(text)
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def printable(text: str) -> str:
    """The text with the number of each character that could command a terminal: printable("\\x1b[2J") = "‹1b›[2J"."""
    return "".join(each if each.isprintable() or each in "\n\t" else f"‹{ord(each):x}›" for each in text)


class _Parser(argparse.ArgumentParser):
    """A parser whose messages quote the words of the call."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            _write(printable(message), file or sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
