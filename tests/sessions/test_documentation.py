"""docs/sessions.md: its commands print what stands there, and its file is a session."""

import re
import shlex
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.loading.checkpoints import open_checkpoint
from explorer.sessions.reading import parse
from explorer.sessions.restore import restore
from explorer.walk.session import Session

TEXT = (Path(__file__).parents[2] / "docs/sessions.md").read_text(encoding="utf-8")


def test_the_commands_print_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```\n(\$ .*?)```", TEXT, re.DOTALL)
    call, line, opened = block.strip().splitlines()
    assert main(shlex.split(call)[2:]) == 0
    assert capsys.readouterr().out.strip() == line
    assert main(shlex.split(opened)[2:]) == 1, "it needs a terminal: tests/screen/test_sessions_in_a_terminal.py"
    assert "draws on a terminal" in capsys.readouterr().err


def test_the_file_is_a_session() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    checkpoint = open_checkpoint()
    back = restore(parse(example, "example"), Session(checkpoint.load(), checkpoint.tokenizer), "stories")
    assert back.notes == []
    assert back.session.what_if.edits.words() == ["head 3.3: zeroed", "MLP 2 at position 1: scaled by 0.5 (off)"]


def test_every_option_and_setting_it_names_is_there() -> None:
    from explorer.commands import explore, save
    from explorer.commands import open as opening
    from explorer.preferences.settings import PREFIX
    from explorer.sessions import store
    from explorer.teaching import state_folder

    helps = "".join(each.parser().format_help() for each in (explore, opening, save))
    for option in re.findall(r"`?gpt2-explorer[^`\n]*? (--[a-z-]+)", TEXT):
        assert option in helps
    assert {f"{PREFIX}AUTOSAVE", state_folder.VARIABLE} == set(re.findall(r"GPT_EXPLORER_[A-Z]+", TEXT))
    assert f"the last {'twenty' if store.MOST == 20 else store.MOST} stay" in TEXT
