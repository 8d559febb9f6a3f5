"""Trying the tests: python -m tests.mutants [--cases N] [--seed S] [--only ROOM]

In a copy of the tree, one place of the code is changed at random (a comparison, an operation, a constant, a branch, a
call left out), and the tests are run that reach it: which those are is found by one run of all of them. A change that
no test notices is printed: it gets a test, or it makes no difference. What was tried is kept, so the same call goes on
where it was stopped. The exit status is 1 if less than nine in ten were noticed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutants.mutation import Mutant, count, mutant
from tests.mutants.reached import Reached, reached

ROOMS = ("paint", "views", "walk", "screen", "edits", "analysis", "loading")
"""The rooms of `explorer/` whose code is changed."""

_COSTLY = ("tests/pytorch", "tests/transformer_lens", "tests/test_mutants.py", "tests/test_wheel.py")
"""Tests that are left out: they take long, and say little about these rooms."""

WANTED = 0.9
NOTICED, SURVIVED, ENDLESS = "noticed", "survived", "endless"
_ROOT = Path(__file__).resolve().parents[2]
_LONGEST = 900  # seconds for the tests of a mutant, on a machine however slow


@dataclass(frozen=True)
class Tried:
    """One mutant, and what became of it. One whose tests do not end is noticed."""

    file: str
    line: int
    before: str
    after: str
    result: str = ""

    def __str__(self) -> str:
        return f"{self.result:<8} {self.file}:{self.line}  {self.before}  →  {self.after}".replace("\n", "⏎")


def main(words: Sequence[str] | None = None) -> int:
    """Try so many mutants; 1 if too few were noticed, 2 if the tests fail without any change."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--cases", type=int, default=30, metavar="N", help="how many (default: 30)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones (default: 0)")
    parser.add_argument("--only", action="append", choices=ROOMS, help="of this room; may be given more than once")
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="what was tried (default: a file in the temporary folder)"
    )
    options = parser.parse_args(words)
    rooms = options.only or ROOMS
    name = f"gpt-explorer-mutants-{options.seed}-{'-'.join(rooms) if options.only else 'all'}.jsonl"
    results = options.results or Path(tempfile.gettempdir()) / name
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = copied(_ROOT, Path(folder) / "tree")
        tried = list(_try_all(copy, rooms, options.cases, options.seed, results))
    survived = [each for each in tried if each.result == SURVIVED]
    print(f"{len(tried)} mutants, {len(tried) - len(survived)} noticed ({1 - len(survived) / max(1, len(tried)):.1%})")
    print(*survived, sep="\n")
    return 0 if len(survived) <= (1 - WANTED) * len(tried) else 1


def copied(root: Path, to: Path) -> Path:
    """A copy of the files that are in the repository or could be: nothing ignored, no history."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    return to


def _try_all(copy: Path, rooms: Sequence[str], cases: int, seed: int, results: Path) -> Iterator[Tried]:
    known = _known(results)
    tests: Reached | None = None
    for number, (file, found) in enumerate(chosen(copy, rooms, cases, seed), 1):
        one = Tried(str(file.relative_to(copy)), found.line, found.before, found.after)
        if one not in known:
            tests = tests or reached(copy, _COSTLY)
            known[one] = _result(copy, tests.tests(file, found.line), file, found)
            with results.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(one) | {"result": known[one]}) + "\n")
        done = Tried(one.file, one.line, one.before, one.after, known[one])
        print(f"{number:>4} {done}", flush=True)
        yield done


def _known(results: Path) -> dict[Tried, str]:
    """The results of an earlier call, by mutant. What survived is tried again: it may have a test."""
    if not results.is_file():
        return {}
    given = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {Tried(**{**one, "result": ""}): one["result"] for one in given if one["result"] != SURVIVED}


def chosen(root: Path, rooms: Sequence[str], cases: int, seed: int) -> Iterator[tuple[Path, Mutant]]:
    """So many different mutants, each place of the rooms as likely as any other; fewer where there are no more."""
    files = [file for room in rooms for file in sorted((root / "explorer" / room).rglob("*.py"))]
    sources = {file: file.read_text(encoding="utf-8") for file in files}
    places = [(file, place) for file in files for place in range(count(sources[file]))]
    random.Random(seed).shuffle(places)
    left = cases
    for file, place in places:
        found = mutant(sources[file], place) if left else None
        if found is not None:
            left -= 1
            yield file, found


def _result(copy: Path, tests: Sequence[str], file: Path, found: Mutant) -> str:
    """The result of these tests with the change; one that no test reaches survives."""
    before = file.read_text(encoding="utf-8")
    file.write_text(found.source, encoding="utf-8")
    try:
        return NOTICED if tests and _run(copy, tests).returncode != 0 else SURVIVED
    except subprocess.TimeoutExpired:
        return ENDLESS
    finally:
        file.write_text(before, encoding="utf-8")


def _run(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the tests in the copy; they stop at the first that fails."""
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    (copy / "tests.txt").write_text("\n".join(tests), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "@tests.txt"],
        cwd=copy,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LONGEST,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
