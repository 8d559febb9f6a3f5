"""The styles that the screen knows, read from its style sheet."""

import re
from pathlib import Path

import explorer
from explorer.paint.spans import MARK, SHARE_LEVELS, SIGNED_LEVELS

CSS = (Path(explorer.__file__).parent / "screen/explorer.tcss").read_text(encoding="utf-8")
WORDS = set(re.findall(r"\.canvas--([\w-]+)", CSS))


def check_style(style: str) -> None:
    """AssertionError unless the style is a word of the style sheet, or a level of a scale."""
    scale, _, levels = style.removesuffix(MARK).partition(":")
    style = style.removesuffix(MARK)
    if not levels:
        assert not style or style in WORDS, style
        return
    limits = {"share": (0, SHARE_LEVELS), "signed": (-SIGNED_LEVELS, SIGNED_LEVELS)}[scale]
    assert levels.count("/") <= 1
    for level in levels.split("/"):
        if level or "/" not in levels:
            assert limits[0] <= int(level) <= limits[1], style
