"""docs/commands.md: its commands, statuses and uses are those of the program, and it prints what is shown."""

import re
import shlex
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands import COMMANDS, completion, man, serve
from explorer.commands.explore import STATUS
from tests.helpers.any_python import on_any_python

TEXT = (Path(__file__).parents[2] / "docs/commands.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", TEXT, re.MULTILINE)
    shown = {words.replace("\\|", "|"): meaning for words, meaning in rows}
    expected = {f"{name} {words}".strip(): meaning for name, (words, meaning) in COMMANDS.items()}
    assert expected.items() <= shown.items()


def test_every_exit_status_is_there() -> None:
    assert dict(re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)) == {
        str(status): meaning for status, meaning in STATUS.items()
    }


def test_the_uses_are_those_of_the_help() -> None:
    for shell, use in re.findall(r"^\| (bash|zsh|fish) \| `(.+?)`", TEXT, re.MULTILINE):
        assert f"{shell:<5} {use}" in completion.parser().format_help()
    for use in re.findall(r"`(gpt-explorer man [|>].+?)`", TEXT):
        assert use in man.parser().format_help()


def test_the_options_of_serve_are_real() -> None:
    known = {option for action in serve.parser()._actions for option in action.option_strings}
    section = TEXT.partition("## In a browser")[2]
    named = set(re.findall(r"`(--[a-z]+)", section))
    assert named
    assert named <= known


def test_it_prints_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"^\$ gpt-explorer (.*)\n((?:(?!```|\$).*\n)+)", TEXT, re.MULTILINE)
    assert examples
    for words, shown in examples:
        assert main(shlex.split(words)) == 0
        assert on_any_python(capsys.readouterr().out) == on_any_python(shown)
