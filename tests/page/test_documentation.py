"""docs/export.md: its calls run and print what it says, and its options and keys are there."""

import re
import shlex
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands.export import parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/export.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^\$ gpt-explorer (.*)\n((?:[^$`].*\n)*)", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("words", "printed"), CALLS)
def test_a_call_prints_what_stands_there(
    words: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(words)) == 0
    (said, size), (wanted, about) = (text.rsplit(", ", 1) for text in (capsys.readouterr().out, printed))
    assert said == wanted
    assert size.split()[1:] == about.split()[1:] == ["MB"]
    assert float(size.split()[0]) == pytest.approx(float(about.split()[0]), rel=0.2), "zlib has several versions"


def test_there_are_calls_and_the_first_is_the_one_of_the_readme(walk_page: Path) -> None:
    assert len(CALLS) == 1
    (size,) = re.findall(r"The one above has ([\d.]+) MB", TEXT)
    assert walk_page.stat().st_size / 1e6 == pytest.approx(float(size), rel=0.1)


def test_every_option_is_documented_and_every_documented_option_is_there() -> None:
    known = {option for action in parser()._actions for option in action.option_strings}
    named = set(re.findall(r"`(--[\w-]+)", TEXT))
    assert named <= known
    assert known - named - {"-h", "--help", "-o", "--output", "--no-bos", "--no-color"} == set()


def test_the_keys_are_those_of_the_page() -> None:
    keys = (ROOT / "explorer/page/assets/keys.js").read_text(encoding="utf-8")
    handled = set(re.findall(r'^ {4}"?([^\s":]+)"?: \(\) =>', keys, re.MULTILINE))
    names = {
        "←": "ArrowLeft",
        "→": "ArrowRight",
        "↑": "ArrowUp",
        "↓": "ArrowDown",
        "enter": "Enter",
        "backspace": "Backspace",
    }
    named = {names.get(key, key) for key in re.findall(r"`([^\s`]|enter|backspace)`", TEXT)} - {"j"}
    assert len(named) > 12
    assert named <= handled
