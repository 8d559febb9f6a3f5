"""The neurons that fired and wrote: the list, where one of them fires, what it promotes, and the way to it."""

import re
from functools import partial

import pytest

from explorer.analysis import neurons
from explorer.views.neurons.picture import fires, promoted
from explorer.views.neurons.view import NeuronsView
from explorer.views.parts import scene_of
from explorer.walk.on_screen import value_under_cursor
from tests.helpers.exhaustive import exhaustive
from tests.helpers.looking import (
    at_the_last_token,
    check_everywhere,
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

SIZES = [(80, 24), *exhaustive((120, 36))]


over_all = partial(at_the_last_token, NeuronsView)


def test_it_opens_on_the_block_of_the_cursor_or_on_all() -> None:
    here = story()
    view = over_all(here)
    assert view.layer is None
    assert [neuron.layer for neuron in view.listed()[:3]] == [4, 3, 0]
    here.cursor.go_to_value("blocks.2.hook_mlp_out")
    settle(view)
    assert view.layer == 2
    assert {neuron.layer for neuron in view.listed()} == {2}


def test_the_list_is_the_analysis_in_its_order() -> None:
    view = over_all(story())
    here = view.session
    assert view.listed() == neurons.fired(here.trace, here.position, None, 100)
    first = view.listed()[0]
    assert re.search(rf"▶ 4\.143 +\+{first.activation:.3f} +{first.written:.3f}", shown(view, 49, 15))
    view.next_mode()
    settle(view)
    assert view.listed() == neurons.wrote(here.trace, here.position, None, 100)
    assert "wrote most" in shown(view)


def test_left_and_right_choose_the_block_up_and_down_a_neuron() -> None:
    view = over_all(story())
    view.move(1, 0)
    assert view.layer == 0
    view.move(10**6, 0)
    settle(view)
    assert view.layer == 5
    view.move(0, 4)
    assert view.chosen() == view.listed()[4]
    view.move(0, 10**6)
    assert view.chosen() == view.listed()[-1]
    view.move(-1, 0)
    settle(view)
    assert view.chosen() == view.listed()[0]
    view.move(-(10**6), 0)
    assert view.layer is None
    view.click(1, 3)
    assert view.layer == 2
    settle(view)
    view.click(0, 5)
    assert view.chosen() == view.listed()[5]


def test_where_it_fires_is_printed_at_every_token() -> None:
    view = over_all(story())
    here = view.session
    lines = shown(view)
    values = neurons.activations(here.trace, 4, 143)
    assert len(values) == 11
    for position, value in enumerate(values):
        label = here.label(here.ids[position])
        figure = f"{value:+.2f}".replace("-", "−")
        assert re.search(rf" {re.escape(label)} +{re.escape(figure)}( |$)", lines, re.MULTILINE), label


def test_where_there_is_no_room_the_strongest_are_kept_in_their_order() -> None:
    view = over_all(story())
    values = neurons.activations(view.session.trace, 4, 143)
    small = view.lines(49, 15)
    places = [span.action[1] for line in small for span in line if span.action and span.action[0] == "position"]
    assert places == sorted(places)
    assert view.session.position in places
    (title,) = [line for line in text_of(small) if "tokens; rest" in line]
    rest = max(abs(value) for place, value in enumerate(values) if place not in places)
    assert f"of 11 tokens; rest ±{rest:.2g}" in title
    total = sum(value for place, value in enumerate(values) if place not in places)
    assert f"Σ {total:+.2f}".replace("-", "−") in title


def small() -> NeuronsView:
    """Two blocks of 24 neurons, twelve tokens."""
    return over_all(start(small_model(vocab_size=256, n_positions=64), Bytes(), "a small test"))


@pytest.mark.parametrize("cells", range(60, 100))
def test_the_parts_stand_beside_each_other_where_they_have_room(cells: int) -> None:
    """From 72 cells on the list and where it fires, from 90 on what it promotes as well."""
    lines = text_of(small().lines(cells, 15))
    (title,) = [line for line in lines if line.startswith("  neuron")]
    (promotes,) = [line for line in lines if "a unit of it promotes" in line]
    assert bool(title.partition("bars: fired")[2].strip()) == (cells >= 72)
    assert promotes.startswith("a unit of it promotes") == (cells < 90)


@pytest.mark.parametrize("height", range(10, 22))
def test_below_the_list_is_a_blank_line_from_fifteen_lines_on(height: int) -> None:
    lines = text_of(small().lines(60, height))
    assert len(lines) <= height
    fires_at = next(row for row, line in enumerate(lines) if " fires at" in line or " tokens; " in line)
    assert (not lines[fires_at - 1]) == (height >= 15)


@pytest.mark.parametrize("row", [0, 1, 5, 30, 46, 47, 60])
@pytest.mark.parametrize("size", [(60, 15), (80, 15), (94, 24)])
def test_the_chosen_one_is_marked_and_the_rows_out_of_sight_are_counted(row: int, size: tuple[int, int]) -> None:
    view = small()
    view.row = row
    settle(view)
    lines = view.lines(*size)
    seen = sorted({span.action[2] for line in lines for span in line if span.action and span.action[:2] == ("view", 0)})
    text = text_of(lines)
    (marked,) = [line for line in text if line.startswith("▶ ")]
    chosen = view.listed()[min(row, 47)]
    assert view.chosen() == chosen
    assert marked.split()[1] == f"{chosen.layer}.{chosen.index}"
    hidden = {*range(48)} - {*seen}
    counts = {arrow: int(count) for arrow, count in re.findall(r"([↑↓]) (\d+)", text[0])}
    above = sum(place < seen[-1] for place in hidden)
    assert (counts.get("↑", 0), counts.get("↓", 0)) == (above, len(hidden) - above)


@pytest.mark.parametrize("height", range(3, 9))
def test_the_scale_stands_below_where_it_fires_from_six_lines_and_28_cells_on(height: int) -> None:
    view = small()
    neuron = view.chosen()
    assert neuron
    values = neurons.activations(view.session.trace, neuron.layer, neuron.index)
    for cells in range(20, 40):
        lines = text_of(fires(scene_of(view.session), neuron, values, cells, height))
        assert len(lines) <= height
        assert lines[-1].endswith(" fired") == (height >= 6 and cells >= 28), cells
        assert len(lines) == height or len(values) * 11 < cells * height, "a line for more tokens is free"


def test_where_one_token_has_room_it_is_the_one_at_which_it_fires_most() -> None:
    view = small()
    neuron = view.chosen()
    assert neuron
    values = [0.0] * len(view.session.ids)
    values[1] = -2.5
    view.session.cursor.go_to_position(len(values) - 1)
    (_, line) = text_of(fires(scene_of(view.session), neuron, values, 16, 2))
    assert "−2.5" in line


@pytest.mark.parametrize("cells", range(40, 70))
def test_what_it_promotes_has_bars_of_four_cells_or_none(cells: int) -> None:
    """Two columns with three cells between them: a token takes fourteen, a number seven, a blank, and the bar."""
    view = small()
    neuron = view.chosen()
    assert neuron
    effects = neurons.effects(view.session.trace, neuron.layer, neuron.index, 3)
    text = "\n".join(text_of(promoted(scene_of(view.session), effects, cells, 5)))
    assert ("█" in text) == (cells >= 2 * (14 + 7 + 1 + 4) + 3)


def test_what_it_promotes_and_suppresses() -> None:
    view = over_all(story())
    here = view.session
    found = neurons.effects(here.trace, 4, 143, 3)
    lines = shown(view, 110, 40)
    for up, down in zip(found.promoted, found.suppressed):
        promoted, suppressed = (re.escape(here.label(effect.token)) for effect in (up, down))
        assert re.search(rf"{promoted} +\+{up.value:.3f}.*{suppressed} +−{-down.value:.3f}", lines)


def test_enter_puts_the_cursor_on_the_neuron_and_the_list_stays() -> None:
    view = over_all(story())
    view.move(0, 2)
    chosen = view.chosen()
    assert chosen
    assert view.enter()
    cursor = view.session.cursor
    assert cursor.stage.id == f"blocks.{chosen.layer}.activation"
    assert cursor.column == chosen.index
    assert value_under_cursor(view.session) == chosen.activation
    assert view.layer is None
    assert view.chosen() == chosen


def test_everywhere() -> None:
    for opening in many():
        check_everywhere(NeuronsView(opening))
    view = over_all(story())
    assert (0, 0) in clicks(view)


def test_a_recorded_run_shows_what_was_recorded() -> None:
    view = NeuronsView(without_weights())
    assert "fires at" in shown(view)
    assert "What it promotes is not known" in shown(view)
    view.next_mode()
    assert "this question needs the weights" in shown(view)
    assert not view.enter()
    check_everywhere(view)


def test_numbers_that_are_none() -> None:
    check_everywhere(NeuronsView(overflowed()))


def test_before_the_run_has_come_there() -> None:
    here = hostile(4)
    here.submit("3 10 17 4 5 6")
    view = NeuronsView(here)
    assert view.wanted() is None
    assert "Not computed yet" in shown(view)
    view.move(1, 3)
    assert not view.enter()
    finish(here)
    assert "Working it out" in "\n".join(text_of(view.lines(74, 15)))
    assert "promotes" in shown(view)


def test_only_what_is_still_asked_for_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    view = NeuronsView(hostile(4))
    view.move(0, 0)
    settle(view)
    asked: list[int] = []
    effects = neurons.effects

    def noted(trace, layer, neuron, top):  # type: ignore[no-untyped-def]
        asked.append(neuron)
        return effects(trace, layer, neuron, top)

    monkeypatch.setattr(neurons, "effects", noted)
    view.move(0, 1)
    begun = view.work()  # a thread that comes to it late
    passed = view.chosen()
    view.move(0, 1)
    assert list(begun) == [None]
    assert passed
    assert view.chosen()
    assert asked == [view.chosen().index]  # type: ignore[union-attr]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_from_the_key_to_the_neuron(size: tuple[int, int]) -> None:
    async with opened(session(), size, PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "4")
        view = screen.view
        assert isinstance(view, NeuronsView)
        await until(pilot, lambda: any("promotes" in line for line in text(screen, "view")))
        await press(pilot, "right", "down")
        await until(pilot, lambda: view.chosen() is not None)
        await press(pilot, "down")
        chosen = view.chosen()
        assert chosen
        assert chosen.layer == 0
        await press(pilot, "enter")
        assert screen.view is None
        assert screen.session
        assert screen.session.stage.id == "blocks.0.activation"
        assert screen.session.cursor.column == chosen.index


async def test_the_mouse_chooses_neurons_and_blocks() -> None:
    async with opened(session(), (120, 36), PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "4")
        view = screen.view
        assert isinstance(view, NeuronsView)
        await until(pilot, lambda: any("promotes" in line for line in text(screen, "view")))
        await click(pilot, "view", ("view", 0, 2))
        assert view.row == 2
        await click(pilot, "view", ("view", 1, 2))
        assert view.layer == 1
