"""Ranks of merges that are kept for the next start: the same ones, and nothing is believed that does not fit."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.tokenizer import merging, remembered
from explorer.tokenizer.merging import merges_of, token_ranks
from gpt.tokenizer import Pair


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


def test_the_second_time_is_the_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for merges in lists(20):
        first = token_ranks(merges)
        pairs = {pair: rank for rank, pair in enumerate(merges)}
        for token, rank in first.items():
            joins = merges_of(token, pairs)
            assert [join.rank for join in joins[-1:]] == ([rank - 256] if len(token) > 1 else [])
        with monkeypatch.context() as patch:
            patch.setattr(merging, "_joins", None)  # nothing is worked out
            assert token_ranks(merges) == first
    assert len(list(folder.iterdir())) == 20, "a file each, and no part of one"


@pytest.mark.parametrize("content", ["", "[", "7", '{"a": 1}', "[-1]", "[12]", "[true]", '["1"]', "[1.5]", "[[0]]"])
def test_a_damaged_file_is_not_believed(content: str, folder: Path) -> None:
    (merges,) = lists(1)
    first = token_ranks(merges)
    (file,) = folder.iterdir()
    right = json.loads(file.read_text())
    file.write_text(content)
    assert token_ranks(merges) == first
    assert json.loads(file.read_text()) == right


def test_nothing_is_kept_where_that_is_not_wanted_or_not_possible(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (merges,) = lists(1)
    monkeypatch.setattr(remembered, "_FEWEST", 1000)
    first = token_ranks(merges)
    monkeypatch.setattr(remembered, "_FEWEST", 1)
    monkeypatch.setenv("GPT_EXPLORER_STATE", "")
    assert token_ranks(merges) == first
    assert not folder.exists()
    folder.write_text("this is a file")
    monkeypatch.setenv("GPT_EXPLORER_STATE", str(folder))
    assert token_ranks(merges) == first
