"""Signals, at any moment: the terminal is restored, seen through a pseudo-terminal as a person would."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import os
import signal

from tests.helpers.exhaustive import exhaustive
from tests.helpers.pseudo_terminal import ALTERNATE, LEFT, Program, restored

LONG = "Once upon a time there was a little girl named Lily. She liked to play in the park with her friend Tom. " * 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_while_it_computes(number: int) -> None:
    program = Program(LONG)
    program.until(lambda: b"computing" in program.seen)
    assert program.end(number) == 128 + number
    assert restored(program.seen)
    assert b"Traceback" not in program.seen


OTHERS = ["SIGUSR1", *exhaustive("SIGUSR2", "SIGALRM", "SIGABRT", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGPWR", "SIGIO")]


@pytest.mark.parametrize("name", OTHERS)
def test_other_signals(name: str) -> None:
    number = getattr(signal, name, None)
    if number is None:
        return  # this system has no such signal
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    assert program.end(number) == 128 + number
    assert restored(program.seen)
    assert b"Traceback" not in program.seen


@pytest.mark.parametrize("by_key", [True, False], ids=["ctrl+z", "SIGTSTP"])
def test_it_is_suspended_and_comes_back(by_key: bool) -> None:
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    if by_key:
        program.send(b"\x1a")
    else:
        os.kill(program.process, signal.SIGTSTP)
    program.wait_until_stopped()
    program.read_some()
    assert restored(program.seen), "the shell has the terminal as it was"
    program.check_attributes()
    start = len(program.seen)
    os.kill(program.process, signal.SIGCONT)
    program.until(lambda: ALTERNATE in program.seen[start:] and b"Next token" in program.seen[start:])
    program.press(b"\x1b[C", b"Token embedding")
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


FAILING = "from explorer.screen.panes.picture import PicturePane; "
FAILING += "PicturePane.action_overview = lambda self: {}['my prompt']"


def test_a_crash_restores_the_terminal_and_offers_a_report() -> None:
    """The report says where it happened, and nothing of the prompt."""
    program = Program("Onceuponatime", code=FAILING)
    program.until(lambda: b"computed in" in program.seen)
    start = len(program.seen)
    program.press(b"o", b"this is a bug in GPT Explorer")
    program.until(lambda: False)
    assert program.status() == 1
    assert restored(program.seen)
    report = program.seen[start:].rpartition(LEFT)[2]
    assert b"KeyError" in report
    assert b"explorer.screen." in report
    assert b"my prompt" not in report
    assert b"Onceupon" not in report
    assert b"Traceback" not in report


def test_a_crash_of_the_library_itself_restores_the_terminal() -> None:
    failing = "import os; from explorer.screen.app import ExplorerApp; ExplorerApp.run_async = "
    failing += r"lambda self: (os.write(2, b'\x1b[?1049h\x1b[?1003h\x1b[?25l'), {}['secret'])"
    program = Program("Once", code=failing)
    program.until(lambda: False)
    assert program.status() == 1
    assert restored(program.seen)
    assert b"this is a bug in GPT Explorer" in program.seen.rpartition(LEFT)[2]
    assert b"secret" not in program.seen


def test_a_crash_while_the_model_is_opened() -> None:
    failing = "import explorer.loading.checkpoints as c; c.open_checkpoint = lambda *rest: {}['secret']"
    program = Program("Once", code=failing)
    program.until(lambda: False)
    assert program.status() == 1
    assert restored(program.seen)
    assert b"this is a bug in GPT Explorer" in program.seen
    assert b"secret" not in program.seen


@pytest.mark.parametrize("keys", [b"?", b"s", b"\x10"], ids=["help", "settings", "palette"])
def test_in_a_dialog(keys: bytes) -> None:
    shown = {b"?": b"Help", b"s": b"p of the next", b"\x10": b"Search"}[keys]
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    program.press(keys, shown)
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


def test_as_soon_as_the_alternate_screen_is_entered() -> None:
    program = Program("Once")
    program.until(lambda: ALTERNATE in program.seen)
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


def test_before_anything_is_on_the_screen() -> None:
    """The signal comes while the app is made."""
    late = (
        "import os, signal; from explorer.screen import ending; real = ending.asyncio.Runner; "
        "ending.asyncio.Runner = lambda **options: os.kill(os.getpid(), signal.SIGTERM) or real(**options)"
    )
    program = Program("Once", code=late)
    program.until(lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1]) == 128 + signal.SIGTERM
    assert ALTERNATE not in program.seen
    assert b"Traceback" not in program.seen


def test_with_a_screen_that_hangs() -> None:
    """The screen's thread does nothing any more: another one restores the terminal."""
    hanging = (
        "import os, time; from explorer.screen.panes.picture import PicturePane; "
        "PicturePane.action_overview = lambda self: [os.write(1, b'HANGS'), *(time.sleep(0.1) for _ in iter(int, 1))]"
    )
    program = Program("Once", code=hanging)
    program.until(lambda: b"computed in" in program.seen)
    program.press(b"o", b"HANGS")
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert restored(program.seen)


def test_an_ignored_signal_stays_ignored() -> None:
    program = Program("Once", code="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    program.until(lambda: b"computed in" in program.seen)
    os.kill(program.process, signal.SIGHUP)
    program.press(b"\x1b[C", b"Token embedding")
    assert program.end(signal.SIGTERM) == 128 + signal.SIGTERM


def test_it_ends_when_the_terminal_is_gone_though_the_signal_is_ignored() -> None:
    """Under nohup; else it would run for ever, unseen."""
    program = Program("Once", code="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    program.until(lambda: b"computed in" in program.seen)
    os.close(program.screen)
    assert program.status() == 128 + signal.SIGHUP


def test_a_terminal_whose_encoding_lacks_the_characters_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    program = Program("Once")
    program.until(lambda: False)
    assert program.status() == 1
    assert b"Set the terminal to UTF-8" in program.seen
    assert ALTERNATE not in program.seen


def test_quitting_is_no_signal() -> None:
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    os.write(program.screen, b"q")
    program.until(lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1]) == 0
    assert restored(program.seen)
