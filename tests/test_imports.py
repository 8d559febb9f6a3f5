"""Imports: only `screen/` imports Textual, and nothing loads it that needs no screen."""

import ast
from pathlib import Path

import explorer
from tests.helpers.modules import modules_after


def test_the_headless_commands_do_without_textual_and_torch() -> None:
    code = "from explorer.cli import main; main(['generate', 'Once', '--max-new-tokens', '1', '--json'])"
    loaded = modules_after(code)
    assert "numpy" in loaded
    assert not {"textual", "torch", "transformers"} & loaded


def test_asking_for_help_loads_next_to_nothing() -> None:
    code = "from explorer.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not {"numpy", "textual", "rich", "tiktoken", "safetensors"} & modules_after(code)


def test_the_state_behind_the_screen_does_without_textual() -> None:
    rooms = "explorer.walk.session, explorer.walk.player, explorer.runs.running, explorer.paint.pictures"
    assert "textual" not in modules_after(f"import {rooms}")


def test_the_screen_opens_without_numpy() -> None:
    """It is imported by the thread that loads the model: the first frame does not wait for it."""
    assert not {"numpy", "safetensors"} & modules_after("import explorer.screen.app")


def test_only_the_screen_imports_textual() -> None:
    """Anywhere in a module, at its top or within a function."""
    package = Path(explorer.__file__).parent
    importing = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] == "textual" for name in names):
                importing.add(file.relative_to(package))
    assert {path.parts[0] for path in importing} == {"screen"}
