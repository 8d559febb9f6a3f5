"""Which tests reach which line, by one run of all of them: a mutant meets the tests that can notice it."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage

SECONDS = 60.0
"""Of tests that a mutant meets at the most, by the time that they took when all of them ran: the quickest first."""


@dataclass(frozen=True)
class Reached:
    """The tests of a copy of the tree, as pytest names them, by the file and the line that they run."""

    root: Path
    data: coverage.CoverageData
    seconds: dict[str, float]

    def tests(self, file: Path, line: int) -> list[str]:
        """The tests that run this line; where none does by itself (a constant of the module), those of the file."""
        by_line = self.data.contexts_by_lineno(str(file))
        found = set(by_line.get(line, ())) - {""}
        found = found or {context for contexts in by_line.values() for context in contexts} - {""}
        return self._quickest({context.rpartition("|")[0] for context in found})

    def _quickest(self, names: set[str]) -> list[str]:
        taken, spent = [], 0.0
        for name in sorted(names, key=lambda name: (self.seconds.get(name, 1.0), name)):
            spent += self.seconds.get(name, 1.0)
            if taken and spent > SECONDS:
                break
            taken.append(name)
        return taken


def reached(root: Path, ignored: Sequence[str]) -> Reached:
    """Run all tests of a tree once; SystemExit 2 if they fail."""
    data, report = root / ".coverage", root / "report.xml"
    options = ["--cov=explorer", "--cov-context=test", "--cov-report="]
    options += [f"--junitxml={report}", "-o", "junit_family=xunit1"]  # which has the file of each test
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, *(f"--ignore={folder}" for folder in ignored)],
        cwd=root,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        print("the tests fail without any change:", *done.stdout.splitlines()[-25:], sep="\n", file=sys.stderr)
        raise SystemExit(2)
    found = coverage.CoverageData(str(data))
    found.read()
    return Reached(root, found, _seconds(report))


def _seconds(report: Path) -> dict[str, float]:
    """How long each test took, by its name as pytest writes it."""
    return {
        f"{case.get('file')}::{case.get('name')}": float(case.get("time", 0))
        for case in ElementTree.parse(report).iter("testcase")
    }
