"""The entry point: control-C and other signals at any moment, without a traceback and without half a file."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("signals are POSIX", allow_module_level=True)

SENDING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == {when!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.{signal})

sys.meta_path.insert(0, Sender())
from explorer.program import program
sys.argv[1:] = {words!r}
program()
"""


def sent(when: str, words: list[str], name: str = "SIGINT") -> subprocess.CompletedProcess[bytes]:
    """The program, sent a signal as soon as it imports a module."""
    code = SENDING.format(when=when, words=words, signal=name)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)


MOMENTS = ["explorer.cli", "gpt.model", "explorer.commands.generate", "numpy", "explorer.commands.headless", "tiktoken"]


@pytest.mark.parametrize("when", MOMENTS)
def test_control_c_while_it_starts(when: str) -> None:
    done = sent(when, ["generate", "Once", "--max-new-tokens", "1"])
    assert done.returncode in (130, -signal.SIGINT)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_no_part_of_a_file_is_left(name: str, status: int, tmp_path: Path) -> None:
    """The signal comes when the file is about to be written: `secrets` gives it its temporary name."""
    code = SENDING.format(when="never", words=["trace", "Once", "-o", str(tmp_path / "run")], signal=name)
    late = "import explorer.files as f; before = f._finish\n"
    late += f"f._finish = lambda *rest: os.kill(os.getpid(), signal.{name}) or before(*rest)\n"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("from explorer.program", late + "from explorer.program")],
        capture_output=True,
        check=False,
    )
    assert done.returncode == status
    assert done.stderr == b""
    assert list(tmp_path.iterdir()) == []


def test_another_distributions_gpt_is_named(tmp_path: Path) -> None:
    (tmp_path / "gpt").mkdir()
    (tmp_path / "gpt" / "__init__.py").write_text("", encoding="utf-8")
    first = f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[1:] = ['--version']\n"
    program = "runpy.run_module('explorer', run_name='__main__')"
    for code, traceback in ((program, False), ("import explorer; explorer.load", True)):
        done = subprocess.run([sys.executable, "-c", first + code], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"Python finds {tmp_path / 'gpt' / '__init__.py'} instead of" in done.stderr
        assert "uv tool install gpt2-explorer" in done.stderr
        assert ("Traceback" in done.stderr) is traceback
