"""Trying the tests: python -m tests.mutants [--cases N] [--seed S] [--only ROOM]

In a copy of the tree, one place of the code is changed at random (a comparison, an operation, a constant, a branch, a
call left out), and the tests of its room are run, then those of other rooms that import the module. A change that no
test notices is printed: it gets a test, or it makes no difference. What was tried is kept, so the same call goes on
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

ROOMS = {
    "paint": ("tests/paint",),
    "views": ("tests/views",),
    "walk": ("tests/walk",),
    "screen": ("tests/screen",),
    "edits": ("tests/edits",),
    "analysis": ("tests/analysis",),
    "loading": ("tests/loading",),
}
"""The tests of each room of `explorer/`."""

_COSTLY = ("tests/pytorch", "tests/transformer_lens")

WANTED = 0.9
NOTICED, SURVIVED, ENDLESS = "noticed", "survived", "endless"
_ROOT = Path(__file__).resolve().parents[2]
_LONGEST = 900  # seconds for the tests of a room, on a machine however slow


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
    rooms = options.only or list(ROOMS)
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
    sound: set[str] = set()
    for number, (room, file, found) in enumerate(chosen(copy, rooms, cases, seed), 1):
        one = Tried(str(file.relative_to(copy)), found.line, found.before, found.after)
        if one not in known:
            if room not in sound:
                _require_sound(copy, room)
                sound.add(room)
            known[one] = _result(copy, room, file, found)
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


def chosen(root: Path, rooms: Sequence[str], cases: int, seed: int) -> Iterator[tuple[str, Path, Mutant]]:
    """So many different mutants, each place of the rooms as likely as any other; fewer where there are no more."""
    files = [(room, file) for room in rooms for file in sorted((root / "explorer" / room).rglob("*.py"))]
    sources = {file: file.read_text(encoding="utf-8") for _, file in files}
    places = [(room, file, place) for room, file in files for place in range(count(sources[file]))]
    random.Random(seed).shuffle(places)
    left = cases
    for room, file, place in places:
        found = mutant(sources[file], place) if left else None
        if found is not None:
            left -= 1
            yield room, file, found


def _require_sound(copy: Path, room: str) -> None:
    done = _run(copy, _ordered(copy, room, ""))
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-25:])
        print(f"the tests of {room} fail without any change:\n{last}", file=sys.stderr)
        raise SystemExit(2)


def _result(copy: Path, room: str, file: Path, found: Mutant) -> str:
    """The result of the room's tests, and where they notice nothing those of others that import the module."""
    before = file.read_text(encoding="utf-8")

    def fail(tests: list[str]) -> bool:
        file.write_text(found.source, encoding="utf-8")
        try:
            return _run(copy, tests).returncode != 0
        finally:
            file.write_text(before, encoding="utf-8")

    try:
        if fail(_ordered(copy, room, file.stem)):
            return NOTICED
        others = _elsewhere(copy, room, file)
        noticed = others and fail(others) and _run(copy, others).returncode == 0  # those fail by the change alone
    except subprocess.TimeoutExpired:
        return ENDLESS
    return NOTICED if noticed else SURVIVED


def _ordered(copy: Path, room: str, module: str) -> list[str]:
    """The files of tests of a room: those that speak most of the changed module first, as they notice it soonest."""
    files = [file for place in ROOMS[room] for file in sorted((copy / place).rglob("test_*.py"))]
    if module:
        files.sort(key=lambda file: -file.read_text(encoding="utf-8").count(module))
    return [str(file.relative_to(copy)) for file in files]


def _elsewhere(copy: Path, room: str, file: Path) -> list[str]:
    """The files of tests of other rooms that import the changed module by its name."""
    module = ".".join(file.relative_to(copy).with_suffix("").parts)
    package, _, name = module.rpartition(".")
    found = [
        test.relative_to(copy)
        for test in sorted((copy / "tests").rglob("test_*.py"))
        if module in (text := test.read_text(encoding="utf-8")) or f"from {package} import {name}\n" in text
    ]
    return [str(test) for test in found if not any(test.is_relative_to(place) for place in (*ROOMS[room], *_COSTLY))]


def _run(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the tests in the copy; they stop at the first that fails."""
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
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
