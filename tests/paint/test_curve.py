"""A way through the layers, as one line and as columns; and the line beside the walk."""

import math

import pytest

from explorer.analysis import lens
from explorer.paint.curve import columns, sparkline
from explorer.paint.predictions import predictions, way
from explorer.runs import running
from explorer.walk.on_screen import wanted_way, way_of_the_answer
from gpt.ops import softmax_row
from tests.helpers.looking import hostile, story, text_of, without_weights
from tests.helpers.models import never


def line(shares: list[float | None], here: int | None, cells: int = 40) -> str:
    return text_of([sparkline(shares, here, cells)])[0]


def test_a_share_is_as_high_as_it_is_large_and_brackets_are_around_where_we_are() -> None:
    assert line([0.0, 0.125, 0.5, 1.0], None) == " ▁▄█"
    assert line([0.0, 0.125, 0.5, 1.0], 2) == " ▁[▄]█"
    assert line([1e-9, None, math.nan, 2.0], 0) == "[▁]··█", "what is nearly nothing can be seen; a dot is not known"
    assert line([], 0) == ""


@pytest.mark.parametrize("cells", range(3, 20))
def test_where_there_is_little_room_neighbours_share_a_cell(cells: int) -> None:
    shares: list[float | None] = [step / 96 for step in range(97)]
    for here in (0, 48, 96):
        drawn = line(shares, here, cells)
        assert len(drawn) <= cells
        assert drawn.count("[") == 1
        assert "█" in drawn, "the highest of them all"


def test_columns_are_as_high_as_their_share_of_the_largest() -> None:
    drawn = ["".join(span.text for span in row) for row in columns([0.5, 0.25, None, 0.0], 0.5, 2, 2)]
    assert drawn == ["█       ", "█ █ ·   "]
    assert [row.strip() for row in text_of(columns([1.0], 1.0, 1, 3))] == ["█", "█", "█"]
    assert text_of(columns([1e-6], 1.0, 1, 2))[-1] == "▁"


def test_beside_the_walk_is_the_way_of_the_answer() -> None:
    here = story()
    here.cursor.go_to_position(10)
    order = here.trace.order(10)
    here.trace.derived = {
        key: kept for key, kept in here.trace.derived.items() if not str(key[0]).startswith("lens of")
    }
    before = set(here.trace.derived)
    assert way(here, 30) == []
    assert set(here.trace.derived) == before, "drawing computes nothing"
    asked = wanted_way(here)
    assert len(asked) == 13
    for name, position in asked:
        assert lens.compute(here.trace, name, position, never)
    assert wanted_way(here) == []
    rows = [row.name for row in lens.rows(6)]
    expected = []
    for name in rows:
        logits = running.read_out(here.trace, name, 10, never)
        assert logits
        expected.append(softmax_row(logits)[order[0]])
    assert way_of_the_answer(here) == expected
    for stage, at in (("blocks.3.attn.hook_pattern", 6), ("blocks.5.hook_resid_post", 12)):
        here.cursor.go_to_value(stage)
        (drawn,) = text_of([way(here, 40)])
        assert drawn == f"·Lily {line(expected, at)} by layer"
        assert text_of(predictions(here, 40, 25))[-1] == drawn
    here.cursor.go_to_value("hook_embed")
    assert "[" not in text_of([way(here, 40)])[0], "before the first of them"


def test_where_there_is_no_model_nothing_is_asked() -> None:
    assert wanted_way(without_weights()) == []
    assert way(without_weights(), 30) == []
    here = hostile(4)
    here.submit("3 10 17 4 5 6")
    assert wanted_way(here) == [], "not computed yet"
