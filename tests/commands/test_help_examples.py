"""Every example of every `--help` is run as it stands there, in a folder with the files that it reads."""

import csv
import io
import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands.examples import EXAMPLES
from explorer.teaching.recording import Recorder, Recording
from tests.helpers.checkpoint_builder import write_checkpoint
from tests.helpers.served import PATIENCE, address

ON_THE_SCREEN = {"", "tour", "play", "open"}
CALLS = [(name, example) for name, examples in EXAMPLES.items() for example in examples]


def words_of(example: str) -> list[str]:
    program, *words = shlex.split(example)
    assert program == "gpt-explorer"
    return ["stories" if word == "gpt2" else word for word in words]  # gpt2 would have to be fetched


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPT_EXPLORER_STATE", str(tmp_path / "state"))
    (tmp_path / "prompts.txt").write_text("Once upon a time\nTom and Lily\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("name", "example"), [each for each in CALLS if each[0] not in {*ON_THE_SCREEN, "serve"}])
def test_it_prints(name: str, example: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "man":
        pytest.importorskip("argparse_manpage")
    words = words_of(example)
    if name == "verify":  # the embedded model would take minutes
        words += ["--model", str(write_checkpoint(folder / "small"))]
    assert main(words) == 0
    out, error = capsys.readouterr()
    assert out or (folder / "direction.safetensors").is_file()
    assert error == ""
    assert "\x1b" not in out
    if "--json" in example:
        json.loads(out)
    if "--csv" in example:
        assert len({len(row) for row in csv.reader(io.StringIO(out))}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("name", "example"), [each for each in CALLS if each[0] in ON_THE_SCREEN])
def test_it_opens_the_screen(name: str, example: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.helpers.pseudo_terminal import Program, restored

    if name == "play":
        recorder = Recorder(folder / "talk.jsonl", Recording("Once upon a time", "stories"))
        recorder.begin(80, 24)
        recorder.end()
    if name == "open":
        assert main(words_of(EXAMPLES["trace"][0])[:-2]) == 0
    if "--list" in example:
        assert main(words_of(example)) == 0
        assert "newcomer" in capsys.readouterr().out
        return
    program = Program(*words_of(example))
    program.until(lambda: b"Next token" in program.seen or b"next at" in program.seen or b"Stop " in program.seen)
    program.send(b"q")
    program.until(lambda: False)
    assert program.status() == 0, program.seen[-2000:]
    assert restored(program.seen)


@pytest.mark.skipif(sys.platform == "win32", reason="control-C is another there")
@pytest.mark.parametrize("example", EXAMPLES["serve"])
def test_it_serves(example: str, folder: Path) -> None:
    pytest.importorskip("textual_serve")
    words = words_of(example)
    if "--port" not in words:
        words += ["--port", "0"]  # the usual port may be taken on this machine
    call = [sys.executable, "-m", "explorer", *words]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert address(server.stdout).startswith("http://127.0.0.1:")
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0
