"""CONTRIBUTING.md names files that there are, and the hooks before a commit run what `.ci/style` runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:explorer|gpt|tests|paint|\.ci)/[\w/.-]+|cli\.py|stages\.py|headless\.py)`")


def test_files_are_there() -> None:
    named = set(PATH.findall(TEXT))
    assert len(named) > 20
    homes = [ROOT, ROOT / "explorer", ROOT / "explorer/commands"]
    assert {name for name in named if "NAME" not in name and not any((home / name).exists() for home in homes)} == set()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("gpt/hooks.py", "_BLOCK"),
        ("gpt/ops.py", "Arithmetic"),
        ("explorer/code/excerpts.py", "_WITH_WEIGHTS"),
        ("explorer/verify/operations.py", "OPERATIONS"),
        ("tests/provenance/test_operation_descriptions.py", "LEAVES"),
        ("explorer/screen/main/keys.py", "SECTIONS"),
        ("explorer/screen/main/offers.py", "WORKS"),
        ("explorer/screen/main/offers.py", "FOOTERS"),
        ("explorer/walk/edit_choices.py", "edit_kinds"),
        ("explorer/walk/edit_choices.py", "read_edit"),
        ("explorer/commands/headless.py", "open_prompt"),
        ("explorer/commands/__init__.py", "COMMANDS"),
        ("explorer/cli.py", "_WRONG_CALL"),
    ],
)
def test_what_it_names_is_in_them(file: str, name: str) -> None:
    assert f"`{name}`" in TEXT
    source = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:def |class )?{name}\b[ (:=]", source, re.MULTILINE)


def test_the_hooks_before_a_commit_are_the_check_of_style() -> None:
    style = re.findall(r"^\.venv/bin/.*$", (ROOT / ".ci/style").read_text(), re.MULTILINE)
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert len(style) == 7
    assert hooks == style
