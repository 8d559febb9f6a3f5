"""Trying the tests: python -m tests.mutants [--cases N] [--seed S] [--only ROOM]

In a copy of the tree, one place of the code is changed at random (a comparison, an operation, a constant, a branch, a
call left out), and the tests are run that reach it: which those are is found by one run of all of them. A change that
no test notices is printed: it gets a test, or it makes no difference. What was tried and which tests reach what is kept
in a folder, so the same call goes on where it was stopped. The exit status is 1 if less than nine in ten were noticed.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tests.mutants.mutation import Mutant, count, mutant
from tests.mutants.reached import Reached, reached
from tests.mutants.warm import Warm

ROOMS = ("paint", "views", "walk", "screen", "edits", "analysis", "loading")
"""The rooms of `explorer/` whose code is changed."""

_COSTLY = ("tests/pytorch", "tests/transformer_lens", "tests/test_mutants.py", "tests/test_wheel.py")
"""Tests that are left out: they take long, and say little about these rooms."""

WANTED = 0.9
NOTICED, SURVIVED, ENDLESS = "noticed", "survived", "endless"
_ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = ("-q", "-n", "0", "-p", "no:cacheprovider")
_AT_LEAST, _TIMES = 120, 6  # seconds for the tests of a mutant: these, and so many times those that they took


@dataclass(frozen=True)
class Tried:
    """One mutant, and what became of it. One whose tests do not end is noticed."""

    file: str
    line: int
    before: str
    after: str
    source: str  # a digest: another change of the same words is another
    result: str = ""
    by: str = ""  # the test that noticed it

    def __str__(self) -> str:
        return f"{self.result:<8} {self.file}:{self.line}  {self.before}  →  {self.after}".replace("\n", "⏎")


class Copy(NamedTuple):
    """A copy of the tree, and what runs its tests."""

    root: Path
    run: Warm


def main(words: Sequence[str] | None = None) -> int:
    """Try so many mutants; 1 if too few were noticed, 2 if the tests fail without any change."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--cases", type=int, default=30, metavar="N", help="how many (default: 30)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones (default: 0)")
    parser.add_argument("--only", action="append", choices=ROOMS, help="of this room; may be given more than once")
    parser.add_argument("--tests", action="append", metavar="PATH", help="only tests of this file or folder")
    parser.add_argument(
        "--seconds", type=float, default=60, metavar="S", help="of tests that a mutant meets at most (default: 60)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at the same time (default: 1)")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "gpt-explorer-mutants",
        metavar="DIR",
        help="where what was found is kept (default: in the temporary folder)",
    )
    options = parser.parse_args(words)
    rooms = options.only or ROOMS
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as stack:
        roots = [copied(_ROOT, Path(folder) / str(job)) for job in range(max(1, options.jobs))]
        tests = reached(roots[0], options.cache, options.tests or ["tests"], _COSTLY, options.seconds)
        mutants = chosen(roots[0], rooms, options.cases, options.seed)
        copies = [Copy(root, stack.enter_context(closing(Warm(root)))) for root in roots]
        tried = list(_try_all(copies, tests, mutants, options.cache / "results.jsonl"))
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


def _try_all(
    copies: Sequence[Copy], tests: Reached, mutants: Iterable[tuple[Path, Mutant]], results: Path
) -> Iterator[Tried]:
    """Try the mutants, one at a time in each copy; in their order."""
    known = _known(results)
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def tried(file: Path, found: Mutant) -> Tried:
        one = Tried(file.as_posix(), found.line, found.before, found.after, _digest(found.source))
        if one not in known:
            copy = free.get()
            try:
                known[one] = _tried(one, copy, tests.tests(one.file, one.line), found)
            finally:
                free.put(copy)
            with results.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(known[one])) + "\n")
        return known[one]

    with ThreadPoolExecutor(len(copies)) as pool:
        for number, done in enumerate(pool.map(lambda pair: tried(*pair), mutants), 1):
            print(f"{number:>4} {done}", flush=True)
            yield done


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _known(results: Path) -> dict[Tried, Tried]:
    """The results of an earlier call, by mutant. What survived is tried again: it may have a test."""
    if not results.is_file():
        return {}
    given = [Tried(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]
    return {replace(one, result="", by=""): one for one in given if one.result != SURVIVED}


def chosen(root: Path, rooms: Sequence[str], cases: int, seed: int) -> Iterator[tuple[Path, Mutant]]:
    """So many different mutants and their files, by the root; each place of the rooms is as likely as any other."""
    files = [file for room in rooms for file in sorted((root / "explorer" / room).rglob("*.py"))]
    sources = {file: file.read_text(encoding="utf-8") for file in files}
    places = [(file, place) for file in files for place in range(count(sources[file]))]
    random.Random(seed).shuffle(places)
    left = cases
    for file, place in places:
        found = mutant(sources[file], place) if left else None
        if found is not None:
            left -= 1
            yield file.relative_to(root), found


def _tried(one: Tried, copy: Copy, tests: Mapping[str, float], found: Mutant) -> Tried:
    """The mutant with the result of these tests; one that no test reaches survives."""
    if not tests:
        return replace(one, result=SURVIVED)
    (copy.root / "tests.txt").write_text("\n".join(tests), encoding="utf-8")
    file = copy.root / one.file
    before = file.read_text(encoding="utf-8")
    try:
        _write(file, found.source)
        status, shown = copy.run([*_OPTIONS, "-x", "@tests.txt"], _AT_LEAST + _TIMES * sum(tests.values()))
    finally:
        _write(file, before)
    if status is None:
        return replace(one, result=ENDLESS)
    if status > 1 and copy.run([*_OPTIONS, "--collect-only", "@tests.txt"], _AT_LEAST)[0] != 0:
        raise SystemExit(f"the tests of {one.file}:{one.line} cannot be run:\n{shown}")
    failed = [line.split(" ")[1] for line in shown.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return replace(one, result=NOTICED if status else SURVIVED, by=failed[0] if failed else "")


def _write(file: Path, source: str) -> None:
    """Write a module; what was compiled of it could be taken for this one, which is as long and no second younger."""
    file.write_text(source, encoding="utf-8")
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()


if __name__ == "__main__":
    sys.exit(main())
