"""A page of `gpt-explorer serve` in a real Chromium, without a window."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserPage
    from playwright.sync_api import WebSocket

PATIENCE = 60  # seconds, on a machine however slow
PROMPT = "Tom and Lily went to the park. Tom said to"


class Page:
    """The explorer on a page, and everything that its program has drawn."""

    def __init__(self, page: "BrowserPage") -> None:
        self.page = page
        self.drawn = b""
        self.asked: list[str] = []  # the addresses that were asked for something
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", self._connected)
        self.size = 0, 0  # columns and lines, as the page asked for when it was opened

    def _connected(self, socket: "WebSocket") -> None:
        query = parse_qs(urlsplit(socket.url).query)
        self.size = int(query["width"][0]), int(query["height"][0])
        socket.on("framereceived", self._hear)

    def _hear(self, frame: bytes | str) -> None:
        self.drawn += frame if isinstance(frame, bytes) else frame.encode()

    def until(self, shown: str, since: int = 0) -> None:
        """Wait until the program draws this; codes for colours and places in between do not count."""
        self.wait(lambda: shown in plain(self.drawn[since:]))

    def wait(self, happened: Callable[[], object]) -> None:
        """Wait until this has happened, while the page goes on."""
        until = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < until, plain(self.drawn)[-3000:]
            self.page.wait_for_timeout(50)

    def press(self, keys: str, shown: str) -> None:
        """Press a key, and wait until this is drawn."""
        since = len(self.drawn)
        self.page.keyboard.press(keys)
        self.until(shown, since)

    def click(self, column: int, line: int, shown: str) -> None:
        """Click on a cell, and wait until this is drawn."""
        since, box = len(self.drawn), self.page.locator(".xterm-screen").bounding_box()
        assert box
        cell = box["width"] / self.size[0], box["height"] / self.size[1]
        self.page.mouse.click(box["x"] + (column + 0.5) * cell[0], box["y"] + (line + 0.5) * cell[1])
        self.until(shown, since)


def plain(drawn: bytes) -> str:
    """The drawn text, without the terminal's codes."""
    return re.sub(r"\x1b\[[0-9;?<>$]*[ -/]*[@-~]", "", drawn.decode("utf-8", "replace"))


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`gpt-explorer serve` on a free port of this machine, and the address of its page."""
    pytest.importorskip("textual_serve", reason="textual-serve is not installed: pip install -e '.[serve]'")
    call = [sys.executable, "-m", "explorer", "serve", "--port", "0", *arguments]
    server = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield server, address(server.stdout)
    finally:
        server.kill()
        server.wait()
        assert server.stdout
        server.stdout.close()


def address(said: IO[str] | None) -> str:
    """The address that the server says."""
    assert said
    line = said.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + said.read()
    return found[0]


@contextmanager
def browser_page(address: str) -> Iterator[Page]:
    """The address, opened in Chromium; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("Chromium is not installed")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        page = Page(browser.new_context(viewport={"width": 1200, "height": 800}).new_page())
        page.page.goto(address)
        yield page
        browser.close()
