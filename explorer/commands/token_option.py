"""A token on the command line: a text that is one token, or `id:` and its number."""

import argparse
from typing import TYPE_CHECKING

from gpt import GPTConfig

if TYPE_CHECKING:
    from explorer.walk.text import Tokens


def add_token(parser: argparse.ArgumentParser, option: str, meaning: str) -> None:
    """An option that takes a token; `token_id` reads it once the model's tokenizer is there."""
    meaning, bracket, default = meaning.partition(" (default: ")
    parser.add_argument(
        option, metavar="TOKEN", help=f"{meaning}: a text that is one token, or id:NUMBER{bracket}{default}"
    )


def token_id(text: str, tokenizer: "Tokens", config: GPTConfig) -> int:
    """The token that an option names; UsageError, with the pieces, where it is no single token of this model."""
    from explorer.walk.one_token import token_id as named

    return named(text, tokenizer, config)
