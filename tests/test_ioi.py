"""docs/ioi.md: its program is examples/ioi.py, and its numbers are what that computes."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/ioi.md").read_text(encoding="utf-8")
PROGRAM = ROOT / "examples/ioi.py"
FLAT = " ".join(TEXT.split())


@pytest.fixture(scope="module")
def means() -> dict[str, Any]:
    return runpy.run_path(str(PROGRAM))["means"]


def test_the_program_in_the_text_is_the_one_that_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert code in PROGRAM.read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 24


def test_its_numbers_are_those_of_the_program(means: dict[str, Any]) -> None:
    heads, patched, places = means["attribution"], means["patching"], means["by position"]
    said = [
        f"The lead is {means['lead']:.2f}",
        f"in {means['right']:.0%} of the prompts",
        f"{means['lens'][10]:.3f} before block 5, {means['lens'][11]:.2f} after its attention",
        f"Head 5.2 writes {heads[5, 2]:.2f} of the lead, head 3.3 {heads[3, 3]:.2f}",
        f"head 3.4 {heads[3, 4]:.2f} and head 4.4 {heads[4, 4]:.2f}".replace("-", "−"),
        f"3.3 restores {patched[3, 3]:.2f} and 5.2 {patched[5, 2]:.2f}",
        f"{places[3, 0]:.2f} before block 3, and {places[4, 0]:.2f} after it".replace("-", "−"),
        f"from {places[3, 1]:.2f} to {places[4, 1]:.2f}",
        f"takes the lead from {means['lead']:.2f} to {means['path to queries']:.2f}".replace("-", "−"),
        f"leaves {means['path to logits']:.2f}",
        f"looks at the second name ({means['3.3 looks at the second name']:.2f})",
        f"looks at the other name ({means['5.2 looks at the other name']:.2f})",
        f"copy score is {means['5.2 copies']:.2f}, that of 3.3 {means['3.3 copies']:.2f}",
    ]
    assert [each for each in said if each not in FLAT] == []
    others = sorted(abs(patched).ravel())[:-2]
    assert max(others) < 0.14, "no other head restores more"
