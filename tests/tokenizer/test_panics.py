"""Panics of the tokenizers library: they become errors, and what it prints of them reaches no terminal."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tokenizers
from tokenizers import AddedToken, normalizers

from explorer.errors import TokenizerError
from explorer.tokenizer.tokenizer import Tokenizer
from tests.helpers.checkpoint_builder import CONFIG, write_checkpoint
from tests.helpers.library_tokenizers import library

TEXT = "日本"
PANICS = """
import sys, tokenizers
try:
    tokenizers.Tokenizer.from_file(sys.argv[1]).encode(sys.argv[2])
except BaseException as error:
    sys.exit(type(error).__name__)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose tokenizer panics on `TEXT`: its normalizer moves the bytes that an added token is looked for in."""
    monkeypatch.setenv("RUST_BACKTRACE", "1")  # then most is printed
    directory = write_checkpoint(tmp_path / "model", vocab_size=CONFIG["vocab_size"] + 2, n_positions=64)
    found = library(AddedToken(" ", rstrip=True))
    found.normalizer = normalizers.Strip()
    found.save(str(directory / "tokenizer.json"))
    call = [sys.executable, "-c", PANICS, str(directory / "tokenizer.json"), TEXT]
    raw = subprocess.run(call, capture_output=True, text=True, encoding="utf-8")
    if "PanicException" not in raw.stderr:
        pytest.skip(f"tokenizers {tokenizers.__version__} does not panic here")
    assert "panicked at" in raw.stderr, "this is what must not be seen"
    return directory


def test_a_panic_is_an_error_that_says_where(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tokenizer = Tokenizer.from_directory(model)
    for ask in (tokenizer.encode, tokenizer.pieces):
        with pytest.raises(TokenizerError, match=r"cannot be cut .* failed at \w+\.rs:\d+:\d+: .*日.*Change"):
            ask(TEXT)
    assert capfd.readouterr() == ("", "")
    assert tokenizer.encode("in the")


def test_a_panic_while_decoding(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is known: it is raised here as the library would."""

    class PanicException(BaseException):
        pass

    class Panics:
        def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
            os.write(2, b"\nthread '<unnamed>' panicked at src/decoders/x.rs:1:2:\nb\x1bad\nstack backtrace:\n")
            raise PanicException("b\x1bad")

    tokenizer = Tokenizer.from_directory(model)
    monkeypatch.setattr(tokenizer, "_whole", Panics())
    with pytest.raises(TokenizerError, match=r"cannot be made a text: .* failed at x\.rs:1:2: b␛ad\. Download"):
        tokenizer.decode([3])


def test_a_command_says_one_line(model: Path) -> None:
    call = [sys.executable, "-m", "explorer", "generate", TEXT, "--model", str(model)]
    done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"gpt-explorer: .*cannot be cut into tokens: .*\n", done.stderr), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize("picked", [False, True], ids=["opened", "picked"])
def test_nothing_of_it_is_on_the_screen(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picked: bool
) -> None:
    from tests.helpers.pseudo_terminal import Program, restored

    if picked:
        repository = tmp_path / "hub" / "models--some--model"
        shutil.copytree(model, repository / "snapshots" / "abc")
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("abc")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        program = Program(TEXT)
        program.until(lambda: b"computed in" in program.seen)
        program.press(b"m", b"some/model")
        program.send(b"\x1b[B\r")
    else:
        program = Program(TEXT, "--model", str(model))
    program.until(lambda: b"This prompt cannot be run" in program.seen and b".rs:" in program.seen)
    program.send(b"\x11")  # ctrl+q
    program.until(lambda: False)
    assert program.status() == 0
    assert b"panicked" not in program.seen
    assert b"backtrace" not in program.seen
    assert restored(program.seen)
