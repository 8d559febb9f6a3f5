"""Text -> token ids and back, whatever tokenizer a model comes with.

GPT-2's own kind, a byte-level BPE behind GPT-2's pattern, is in `byte_level`; every other `tokenizer.json` is run by
Hugging Face's tokenizers in `library`.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from explorer.errors import TokenizerError
from gpt.tokenizer import Piece


class Tokenizer:
    """A model's tokenizer.

    >>> tokenizer = Tokenizer.from_directory("assets/stories")
    >>> tokenizer.encode("Once upon a time")
    [416, 424, 258, 393]
    >>> tokenizer.decode([416, 424])
    'Once upon'
    """

    special: Mapping[str, int]
    """Tokens that are found in a text as they stand, before anything else, by their text."""

    n_vocab: int
    """The highest id, and one."""

    notes: tuple[str, ...] = ()
    """Notes for the user about the files, though they can be used."""

    in_bytes: bool = True
    """Whether the text of some ids is the bytes of each, one after the other."""

    @staticmethod
    def from_directory(path: Path | str) -> "Tokenizer":
        """The tokenizer of a model's directory; a TokenizerError says what is wrong with its files."""
        from explorer.tokenizer import remembered
        from explorer.tokenizer.byte_level import ByteLevelTokenizer
        from explorer.tokenizer.files import Vocabulary, read_files

        found = remembered.vocabulary(Path(path), read_files)
        if isinstance(found, Vocabulary):
            return ByteLevelTokenizer(found)
        from explorer.tokenizer.library import LibraryTokenizer  # most models do without it

        return LibraryTokenizer(found)

    def ids(self) -> Collection[int]:
        """Every id that has a token."""
        return ()

    def encode(self, text: str) -> list[int]:
        """The ids of a text. Special tokens written out in it become their own id, as in Hugging Face's tokenizers.

        TokenizerError where the vocabulary cannot spell it.
        """
        raise NotImplementedError

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; where they break off within a character, U+FFFD stands for it."""
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token; `<id 4097>` for an id that the vocabulary has no token for."""
        return b"<id %d>" % id

    def pieces(self, text: str) -> list[Piece]:
        """How `encode` comes to its ids: the pieces of the text, and every merge in each of them."""
        raise NotImplementedError


class NoTokenizer(Tokenizer):
    """In the place of a tokenizer that cannot be opened: enough for token ids, which need none."""

    special: Mapping[str, int] = {}
    n_vocab = 0

    def __init__(self, why: str) -> None:
        self._why = why
        self.notes = (f"{why} Tokens are shown by their ids.",)

    def encode(self, text: str) -> list[int]:
        raise TokenizerError(f"{self._why} Until then give token ids.")

    def pieces(self, text: str) -> list[Piece]:
        raise TokenizerError(f"{self._why} Until then give token ids.")
