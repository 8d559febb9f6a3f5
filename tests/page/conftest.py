"""Pages written once for all tests of this folder, and a browser for each file of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from tests.helpers.browser import browser
from tests.helpers.looking import PROMPT


def written(place: Path, *words: str) -> Path:
    """The page that a call writes."""
    assert main(["export", *words, "-o", str(place)]) == 0
    return place


@pytest.fixture(scope="session")
def walk_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page") / "walk.html", PROMPT)


@pytest.fixture(scope="session")
def edited_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page") / "edited.html"
    return written(place, PROMPT, "--edit", "head 3.3: zero", "--from", "block 3 z", "--to", "block 3")


@pytest.fixture(scope="session")
def tour_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page") / "tour.html", "--tour", "names", "--from", "logits")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened
