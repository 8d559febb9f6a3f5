"""One token, as it is typed: what is no id is told in at most forty characters."""

import pytest

from explorer.errors import UsageError
from explorer.walk.one_token import token_id
from explorer.walk.text import single_token
from gpt.tokenizer import Piece
from tests.helpers.models import Bytes, embedded, small_model

CONFIG = small_model(vocab_size=256).config


@pytest.mark.parametrize("length", [5, 39, 40, 41, 80])
def test_what_is_no_id_is_told_and_says_where_it_is_cut(length: int) -> None:
    text = "id:" + "x" * (length - 3)
    with pytest.raises(UsageError) as raised:
        token_id(text, Bytes(), CONFIG)
    shown = str(raised.value).partition(" is not a token id")[0]
    assert shown.removesuffix("…") == text[:40]
    assert shown.endswith("…") == (length > 40)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("ab", r"ab is 2 tokens, not one \(a \| b\)"),
        ("id:256", "no token 256: ids go from 0 to 255"),
        ("id:-1", "not a token id"),
    ],
)
def test_what_is_no_single_token_of_the_model_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        token_id(text, Bytes(), CONFIG)
    assert [token_id(each, Bytes(), CONFIG) for each in ("a", "id:0", "id:255")] == [97, 0, 255]


class Surrounded(Bytes):
    """A tokenizer that puts a token before every text and one after it, as a user's own may."""

    def encode(self, text: str) -> list[int]:
        return [0, *super().encode(text), 1]

    def pieces(self, text: str) -> list[Piece]:
        end = len(text)
        return [Piece(0, "", b"", (), (0,)), *super().pieces(text), Piece(end, "", b"", (), (1,))]


@pytest.mark.parametrize("tokenizer", [Bytes(), Surrounded()], ids=["bytes", "surrounded"])
def test_a_text_of_one_token_is_that_token(tokenizer: Bytes) -> None:
    assert single_token("a", tokenizer) == ord("a")
    for text in ("ab", "é", ""):
        assert single_token(text, tokenizer) is None


def test_a_word_is_the_token_without_a_space_before_it_or_else_the_one_with_it() -> None:
    tokenizer = embedded()[1].tokenizer
    lily, girl = tokenizer.encode("Lily"), tokenizer.encode(" girl")
    assert (len(lily), len(girl), len(tokenizer.encode("girl"))) == (1, 1, 2)
    assert [single_token("Lily", tokenizer)] == lily
    assert [single_token("girl", tokenizer)] == girl
