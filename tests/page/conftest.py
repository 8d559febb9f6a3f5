"""Pages written once for all tests of this folder, and a browser for each file of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browser import browser, written
from tests.helpers.looking import PROMPT


@pytest.fixture(scope="session")
def walk_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page") / "walk.html", PROMPT)


@pytest.fixture(scope="session")
def edited_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page") / "edited.html"
    return written(place, PROMPT, "--edit", "head 3.3: zero", "--from", "block 3 z", "--to", "block 3")


TOUR = f"""
title = "Three Stops"
prompt = "{PROMPT}"
[[stop]]
title = "The answer"
at = "logits rank 0"
text = "It says {{top()}}."
[[stop]]
title = "When does it know?"
at = "logits rank 0"
view = "lens"
prompt = "Lily and Tom went to the park. Lily said to"
text = "Here it says {{top()}}."
[[stop]]
title = "Without head 3.3"
at = "block 5 pattern head 2 key 0"
edits = ["head 3.3: zero"]
text = "Now it looks at {{token(0)}}."
"""


@pytest.fixture(scope="session")
def tour_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page")
    (place / "three.toml").write_text(TOUR, encoding="utf-8")
    return written(place / "tour.html", "--tour", str(place / "three.toml"), "--from", "logits")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened
