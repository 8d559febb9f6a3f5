"""What is written on descriptor 2 past Python: caught around a call, and kept off a screen that is drawn."""

import os
import subprocess
import sys
import threading

import pytest

from explorer.terminal import native

BACKTRACE = """
thread '<unnamed>' (71) panicked at src/tokenizer/added_vocabulary.rs:505:22:
AddedVocabulary bad split
stack backtrace:
   0: rust_begin_unwind
"""


def test_what_is_asked_for_is_not_written(capfd: pytest.CaptureFixture[str]) -> None:
    with native.caught() as said:
        os.write(2, b"one")
        with native.caught() as inner:
            os.write(2, b"two")
            assert inner() == "two"
        assert said() == "one"
        assert said() == ""
    assert capfd.readouterr().err == ""


def test_what_nobody_asks_for_is_written_in_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    with native.caught():
        os.write(2, b"one ")
        with native.caught():
            os.write(2, b"two ")
    with pytest.raises(ZeroDivisionError), native.caught():
        print(os.write(2, b"three " * 50_000) / 0)
    os.write(2, b"four")
    assert capfd.readouterr().err == "one two " + "three " * 50_000 + "four"


def test_no_descriptor_is_left_open_and_threads_take_turns(capfd: pytest.CaptureFixture[str]) -> None:
    wrong = []

    def ask(word: bytes) -> None:
        for _ in range(200):
            with native.caught() as said:
                os.write(2, word)
                if said() != word.decode():
                    wrong.append(word)

    with native.caught():
        pass
    before = os.dup(2)
    os.close(before)
    threads = [threading.Thread(target=ask, args=(word,)) for word in (b"one", b"two", b"three")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    after = os.dup(2)
    os.close(after)
    assert after == before
    assert wrong == []
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="the shell closes it as POSIX does")
def test_where_standard_error_is_closed() -> None:
    code = (
        "from explorer.terminal import native\n"
        "with native.caught() as said: print('in', repr(said()))\n"
        "with native.apart() as said: print('apart', repr(said()))"
    )
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code], capture_output=True, text=True)
    assert done.stdout.split() == ["in", "''", "apart", "''"]


def test_where_a_panic_was() -> None:
    assert native.panic(BACKTRACE) == "added_vocabulary.rs:505:22: AddedVocabulary bad split"
    assert native.panic("thread 'main' panicked at src\\lib.rs:1:2:\nno\n") == "lib.rs:1:2: no"
    assert native.panic("thread 'main' panicked at lib.rs:1:2:\n") == "lib.rs:1:2: "
    assert native.panic("something else") == ""


NOISE = """
import os
from explorer.screen.main.screen import MainScreen
begin = MainScreen.begin
def noisy(self, session):
    os.write(2, b"NOI\\x1b[2JSE\\n")
    begin(self, session)
MainScreen.begin = noisy
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_a_library_does_not_write_over_the_screen() -> None:
    """What it writes is said, made printable, when the screen is gone."""
    from tests.helpers.pseudo_terminal import LEFT, Program, restored

    program = Program("Once", code=f"exec({NOISE!r})")
    program.until(lambda: b"computed in" in program.seen)
    assert b"NOI" not in program.seen
    program.send(b"q")
    program.until(lambda: False)
    assert program.status() == 0
    assert program.seen.rpartition(LEFT)[2].endswith("NOI␛[2JSE\r\n".encode())
    assert restored(program.seen)
