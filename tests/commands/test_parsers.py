"""The parsers of all commands: what their help says is true, and said in one way."""

import argparse
import csv
import io
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from explorer.commands import COMMANDS
from explorer.commands.examples import EXAMPLES
from explorer.commands.parser import Parser

PARSERS = {name: import_module(f"explorer.commands.{name}").parser() for name in ("explore", *COMMANDS)}
DEFAULT = re.compile(r"\(default: [^()]+\)")


def said(parser: argparse.ArgumentParser) -> list[tuple[argparse.Action, str]]:
    """Every option with its help, as it is printed."""
    formatter = parser._get_formatter()
    return [(action, formatter._expand_help(action)) for action in parser._actions if action.help]


@pytest.mark.parametrize("name", PARSERS)
def test_defaults_are_written_one_way(name: str) -> None:
    for action, text in said(PARSERS[name]):
        if "default" in text.replace("default processing", ""):
            assert DEFAULT.search(text), text
            assert DEFAULT.sub("", text).replace("default processing", "").count("default") == 0, text
            assert re.search(r"\(default: [^()]+\)$", text), text
        if action.default not in (None, False, True, [], "", argparse.SUPPRESS):
            shown = repr(action.default) if name in ("explore", "serve") and action.dest == "prompt" else action.default
            assert f"(default: {shown:g}" in text if isinstance(shown, float) else f"(default: {shown}" in text, text


@pytest.mark.parametrize("name", PARSERS)
def test_every_help_has_examples_and_no_color(name: str) -> None:
    parser = PARSERS[name]
    assert isinstance(parser, Parser)
    text = parser.format_help()
    examples = EXAMPLES["" if name == "explore" else name]
    assert examples
    for example in examples:
        assert f"\n  {example}\n" in text
    assert "--no-color" in text
    assert "\x1b" not in text


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) == {"", *COMMANDS}


def test_json_comes_with_csv() -> None:
    """Where a table comes out as JSON, it comes out as CSV too."""
    for name, parser in PARSERS.items():
        options = {option for action in parser._actions for option in action.option_strings}
        assert ("--json" in options) == ("--csv" in options), name


def test_no_color_is_heeded_by_everything_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")  # it is taken back after the test
    for words in (["models", "--no-color"], ["--no-color", "models"]):
        monkeypatch.setenv("NO_COLOR", "")
        assert main(words) == 0
        assert __import__("os").environ["NO_COLOR"] == "1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"CLICOLOR": "0"}, "1"),
        ({"CLICOLOR": "1"}, None),
        ({}, None),
        ({"CLICOLOR": "0", "FORCE_COLOR": "1"}, None),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, None),
        ({"NO_COLOR": "x", "FORCE_COLOR": "1"}, "x"),
    ],
)
def test_the_variables_of_colour(given: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    from os import environ

    from explorer.terminal import colour

    for name in ("CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    colour.prepare()
    assert environ.get("NO_COLOR") == expected


def test_a_wrong_call_is_told_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lens", "x", "--nothing"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "gpt-explorer lens: unrecognized arguments: --nothing",
        "See the options and examples: gpt-explorer lens --help",
    ]


def test_capital_v_is_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for option in ("-V", "--version"):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def tables(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, list[dict[str, str]]]:
    """A call's answer as JSON, and its rows of CSV by the names in the first."""
    assert main([*words, "--json"]) == 0
    in_json = json.loads(capsys.readouterr().out)
    assert main([*words, "--csv"]) == 0
    return in_json, list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_csv_holds_what_json_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "Once upon a"
    found, rows = tables(capsys, "lens", text)
    assert [float(row["entropy"]) for row in rows] == [row["entropy"] for row in found["rows"]]
    assert [row["next"] for row in rows] == [row["next"][0]["token"] for row in found["rows"]]
    found, rows = tables(capsys, "attribute", text)
    assert [float(row["value"]) for row in rows] == [part["value"] for part in found["contributions"]]
    found, rows = tables(capsys, "explain", text, "--at", "blocks.0.hook_resid_post[2,5]", "--terms", "0")
    assert [(row["label"], float(row["value"])) for row in rows] == [
        (term["label"], term["value"]) for term in found["terms"]
    ]
    found, rows = tables(capsys, "ablate", text, "--mlp", "0", "--top", "3")
    likeliest = {str(entry["id"]): entry["probability"] for entry in found["after"]}
    assert likeliest.items() <= {row["id"]: float(row["after"]) for row in rows}.items()
    found, rows = tables(capsys, "trace", text, "-o", str(tmp_path / "run"), "--only", "logits")
    assert [float(row["logit"]) for row in rows] == [entry["logit"] for each in found["predictions"] for entry in each]
    found, rows = tables(capsys, "source")
    assert [(row["name"], row["shape"]) for row in rows] == [(each["name"], " ".join(each["shape"])) for each in found]
    found, rows = tables(capsys, "models")
    assert [(row["name"], int(row["size"])) for row in rows] == [(each["name"], each["size"]) for each in found]
    found, rows = tables(capsys, "tour", "--list")
    assert [row["name"] for row in rows] == [each["name"] for each in found]
    found, rows = tables(capsys, "sweep", text, "--over", "mlps")
    assert [float(row["effect"]) for row in rows] == [row[0] for row in found["effects"]]


def test_csv_over_prompts_has_a_row_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prompts"
    file.write_text('Once upon\nTom said, "no"\n')
    for command in (["generate", "--max-new-tokens", "2"], ["lens"], ["ablate", "--head", "0.1"], ["heads"]):
        found, rows = tables(capsys, *command, "--prompts", str(file))
        assert [row["prompt"] for row in rows] == ["Once upon", 'Tom said, "no"']
        for each, row in zip(found["each"], rows):
            assert {name: float(row[name]) for name in each["measures"]} == each["measures"]


@pytest.mark.parametrize("words", [["generate", "x", "--csv"], ["source", "logits", "--csv"], ["tour", "--csv"]])
def test_csv_of_no_table(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "--csv" in capsys.readouterr().err
