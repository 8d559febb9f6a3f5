"""Completion: in each shell, every command and every option is offered, and what values there are."""

import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands import COMMANDS
from explorer.commands.completion import SHELLS
from explorer.commands.whole import whole_parser
from tests.helpers.modules import modules_after

PATIENCE = 60  # seconds, on a machine however slow
VALUES = [
    ("gpt-explorer --engine ", {"python", "numpy", "torch", "auto"}),
    ("gpt-explorer --device ", {"auto", "cpu", "cuda", "mps"}),
    ("gpt-explorer lens --dtype ", {"float32", "bfloat16", "float64"}),
    ("gpt-explorer lens --model gpt2", {"gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"}),
    ("gpt-explorer --model s", {"stories", "some/"}),
    ("gpt-explorer tour n", {"newcomer", "names", "notes.toml"}),
    ("gpt-explorer open r", {"run.safetensors"}),
    ("gpt-explorer trace x -o r", {"run.safetensors"}),
    ("gpt-explorer source blocks.0.attn.hook_patt", {"blocks.0.attn.hook_pattern"}),
    ("gpt-explorer completion ", set(SHELLS)),
    ("gpt-explorer com", {"compare", "completion"}),
]
"""A line that is begun, and what it may go on with. The names of the shell's own, such as of folders, are cut alike."""


def options() -> dict[str, set[str]]:
    """The options of the screen, and of every command."""
    whole = whole_parser()
    (commands,) = (action for action in whole._actions if isinstance(action.choices, dict))
    parsers = {"": whole, **commands.choices}  # type: ignore[dict-item]
    return {name: {option for each in parsers[name]._actions for option in each.option_strings} for name in parsers}


def lines() -> list[str]:
    """Every line that is tried: each command with all its options, and the values."""
    return ["gpt-explorer ", *(f"gpt-explorer {name} -".replace("  ", " ") for name in options()), *dict(VALUES)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "some").mkdir()
    for name in ("notes.toml", "run.safetensors"):
        (tmp_path / name).touch()
    return tmp_path


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def check(found: dict[str, set[str]]) -> None:
    """AssertionError unless each line goes on with what there is."""
    assert set(COMMANDS) <= found["gpt-explorer "]
    for name, expected in options().items():
        offered = {word for word in found[f"gpt-explorer {name} -".replace("  ", " ")] if word.startswith("-")}
        assert offered == expected, name
    for line, values in VALUES:
        assert {word.rstrip("/") for word in found[line]} >= {value.rstrip("/") for value in values}, line


def test_bash(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("bash is not installed")
    asked = [script("bash", capsys)]
    for line in lines():
        words = shlex.split(line) + ([""] if line.endswith(" ") else [])
        quoted = " ".join(map(shlex.quote, words))
        asked.append(f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMPREPLY=(); _shtab_gpt_explorer")
        asked.append('printf "%s\\n" "${COMPREPLY[@]}" "="')
    done = subprocess.run([bash, "--norc"], input="\n".join(asked), capture_output=True, text=True, cwd=folder)
    assert done.stderr == ""
    answers = done.stdout.split("=\n")
    check({line: set(answer.splitlines()) for line, answer in zip(lines(), answers)})


def test_bash_as_its_help_says(folder: Path) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("bash is not installed")
    asked = f'gpt-explorer() {{ {shlex.quote(sys.executable)} -m explorer "$@"; }}\n'
    asked += 'eval "$(gpt-explorer completion bash)"\ncomplete -p gpt-explorer'
    done = subprocess.run([bash, "--norc"], input=asked, capture_output=True, text=True, cwd=folder)
    assert "-F _shtab_gpt_explorer gpt-explorer" in done.stdout
    assert done.stderr == ""


def test_fish(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fish = shutil.which("fish")
    if not fish:
        pytest.skip("fish is not installed: apt-get install fish")
    home = folder / "home"
    place = home / "fish/completions/gpt-explorer.fish"
    place.parent.mkdir(parents=True)
    place.write_text(script("fish", capsys), encoding="utf-8")
    asked = "\n".join(f"complete -C {shlex.quote(line)}; echo =" for line in lines())
    program = folder / "bin/gpt-explorer"  # of a program that is not there it completes nothing
    program.parent.mkdir()
    program.touch(0o755)
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    environment = {
        **os.environ,
        "PATH": path,
        "XDG_CONFIG_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "HOME": str(home),
    }
    done = subprocess.run(
        [fish], input=asked, capture_output=True, text=True, cwd=folder, env=environment, timeout=PATIENCE
    )
    assert done.stderr == ""
    answers = done.stdout.split("=\n")
    check({line: {word.partition("\t")[0] for word in each.splitlines()} for line, each in zip(lines(), answers)})


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_zsh(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zsh = shutil.which("zsh")
    if not zsh:
        pytest.skip("zsh is not installed: apt-get install zsh")
    (folder / "gpt-explorer.zsh").write_text(script("zsh", capsys), encoding="utf-8")
    found = Zsh(zsh, folder)
    for line, whole in [
        ("gpt-explorer verif", "gpt-explorer verify "),
        ("gpt-explorer lens --engi", "gpt-explorer lens --engine "),
        ("gpt-explorer lens --engine num", "gpt-explorer lens --engine numpy "),
        ("gpt-explorer --model dist", "gpt-explorer --model distilgpt2 "),
        ("gpt-explorer tour newc", "gpt-explorer tour newcomer "),
        ("gpt-explorer open ru", "gpt-explorer open run.safetensors "),
    ]:
        assert found.completed(line) == whole
    for name in options():
        line = f"gpt-explorer {name} --no-colo".replace("  ", " ")
        assert found.completed(line) == line + "r "
    found.close()


class Zsh:
    """zsh in a pseudo-terminal, with the completion of this program."""

    def __init__(self, zsh: str, folder: Path) -> None:
        import pty

        self.seen = b""
        self.process, self.screen = pty.fork()
        if not self.process:
            os.chdir(folder)
            os.environ |= {"TERM": "dumb", "HOME": str(folder), "ZDOTDIR": str(folder)}
            os.execv(zsh, [zsh, "-f", "-i"])
        self._send("PS1='> '; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -D -u\n")
        self._send(
            'eval "$(<gpt-explorer.zsh)"; bindkey "^X" _show; _show() { print -r -- "[[$BUFFER]]"; zle kill-buffer }\n'
        )
        self._send("zle -N _show; print rea''dy\n")
        self._until(lambda: b"ready" in self.seen)

    def completed(self, line: str) -> str:
        """The line after a tab."""
        start = len(self.seen)
        self._send(f"{line}\t\x18")
        self._until(lambda: re.search(rb"\[\[(.*?)\]\]", self.seen[start:], re.DOTALL))
        found = re.search(rb"\[\[(.*?)\]\]", self.seen[start:], re.DOTALL)
        assert found
        return found[1].decode()

    def close(self) -> None:
        self._send("\x15exit\n")
        with suppress(OSError):
            while os.read(self.screen, 65536):
                pass
        os.close(self.screen)
        os.waitpid(self.process, 0)

    def _send(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def _until(self, happened: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < until, self.seen[-2000:]
            if select.select([self.screen], [], [], 0.05)[0]:
                self.seen += os.read(self.screen, 65536)


def test_it_starts_light() -> None:
    """Nothing heavy is loaded to write it, and nothing of ours runs while it completes."""
    code = "from explorer.cli import main; main(['completion', 'bash'])"
    assert not {"numpy", "textual", "tiktoken", "safetensors", "tokenizers", "aiohttp"} & modules_after(code)
