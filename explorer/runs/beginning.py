"""The token that stands before a text: GPT-2 has one, `<|endoftext|>`, between the texts that it was trained on.

Hugging Face's tokenizer does not put it before a prompt, TransformerLens does. Here it is there only where it is asked
for: then the tokens of a run are those of its prompt.
"""

from collections.abc import Sequence

from gpt import GPTConfig, InputError


def with_beginning(ids: Sequence[int], config: GPTConfig) -> list[int]:
    """The ids with the token before them; as they are where they begin with it. InputError if the model has none."""
    token = token_before(config)
    return list(ids) if list(ids[:1]) == [token] else [token, *ids]


def token_before(config: GPTConfig) -> int:
    """The id of that token; InputError if the model has none."""
    token = next(iter(config.end_tokens), None)
    if token is None or not 0 <= token < config.vocab_size:
        raise InputError("this model has no token that stands before a text (eos_token_id): leave it out (--no-bos).")
    return token
