"""Who wrote the answer: the table adds up, its rows lead to what they name, and it fits every pane."""

import re
from functools import partial
from math import fsum

import numpy as np
import pytest

from explorer.analysis import attribution
from explorer.analysis.attribution import Level, PartKind
from explorer.paint.bars import signed_bar
from explorer.paint.spans import length
from explorer.views.attribution.state import ViewConvention
from explorer.views.attribution.table import table
from explorer.views.attribution.view import AttributionView
from explorer.views.parts import scene_of
from explorer.views.view import View, next_measure
from tests.helpers.looking import (
    at_the_last_token,
    check_everywhere,
    check_fits,
    clicks,
    hostile,
    many,
    overflowed,
    settle,
    shown,
    story,
    text_of,
    without_weights,
)
from tests.helpers.models import Bytes, finish, small_model, start
from tests.helpers.pilot import PROMPT, click, computed, opened, press, session, text, until

SIZES = [(80, 24), (120, 36)]


at_the_end = partial(at_the_last_token, AttributionView)


def figures(lines: str) -> list[float]:
    """The values of the table: a sign and four decimals, at the end of what is written before a bar."""
    found = re.findall(r"^[▶ ] .* ([+−]\d+\.\d{4})(?:  |$)", lines, re.MULTILINE)
    return [float(value.replace("−", "-")) for value in found]


def test_it_opens_on_the_lead_of_the_answer_over_the_runner_up() -> None:
    view = at_the_end(story())
    here = view.session
    first, second = here.trace.order(here.position)[:2]
    logits = here.trace.logits(here.position)
    assert logits
    assert view.found().logit == logits[first] - logits[second]
    assert f"the lead of {here.label(first)} over {here.label(second)} after ·to" in shown(view)


@pytest.mark.parametrize("mode", range(5), ids=AttributionView.modes)
def test_what_is_listed_and_the_remainder_add_up(mode: int) -> None:
    view = at_the_end(story())
    view.mode = mode
    listed = figures(shown(view, 56, 24))
    assert len(listed) > 10
    assert fsum(listed) == pytest.approx(view.found().sum, abs=2e-3)
    assert abs(view.found().gap) < 1e-12
    assert listed[:-1] == sorted(listed[:-1], key=lambda value: -abs(value))
    assert "gap" in shown(view, 49, 15)


def test_by_token_is_what_all_heads_moved_from_it() -> None:
    view = at_the_end(story())
    here = view.session
    view.against, view.mode = 0, view.modes.index("by token")
    settle(view)
    answer = here.trace.order(here.position)[0]
    parts = attribution.attribute(here.trace, here.position, answer, level=Level.POSITION, centred=True)
    lily = [part.value for part in parts.contributions if part.source == 2]
    assert len(lily) == 36
    assert next(part.value for part in view.found().ranked if part.source == 2) == pytest.approx(fsum(lily))


def test_left_and_right_choose_what_it_is_held_against() -> None:
    view = at_the_end(story())
    here = view.session
    order = here.trace.order(here.position)
    view.move(-1, 0)
    assert "the logit of ·Lily less the mean of all after" in shown(view)
    view.move(3, 0)
    assert f"over {here.label(order[3])} after" in shown(view)
    view.move(10**6, 0)
    assert f"over {here.label(order[10])} after" in shown(view)
    view.move(-(10**6), 0)
    assert "the logit of" in shown(view)
    view.click(2, 2)
    assert f"over {here.label(order[2])} after" in shown(view)


def test_the_conventions_are_named_and_their_parts_add_up() -> None:
    view = at_the_end(story())
    here = view.session
    logits = np.array(here.trace.logits(here.position))
    answer, mean = logits.max(), logits.mean()
    assert "a lead: what all tokens share falls out" in shown(view), "by default it is a lead"
    view.move(-1, -1)
    assert view.state().convention is ViewConvention.CENTRED, "and without a rival centred"
    for convention, logit in (
        (ViewConvention.CENTRED, answer - mean),
        (ViewConvention.PLAIN, answer),
        (ViewConvention.TRANSFORMER_LENS, answer - mean),
    ):
        assert view.state().convention is convention
        for cells, height in ((100, 30), (80, 15), (49, 15)):
            assert f"▶ convention k  {convention}"[:14] in shown(view, cells, height)
        assert convention in shown(view, 100, 30)
        settle(view)
        assert view.found().logit == pytest.approx(logit)
        assert abs(view.found().gap) < 1e-12
        assert ("less the mean of all" in shown(view)) is (convention is not ViewConvention.PLAIN)
        assert not view.enter(), "it stays open"
    next_measure(view)
    assert view.state().convention is ViewConvention.PLAIN
    view.click(1, 0)
    assert view.state().convention is ViewConvention.CENTRED


def test_every_row_leads_to_what_it_names() -> None:
    view = at_the_end(story())
    cursor = view.session.cursor
    for mode, name, stage in [
        ("by component", "token embedding", "embed"),
        ("by component", "position embedding", "pos_embed"),
        ("by component", "block 5 attention", "blocks.5.out"),
        ("by component", "block 3 value biases", "blocks.3.qkv"),
        ("by component", "block 3 attention bias", "blocks.3.out"),
        ("by component", "block 4 MLP", "blocks.4.mlp_out"),
        ("by component", "block 4 MLP bias", "blocks.4.mlp_out"),
        ("by component", "ln_final beta", "ln_final"),
        ("by head", "head 5.2", "blocks.5.pattern"),
        ("by head and token", "head 5.2 from position 2", "blocks.5.pattern"),
        ("by neuron", "neuron 3.589", "blocks.3.activation"),
    ]:
        view.mode = view.modes.index(mode)
        settle(view)
        view.row = [part.label for part in view.found().ranked].index(name)
        assert view.enter()
        assert cursor.stage.id == stage, name
        assert cursor.position == 10
    assert cursor.column == 589
    cursor.go_to_stage(cursor.stages.index(next(s for s in cursor.stages if s.id == "blocks.5.pattern")))
    assert (cursor.head, cursor.column) == (2, 2)


def test_by_token_leads_to_the_token() -> None:
    view = at_the_end(story())
    view.mode = view.modes.index("by token")
    settle(view)
    view.row = next(row for row, part in enumerate(view.found().ranked) if part.source == 2)
    assert view.enter()
    assert view.session.position == 2


def test_the_map_of_all_heads_beside_the_table() -> None:
    view = at_the_end(story())
    view.mode = view.modes.index("by head")
    wide = text_of(settle(view).lines(110, 40))
    (row,) = [line for line in wide if "block 5   " in line[50:]]
    assert "+4.56" in row, "the number stands in its cell"
    assert "block 5   " not in shown(view, 56, 24)
    assert "logits" in "\n".join(wide), "the map says how far its colours go"
    assert (0, 1) in clicks(view, 110, 40)
    assert view.lines(110, 40) != view.lines(94, 24)


@pytest.mark.parametrize("cells", [150, 151, 152, 153])
def test_two_columns_share_all_cells_but_the_three_between_them(cells: int) -> None:
    here = start(small_model(vocab_size=256, n_positions=64, n_layer=6), Bytes(), "a test")
    view = at_the_last_token(AttributionView, here)
    view.mode = view.modes.index("by head")
    settle(view)
    lines = table(scene_of(here), view.found(), 0, cells, 12)
    second = {
        length(line[:index])
        for line in lines
        for index, span in enumerate(line)
        if span.action and index and span.action != line[0].action and span.text in ("▶ ", "  ")
    }
    assert second == {(cells - 3) // 2 + 3}
    assert all(length(line) <= cells for line in lines)


def test_enter_on_the_last_row_or_beyond_leads_to_what_that_names() -> None:
    here = start(small_model(vocab_size=256, n_positions=64), Bytes(), "a test")
    view = at_the_last_token(AttributionView, here)
    view.mode = view.modes.index("by neuron")
    settle(view)
    last = view.found().ranked[-1]
    assert last.neuron is not None
    for row in (len(view.found().ranked) - 1, 10**6):
        view.row = row
        assert view.enter()
        assert (here.stage.id, here.cursor.column) == (f"blocks.{last.layer}.activation", last.neuron)
        here.cursor.go_to_stage(0)


def test_a_shorter_table_keeps_a_row_chosen() -> None:
    view = at_the_end(story())
    view.mode = view.modes.index("by head")
    settle(view)
    view.move(0, 10**6)
    assert view.row == 62
    view.click(1, 2)
    assert len(settle(view).lines(94, 24)) == 24
    assert "▶" in shown(view)
    view.move(0, -1)
    assert view.row == 49


def bar(value: float, least: float, most: float, cells: int = 11) -> str:
    return "".join(span.text for span in signed_bar(value, least, most, cells))


def test_bars_grow_to_both_sides_of_one_axis() -> None:
    drawn = {value: bar(value, -2.0, 2.0) for value in (2.0, 1.0, -2.0, -1.0, 0.0)}
    assert drawn == {2.0: "     │█████", 1.0: "     │██▌", -2.0: "█████│", -1.0: "  ▐██│", 0.0: "     │"}


def test_the_axis_stands_where_both_sides_have_room() -> None:
    assert [bar(value, -1.0, 4.0) for value in (4.0, -1.0)] == ["  │████████", "██│"]
    assert bar(1.0, 0.5, 1.0) == "│██████████"
    assert bar(-1.0, -1.0, -0.5) == "██████████│"
    assert bar(1.0, 0.0, 1.0, 6) == "", "no room"
    assert bar(float("nan"), float("nan"), float("inf")) == "│"
    assert bar(0.0, 0.0, 0.0) == "│"
    assert bar(1.0, -1.0, 1.0, 200) == 30 * " " + "│" + 30 * "█", "no longer than can be compared"


def test_everywhere() -> None:
    for opening in many():
        check_everywhere(AttributionView(opening))
    for size in [(49, 15), (110, 40)]:
        check_fits(at_the_end(story()), *size)


def test_a_recorded_run_says_that_it_needs_the_weights() -> None:
    view = AttributionView(without_weights())
    assert "this question needs the weights" in shown(view)
    assert not view.enter()
    check_everywhere(view)


def test_numbers_that_are_none_are_said() -> None:
    view: View = AttributionView(overflowed())
    assert shown(view)
    check_everywhere(view)


def test_before_the_run_has_come_to_the_end() -> None:
    here = hostile(4)
    here.submit("3 10 17 4 5 6")
    view = AttributionView(here)
    assert view.wanted() is None
    assert "Not computed yet" in shown(view)
    view.move(3, 3)
    assert not view.enter()
    here.stopped = True
    assert "Press r to go on" in shown(view)
    finish(here)
    assert view.wanted() is not None
    assert "Working it out" in "\n".join(text_of(view.lines(74, 15)))
    assert "the lead of" in shown(view)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_from_the_key_to_the_head_that_wrote_it(size: tuple[int, int]) -> None:
    async with opened(session(), size, PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "3")
        view = screen.view
        assert isinstance(view, AttributionView)
        await until(pilot, lambda: "gap" in "\n".join(text(screen, "view")))
        assert "·" in str(screen.query_one("#view").border_title)
        await press(pilot, "v")
        await until(pilot, lambda: any("head 1." in line for line in text(screen, "view")))
        view.row = next(row for row, part in enumerate(view.found().ranked) if part.kind is PartKind.HEAD)
        part = view.found().ranked[view.row]
        await press(pilot, "enter")
        assert screen.view is None
        assert screen.session
        assert screen.session.stage.id == f"blocks.{part.layer}.pattern"
        assert screen.session.cursor.head == part.head


async def test_the_mouse_chooses_rows_rivals_and_conventions() -> None:
    async with opened(session(), (120, 36), PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "3")
        view = screen.view
        assert isinstance(view, AttributionView)
        await until(pilot, lambda: "gap" in "\n".join(text(screen, "view")))
        await click(pilot, "view", ("view", 0, 2))
        assert view.row == 2
        await click(pilot, "view", ("view", 1, 1))
        await until(pilot, lambda: view.found() is not None)
        assert view.state().convention is ViewConvention.PLAIN
        await press(pilot, "k")
        assert view.state().convention is ViewConvention.TRANSFORMER_LENS
        await click(pilot, "view", ("view", 2, 0))
        assert view.against == 0
