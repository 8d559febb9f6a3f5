"""The command line: what it prints, what it refuses and how it says so."""

import json
import os
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import explorer.commands
from explorer import __version__
from explorer.cli import main
from explorer.commands import COMMANDS
from gpt import GPT, Output, Sampling, generate
from tests.helpers.models import embedded

PROMPT = "Once upon a time"


def test_generate_continues_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", PROMPT, "--max-new-tokens", "6", "--seed", "3"]) == 0
    model, checkpoint = embedded()
    tokenizer = checkpoint.tokenizer
    steps = generate(model, tokenizer.encode(PROMPT), 6, Sampling(0.8, 40), seed=3)
    assert capsys.readouterr().out == PROMPT + tokenizer.decode([step.token for step in steps]) + "\n"


def test_generate_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", PROMPT, "--greedy", "--json", "--max-new-tokens", "5"]) == 0
    printed = json.loads(capsys.readouterr().out)
    model, checkpoint = embedded()
    steps = generate(model, printed["prompt_ids"], 5, Sampling(0))
    assert set(printed) == {"prompt", "prompt_ids", "ids", "text", "ended"}
    assert printed["ended"] == "max_new_tokens"
    assert printed["prompt"] == PROMPT
    assert printed["ids"] == printed["prompt_ids"] + [step.token for step in steps]
    assert printed["text"] == checkpoint.tokenizer.decode(printed["ids"])


def test_no_new_tokens_is_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", PROMPT, "--max-new-tokens", "0"]) == 0
    assert capsys.readouterr().out == PROMPT + "\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["generate", ""], 2, "the prompt is empty"),
        (["generate", "a " * 300], 2, "tokens are too many: this model sees 256 at most"),
        (["generate", "x", "--model", "no/such/place/at/all"], 1, "no/such/place/at/all"),
        (["generate", "x", "--model", __file__], 1, "this is a file"),
        (["generate", "x", "--temperature", "-1"], 2, "the temperature is -1.0"),
        (["generate", "x", "--temperature", "1e-320"], 2, "too near to zero"),
        (["generate", "x", "--top-p", "2"], 2, "top-p is 2.0"),
        ([], 1, "draws on a terminal"),
        (["a prompt"], 1, "gpt-explorer generate"),
        (["--", "generate"], 1, "draws on a terminal"),
    ],
)
def test_refusals(arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In words, on standard error; nothing on standard output but the prompt that was streamed."""
    assert main(arguments) == status
    out, error = capsys.readouterr()
    assert said in error
    assert error.startswith("gpt-explorer: ")
    assert error.count("\n") == 1
    assert out in ("", "x")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--top-k", "x", "'x' is not a whole number"),
        ("--top-k", "-1", "-1 is below zero"),
        ("--max-new-tokens", "-5", "-5 is below zero"),
        ("--seed", "x", "'x' is not a whole number"),
        ("--temperature", "warm", "'warm' is not a number"),
    ],
)
def test_malformed_options(option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "x", option, value])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, shown in ((["--version"], __version__), (["--help"], "generate"), (["generate", "-h"], "--json")):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert shown in capsys.readouterr().out


def test_every_command_is_listed_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    modules = {name for _, name, _ in pkgutil.iter_modules(explorer.commands.__path__)}
    runnable = {name for name in modules if hasattr(import_module(f"explorer.commands.{name}"), "run")}
    assert runnable == {"explore", *COMMANDS}
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for name, (words, meaning) in COMMANDS.items():
        assert re.search(rf"^  gpt-explorer {name} {re.escape(words)} *  {re.escape(meaning)}$", shown, re.MULTILINE)
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: gpt-explorer {name} ")


def test_text_is_written_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a file, as into a pipe, each token can be read before the next one is computed."""
    model, tokenizer = embedded()[0], embedded()[1].tokenizer
    ids = tokenizer.encode(PROMPT)
    steps = [step.token for step in generate(model, ids, 5, Sampling(0.0))]
    file, written, forward = tmp_path / "text", [], GPT.forward

    def noting(model: GPT, *rest: Any, **options: Any) -> Output:
        written.append(file.read_text(encoding="utf-8"))
        return forward(model, *rest, **options)

    monkeypatch.setattr(GPT, "forward", noting)
    with file.open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["generate", PROMPT, "--max-new-tokens", "5", "--greedy"]) == 0
    assert written[1:] == [tokenizer.decode([*ids, *steps[:count]]) for count in range(1, 5)]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_the_program_opens_in_a_terminal_and_quits(tmp_path: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    process, screen = pty.fork()
    if not process:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "explorer", "Tom and Lily"])
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen, quitting = b"", False
    while True:
        try:
            seen += os.read(screen, 65536)
        except OSError:  # the program has ended
            break
        if b"computed in" in seen and not quitting:
            quitting = os.write(screen, b"q") == 1
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"GPT Explorer" in seen
    assert b" Tokens " in seen, "the first stage"


def test_a_trace_is_written_and_its_predictions_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.safetensors"
    assert main(["trace", PROMPT, "-o", str(file), "--json", "--only", "logits"]) == 0
    printed = json.loads(capsys.readouterr().out)
    model, checkpoint = embedded()
    ids = checkpoint.tokenizer.encode(PROMPT)
    logits = np.asarray(model.forward(ids).logits)
    np.testing.assert_array_equal(load_file(file)["logits"], logits)
    assert printed["ids"] == ids
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    for row, expected, values in zip(printed["predictions"], shares, logits):
        assert [entry["id"] for entry in row] == np.argsort(-expected, kind="stable")[: len(row)].tolist()
        for entry in row:
            assert entry["probability"] == pytest.approx(expected[entry["id"]], rel=1e-12)
            assert entry["logit"] == values[entry["id"]]
            assert entry["token"] == checkpoint.tokenizer.decode([entry["id"]])


def test_ids_in_place_of_a_prompt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = embedded()[1].tokenizer.encode(PROMPT)
    given = ",".join(map(str, ids))
    for by in ([PROMPT], ["--ids", given]):
        assert main(["generate", *by, "--greedy", "--json", "--max-new-tokens", "4", "--engine", "numpy"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == json.loads(second)
    assert main(["trace", "--ids", given, "-o", str(tmp_path / "run")]) == 0
    assert "158 activations of 4 tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["generate"], 2, "there is no prompt"),
        (["generate", "x", "--ids", "1"], 2, "give one of them"),
        (["generate", "--ids", "4096"], 2, "there is no token 4096"),
        (["generate", "x", "--model", "no-such-model"], 2, "nor a model with a short name"),
        (["generate", "x", "--model", "gpt2@"], 2, "after @ comes a revision"),
        (["trace", "x", "-o", "no/such/place/x"], 1, "cannot be written"),
        (["trace", "x", "-o", "x.safetensors", "--only", "nothing"], 2, "no activation is called nothing"),
        (["open", __file__], 1, "cannot be read as a trace"),
        (["explain", "x", "--at", "nothing"], 2, "names no number"),
        (["explain", "x", "--at", "logits[0]"], 2, "logits takes 2 numbers"),
        (["explain", "x", "--at", "nothing[0]"], 2, "there is no 'nothing'"),
        (["source", "nothing"], 2, "there is no 'nothing'"),
        (["attribute", "x", "--token", "id:4096"], 2, "there is no token 4096"),
        (["attribute", "x", "--token", "id:x"], 2, "id:x is not a token id"),
        (["attribute", "x", "--token", "no single token"], 2, "not one"),
        (["attribute", "x", "--token", "id:5", "--versus", "id:5"], 2, "the same token"),
        (["attribute", "x", "--position", "7"], 2, "there is no position 7"),
        (["ablate", "x"], 2, "nothing is edited"),
        (["ablate", "x", "--position", "0"], 2, "name one of these too"),
        (["ablate", "x", "--edge", "0-0", "--mean"], 2, "edges are always cut"),
        (["ablate", "x", "--head", "9.0"], 2, "there is no block 9"),
        (["ablate", "x", "--head", "0.9"], 2, "there is no head 9"),
        (["ablate", "x", "--at", "nothing at all"], 2, "names no activation"),
        (["ablate", "x", "--mlp", "0", "--patch-from", ""], 2, "the prompt to patch from is empty"),
        (["sweep", "x", "--metric", "kl", "--token", "id:5"], 2, "KL is about all tokens"),
        (["sweep", "x", "--metric", "logit", "--versus", "id:5"], 2, "does not compare two tokens"),
    ],
)
def test_more_refusals(arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 if another call would work, 1 if a file, a folder or a terminal is the reason."""
    assert main(arguments) == status
    out, error = capsys.readouterr()
    assert said in error
    assert not out
