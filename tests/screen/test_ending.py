"""SIGTERM and SIGHUP, at any moment: the terminal is restored, seen through a pseudo-terminal as a person would."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import os
import signal

from tests.helpers.pseudo_terminal import ALTERNATE, Program, restored

LONG = "Once upon a time there was a little girl named Lily. She liked to play in the park with her friend Tom. " * 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_while_it_computes(number: int) -> None:
    program = Program(LONG)
    program.until(lambda: b"computing" in program.seen)
    assert program.end(number) == 128 + number
    assert restored(program.seen)
    assert b"Traceback" not in program.seen


@pytest.mark.parametrize("keys", [b"?", b"s", b"\x10"], ids=["help", "settings", "palette"])
def test_in_a_dialog(keys: bytes) -> None:
    shown = {b"?": b"Help", b"s": b"How the next token", b"\x10": b"Search"}[keys]
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
        "PicturePane.action_overview = lambda self: [os.write(2, b'HANGS'), *(time.sleep(0.1) for _ in iter(int, 1))]"
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


def test_quitting_is_no_signal() -> None:
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen)
    os.write(program.screen, b"q")
    program.until(lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1]) == 0
    assert restored(program.seen)
