"""`gpt-explorer serve`: what it refuses and how it says so, and the call that is behind each page."""

import shlex
import socket
import sys

import pytest

from explorer.cli import main
from explorer.commands import explore, serve
from explorer.commands.explore import require_terminal
from explorer.errors import TerminalError


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert f"nothing can listen on '127.0.0.1', port {port}: address already in use" in said
    assert "--port" in said.partition(":")[2]
    assert said.count("\n") == 1


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.delitem(sys.modules, "explorer.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.setitem(sys.modules, "textual_serve.app_service", None)
    assert main(["serve", "--port", "0"]) == 1
    assert 'pip install "gpt2-explorer[serve]"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-"], 2, "cannot come from standard input"),
        (["@/no/such/file"], 2, "stands for a file"),
        (["--model", "no-such-model"], 2, "nor a model with a short name"),
        (["--temperature", "-1"], 2, "the temperature is -1.0"),
        (["--host", "no.such.host.invalid"], 1, "nothing can listen on 'no.such.host.invalid'"),
    ],
)
def test_refusals(words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a page is opened."""
    assert main(["serve", "--port", "0", *words]) == status
    assert said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="its shell has other words")
def test_the_options_reach_the_program() -> None:
    words = ["--bos", "--model", "a b", "--engine", "numpy", "--seed", "-3", "--temperature", "0", "--top-k", "5"]
    given = serve.parser().parse_args([*words, "--top-p", "0.5", "--", "generate; 'it' $HOME"])
    command = shlex.split(serve.shell_command(given))
    assert command[:4] == ["exec", sys.executable, "-m", "explorer"]
    opened = vars(explore.parser().parse_args(command[4:]))
    assert {
        name: value for name, value in vars(given).items() if name not in ("host", "port")
    }.items() <= opened.items()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no TERM")
@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_knows_no_codes(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("explorer.terminal.output.is_terminal", lambda stream: True)
    with pytest.raises(TerminalError, match=r"TERM is '\w+'.*gpt-explorer read PROMPT"):
        require_terminal()
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    require_terminal()
