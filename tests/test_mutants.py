"""The tool that tries the tests: it changes one place, and only in a copy."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutants import reached
from tests.mutants.__main__ import ROOMS, chosen, copied, main
from tests.mutants.mutation import count, mutant

SOURCE = '''
"""A module: 1 + 1."""
from x import y
STEP: int = 3

def f(a: int = 2) -> "list[1]":
    """No 5."""
    if a < STEP and not a:
        log(a)
    width = (a - STEP) * 4.5
    return f"{width / 2:>3}" if a in (1,) else True
'''
EXPECTED = {
    ("3", "(4)"),
    ("2", "(3)"),
    ("a < STEP and not a", "(not (a < STEP and (not a)))"),
    ("a < STEP and not a", "(a < STEP or not a)"),
    ("a < STEP", "(a <= STEP)"),
    ("log(a)", "pass"),
    ("(a - STEP) * 4.5", "((a - STEP) // 4.5)"),
    ("a - STEP", "(a + STEP)"),
    ("4.5", "(10.0)"),
    ("a in (1,)", "(a not in (1,))"),
    ("1", "(2)"),
    ("True", "(False)"),
}
"""All but those of the formatted string, which older Pythons write anew as a whole."""


def mutants() -> list[tuple[str, str, str]]:
    found = [mutant(SOURCE, place) for place in range(count(SOURCE))]
    return [(each.before, each.after, each.source) for each in found if each]


def test_every_kind_of_place_is_changed() -> None:
    pairs = {(before, after) for before, after, _ in mutants()}
    assert pairs >= {(before, after) for before, after in EXPECTED if "not (a < STEP" not in after}
    assert any(after.startswith("(not ") for _, after in pairs), "a branch"
    assert any("width * 2" in after for _, after in pairs), "within a formatted string"
    assert not any("list[2]" in source or "No 6" in source for _, _, source in mutants()), "annotations and docstrings"


def test_each_mutant_is_another_program_in_one_place() -> None:
    trees = {ast.dump(ast.parse(source)) for _, _, source in mutants()}
    assert len(trees) == len(mutants()) == count(SOURCE)
    assert ast.dump(ast.parse(SOURCE)) not in trees


def test_the_same_seed_chooses_the_same(tmp_path: Path) -> None:
    room = tmp_path / "explorer" / "paint"
    room.mkdir(parents=True)
    (room / "a.py").write_text(SOURCE)

    def changes(cases: int, seed: int) -> list[str]:
        return [found.source for _, found in chosen(tmp_path, ["paint"], cases, seed)]

    assert changes(5, 1) == changes(5, 1) == changes(7, 1)[:5] != changes(5, 2)
    assert len(changes(999, 0)) == count(SOURCE)


@pytest.fixture
def small_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one module and one test, which notices one of the two changes that can be made."""
    (tmp_path / "tree/explorer/paint").mkdir(parents=True)
    (tmp_path / "tree/tests/paint").mkdir(parents=True)
    (tmp_path / "tree/explorer/paint/half.py").write_text("def half(n): return n / 2\nUNUSED = 7\n")
    test = "import sys; sys.path.insert(0, 'explorer/paint')\nfrom half import half\ndef test(): assert half(6) == 3\n"
    (tmp_path / "tree/tests/paint/test_half.py").write_text(test)
    monkeypatch.setattr("tests.mutants.__main__._ROOT", tmp_path / "tree")
    monkeypatch.setattr("tests.mutants.__main__.copied", _copied)
    return tmp_path


def _copied(root: Path, to: Path) -> Path:
    import shutil

    shutil.copytree(root, to)
    (to / "pytest.ini").write_text("[pytest]\n")
    return to


def test_what_no_test_notices_is_told_until_it_has_a_test(
    small_tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = small_tree / "cache"
    words = ["--only", "paint", "--cases", "9", "--cache", str(cache), "--jobs", "2"]
    before = (small_tree / "tree/explorer/paint/half.py").read_text()
    assert main(words) == 1, "a third survives"
    shown = capsys.readouterr().out
    assert "3 mutants, 2 noticed (66.7%)" in shown
    assert "survived explorer/paint/half.py:2  7  →  (8)" in shown
    assert (small_tree / "tree/explorer/paint/half.py").read_text() == before, "only the copy was changed"
    done = (cache / "results.jsonl").read_text()

    new = "import sys; sys.path.insert(0, 'explorer/paint')\ndef test(): import half; assert half.UNUSED == 7\n"
    (small_tree / "tree/tests/paint/test_unused.py").write_text(new)
    ran: list[list[str]] = []
    monkeypatch.setattr(reached, "_run", _noting(ran, reached._run))
    assert main(words) == 0, "it goes on from what is known"
    assert ran == [["tests/paint/test_unused.py"]], "which lines the other test reaches is known"
    assert "3 mutants, 3 noticed" in capsys.readouterr().out
    again = (cache / "results.jsonl").read_text().removeprefix(done).splitlines()
    assert [json.loads(line)["by"] for line in again] == ["tests/paint/test_unused.py::test"], "others were noticed"


def _noting(ran: list[list[str]], run: Callable[[Path, list[str], Path, Path], None]) -> Callable[..., None]:
    def noted(root: Path, files: list[str], data: Path, report: Path) -> None:
        ran.append(files)
        run(root, files, data, report)

    return noted


def test_the_copy_is_whole(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        pytest.skip("this is no clone")
    copy = copied(root, tmp_path)
    assert (copy / "explorer/screen/explorer.tcss").is_file()
    assert (copy / "assets/stories/config.json").is_file()
    assert not (copy / ".venv").exists()
    assert all((copy / "explorer" / room).is_dir() for room in ROOMS)
