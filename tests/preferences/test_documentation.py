"""docs/configuration.md and docs/saving.md: every line of them that can be run is run."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands import explore
from explorer.commands import open as open_file
from explorer.commands.config import example
from explorer.commands.man import ENVIRONMENT
from explorer.commands.personal import parsed
from explorer.engine import cores
from explorer.preferences import config_file, preferences
from explorer.preferences.settings import COLOURS, KEYS, SETTINGS
from explorer.screen import keymap
from explorer.screen.dialogs.save import KINDS, WHATS
from explorer.screen.main.all_keys import ALL
from explorer.screen.themes import theme_named
from explorer.teaching import state_folder
from tests.helpers.models import embedded

DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
SAVING = (DOCS / "saving.md").read_text(encoding="utf-8")
RIGHT, WRONG = re.findall(r"```toml\n(.*?)```", CONFIGURATION, re.DOTALL)
SHOWN = re.findall(r"^```\n\$ (.*?)\n(.*?)^```", CONFIGURATION, re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(config_file.VARIABLE, "config.toml")
    monkeypatch.setenv(state_folder.VARIABLE, "")
    return tmp_path / "config.toml"


@pytest.mark.parametrize(("content", "call", "printed", "status"), [(RIGHT, *SHOWN[0], 0), (WRONG, *SHOWN[1], 1)])
def test_what_config_prints(
    content: str,
    call: str,
    printed: str,
    status: int,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here.write_text(content, encoding="utf-8")
    words = shlex.split(call)
    while "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("=", 1))
    assert words.pop(0) == "gpt-explorer"
    assert main(words) == status
    assert capsys.readouterr().out == printed


def one_by_one(content: str) -> list[tuple[str, str]]:
    """Every line that says something, with the head of its table."""
    head, found = "", []
    for line in content.splitlines():
        if line.startswith("["):
            head = line
        elif line.strip() and not line.startswith("#"):
            found.append((head, line))
    return found


@pytest.mark.parametrize(("head", "line"), one_by_one(RIGHT))
def test_each_line_holds_by_itself(head: str, line: str, here: Path) -> None:
    here.write_text(f"{head}\n{line}\n", encoding="utf-8")
    own = preferences.read({})
    keys = keymap.resolved(own).moved
    assert own.problems == []
    said = tomllib.loads(line)
    ((key, value),) = said.items()
    if head.startswith(f"[{KEYS}]"):
        assert key in keys
        assert keys[key].split(",") == [
            keymap.long_name(each) for each in ([value] if isinstance(value, str) else value)
        ]
    else:
        ((name, held),) = own.held.items()
        assert name.rpartition(".")[2] == key
        assert held.value == (Path(value) if key == "pictures" else value)
        assert held.place == ("config.toml", 2)


@pytest.mark.parametrize(("head", "line"), one_by_one(WRONG))
def test_each_wrong_line_is_wrong_by_itself(head: str, line: str, here: Path) -> None:
    here.write_text(f"{head}\n{line}\n", encoding="utf-8")
    own = preferences.read({})
    keymap.resolved(own)
    assert [problem.place.line for problem in own.problems] == [2]


def test_everything_that_can_be_set_is_documented() -> None:
    said = tomllib.loads(RIGHT)
    for setting in SETTINGS:
        assert setting.key in (said[setting.table] if setting.table else said)
        assert not setting.option or f"`{setting.option}`" in CONFIGURATION
    for variable in re.findall(r"`(GPT_EXPLORER_\w+[A-Z])", CONFIGURATION):
        assert variable in [*(setting.variable for setting in SETTINGS), config_file.VARIABLE, state_folder.VARIABLE]
    for colours in COLOURS:
        assert re.search(rf"\b{colours}\b", RIGHT)
    themes = RIGHT.splitlines()[0].partition("# ")[2]
    for name in re.findall(r"[\w-]+", themes.replace("or another theme of Textual's:", "")):
        theme_named(name)


def test_no_variable_that_is_heeded_is_taken_for_a_mistyped_one() -> None:
    def unknown(variable: str) -> list[str]:
        problems = preferences.read({variable: "1"}).problems
        return [problem.place.source for problem in problems if "no such variable" in problem.words]

    heeded = (config_file.VARIABLE, state_folder.VARIABLE, cores.VARIABLE)
    for variable in (*heeded, *(setting.variable for setting in SETTINGS)):
        assert unknown(variable) == []
        assert unknown(f"{variable}S") == [f"{variable}S"]
    assert {*heeded, "GPT_EXPLORER_AUTOSAVE"} <= set(ENVIRONMENT)


def test_the_example_that_is_printed_can_be_used_as_it_is(here: Path) -> None:
    here.write_text(example(), encoding="utf-8")
    assert preferences.read({}).problems == []
    here.write_text(re.sub(r"^# (?=[\w\"].* = )", "", example(), flags=re.MULTILINE), encoding="utf-8")
    own = preferences.read({})
    keymap.resolved(own)
    assert own.problems == []
    assert len(own.held) == len(SETTINGS)
    assert len(own.keys) == 2


@pytest.mark.parametrize("option", ["--json", "--path", "--example", "--keys", "--help"])
def test_every_way_to_ask(option: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here.write_text(RIGHT, encoding="utf-8")
    if option == "--help":
        with pytest.raises(SystemExit, match="0"):
            main(["config", option])
    else:
        assert main(["config", option]) == 0
    printed = capsys.readouterr().out
    assert printed.strip()
    if option == "--keys":
        assert all(str(binding.id) in printed for bindings in ALL.values() for binding in bindings)
        assert re.search(r"go_to +ctrl\+g", printed)


def test_a_command_takes_the_settings_up_unless_the_call_says_otherwise(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.write_text("wrong = 1\nengine = 'numpy'\n[sampling]\ntemperature = 0\n", encoding="utf-8")
    call = ["generate", "Once upon a time", "--max-new-tokens", "3"]
    assert main([*call, "--seed", "1"]) == 0
    first, said = capsys.readouterr()
    assert "config.toml:1" in said
    assert main([*call, "--seed", "2"]) == 0
    assert capsys.readouterr().out == first, "temperature 0 draws nothing"
    assert main([*call, "--temperature", "100", "--top-k", "0", "--seed", "3"]) == 0
    assert capsys.readouterr().out != first


def test_a_model_that_no_model_can_be_named_does_not_stop_a_command(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.write_text("model = 'no/such/model'\n", encoding="utf-8")
    assert main(["generate", "Once upon a time", "--max-new-tokens", "1"]) == 0
    assert "config.toml:1" in capsys.readouterr().err
    assert main(["generate", "Once upon a time", "--model", "no/such/model"]) != 0


def test_the_beginning_is_a_setting(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["generate", "Once upon a time", "--max-new-tokens", "1", "--json"]
    begun = {}
    (end,) = embedded()[1].tokenizer.encode("<|endoftext|>")
    for content in ("bos = true", "bos = false", ""):
        here.write_text(content, encoding="utf-8")
        assert main(call) == 0
        begun[content] = json.loads(capsys.readouterr().out)["prompt_ids"]
    assert begun["bos = true"] == [end, *begun["bos = false"]]
    assert begun[""] == begun["bos = false"]
    here.write_text("bos = true", encoding="utf-8")
    assert main([*call, "--no-bos"]) == 0
    assert json.loads(capsys.readouterr().out)["prompt_ids"] == begun[""]


@pytest.mark.parametrize("command", ["", "open"])
def test_keeping_sessions_is_a_setting(command: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = open_file if command else explore
    words = ["file"] if command else []

    def kept(*options: str) -> bool:
        found: bool = parsed(module.parser(), command, [*words, *options]).autosave
        return found

    assert kept()
    assert not kept("--no-autosave")
    here.write_text("autosave = false", encoding="utf-8")
    assert not kept()
    assert kept("--autosave"), "the call is over the file"
    here.write_text("autosave = true", encoding="utf-8")
    assert not kept("--no-autosave")
    for off in ("0", "no", "OFF", " false "):
        monkeypatch.setenv("GPT_EXPLORER_AUTOSAVE", off)
        assert not kept(), "a variable is over the file"
        assert kept("--autosave")
    here.write_text("autosave = false", encoding="utf-8")
    monkeypatch.setenv("GPT_EXPLORER_AUTOSAVE", "1")
    assert kept()


def test_what_is_opened_keeps_its_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorded run has none, and a session names its own."""
    here.write_text("model = 'gpt2'", encoding="utf-8")
    assert main(["trace", "Once", "-o", "run.safetensors", "--model", "stories"]) == 0
    assert main(["open", "run.safetensors"]) == 1
    assert "is not one (a pipe or a file?)" in capsys.readouterr().err, (
        "there is no terminal, and nothing else is wrong"
    )
    assert parsed(open_file.parser(), "open", ["file"]).model is None
    assert parsed(open_file.parser(), "open", ["file", "--model", "stories"]).model == "stories"
    assert parsed(explore.parser(), "", []).model == "gpt2"


@pytest.mark.parametrize("id", sorted({str(binding.id) for bindings in ALL.values() for binding in bindings}))
def test_every_action_can_have_another_key(id: str, here: Path) -> None:
    here.write_text(f'[keys]\n"{id}" = "f9"\n', encoding="utf-8")
    own = preferences.read({})
    assert keymap.resolved(own).moved == {id: "f9"}
    assert own.problems == []


def test_saving_is_documented() -> None:
    keys = {key: binding.id for bindings in ALL.values() for binding in bindings for key in binding.key.split(",")}
    assert {key: keys[key] for key in re.findall(r"^\| `(\w)` \|", SAVING, re.MULTILINE)} == {
        "W": "save",
        "Y": "copy.picture",
        "y": "copy",
    }
    assert re.findall(r"^\| (\w+) \|", SAVING.partition("## W")[2], re.MULTILINE) == list(KINDS.values())
    prose = " ".join(SAVING.split())
    assert all(words.partition(",")[0] in prose for words in WHATS.values())
