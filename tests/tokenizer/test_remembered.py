"""A vocabulary that is kept for the next start: the same one, and nothing is believed that does not fit."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import TokenizerError
from explorer.loading.places import embedded
from explorer.tokenizer import remembered, tokenizer
from explorer.tokenizer.byte_level import ByteLevelTokenizer
from explorer.tokenizer.files import Vocabulary, read_files
from explorer.tokenizer.merging import merges_of, token_ranks, unused
from explorer.tokenizer.remembered import vocabulary
from gpt.tokenizer import Pair
from tests.helpers.checkpoint_builder import MERGES, VOCABULARY, write_tokenizer
from tests.helpers.tiktokens import TEXTS, reference

SPECIAL = [
    ("special_tokens_map.json", {}),
    ("special_tokens_map.json", {"eos_token": "he", "pad_token": "Ġthe", "unk_token": "é"}),
    ("tokenizer_config.json", {"added_tokens_decoder": {"300": {"content": "<new>", "special": True}}}),
]
"""Tokens that are in letters, in others, and beyond the vocabulary."""


def lists(count: int) -> Iterator[list[Pair]]:
    """Merges of three letters; in some lists a token is made twice, or never by its own merge."""
    for seed in range(count):
        numbers = random.Random(seed)
        tokens, merges = [b"a", b"b", b"c"], dict[Pair, None]()
        for _ in range(12):
            pair = numbers.choice(tokens), numbers.choice(tokens)
            merges[pair] = None
            tokens.append(pair[0] + pair[1])
        yield list(merges)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPT_EXPLORER_STATE", str(tmp_path / "kept"))
    monkeypatch.setattr(remembered, "_FEWEST", 1)
    return tmp_path / "kept"


def not_again(directory: Path) -> Any:
    raise AssertionError("the files are read again")


def test_the_unused_are_those_that_are_not_merged_into_themselves() -> None:
    some = 0
    for merges in lists(20):
        pairs = {pair: rank for rank, pair in enumerate(merges)}
        ranks = token_ranks(merges, unused(merges))
        for token, rank in ranks.items():
            joins = merges_of(token, pairs)
            assert [join.rank for join in joins[-1:]] == ([rank - 256] if len(token) > 1 else [])
        some += len(unused(merges))
    assert some


def test_the_second_time_is_the_first(folder: Path, tmp_path: Path) -> None:
    directories = [tmp_path / str(number) for number in range(len(SPECIAL))]
    for directory, (name, content) in zip(directories, SPECIAL):
        directory.mkdir()
        (directory / name).write_text(json.dumps(content))
        write_tokenizer(directory)
    for directory in (*directories, embedded()):
        first = vocabulary(directory, read_files)
        assert isinstance(first, Vocabulary)
        assert first == read_files(directory)
        assert vocabulary(directory, not_again) == first
    assert len(list(folder.iterdir())) == len(SPECIAL) + 1, "a file each, and no part of one"


def test_what_was_kept_makes_the_same_ids(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ByteLevelTokenizer.from_directory(embedded())
    monkeypatch.setattr("explorer.tokenizer.files.read_files", not_again)
    second = tokenizer.Tokenizer.from_directory(embedded())
    for text in TEXTS:
        assert second.encode(text) == first.encode(text) == reference()(text)
        assert second.pieces(text) == first.pieces(text)
    assert second.notes == first.notes
    assert set(second.ids()) == set(first.ids())


@pytest.mark.parametrize("cut", [0, 1, 30, 200, -200, -30, -1])
def test_a_damaged_file_is_not_believed(cut: int, folder: Path) -> None:
    first = vocabulary(embedded(), read_files)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[cut] ^= 255
    for content in (whole[:cut], bytes(flipped), b"", b"PK", b"[]" * 999):
        file.write_bytes(content)
        assert vocabulary(embedded(), read_files) == first
        assert file.read_bytes() in (whole, content), "kept anew, unless it was the same vocabulary after all"
        file.write_bytes(whole)


def test_other_files_are_read(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "model"
    place.mkdir()
    write_tokenizer(place)
    first = vocabulary(place, read_files)
    assert isinstance(first, Vocabulary)
    renamed = tmp_path / "renamed"
    shutil.copytree(place, renamed)
    assert vocabulary(renamed, not_again) == first, "the same files in another place"
    write_tokenizer(place, vocabulary=VOCABULARY, merges=MERGES[::-1])
    second = vocabulary(place, read_files)
    assert isinstance(second, Vocabulary)
    assert second.merges == first.merges[::-1]
    name, content = SPECIAL[2]
    (place / name).write_text(json.dumps(content))
    third = vocabulary(place, read_files)
    assert isinstance(third, Vocabulary)
    assert third.special == {**second.special, "<new>": 300}
    (place / "merges.txt").unlink()
    with pytest.raises(TokenizerError, match=r"merges\.txt"):
        vocabulary(place, read_files)


def test_nothing_is_kept_where_that_is_not_wanted_or_not_possible(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_FEWEST", 10**6)
    first = vocabulary(embedded(), read_files)
    monkeypatch.setattr(remembered, "_FEWEST", 1)
    monkeypatch.setenv("GPT_EXPLORER_STATE", "")
    assert vocabulary(embedded(), read_files) == first
    assert not folder.exists()
    folder.write_text("this is a file")
    monkeypatch.setenv("GPT_EXPLORER_STATE", str(folder))
    assert vocabulary(embedded(), read_files) == first
