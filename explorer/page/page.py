"""The page: what was collected of one or more runs, with the texts, the pictures' code and the looks, as one file."""

import base64
import html
import json
import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from explorer.page.contents import Contents, Place
from explorer.page.texts import Texts

_SCRIPTS = ("numbers.js", "why.js", "paint.js", "panes.js", "walk.js", "keys.js")
"""In the order in which they stand in the page."""


def page(
    title: str, runs: Iterable[Contents], texts: Texts, start: Place, tour: Mapping[str, Any] | None = None
) -> str:
    """The HTML of a page that begins at a place of its first run, or at the first Stop of a tour."""
    runs = list(runs)
    data = {
        "title": title,
        "start": {"run": 0, **start.data()},
        "tour": tour,
        "runs": [run.data for run in runs],
        "texts": texts.all,
    }
    script = "\n".join(_asset(name).replace('"use strict";\n', "", 1) for name in _SCRIPTS)
    parts = {
        "title": html.escape(title),
        "style": _asset("page.css"),
        "script": f'"use strict";\n{script}',
        "data": _packed(data, [run.numbers for run in runs]),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda hole: parts[hole[1]], _asset("page.html"))


def _packed(data: Mapping[str, Any], numbers: Iterable[bytes]) -> str:
    """Data and numbers as deflated bytes, in letters: the length of the JSON, the JSON, the numbers of each run."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")
    packed = zlib.compress(b"".join([struct.pack("<I", len(written)), written, *numbers]), 9)
    return base64.b64encode(packed).decode("ascii")


def _asset(name: str) -> str:
    return files("explorer.page").joinpath("assets", name).read_text(encoding="utf-8")
