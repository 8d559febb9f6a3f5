"""Looks that were chosen on the screen: they hold until the person's file says something else."""

import json
from pathlib import Path

import pytest

from explorer.preferences import remembered
from explorer.preferences.preferences import Held, Preferences
from explorer.preferences.problem import Place
from explorer.screen.appearance import wanted
from explorer.teaching import state_folder

FILE, VARIABLE = Place("config.toml", 3), Place("GPT_EXPLORER_THEME")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    return tmp_path / "state"


def theme(place: Place | None = None, said: str = "light") -> str:
    held = {"theme": Held(said, place)} if place else {}
    return wanted(Preferences(held=held), "theme", "dark")


def test_a_choice_holds_until_the_file_changes() -> None:
    assert theme() == "dark"
    remembered.keep_look("theme", "contrast", None)
    assert theme() == "contrast"
    assert theme(FILE) == "light", "the file is the later of the two"
    remembered.keep_look("theme", "contrast", "light")
    assert theme(FILE) == "contrast"
    assert theme(FILE, "nord") == "nord"


def test_a_variable_has_the_last_word() -> None:
    remembered.keep_look("theme", "contrast", "light")
    assert theme(VARIABLE) == "light"


def test_a_choice_of_what_the_file_says_is_no_choice(state: Path) -> None:
    remembered.keep_look("theme", "contrast", "light")
    remembered.keep_look("theme", "light", "light")
    assert theme(FILE) == "light"
    assert json.loads((state / remembered.LOOKS).read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"theme": 3}', '{"theme": {"chosen": "none such", "said": null}}'])
def test_a_damaged_state_is_no_state(state: Path, content: str) -> None:
    state.mkdir()
    (state / remembered.LOOKS).write_text(content, encoding="utf-8")
    (state / remembered.SAVING).write_text(content, encoding="utf-8")
    assert theme() == "dark"
    assert remembered.last_saved() == {}
