"""A page of `gpt-explorer serve` in a real Chromium, without a window."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserPage

PATIENCE = 180  # seconds, on a machine however slow
PROMPT = "Tom and Lily went to the park. Tom said to"

# textual-serve keeps its terminal to itself: it is found when it is given its first part.
_FIND_THE_TERMINAL = """
Object.defineProperty(Object.prototype, "fitAddon", {
  configurable: true,
  set(part) {
    window.shownTerminal = this.terminal;
    Object.defineProperty(this, "fitAddon", { value: part, writable: true });
  },
});
"""
_READ_THE_SCREEN = """() => {
  if (!window.shownTerminal) return "";
  const screen = window.shownTerminal.buffer.active, lines = [];
  for (let line = 0; line < window.shownTerminal.rows; line++)
    lines.push(screen.getLine(screen.viewportY + line)?.translateToString(true) ?? "");
  return lines.join("\\n");
}"""


class Page:
    """The explorer on a page, as its terminal shows it."""

    def __init__(self, page: "BrowserPage") -> None:
        self.page = page
        self.asked: list[str] = []  # the addresses that were asked for something
        page.set_default_timeout(1000 * PATIENCE)
        page.add_init_script(_FIND_THE_TERMINAL)
        page.on("request", lambda request: self.asked.append(request.url))

    @property
    def screen(self) -> str:
        """All lines that stand in the terminal now; "" while there is none."""
        found: str = self.page.evaluate(_READ_THE_SCREEN)
        return found

    def until(self, *shown: str, gone: str = "") -> None:
        """Wait until all of these stand on the screen at once, and that one does not."""

        def holds() -> bool:
            screen = self.screen
            return all(text in screen for text in shown) and not (gone and gone in screen)

        self.wait(holds)

    def wait(self, happened: Callable[[], object]) -> None:
        """Wait until this has happened, while the page goes on."""
        until = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < until, self.screen
            self.page.wait_for_timeout(50)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, column: int, line: int) -> None:
        """Click on a cell."""
        box = self.page.locator(".xterm-screen").bounding_box()
        columns, lines = self.page.evaluate("[shownTerminal.cols, shownTerminal.rows]")
        assert box
        cell = box["width"] / columns, box["height"] / lines
        self.page.mouse.click(box["x"] + (column + 0.5) * cell[0], box["y"] + (line + 0.5) * cell[1])


@contextmanager
def serving(*arguments: str, folder: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`gpt-explorer serve` on a free port of this machine, started in that folder, and the address of its page."""
    pytest.importorskip("textual_serve", reason="textual-serve is not installed: pip install -e '.[serve]'")
    call = [sys.executable, "-m", "explorer", "serve", "--port", "0", *arguments]
    server = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
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
