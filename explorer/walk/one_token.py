"""The token that a user names: by its text, or by `id:` and its number."""

from explorer.errors import UsageError
from explorer.terminal.glyphs import LONGEST_NUMBER, shortened
from explorer.terminal.text import visible
from explorer.walk.text import Tokens, single_token
from gpt import GPTConfig

_BY_ID = "id:"


def token_id(text: str, tokenizer: Tokens, config: GPTConfig) -> int:
    """The token that a text names: token_id("girl", …) is that of " girl", token_id("id:458", …) is 458.

    UsageError, with the pieces, where it is no single token of this model.
    """
    if text.startswith(_BY_ID):
        return checked_token(_number(text), config)
    if not text:
        raise UsageError("the token is empty: give a text that is one token, or id:NUMBER.")
    found = single_token(text, tokenizer)
    if found is not None:
        return checked_token(found, config)
    ids = tokenizer.encode(text)
    pieces = " | ".join(visible(tokenizer.token_bytes(token)) for token in ids)
    raise UsageError(
        f"{visible(text)} is {len(ids)} tokens, not one ({pieces}), also with a space before it: "
        "give one of the pieces, or id:NUMBER."
    )


def _number(text: str) -> int:
    digits = text.removeprefix(_BY_ID)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > LONGEST_NUMBER:
        raise UsageError(f"{visible(text[:40])}{'…' * (len(text) > 40)} is not a token id: write it as id:123.")
    return int(digits)


def checked_token(token: int, config: GPTConfig) -> int:
    """The same id; UsageError if the vocabulary has none of that number."""
    if not 0 <= token < config.vocab_size:
        raise UsageError(f"there is no token {shortened(token)}: ids go from 0 to {config.vocab_size - 1}.")
    return token
