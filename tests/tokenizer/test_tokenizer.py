"""The tokenizer against tiktoken with GPT-2's own pattern; its merges, one by one; and files that are malformed."""

import socket
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.errors import TokenizerError
from explorer.loading.places import embedded
from explorer.tokenizer.tokenizer import Tokenizer
from tests.helpers.checkpoint_builder import LETTERS, MERGES, VOCABULARY, write_tokenizer
from tests.helpers.tiktokens import GPT2_PATTERN, NOT_PRINTABLE, PRINTABLE, TEXTS, reference


@cache
def stories() -> Tokenizer:
    return Tokenizer.from_directory(embedded())


def build(directory: Path, **files: Any) -> Tokenizer:
    write_tokenizer(directory, **files)
    return Tokenizer.from_directory(directory)


# Text -> ids


def test_embedded_model() -> None:
    found = stories()
    assert found.n_vocab == 4096
    assert found.special == {"<|endoftext|>": 4095}
    assert found.encode("Once upon a time") == [416, 424, 258, 393]
    assert found.decode([416, 424, 258, 393]) == "Once upon a time"
    assert found.token_bytes(393) == b" time"


@pytest.mark.parametrize("text", TEXTS)
def test_encode_is_tiktoken_with_gpt2s_pattern(text: str) -> None:
    assert stories().encode(text) == reference()(text)
    assert stories().decode(stories().encode(text)) == text


@settings(max_examples=1000)
@given(st.text() | st.text(" \n\t'’sdmtlrve aA1½²é日\u3000\u00a0!<|>") | st.text(st.characters(codec="ascii")))
@example("\x1c\x1c a")  # white space to Python's `re`, but not to Rust's
def test_any_text(text: str) -> None:
    ids = stories().encode(text)
    assert ids == reference()(text)
    assert stories().decode(ids) == text
    check_pieces(text, stories(), ids)


def check_pieces(text: str, found: Tokenizer, ids: list[int]) -> None:
    """The pieces are the text, their ids are `ids`, and each merge is the one that is due."""
    pieces = found.pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    assert [id for piece in pieces for id in piece.ids] == ids
    ranks = {tuple(merge.split()): rank for rank, merge in enumerate(merges_in_letters())}
    letter = dict(zip([*PRINTABLE, *NOT_PRINTABLE], LETTERS))
    for piece in pieces:
        assert text[piece.start :].startswith(piece.text)
        assert piece.spelling == piece.text.encode()
        assert b"".join(map(found.token_bytes, piece.ids)) == piece.spelling
        if piece.text in found.special:
            assert piece.merges == ()
            continue
        parts = tuple(bytes([byte]) for byte in piece.spelling)
        for number, merge in enumerate(piece.merges, start=1):
            names = ["".join(letter[byte] for byte in part) for part in parts]
            due = min(ranks[pair] for pair in pairwise(names) if pair in ranks)
            place = next(place for place, pair in enumerate(pairwise(names)) if ranks.get(pair) == due)
            assert merge.rank == due
            assert (merge.left, merge.right) == parts[place : place + 2]
            parts = (*parts[:place], merge.left + merge.right, *parts[place + 2 :])
            assert piece.parts(number) == parts
        assert tuple(map(found.token_bytes, piece.ids)) == parts


@cache
def merges_in_letters() -> list[str]:
    return (embedded() / "merges.txt").read_text(encoding="utf-8").split("\n")[1:-1]


def test_what_is_a_letter_is_for_tiktoken_to_say() -> None:
    """Characters that are letters or numbers only in some versions of Unicode are what they are to tiktoken.

    It is given tokens of two bytes, one of them ASCII: it makes one where the two are in the same piece.
    """
    neighbours = "a1! \n"
    tokens = {
        bytes(pair) for byte in range(256) for other in neighbours.encode() for pair in ((byte, other), (other, byte))
    }
    ranks = {token: rank for rank, token in enumerate([*(bytes([byte]) for byte in range(256)), *sorted(tokens)])}
    encoding = tiktoken.Encoding("probe", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={})
    for code in [*range(0x3100), *range(0x3100, 0x110000, 97)]:
        if not 0xD800 <= code < 0xE000:
            for text in [side for other in neighbours for side in (other + chr(code), chr(code) + other)]:
                in_one_piece = any(rank >= 256 for rank in encoding.encode_ordinary(text))
                assert (len(stories().pieces(text)) == 1) is in_one_piece, ascii(text)


def test_merges_of_one_word(tmp_path: Path) -> None:
    found = build(tmp_path)
    special, in_the = found.pieces("<|endoftext|>in the")[0], found.pieces("<|endoftext|>in the")[1:]
    assert (special.start, special.merges, special.ids) == (0, (), (VOCABULARY["<|endoftext|>"],))
    assert [(piece.start, piece.text) for piece in in_the] == [(13, "in"), (15, " the")]
    the = in_the[1]
    steps = [(m.left, m.right, m.rank, the.parts(number)) for number, m in enumerate(the.merges, start=1)]
    assert steps == [
        (b"h", b"e", 0, (b" ", b"t", b"he")),
        (b"t", b"he", 1, (b" ", b"the")),
        (b" ", b"the", 2, (b" the",)),
    ]
    assert in_the[1].ids == (VOCABULARY["Ġthe"],)


def test_long_inputs() -> None:
    """Nothing here takes the square of the length; and white space does not overflow tiktoken's stack."""
    for text in ("a" * 50_000, " " * 200_000 + "x", "\n \n" * 30_000 + "x", "!" * 50_000):
        ids = stories().encode(text)
        assert stories().decode(ids) == text
        pieces = stories().pieces(text)
        assert [id for piece in pieces for id in piece.ids] == ids
        assert b"".join(pieces[0].parts()) == pieces[0].spelling


def test_half_a_character() -> None:
    for text, place, half in (("ab\ud83d", 3, "D83D"), ("\udcff", 1, "DCFF")):
        for read in (stories().encode, stories().pieces):
            with pytest.raises(
                TokenizerError, match=f"character {place} of the text is half of one, the surrogate U.{half}"
            ):
                read(text)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert Tokenizer.from_directory(embedded()).encode("Once") == [416]


# Ids -> text


def test_characters_in_parts_and_ids_without_tokens() -> None:
    found = stories()
    ids = found.encode("\U0001f9ff")
    assert len(ids) == 4
    assert found.decode(ids) == "\U0001f9ff"
    assert found.decode(ids[:2]) == found.decode(ids[2:3]) == "\ufffd"
    assert found.decode([416, 5000, 4095]) == "Once<id 5000><|endoftext|>"
    assert found.token_bytes(4096) == b"<id 4096>"
    assert found.token_bytes(-1) == b"<id -1>"


# Vocabularies of other shapes


def test_ids_need_not_follow_the_merges(tmp_path: Path) -> None:
    names = ["<|endoftext|>", "Ġthe", *reversed(LETTERS), "the", "in", "he"]
    found = build(tmp_path, vocabulary={name: 7 * place for place, name in enumerate(names)})
    assert found.n_vocab == 7 * (len(names) - 1) + 1
    ids = found.encode("in the<|endoftext|>h")
    assert ids == [7 * names.index(name) for name in ("in", "Ġthe", "<|endoftext|>", "h")]
    assert found.decode(ids) == "in the<|endoftext|>h"
    assert [id for piece in found.pieces("in the<|endoftext|>h") for id in piece.ids] == ids


def test_vocabulary_without_some_bytes(tmp_path: Path) -> None:
    found = build(tmp_path, vocabulary={"Ġ": 3, "t": 0, "h": 2, "e": 1, "he": 4}, merges=["h e"])
    assert found.n_vocab == 6, "with <|endoftext|>, which transformers adds where it is missing"
    assert found.encode("the the") == [0, 4, 3, 0, 4]
    for read in (found.encode, found.pieces):
        with pytest.raises(TokenizerError) as caught:
            read("the thé")
        assert str(caught.value) == (
            "'é', character 7 of the text, cannot be spelled: "
            "this model's vocabulary lacks the byte 0xC3. Leave it out."
        )


def test_merges_that_never_happen(tmp_path: Path) -> None:
    """a b comes before b c: then a bc never happens, nor does the token abc, although it is there."""
    merges = ["a b", "b c", "a bc", "bc d", "abc d"]
    names = [*LETTERS, "ab", "bc", "abc", "bcd", "abcd"]
    found = build(tmp_path, vocabulary={name: id for id, name in enumerate(names)}, merges=merges)
    for text, expected in (("abc", ["ab", "c"]), ("abcd", ["ab", "c", "d"]), ("xbcd", ["x", "bcd"])):
        assert [found.token_bytes(id).decode() for id in found.encode(text)] == expected
        assert [found.token_bytes(id).decode() for piece in found.pieces(text) for id in piece.ids] == expected


def test_two_merges_that_make_one_token(tmp_path: Path) -> None:
    merges = ["b c", "a b", "ab c", "a bc", "abc d"]
    names = [*LETTERS, "ab", "bc", "abc", "abcd"]
    found = build(tmp_path, vocabulary={name: id for id, name in enumerate(names)}, merges=merges)
    assert [found.token_bytes(id) for id in found.encode("abcd ab")] == [b"abcd", b" ", b"ab"]
    assert [merge.rank for merge in found.pieces("abcd")[0].merges] == [0, 3, 4]


def test_lines_that_are_no_merges(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, {**VOCABULARY, "##": 400}, [*MERGES, "", "# #"])
    text = (tmp_path / "merges.txt").read_text(encoding="utf-8")
    (tmp_path / "merges.txt").write_bytes(text.replace("\n", "\r\n").encode())
    found = Tokenizer.from_directory(tmp_path)
    assert found.encode("##the") == [400, VOCABULARY["the"]]
    assert found.pieces("##")[0].merges[0].rank == 4
