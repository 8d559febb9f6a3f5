"""Colours that meet can be told apart: 4.5 for text and 3 for marks, in every theme; with xterm.js' own colours too."""

import pytest
from rich.segment import Segment
from rich.style import Style

from explorer.screen.themes import THEMES
from tests.helpers.contrast import MARK, TEXT, Pair, Terminal, least, luminance, measured, pairs_of


async def test_whatever_is_written_can_be_read() -> None:
    pairs = await measured()
    assert len(pairs) > 200
    assert {theme for theme in THEMES for pair in pairs if theme in pair.where} == set(THEMES)
    low = sorted((pair for pair in pairs if pair.contrast < pair.least), key=lambda pair: pair.contrast)
    assert not low, "\n".join(map(str, low))


def test_contrast_is_that_of_wcag() -> None:
    """Source of the numbers: https://webaim.org/resources/contrastchecker/."""
    assert Pair("", "#000000", "#ffffff", TEXT).contrast == pytest.approx(21)
    assert Pair("", "#777777", "#ffffff", TEXT).contrast == pytest.approx(4.48, abs=0.005)
    assert luminance("#ffffff") == pytest.approx(1)


def test_bold_black_on_a_colour_is_found() -> None:
    """In xterm.js it becomes bright black: 2.9 on yellow, where black has 5.1."""
    bold, plain = (Style(color="black", bgcolor="yellow", bold=bold) for bold in (True, False))
    (pair,) = pairs_of([Segment("edited", bold)], Terminal(dark=True), "")
    assert pair.contrast == pytest.approx(2.9, abs=0.1)
    (pair,) = pairs_of([Segment("edited", plain)], Terminal(dark=True), "")
    assert pair.contrast > 4.5


def test_what_is_text_and_what_is_a_mark() -> None:
    assert least("head 3") == least("3●") == TEXT
    assert least("●○ ") == least("█▌") == MARK
    assert least("  ") is least("│─╭") is None
