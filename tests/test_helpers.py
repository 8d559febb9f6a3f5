"""Helpers stand in `tests/helpers`: a test can be moved, renamed or deleted without breaking another."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SHARED = ("tests.helpers", "tests.fuzz", "tests.mutants")


def imported(file: Path) -> set[str]:
    """The modules and names that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def outside_helpers(names: set[str]) -> set[str]:
    """Those of the imported names that stand in tests, but neither in their helpers nor in the two programs there."""
    return {name for name in names if name.startswith((".", "tests.")) and not name.startswith(SHARED)}


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("from tests.paint.test_paint import check", False),
        ("def f():\n    import tests.test_files", False),
        ("from tests.paint import test_paint", False),
        ("from .test_paint import check", False),
        ("from . import test_paint", False),
        ("from tests.helpers.models import small_model", True),
        ("from tests import helpers", True),
        ("from tests.fuzz.hostile import text", True),
        ("from tests.test_fuzz import planted", False),
        ("import testsomething", True),
    ],
)
def test_the_rule_sees_every_form_of_an_import(tmp_path: Path, code: str, allowed: bool) -> None:
    (tmp_path / "case.py").write_text(code)
    assert (outside_helpers(imported(tmp_path / "case.py")) == set()) is allowed


def test_tests_and_helpers_import_from_helpers_only() -> None:
    files = sorted(TESTS.rglob("*.py"))
    assert TESTS / "helpers/models.py" in files
    found = {str(file.relative_to(TESTS)): outside_helpers(imported(file)) for file in files}
    assert {file: names for file, names in found.items() if names} == {}
