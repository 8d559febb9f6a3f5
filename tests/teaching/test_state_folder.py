"""The folder that the program remembers in: one that cannot be used means that nothing is remembered."""

from pathlib import Path

import pytest

from explorer.teaching import bookmarks, state_folder
from explorer.tokenizer import remembered
from explorer.tokenizer.files import Vocabulary

VOCABULARY = Vocabulary({b"a": 0}, [], {}, {0: b"a"}, ())


@pytest.mark.parametrize("named", ["", "~nobodyatall/x", "b" * 300])
def test_a_folder_that_cannot_be(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(state_folder.VARIABLE, named)
    assert state_folder.remembered("x") is None
    assert not state_folder.keep("x", "text")
    assert bookmarks.remembered(state_folder.find("bookmarks.toml")) == {}
    (tmp_path / "vocab.json").write_text(" " * remembered._FEWEST)  # large enough to be kept
    assert remembered.vocabulary(tmp_path, lambda directory: VOCABULARY) is VOCABULARY
    assert [path.name for path in tmp_path.iterdir()] == ["vocab.json"]


def test_a_folder_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(state_folder.VARIABLE, "~/state")
    assert state_folder.keep("x", "text")
    assert (tmp_path / "state" / "x").read_text() == "text"
    assert state_folder.remembered("x") == "text"
