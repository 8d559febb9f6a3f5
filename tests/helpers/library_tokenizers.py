"""Tokenizers that are put together from the steps of the tokenizers library."""

from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers

from tests.helpers.checkpoint_builder import MERGES, VOCABULARY

END = "<|endoftext|>"
PAIRS = [tuple(merge.split(" ")) for merge in MERGES]
BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False)


def library(*added: AddedToken | str) -> Any:
    """A byte-level BPE behind GPT-2's pattern, of the library."""
    found = tokenizers.Tokenizer(models.BPE(VOCABULARY, PAIRS))  # type: ignore[arg-type]
    found.pre_tokenizer, found.decoder = BYTE_LEVEL, decoders.ByteLevel()
    found.add_special_tokens([END])
    found.add_tokens(list(added))
    return found
