"""The colours of heat: readable by WCAG's formula, ordered in lightness, and told apart without colours."""

from itertools import pairwise

import pytest

from explorer.paint.spans import SHARE_LEVELS, SIGNED_LEVELS
from explorer.screen.palette import NAMES, Palette
from tests.helpers.contrast import Pair, luminance

LEVELS = {"share": range(SHARE_LEVELS + 1), "signed": range(-SIGNED_LEVELS, SIGNED_LEVELS + 1)}
COLOURFUL = [Palette(name, dark) for name in ("safe", "hue") for dark in (True, False)]


def contrast(one: str, other: str) -> float:
    return Pair("", one, other, 0).contrast


@pytest.mark.parametrize("palette", COLOURFUL, ids=str)
@pytest.mark.parametrize("scale", LEVELS)
def test_numbers_can_be_read_on_every_level(palette: Palette, scale: str) -> None:
    for level in LEVELS[scale]:
        ground = palette.colour(scale, level)
        assert contrast(ground, palette.ink(ground)) >= 4.5, (level, ground)


@pytest.mark.parametrize("palette", COLOURFUL, ids=str)
@pytest.mark.parametrize("scale", LEVELS)
def test_every_level_has_a_colour_of_its_own(palette: Palette, scale: str) -> None:
    colours = [palette.colour(scale, level) for level in LEVELS[scale]]
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("scale", LEVELS)
def test_with_one_hue_more_is_always_further_from_the_ground(scale: str, dark: bool) -> None:
    lightness = [luminance(Palette("hue", dark).colour(scale, level)) for level in LEVELS[scale]]
    assert all((before < after) if dark else (before > after) for before, after in pairwise(lightness))


@pytest.mark.parametrize("dark", [True, False])
def test_the_safe_palette_grows_away_from_the_ground_too(dark: bool) -> None:
    palette = Palette("safe", dark)
    for levels in (LEVELS["share"], range(SIGNED_LEVELS + 1), range(0, -SIGNED_LEVELS - 1, -1)):
        scale = "share" if levels is LEVELS["share"] else "signed"
        lightness = [luminance(palette.colour(scale, level)) for level in levels]
        assert all((before < after) if dark else (before > after) for before, after in pairwise(lightness))


@pytest.mark.parametrize("dark", [True, False])
def test_above_and_below_zero_differ_for_the_colour_blind(dark: bool) -> None:
    """Orange against blue: the blue channel, which red-green blindness leaves alone, says which."""
    palette = Palette("safe", dark)
    for level in range(2, SIGNED_LEVELS + 1):
        below, above = (palette.colour("signed", sign * level) for sign in (-1, 1))
        assert int(above[1:3], 16) < int(above[5:7], 16), above
        assert int(below[1:3], 16) > int(below[5:7], 16), below


def test_without_colours_characters_tell_the_levels_apart() -> None:
    plain = Palette("none")
    assert not plain.colourful
    assert all(Palette(name).colourful for name in NAMES if name != "none")
    for level in range(1, SIGNED_LEVELS + 1):
        assert plain.shade("signed", level) != plain.shade("signed", -level)
    for scale, levels in LEVELS.items():
        assert all(len(plain.shade(scale, level)) == 1 for level in levels)
    ink = " -░=▒≡▓#█"  # by how much of the cell is covered, roughly
    shares = [ink.index(plain.shade("share", level)) for level in LEVELS["share"]]
    assert shares == sorted(shares)
    assert plain.shade("share", 0) == " "
    assert plain.shade("share", SHARE_LEVELS) == "█"
