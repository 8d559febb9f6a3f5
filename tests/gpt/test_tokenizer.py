"""The tokenizer of `gpt/`: the ids are tiktoken's, and the merges those that the explorer finds faster."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.loading.places import embedded
from explorer.tokenizer import merging
from gpt.errors import TokenizerError
from gpt.tokenizer import Pair, Tokenizer, merges_of
from tests.helpers.checkpoint_builder import write_tokenizer
from tests.helpers.hostile import texts
from tests.helpers.tiktokens import TEXTS, reference


@cache
def stories() -> Tokenizer:
    return Tokenizer.from_directory(embedded())


def check(given: Iterable[str]) -> None:
    for text in given:
        ids = reference()(text)
        assert stories().encode(text) == ids, ascii(text)
        assert stories().decode(ids) == text


def test_the_ids_are_tiktokens() -> None:
    check([*TEXTS, *texts(seed=0, count=30_000)])


def test_pieces_and_their_parts() -> None:
    (piece,) = stories().pieces(" upon")
    assert piece.parts(0) == (b" ", b"u", b"p", b"o", b"n")
    assert piece.parts() == (b" upon",)
    for number, merge in enumerate(piece.merges):
        assert len(piece.parts(number)) - 1 == len(piece.parts(number + 1))
        assert merge.left + merge.right in piece.parts(number + 1)
    text = "it's <|endoftext|> half past\n 2"
    assert "".join(piece.text for piece in stories().pieces(text)) == text
    assert all(text[piece.start :].startswith(piece.text) for piece in stories().pieces(text))


letters = st.binary(min_size=1, max_size=3).map(lambda part: bytes(97 + byte % 3 for byte in part))


@given(
    st.binary(max_size=24).map(lambda text: bytes(97 + byte % 3 for byte in text)),
    st.lists(st.tuples(letters, letters), unique=True),
)
def test_the_fast_merges_are_the_same(piece: bytes, pairs: list[Pair]) -> None:
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    assert merges_of(piece, ranks) == merging.merges_of(piece, ranks)


def test_a_character_that_is_cut_in_two() -> None:
    ids = stories().encode("é")
    assert len(ids) == 2
    assert stories().decode(ids[:1]) == "\ufffd"


def test_what_cannot_be_spelled(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    vocabulary = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    del vocabulary["x"]
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with pytest.raises(TokenizerError, match="'axe' cannot be spelled: the vocabulary lacks b'x'"):
        Tokenizer.from_directory(tmp_path).encode("axe")
    with pytest.raises(TokenizerError, match=r"character 3 of the text is half of one, the surrogate U\+D83D"):
        Tokenizer.from_directory(tmp_path).encode("ab\ud83d")


@pytest.mark.parametrize(
    ("name", "content"),
    [("vocab.json", "[]"), ("vocab.json", "{"), ("merges.txt", "a b c"), ("merges.txt", "one"), ("merges.txt", None)],
)
def test_files_that_are_not_gpt2s(tmp_path: Path, name: str, content: str | None) -> None:
    write_tokenizer(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(TokenizerError, match=r"vocab\.json and merges\.txt are not as GPT-2's are"):
        Tokenizer.from_directory(tmp_path)
