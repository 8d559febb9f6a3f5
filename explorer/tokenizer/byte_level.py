"""GPT-2's own kind of tokenizer: byte-level BPE behind GPT-2's pattern, from a model's own vocabulary.

A text is cut into pieces, roughly words with the space before them, and each piece is merged by itself: what tokens it
becomes depends on nothing around it. tiktoken does the merging; `pieces` shows it merge by merge.
Source: Radford et al. 2019, section 2.2, and OpenAI's GPT-2, src/encoder.py.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache, cached_property, lru_cache

import tiktoken

from explorer.errors import TokenizerError
from explorer.tokenizer.files import Vocabulary
from explorer.tokenizer.merging import merges_of, token_ranks, unreachable
from explorer.tokenizer.tokenizer import Tokenizer
from gpt.tokenizer import Pair, Piece, split


class ByteLevelTokenizer(Tokenizer):
    """A vocabulary of bytes and what merges make of them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.special = vocabulary.special
        self.n_vocab = max(vocabulary.tokens) + 1
        self._tokens = vocabulary.tokens
        self._ids = vocabulary.ids
        self._merges = vocabulary.merges
        # tiktoken needs all 256 bytes; those that the vocabulary lacks are refused before it sees them.
        self._unspellable = {byte for byte in range(256) if bytes([byte]) not in self._ids}
        ranks = token_ranks(vocabulary.merges, vocabulary.unused)
        self._id_of_rank = {rank: self._ids[token] for token, rank in ranks.items() if token in self._ids}
        self._bpe = _encoding(r"(?s).+", ranks)  # one piece is given at a time, so all of it matches
        self.notes = unreachable(self._ids, ranks, self.special.values())

    @cached_property
    def _merge_ranks(self) -> dict[Pair, int]:
        return {pair: rank for rank, pair in enumerate(self._merges)}

    def ids(self) -> Collection[int]:
        return self._tokens.keys()

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for start, piece in self._cut(text):
            if piece in self.special:
                ids.append(self.special[piece])
            else:
                self._check_spelling(start, piece)
                ids.extend(self._id_of_rank[rank] for rank in self._bpe.encode_ordinary(piece))
        return ids

    def token_bytes(self, id: int) -> bytes:
        return self._tokens.get(id, b"<id %d>" % id)

    def pieces(self, text: str) -> list[Piece]:
        return [self._piece(start, piece) for start, piece in self._cut(text)]

    def _piece(self, start: int, text: str) -> Piece:
        spelling = text.encode()
        if text in self.special:
            return Piece(start, text, spelling, (), (self.special[text],))
        self._check_spelling(start, text)
        piece = Piece(start, text, spelling, tuple(merges_of(spelling, self._merge_ranks)), ())
        return replace(piece, ids=tuple(self._ids[part] for part in piece.parts()))

    def _cut(self, text: str) -> Iterator[tuple[int, str]]:
        return split(text, self.special, _stand_in)

    def _check_spelling(self, start: int, piece: str) -> None:
        if not self._unspellable:
            return
        for place, character in enumerate(piece, start + 1):
            for byte in character.encode():
                if byte in self._unspellable:
                    raise TokenizerError(
                        f"{character!r}, character {place} of the text, cannot be spelled: this model's vocabulary "
                        f"lacks the byte 0x{byte:02X}. Leave it out."
                    )


@lru_cache(maxsize=65536)
def _stand_in(character: str) -> str:
    """An ASCII character of the same kind, for `gpt.tokenizer.split`.

    What is a letter or a number depends on the version of Unicode, and Python's differs from tiktoken's: tiktoken is
    asked, which agrees with Hugging Face's tokenizers.
    """
    for kind, stand_in in ((r"\p{L}", "a"), (r"\p{N}", "1"), (r"\s", "\t")):
        if _matcher(kind).encode_ordinary(character):  # what does not match gives no tokens
            return stand_in
    return "!"


@cache
def _matcher(pattern: str) -> tiktoken.Encoding:
    return _encoding(pattern, token_ranks([]))


def _encoding(pattern: str, ranks: dict[bytes, int]) -> tiktoken.Encoding:
    return tiktoken.Encoding("gpt-explorer", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
