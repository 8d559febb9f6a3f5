"""A token on the command line: a text that is one token, or `id:` and its number."""

import argparse
from typing import TYPE_CHECKING

from explorer.errors import UsageError
from explorer.glyphs import LONGEST_NUMBER, shortened
from gpt import GPTConfig

if TYPE_CHECKING:
    from explorer.walk.text import Tokens

_BY_ID = "id:"


def add_token(parser: argparse.ArgumentParser, option: str, meaning: str) -> None:
    """An option that takes a token; `token_id` reads it once the model's tokenizer is there."""
    parser.add_argument(option, metavar="TOKEN", help=f"{meaning}: a text that is one token, or id:NUMBER")


def token_id(text: str, tokenizer: "Tokens", config: GPTConfig) -> int:
    """The token that an option names: token_id("girl", …) is that of " girl", token_id("id:458", …) is 458.

    UsageError, with the pieces, where it is no single token of this model.
    """
    from explorer.text import visible
    from explorer.walk.text import single_token

    if text.startswith(_BY_ID):
        return _checked(_number(text), config)
    if not text:
        raise UsageError("the token is empty: give a text that is one token, or id:NUMBER.")
    found = single_token(text, tokenizer)
    if found is not None:
        return _checked(found, config)
    ids = tokenizer.encode(text)
    pieces = " | ".join(visible(tokenizer.token_bytes(token)) for token in ids)
    raise UsageError(
        f"{visible(text)} is {len(ids)} tokens, not one ({pieces}), also with a space before it: "
        "give one of the pieces, or id:NUMBER."
    )


def _number(text: str) -> int:
    from explorer.text import visible

    digits = text.removeprefix(_BY_ID)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > LONGEST_NUMBER:
        raise UsageError(f"{visible(text[:40])}{'…' * (len(text) > 40)} is not a token id: write it as id:123.")
    return int(digits)


def _checked(token: int, config: GPTConfig) -> int:
    if token >= config.vocab_size:
        raise UsageError(f"there is no token {shortened(token)}: ids go from 0 to {config.vocab_size - 1}.")
    return token
