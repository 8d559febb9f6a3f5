"""A process that runs tests with the libraries loaded already: loading them would take longer than most tests.

It is `python -m tests.mutants.warm`. Each call is a line of JSON, a list of the arguments for pytest, the file for what
is printed, and the seconds; the answer is a line with the exit status, or null if the tests did not end in time.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

_LIBRARIES = (
    *("pytest", "pytest_asyncio", "pytest_cov.plugin", "xdist", "hypothesis", "hypothesis.strategies", "numpy"),
    *("textual.app", "textual.pilot", "textual.widgets", "rich.console", "pygments.lexers.python"),
    *("tiktoken", "tokenizers", "safetensors", "huggingface_hub", "ml_dtypes"),
)


class Warm:
    """Tests of one tree, each call in a fork of a process that has the libraries and nothing of the tree."""

    def __init__(self, root: Path) -> None:
        self._shown = root / "shown.txt"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            cwd=root,
            # compiled modules lie beside their sources, where the ones of a changed source are removed
            env=os.environ | {"PYTHONPATH": str(root), "PYTHONPYCACHEPREFIX": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, arguments: Sequence[str], seconds: float) -> tuple[int | None, str]:
        """The exit status and what was printed; no status if the tests did not end in time."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([*arguments, str(self._shown), seconds]) + "\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        return status, self._shown.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def _serve() -> None:
    for library in _LIBRARIES:
        with suppress(ImportError):  # then the tests do without it
            import_module(library)
    for line in sys.stdin:
        *arguments, shown, seconds = json.loads(line)
        child = os.fork()
        if not child:
            _run(arguments, shown)
        print(json.dumps(_status(child, seconds)), flush=True)


def _run(arguments: list[str], shown: str) -> None:
    """Run the tests and end this process."""
    os.setsid()
    file, nothing = os.open(shown, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    for number, to in enumerate((nothing, file, file)):
        os.dup2(to, number)
    import pytest

    try:
        status = int(pytest.main(arguments))
    except BaseException as error:
        print(repr(error))
        status = 3
    sys.stdout.flush()
    os._exit(status)


def _status(child: int, seconds: float) -> int | None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return 1 if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with suppress(ProcessLookupError):  # it ended just now
        os.killpg(child, signal.SIGKILL)  # with the programs that a test has started
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    sys.path[0] = os.getcwd()  # not this folder
    _serve()
