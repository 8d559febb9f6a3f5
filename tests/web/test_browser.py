"""The explorer in Chromium: it types, walks, opens views, follows the mouse and the size, and ends."""

import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.served import PATIENCE, PROMPT, browser_page, plain, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs behind it are looked for in /proc")


def test_a_page_is_a_terminal() -> None:
    with serving(PROMPT, "--seed", "7") as (server, address), browser_page(address) as page:
        page.until("computed in")
        assert PROMPT in plain(page.drawn)
        assert "seed 7" in plain(page.drawn)
        before = page.page.screenshot()

        page.press("ArrowRight", "Token embedding")  # walks
        assert page.page.screenshot() != before, "it is drawn on the page"
        page.click(3, 3, "length 0.8281")  # the mouse: on the first token, "Tom"
        page.press("2", "probability at T 1")  # a view
        page.press("Escape", "Map")

        since = len(page.drawn)
        page.page.keyboard.press("/")  # types
        page.page.keyboard.press("End")
        page.page.keyboard.type(" Ben é")
        page.page.keyboard.press("Enter")
        page.until("·Ben", since)
        page.until("computed in", since)

        since = len(page.drawn)
        page.page.set_viewport_size({"width": 400, "height": 200})  # resizes
        page.until("Make it larger", since)

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
        page.until("computed in")
        programs = _children(server.pid)
        assert programs
        page.page.goto("about:blank")
        page.wait(lambda: not any(map(_alive, programs)))
        page.page.goto(address)
        page.until("computed in", len(page.drawn))
        page.page.keyboard.press("q")
        page.page.click("text=Start again")
        page.until("computed in", len(page.drawn))


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
