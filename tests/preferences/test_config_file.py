"""The file of a person's settings: whatever is in it, what is right holds, and what is wrong is named with its line."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.preferences import config_file, preferences
from explorer.preferences.config_file import line_of
from explorer.preferences.preferences import Preferences


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(config_file.VARIABLE, str(tmp_path / "config.toml"))
    return tmp_path / "config.toml"


def read(file: Path, content: str | bytes) -> Preferences:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return preferences.read({})


def lines(own: Preferences) -> list[int | None]:
    return [problem.place.line for problem in own.problems]


def test_what_is_said_holds_from_where_it_is_said(file: Path) -> None:
    own = read(file, 'theme = "light"\n\n[sampling]\n# cold\ntemperature = 0\ntop_k = 0\n\n[keys]\ndraw = ["d", "D"]\n')
    assert own.problems == []
    assert own.value("theme") == "light"
    assert own.value("sampling.temperature") == 0.0
    assert own.value("sampling.top_k") == 0
    assert own.held["sampling.top_k"].place == (str(file), 6)
    assert own.keys["draw"] == (("d", "D"), (str(file), 9))


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('thme = "light"', 1, "Is `theme` meant?"),
        ('\ncolors = "hue"', 2, "Is `colours` meant?"),
        ('colours = "hues"', 1, "Is `hue` meant?"),
        ("temperature = 1", 1, "after a line [sampling]"),
        ("[sampling]\nmodel = 'gpt2'", 2, "before the first table"),
        ("[sampling]\ntemperature = -1", 2, "zero (greedy) or more"),
        ("[sampling]\ntop_p = 0", 2, "above 0"),
        ("[sampling]\ntop_k = 1.5", 2, "whole number"),
        ("[sampling]\nseed = true", 2, "whole number"),
        ("[sampling]\ntemprature = 1", 2, "Is `temperature` meant?"),
        ("[sampilng]\ntop_k = 1", 1, "Is `sampling` meant?"),
        ("sampling = 1", 1, "after a line [sampling]"),
        ("theme = 3", 1, "quotation marks"),
        ("bos = 'perhaps'", 1, "true or false"),
        ("[keys]\ndraw = 3", 2, "a text or a list"),
        ("[keys]\ndraw = ''", 2, "a text or a list"),
        ("theme = 'dark", 1, "not TOML"),
        ("x = 1\nx = 2", 2, "not TOML"),
        ("[keys]\ndraw = 'd'\ndraw.many = 'D'", 3, "quotation marks"),
    ],
)
def test_each_mistake_is_named_with_its_line_and_the_rest_holds(
    file: Path, content: str, line: int, words: str
) -> None:
    own = read(file, f"{content}\n\n[last]\n")
    assert line in lines(own)
    assert any(words in problem.words for problem in own.problems if problem.place.line == line)
    own = read(file, "engine = 'python'\n" + content)
    assert own.value("engine") == "python"


def test_a_table_whose_head_is_wrong_is_left_out_as_a_whole(file: Path) -> None:
    own = read(file, "[sampling\ntop_k = 3\n[keys]\ndraw = 'd'\n")
    assert lines(own) == [1]
    assert "lines 1 to 2" in own.problems[0].words
    assert "draw" in own.keys


def test_an_open_end_leaves_what_came_before(file: Path) -> None:
    own = read(file, 'theme = "dark"\nmodel = """gpt2\n\n[keys]\n')
    assert own.value("theme") == "dark"
    assert lines(own) == [2]


def test_a_file_that_cannot_be_read_is_reported(file: Path) -> None:
    assert lines(read(file, b"theme = 'dark'\nmodel = '\xff'\n")) == [2]
    assert read(file, "#" * 200_000).problems
    file.unlink()
    assert "no such file" in preferences.read({}).problems[0].words
    file.mkdir()
    assert "cannot be read" in preferences.read({}).problems[0].words


def test_without_a_file_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(config_file.VARIABLE, "")
    assert preferences.read({}) == Preferences(config_file.ConfigFile(None))
    monkeypatch.delenv(config_file.VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    found = config_file.find()
    assert found
    assert found.name == "config.toml"
    assert "gpt-explorer" in found.parts


def test_variables_are_over_the_file(file: Path) -> None:
    file.write_text("theme = 'light'\n[sampling]\ntop_k = 3\n", encoding="utf-8")
    own = preferences.read({"GPT_EXPLORER_TOP_K": "7", "GPT_EXPLORER_TOP_P": "2", "GPT_EXPLORER_TEMPRATURE": "1"})
    assert own.value("sampling.top_k") == 7
    assert not own.held["sampling.top_k"].from_file
    assert own.value("theme") == "light"
    assert own.held["theme"].from_file
    assert [problem.place.source for problem in own.problems] == ["GPT_EXPLORER_TOP_P", "GPT_EXPLORER_TEMPRATURE"]
    assert "Is `GPT_EXPLORER_TEMPERATURE` meant?" in own.problems[1].words


@given(
    st.lists(st.sampled_from(["a = 1", 'b = """', 'x"""', "[t]", "c = [1,", "2]", "# a = 2", "", "a = 3", "[t", "é ="]))
)
def test_any_file_is_read_and_every_line_is_right(written: list[str]) -> None:
    found = config_file.ConfigFile(Path("config.toml"), lines=list(written))
    config_file._parse(found)
    given_up = any("Nothing of it holds" in problem.words for problem in found.problems)
    assert given_up or found.tables == tomllib.loads("\n".join(found.lines) + "\n")
    for key in found.tables:
        line = line_of(found.lines, [key])
        assert line
        assert key in found.lines[line - 1]
        assert key not in (config_file._read_in_part(found.lines, line - 1) or {})


def test_nothing_is_left_of_the_tests_own_environment() -> None:
    assert os.environ[config_file.VARIABLE] == ""
