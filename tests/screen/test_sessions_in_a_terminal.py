"""Sessions in a real pseudo-terminal: the program is killed, and nothing is lost."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import os
import random
import re
import signal
from pathlib import Path

from explorer.cli import main
from explorer.loading.checkpoints import open_checkpoint
from explorer.preferences import config_file
from explorer.sessions import store
from explorer.sessions.reading import read
from explorer.sessions.restore import restore
from explorer.sessions.saved import Saved
from explorer.teaching import state_folder
from explorer.walk.session import Session
from tests.helpers.exhaustive import exhaustive
from tests.helpers.pseudo_terminal import Program

EXACT = re.compile(rb"[-\xe2\x88\x92]*\d+\.\d{13,}")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    state_folder.greet()
    monkeypatch.chdir(tmp_path)


def kept() -> Saved | None:
    """The session that is kept; it is whole at every moment."""
    files = store.kept()
    return read(files[0]) if files else None


def killed(program: Program) -> None:
    os.kill(program.process, signal.SIGKILL)
    os.waitpid(program.process, 0)
    os.close(program.screen)


def test_after_a_kill_it_opens_with_the_same_numbers_and_is_offered() -> None:
    program = Program("Tom and Lily went")
    program.until(lambda: b"computed in" in program.seen)
    program.press(b"n", b"computed in")
    program.send(b"\x1b[F\x1b[D\x1b[D")  # to the end, and back to the logits
    program.until(lambda: (found := kept()) and found.cursor.stage == "logits" and len(found.drawn) == 1)
    program.until(lambda: len(EXACT.findall(program.seen)) > 0)
    program.press(b"c", b"Colours")  # all is drawn by then
    number = EXACT.findall(program.seen)[-1]
    killed(program)

    again = Program("Once")
    again.until(lambda: b"ctrl+o: last session" in again.seen)
    killed(again)

    assert main(["save", "-o", "mine.toml"]) == 0
    opened = Program("open", "mine.toml")
    opened.until(lambda: number in opened.seen)
    opened.press(b"c", b"Colours")
    killed(opened)
    assert number in opened.seen


@pytest.mark.parametrize("seed", [0, *exhaustive(*range(1, 25))])
def test_killed_at_any_moment_what_is_kept_is_whole(seed: int) -> None:
    dice = random.Random(seed)
    program = Program("Once upon a time")
    program.until(lambda: b"computed in" in program.seen)
    keys = (b"n", b"n", b"\x1b[C", b"\x1b[B", b"h", b"\x7f", b"x\r\r", b"X", b"2", b"6", b"v", b"]", b"S", b"\x1b[A")
    for _ in range(dice.randint(1, 40)):
        program.send(dice.choice(keys))
        program.read_some()
    moment = dice.randint(1, 30)
    for _ in range(moment):
        program.read_some()
    killed(program)
    found = kept()
    if found is None:
        assert not store.kept()
        return
    checkpoint = open_checkpoint()
    session = Session(checkpoint.load(), checkpoint.tokenizer)
    back = restore(found, session, "stories")
    assert back.notes == []
    assert back.session.ids == list(found.all_ids)


@pytest.mark.parametrize("private", ["--no-autosave", "autosave = false", "no state"])
def test_in_private_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: str) -> None:
    if private == "no state":
        monkeypatch.setenv(state_folder.VARIABLE, "")
    elif not private.startswith("-"):
        (tmp_path / "config.toml").write_text(private, encoding="utf-8")
        monkeypatch.setenv(config_file.VARIABLE, str(tmp_path / "config.toml"))
    program = Program("Once", *([private] if private.startswith("-") else []))
    program.until(lambda: b"computed in" in program.seen)
    program.press(b"\x1b[C", b"Token embedding")
    program.press(b"n", b"computed in")
    os.write(program.screen, b"q")
    program.until(lambda: False)
    assert program.status() == 0
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    assert store.kept() == []


def test_save_without_a_session_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["save", "-o", "x.toml"]) == 1
    assert "no session was kept" in capsys.readouterr().err
