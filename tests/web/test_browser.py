"""The explorer in Chromium: it types, walks, opens views, follows the mouse and the size, and ends."""

import csv
import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from gpt.ops import softmax_row
from tests.helpers.models import embedded
from tests.helpers.served import PATIENCE, PROMPT, browser_page, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs behind it are looked for in /proc")


def answer(prompt: str) -> str:
    """How likely the likeliest next token is: it stands on the screen from when the run is computed."""
    model, checkpoint = embedded()
    return f"{max(softmax_row(model.forward(checkpoint.tokenizer.encode(prompt)).logits[-1])):.1%}"


def test_a_page_is_a_terminal() -> None:
    with serving(PROMPT, "--seed", "7") as (server, address), browser_page(address) as page:
        page.until(answer(PROMPT), PROMPT, "seed 7")
        before = page.page.screenshot()

        page.press("ArrowRight")  # walks
        page.until("▶ token embedding")
        page.wait(lambda: page.page.screenshot() != before)  # it is drawn on the page
        page.click(3, 3)  # the mouse: on the first token, "Tom"
        page.until("length 0.8281")
        page.press("2")  # a view
        page.until("probability at T 1")
        page.press("Escape")
        page.until("length 0.8281", gone="probability at T 1")

        page.press("/", "End")  # types
        page.page.keyboard.type(" Ben é")
        page.until(PROMPT + " Ben é")
        page.press("Enter")
        page.until("·Ben", answer(PROMPT + " Ben é"))

        page.page.set_viewport_size({"width": 400, "height": 200})  # resizes
        page.until("Make it larger")

        hosts = {urlsplit(asked).netloc for asked in page.asked if not asked.startswith("data:")}
        assert hosts == {urlsplit(address).netloc}, "it asks no other machine for anything"

        programs = _children(server.pid)
        assert programs
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0
        assert not any(map(_alive, programs)), "the programs end with the server"
        page.page.wait_for_selector("text=Start again")


def test_the_program_ends_with_its_page() -> None:
    with serving(PROMPT) as (server, address), browser_page(address) as page:
        page.until(answer(PROMPT))
        programs = _children(server.pid)
        assert programs
        page.page.goto("about:blank")
        page.wait(lambda: not any(map(_alive, programs)))
        page.page.goto(address)
        page.until(answer(PROMPT))
        page.press("q")
        page.page.click("text=Start again")
        page.until(answer(PROMPT))


def test_what_is_saved_is_downloaded(tmp_path: Path) -> None:
    """W gives the browser the file, under its name; nothing is written where the server runs."""
    model, checkpoint = embedded()
    table = np.asarray(model.weights.token_embedding)[checkpoint.tokenizer.encode(PROMPT)]
    with serving(PROMPT, folder=tmp_path) as (_, address), browser_page(address) as page:
        page.until(answer(PROMPT))
        page.press("ArrowRight")
        page.until("▶ token embedding")
        for steps, kind in ((3, "csv"), (1, "json")):
            page.press("W")
            page.until("enter saves")
            page.press(*["ArrowRight"] * steps)
            page.until(f"embed.{kind}")
            with page.page.expect_download() as started:
                page.press("Enter")
            assert started.value.suggested_filename == f"embed.{kind}"
            content = Path(started.value.path()).read_text(encoding="utf-8")
            if kind == "csv":
                rows = [row[1:] for row in csv.reader(content.splitlines())][1:]
                assert np.array_equal(np.array(rows, dtype=float), table)
            else:
                assert json.loads(content)["values"] == table.tolist()
            page.until("walk", gone="enter saves")
    assert list(tmp_path.iterdir()) == []


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
