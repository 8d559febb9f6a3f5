"""Which tests reach which line, by one run of all of them: a mutant meets the tests that can notice it.

The runs are kept in a folder. A test file that has changed since is run again, alone; all are, if the program has.
"""

import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage

_IMPORTED = re.compile(r"^\s*(?:from|import) (tests(?:\.\w+)*)(?: import ([\w, ]+))?", re.MULTILINE)
_NAMED = 5  # times as long may a test take that has the name of the module, and is taken as early as another
_LOOKING = "tests/test_approved.py::"  # tests that compare all of what is drawn: they are taken as early
_UNKNOWN = 1.0  # seconds for a test whose time is not known


@dataclass(frozen=True)
class _Run:
    """One run of some test files."""

    files: frozenset[str]
    data: coverage.CoverageData
    seconds: dict[str, float]


@dataclass(frozen=True)
class Reached:
    """The tests of a tree, as pytest names them, by the file and the line that they run."""

    runs: Sequence[_Run]
    most: float  # seconds of tests that a mutant meets, by the time that they took when all of them ran

    def tests(self, file: str, line: int) -> dict[str, float]:
        """The tests that run this line, with their seconds; where none does by itself (a constant of the module), those
        of the file. The quickest come first, with those that have the name of the module or of its package and those
        that compare pictures; then those of its room that ran in a process of their own, and last those for which
        another one has prepared something.
        """
        contexts = {context for run in self.runs for context in _contexts(run, file, line)}
        contexts = contexts or {context for run in self.runs for context in _contexts(run, file, None)}
        direct = {context.rpartition("|")[0] for context in contexts}
        sharing = {context.partition("::")[0] for context in contexts if context.endswith("|setup")}
        seconds = {test: spent for run in self.runs for test, spent in run.seconds.items()}
        others = {test for test in seconds if test.partition("::")[0] in sharing} - direct
        seen = {context.rpartition("|")[0] for run in self.runs for context in run.data.measured_contexts()}
        elsewhere = {test for test in seconds if test.startswith(f"tests/{Path(file).parts[1]}/")} - seen
        names = set(Path(file).with_suffix("").parts[2:])

        def order(test: str) -> tuple[float, str]:
            named = test.startswith(_LOOKING) or any(name in test for name in names)
            return seconds.get(test, _UNKNOWN) / (_NAMED if named else 1), test

        taken: dict[str, float] = {}
        for group in (direct, elsewhere, others - elsewhere):
            for test in sorted(group, key=order):
                if not taken or sum(taken.values()) + seconds.get(test, _UNKNOWN) <= self.most:
                    taken[test] = seconds.get(test, _UNKNOWN)
        return taken


def _contexts(run: _Run, file: str, line: int | None) -> set[str]:
    """The tests of a run, each with its phase, that run this line; or any line of the file."""
    lines = run.data.contexts_by_lineno(file)
    found = lines.get(line, ()) if line is not None else {context for each in lines.values() for context in each}
    return {context for context in found if context.partition("::")[0] in run.files}


def reached(root: Path, cache: Path, tests: Sequence[str], ignored: Sequence[str], most: float) -> Reached:
    """Run those of these test files and folders of a tree that the cache does not know; SystemExit 2 if one fails."""
    cache.mkdir(parents=True, exist_ok=True)
    index = cache / "runs.json"
    known: dict[str, int] = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
    keys = _keys(root, tests, ignored)
    missing = [file for file, key in keys.items() if key not in known]
    if missing:
        number = 1 + max(known.values(), default=-1)
        _run(root, missing, cache / f"{number}.coverage", cache / f"{number}.xml")
        known |= {keys[file]: number for file in missing}
        index.write_text(json.dumps(known), encoding="utf-8")
    numbers = sorted({known[key] for key in keys.values()})
    runs = [_read(cache, number, (file for file, key in keys.items() if known[key] == number)) for number in numbers]
    return Reached(runs, most)


def _read(cache: Path, number: int, files: Iterable[str]) -> _Run:
    data, report = coverage.CoverageData(str(cache / f"{number}.coverage")), cache / f"{number}.xml"
    data.read()
    current = frozenset(files)  # a later run may have had others of its files again
    seconds = {test: spent for test, spent in _seconds(report).items() if test.partition("::")[0] in current}
    return _Run(current, data, seconds)


def _run(root: Path, files: Sequence[str], data: Path, report: Path) -> None:
    """Run these test files with a note of which test reaches what."""
    settings = root / "coverage.ini"
    settings.write_text(f"[run]\nrelative_files = true\ndata_file = {data.resolve()}\n", encoding="utf-8")
    (root / "tests.txt").write_text("\n".join(files), encoding="utf-8")
    options = ["--cov=explorer", "--cov-context=test", "--cov-report=", f"--cov-config={settings}"]
    options += [f"--junitxml={report.resolve()}", "-o", "junit_family=xunit1"]  # which has the file of each test
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, "@tests.txt"],
        cwd=root,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        print("the tests fail without any change:", *done.stdout.splitlines()[-25:], sep="\n", file=sys.stderr)
        raise SystemExit(2)


def _keys(root: Path, tests: Sequence[str], ignored: Sequence[str]) -> dict[str, str]:
    """Of each test file, what it and all that it runs are known by."""
    program = hashlib.sha256()
    for folder in ("gpt", "explorer"):
        for file in sorted((root / folder).rglob("*.py")):
            program.update(file.read_bytes())
    found = {file for given in tests for file in _test_files(root / given)}
    names = sorted(file.relative_to(root).as_posix() for file in found)
    names = [name for name in names if not any(name == each or name.startswith(f"{each}/") for each in ignored)]
    return {name: _key(root, name, program.hexdigest()) for name in names}


def _test_files(place: Path) -> Iterable[Path]:
    return [place] if place.is_file() else place.rglob("test_*.py")


def _key(root: Path, name: str, program: str) -> str:
    """A digest of a test file, of what it imports from other tests, and of the program."""
    files, waiting = set[Path](), [root / name]
    while waiting:
        file = waiting.pop()
        if file.is_file() and file not in files:
            files.add(file)
            for module, names in _IMPORTED.findall(file.read_text(encoding="utf-8")):
                modules = [module, *(f"{module}.{each.strip()}" for each in names.split(","))]
                waiting += [root / f"{each.replace('.', '/')}.py" for each in modules]
    digest = hashlib.sha256(program.encode() + name.encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _seconds(report: Path) -> dict[str, float]:
    """How long each test took, by its name as pytest writes it."""
    return {
        f"{case.get('file')}::{case.get('name')}": float(case.get("time", 0))
        for case in ElementTree.parse(report).iter("testcase")
    }
