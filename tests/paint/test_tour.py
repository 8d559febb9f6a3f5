"""The bar of a tour: what to press is always in it, and a text that is cut says so."""

import pytest

from explorer.paint.tour import HEIGHT, LOW_HEIGHT, tour
from explorer.teaching.playing import Playing
from explorer.teaching.tours import shipped
from tests.helpers.looking import text_of


@pytest.mark.parametrize("cells", [56, 76, 116])
@pytest.mark.parametrize("height", [LOW_HEIGHT, HEIGHT])
def test_what_to_press_is_always_there_and_a_cut_text_says_so(cells: int, height: int) -> None:
    for found in shipped():
        for at in range(len(found.stops)):
            playing = Playing(found, at)
            lines = text_of(tour(playing, cells, height))
            whole = text_of(tour(playing, cells, 100))
            assert len(lines) == min(len(whole), height)
            assert playing.count in lines[0]
            assert any(line.startswith("→ ") for line in lines) == bool(playing.told["press"])
            assert any("more lines" in line for line in lines) == (len(whole) > height)
            if cells >= 76 and height == HEIGHT:
                assert lines == whole, playing.told["title"]
