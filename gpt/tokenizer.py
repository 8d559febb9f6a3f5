"""Text -> token ids, and back: GPT-2's byte-pair encoding.

    "Once upon a time"
    pieces   "Once" " upon" " a" " time"      roughly words, each with the space before it
    bytes    O n c e · ␣ u p o n · ...        UTF-8, so that any text at all can be spelled
    merges   O n c e → O n ce → O nce → Once  neighbours join, in the order of a list that was learned
    ids      7454 2402 257 640                (these are GPT-2's own)

The list of merges comes from a corpus: the two neighbours that stood side by side most often became one token, and so
on, 50,000 times. So common words are one token, rare ones several, and the vocabulary stays small: 256 bytes, 50,000
merges and one special token make GPT-2's 50,257.
Source: Sennrich et al. 2016, arXiv:1508.07909, section 3.2; on bytes: Radford et al. 2019, section 2.2, and OpenAI's
GPT-2, src/encoder.py.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gpt.errors import TokenizerError

END_OF_TEXT = "<|endoftext|>"
"""The token between two texts of the corpus. Written out in a text it is this one token, and no letters."""

Pair = tuple[bytes, bytes]


@dataclass(frozen=True)
class Merge:
    """One step: two neighbours become one. In b"the", h and e may join first: b"t", b"he"."""

    left: bytes
    right: bytes
    rank: int  # the place in the list of merges: 0 is the first
    boundary: int  # the byte of the piece where the right one began


@dataclass(frozen=True)
class Piece:
    """A stretch of text that is merged by itself; END_OF_TEXT is one without merges."""

    start: int  # where it begins, in characters
    text: str
    spelling: bytes
    merges: tuple[Merge, ...]
    ids: tuple[int, ...]

    def parts(self, count: int | None = None) -> tuple[bytes, ...]:
        """The piece after so many of its merges: after 0 single bytes, after all of them (the default) tokens."""
        return parts_of(self.spelling, self.merges[:count])


def parts_of(spelling: bytes, merges: Iterable[Merge]) -> tuple[bytes, ...]:
    """A piece's bytes, joined where merges have joined them."""
    joined = {merge.boundary for merge in merges}
    bounds = [place for place in range(len(spelling) + 1) if place not in joined]
    return tuple(spelling[start:end] for start, end in pairwise(bounds))


class Tokenizer:
    """A vocabulary and its merges.

    >>> tokenizer = Tokenizer({b"t": 0, b"h": 1, b"e": 2, b"he": 3, b"the": 4}, [(b"h", b"e"), (b"t", b"he")])
    >>> tokenizer.encode("thet")
    [4, 0]
    >>> tokenizer.decode([4, 0])
    'thet'
    """

    def __init__(self, ids: Mapping[bytes, int], merges: Iterable[Pair]) -> None:
        self.ids = ids
        self.tokens = {number: token for token, number in ids.items()}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}

    @classmethod
    def from_directory(cls, path: Path | str) -> "Tokenizer":
        """The tokenizer in `vocab.json` and `merges.txt`; TokenizerError where they cannot be read."""
        names, merges = Path(path) / "vocab.json", Path(path) / "merges.txt"
        try:
            ids = {from_letters(name): number for name, number in json.loads(names.read_bytes()).items()}
            lines = merges.read_text(encoding="utf-8").splitlines()
            pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
            return cls(ids, [(from_letters(left), from_letters(right)) for left, right in pairs])
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise TokenizerError(f"{path}: vocab.json and merges.txt are not as GPT-2's are: {error!r}.") from error

    def encode(self, text: str) -> list[int]:
        """The ids of a text; TokenizerError where the vocabulary cannot spell it."""
        return [number for piece in self.pieces(text) for number in piece.ids]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids. A character of which only some bytes are there becomes U+FFFD."""
        return b"".join(self.tokens[number] for number in ids).decode("utf-8", errors="replace")

    def pieces(self, text: str) -> Iterator[Piece]:
        """The way of a text to its ids: its pieces, one by one, with every merge in each."""
        for start, piece in split(text, [END_OF_TEXT]):
            spelling = piece.encode()
            merges = () if piece == END_OF_TEXT else tuple(merges_of(spelling, self.ranks))
            tokens = (spelling,) if piece == END_OF_TEXT else parts_of(spelling, merges)
            for token in tokens:
                if token not in self.ids:
                    raise TokenizerError(f"{piece!r} cannot be spelled: the vocabulary lacks {token!r}.")
            yield Piece(start, piece, spelling, merges, tuple(self.ids[token] for token in tokens))


def merges_of(piece: bytes, ranks: Mapping[Pair, int]) -> list[Merge]:
    """Every merge that a piece goes through, in order; `ranks` has the place of each pair in the list of merges.

    Of all neighbours that the list knows, the pair that stands first in it is joined (the leftmost, where it occurs
    twice); then again, until the list knows none of the neighbours left.

    >>> [merge.left + merge.right for merge in merges_of(b"the", {(b"h", b"e"): 0, (b"t", b"he"): 1})]
    [b'he', b'the']
    """
    parts, merges = [piece[place : place + 1] for place in range(len(piece))], list[Merge]()
    while known := [pair for pair in pairwise(parts) if pair in ranks]:
        left, right = min(known, key=ranks.__getitem__)
        place = list(pairwise(parts)).index((left, right))
        boundary = len(b"".join(parts[: place + 1]))
        merges = [*merges, Merge(left, right, ranks[left, right], boundary)]
        parts = [*parts[:place], left + right, *parts[place + 2 :]]
    return merges


# Text -> pieces


_PIECES = re.compile(
    r"""
      '(?:[sdmt]|ll|ve|re)      # the ends of it's, he'd, I'm, don't, she'll, we've, they're
    | [ ]?[A-Za-z]+             # letters, with a space before them if there is one
    | [ ]?[0-9]+                # numbers
    | [ ]?[^\sA-Za-z0-9]+       # everything else that is not white space
    | \s+(?!\S)                 # white space; of several blanks before a word the last one goes with the word
    | \s+
    """,
    re.ASCII | re.VERBOSE,
)
"""GPT-2's pattern for ASCII: `stand_in` brings every text to that."""


def stand_in(character: str) -> str:
    """An ASCII character of the same kind: "a" for any letter, "1" for any number, a tab for white space, else "!".

    Kinds are those of the Unicode version that Python knows; newer characters count as "else".

    >>> [stand_in(character) for character in "é東½٣\u3000…"]
    ['a', 'a', '1', '1', '\\t', '!']
    """
    kind = unicodedata.category(character)[0]
    return "a" if kind == "L" else "1" if kind == "N" else "\t" if character.isspace() else "!"


def split(
    text: str, special: Iterable[str] = (), in_ascii: Callable[[str], str] = stand_in
) -> Iterator[tuple[int, str]]:
    """The text in pieces, each with the character where it begins. A special token is a piece wherever it stands.

    TokenizerError where the text holds half a character, which no bytes can spell.

    >>> [piece for _, piece in split("it's 2 o'clock<|endoftext|>", [END_OF_TEXT])]
    ['it', "'s", ' 2', ' o', "'", 'clock', '<|endoftext|>']
    """
    if half := re.search("[\ud800-\udfff]", text):
        raise TokenizerError(
            f"character {half.start() + 1} of the text is half of one, the surrogate U+{ord(half.group()):04X}: "
            "leave it out."
        )
    longest_first = sorted(special, key=len, reverse=True)
    whole, start = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)"), 0
    for found in [*whole.finditer(text), None]:
        between = text[start : found.start()] if found else text[start:]
        for piece in _PIECES.finditer("".join(c if c.isascii() else in_ascii(c) for c in between)):
            yield start + piece.start(), between[piece.start() : piece.end()]
        if found:
            yield found.start(), found.group()
            start = found.end()


# The letters in which vocab.json and merges.txt write bytes


def byte_letters() -> dict[int, str]:
    """The letter of every byte. A printable byte is its own letter; the others borrow one, from U+0100 on.

    >>> byte_letters()[ord("A")], byte_letters()[ord(" ")]
    ('A', 'Ġ')
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + place) for place, byte in enumerate(others)}


_BYTES = {letter: byte for byte, letter in byte_letters().items()}


def from_letters(name: str) -> bytes:
    """The bytes that a token's letters stand for. A name with other characters (some special tokens) is UTF-8.

    >>> from_letters("Ġupon")
    b' upon'
    """
    return bytes(_BYTES[letter] for letter in name) if all(letter in _BYTES for letter in name) else name.encode()
