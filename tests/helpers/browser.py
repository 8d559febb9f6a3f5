"""A real browser without a window and without a network, where one is installed."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
DESKTOP, PHONE = (1280, 800), (390, 844)


def program() -> str | None:
    """The path of Chromium; None where it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium; the test is skipped where it, or Playwright, is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: it is in .[browser]")
    path = program()
    if path is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()


def written(place: Path, *words: str) -> Path:
    """The page that a call writes."""
    assert main(["export", *words, "-o", str(place)]) == 0
    return place


class Shown:
    """A file as the browser shows it: offline, with all that it complains of and asks for."""

    def __init__(self, opened: Any, file: Path, size: tuple[int, int] = DESKTOP, scheme: str = "dark") -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        width, height = size
        self.context = opened.new_context(
            offline=True, color_scheme=scheme, has_touch=size == PHONE, viewport={"width": width, "height": height}
        )
        self.file = file
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, step: str = "") -> "Shown":
        """Go to a step of the page, by its link."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.file.as_uri()}{step}")
        self.page.wait_for_selector("#place")
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        """The text of what is shown there."""
        found: str = self.page.inner_text(selector)
        return found

    def wait_for(self, condition: str) -> None:
        """Until some JavaScript is true: what the browser does in its own time, such as going back."""
        self.page.wait_for_function(condition)

    def wait_for_place(self, place: str) -> None:
        """Until the page is at that stage."""
        self.wait_for(f"document.getElementById('place').textContent === {json.dumps(place)}")

    def ask(self, code: str, *values: Any) -> Any:
        """The value of some JavaScript, a function of these values."""
        return self.page.evaluate(f"(values) => ({code})(...values)", json.loads(json.dumps(values)))

    @property
    def hash(self) -> str:
        found: str = self.page.evaluate("location.hash")
        return found

    def value(self, name: str, *index: int) -> float | None:
        """A number of the page, by its name."""
        found: float | None = self.ask("(name, index) => walk.run.why.value({ name, index })", name, index)
        return found
