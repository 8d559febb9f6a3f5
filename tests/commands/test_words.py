"""The words of a call: which command they are for, and texts that come from standard input or from a file."""

import io
import json
import sys
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands import COMMANDS
from explorer.commands.words import command_and_words, text_of
from explorer.errors import UsageError


@pytest.mark.parametrize(
    ("words", "command", "rest"),
    [
        ([], "explore", []),
        (["Once upon a time"], "explore", ["Once upon a time"]),
        (["generate", "x"], "generate", ["x"]),
        (["--model", "gpt2", "generate", "x"], "generate", ["--model", "gpt2", "x"]),
        (["--model=gpt2", "generate", "x"], "generate", ["--model=gpt2", "x"]),
        (["--mod", "gpt2", "--seed", "3", "lens", "x"], "lens", ["--mod", "gpt2", "--seed", "3", "x"]),
        (["--model", "generate", "x"], "explore", ["--model", "generate", "x"]),
        (["--model", "generate", "generate"], "generate", ["--model", "generate"]),
        (["--", "generate"], "explore", ["--", "generate"]),
        (["--model", "x", "--", "sweeep"], "explore", ["--model", "x", "--", "sweeep"]),
        (["-", "x"], "explore", ["-", "x"]),
        (["a generate"], "explore", ["a generate"]),
        (["sweeep the floor"], "explore", ["sweeep the floor"]),
        (["Once"], "explore", ["Once"]),
        (["--version"], "explore", ["--version"]),
    ],
)
def test_which_command_it_is(words: list[str], command: str, rest: list[str]) -> None:
    assert command_and_words(words) == (command, rest)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("sweeep", "gpt-explorer sweep"),
        ("model", "gpt-explorer models"),
        ("explian", "gpt-explorer explain"),
        ("Generate", "gpt-explorer generate"),
        ("verfy", "gpt-explorer verify"),
        ("help", "gpt-explorer --help"),
        ("version", "gpt-explorer --version"),
    ],
)
@pytest.mark.parametrize("before", [[], ["--model", "gpt2"]], ids=["alone", "after an option"])
def test_a_word_that_is_nearly_a_command_asks(word: str, meant: str, before: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        command_and_words([*before, word, "x"])
    assert f"is `{meant}` meant?" in str(caught.value)
    assert f"gpt-explorer -- {word}" in str(caught.value)


def test_every_command_is_found_with_two_letters_exchanged() -> None:
    for name in COMMANDS:
        exchanged = name[0] + name[2] + name[1] + name[3:]
        if exchanged != name and len(name) > 4:  # of four letters, too many words are as near
            with pytest.raises(UsageError, match=f"gpt-explorer {name}"):
                command_and_words([exchanged])


def given(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), encoding="ascii"))


@pytest.mark.parametrize(
    ("text", "read"),
    [(b"Once", "Once"), (b"Once\n", "Once"), (b"a\r\n", "a"), (b" a\n\n", " a\n"), ("é\n".encode(), "é"), (b"", "")],
)
def test_standard_input_and_files_are_read(
    text: bytes, read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As UTF-8, whatever the locale says; one line break at the end is left out."""
    given(monkeypatch, text)
    assert text_of("-") == read
    (tmp_path / "file").write_bytes(text)
    assert text_of(f"@{tmp_path / 'file'}") == read
    monkeypatch.chdir(tmp_path)
    assert text_of("@file") == read


def test_other_words_stand_for_themselves() -> None:
    for word in ("Once", "", "@", " -", " @file", "--", "a@b"):
        assert text_of(word) == word


def test_what_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"caf\xe9")
    for word, said in (
        ("@file", r"file is not UTF-8 \(byte 3 is 0xe9\)"),
        ("@nothing", "cannot be read .No such file"),
        ("@" + "a" * 300, "cannot be read"),
        ("@.", "name a file of text"),
    ):
        with pytest.raises(UsageError, match=said):
            text_of(word)
    given(monkeypatch, b"\xff")
    with pytest.raises(UsageError, match="standard input is not UTF-8"):
        text_of("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="that is closed"):
        text_of("-")


def test_generate_reads_its_prompt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given(monkeypatch, b"Once upon\n")
    assert main(["generate", "-", "--max-new-tokens", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompt"] == "Once upon"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-"], "the screen reads its keys from standard input"),
        (["@nothing"], "stands for a file"),
        (["trace", "x", "-o", "-"], "-o - names no file"),
        (["ablate", "x", "--head", "0.0", "--patch-from", "@nothing"], "stands for a file"),
    ],
)
def test_what_is_no_prompt_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_the_ids_in_the_help_are_those_of_the_default_model(capsys: pytest.CaptureFixture[str]) -> None:
    """An example that fails teaches nothing."""
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    shown = capsys.readouterr().out
    ids = next(word.rstrip(",") for word in shown.split() if word.count(",") == 3 and word[0].isdigit())
    assert main(["generate", "--ids", ids, "--max-new-tokens", "0"]) == 0
    assert capsys.readouterr().out == "Once upon a time\n"
