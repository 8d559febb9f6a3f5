"""docs/ioi.md, on the screen: exactly its keys, pressed one row after the other, show the library's numbers."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

import explorer as gx
from explorer.screen.main.screen import MainScreen
from explorer.walk.session import Session
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded
from tests.helpers.pilot import computed, opened, press, text, until

TEXT = (Path(__file__).parents[2] / "docs/ioi.md").read_text(encoding="utf-8")
A, B = "Tom and Lily went to the park. Tom said to", "Tom and Lily went to the park. Lily said to"
ROWS: list[list[str]] = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in TEXT.split("## The same on the screen")[1].splitlines()
    if re.match(r"\| [^-|]+ \| `", line)
]
NAMED = {"<": "less_than_sign", ".": "full_stop"}


def keys(given: str) -> list[list[str]]:
    """The keys of a row, each text in quotation marks by its characters."""
    parts = shlex.split(given.strip("`"), posix=False)
    return [list(part.strip('"')) if part.startswith('"') else [NAMED.get(part, part)] for part in parts]


@pytest.fixture(scope="module")
def numbers() -> dict[str, list[tuple[str, str]]]:
    """Of each experiment: what the document says, and what the screen shows of the same number."""
    model = gx.load()
    clean, corrupted = model.run(A), model.run(B)
    lead, sender = gx.logit_difference(" Lily", " Tom"), gx.head(3, 3).patch(corrupted)
    lens = clean.lens(" Lily").values[11, 10]
    heads = clean.attribute(" Lily", versus=" Tom", by="head").by_head
    patched = clean.patching(corrupted, "heads", lead).values
    places = clean.patching(corrupted, "resid_pre", lead, by_position=True, at=[8]).values
    to_queries = clean.path(sender, "5.2.q", mlps_follow=True).measure(lead)
    to_logits = clean.path(sender, "logits").measure(lead)
    looks = clean["blocks.5.attn.hook_pattern"][2, 10, 2], clean["blocks.3.attn.hook_pattern"][3, 10, 8]
    before, after = _signed(clean.measure(lead)), _signed(corrupted.measure(lead))
    return {
        "lens": [(f"{lens:.1%}", f"·Lily {lens:.1%}")],
        "attribution by head": [(f"head 5.2 writes {_signed(heads[5, 2])}", _signed(heads[5, 2]))],
        "patching by head": [
            (f"{before} and {after}", f"clean {before}, corrupted {after}"),
            (f"3.3 restores {_plain(patched[3, 3])}", f"head 3.3 {_plain(patched[3, 3])}"),
            (f"head 5.2 {_plain(patched[5, 2])}", f"head 5.2 {_plain(patched[5, 2])}"),
        ],
        "by position": [
            (f"{_plain(places[3, 0])} before block 3", f"{_plain(places[3, 0])}"),
            (f"{_plain(places[4, 0])} before block 4", f"{_plain(places[4, 0])}"),
        ],
        "path patching": [(f"{before} to {_signed(to_queries)}", f"lead {before} → {_signed(to_queries)}")],
        "and to the logits": [(f"to {_signed(to_logits)}", f"lead {before} → {_signed(to_logits)}")],
        "where 5.2 looks, and why": [(f"·Lily with {looks[0]:.1%}", f"looks at ·Lily with {looks[0]:.1%}: score q·k")],
        "where 3.3 looks": [(f"·Tom with {looks[1]:.1%}", f"looks at ·Tom with {looks[1]:.1%}: score q·k")],
        "copying": [("·Lily is 1", f"copy score at ·Lily {gx.copy_score(clean, 5, 2, [2]):.0f},")],
        "and 3.3": [("there is 0", f"copy score at ·Lily {gx.copy_score(clean, 3, 3, [2]):.0f},")],
    }


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _plain(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def test_the_document_has_the_librarys_numbers(numbers: dict[str, list[tuple[str, str]]]) -> None:
    assert [row[0] for row in ROWS] == list(numbers)
    for name, _, said in ROWS:
        assert [number for number, _ in numbers[name] if number not in said] == [], name


@pytest.mark.parametrize("size", [(80, 24), *exhaustive((120, 36))], ids=str)
async def test_its_keys_show_them(size: tuple[int, int], numbers: dict[str, list[tuple[str, str]]]) -> None:
    model, checkpoint = embedded()
    async with opened(Session(model, checkpoint.tokenizer), size, prompt=A) as (pilot, screen):
        await computed(pilot)
        for name, given, _ in ROWS:
            for part in keys(given):
                await press(pilot, *part)
                await settled(pilot, screen)
            seen = "\n".join([*text(screen, "view"), *text(screen, "number")])
            assert [number for _, number in numbers[name] if number not in seen] == [], f"{name}\n{seen}"


async def settled(pilot: Pilot[str], screen: MainScreen) -> None:
    """Wait until the open view has all that it asks for."""
    view: Any = screen.view
    await until(pilot, lambda: view is None or view.wanted() is None)
    screen.repaint()
    await pilot.pause()
