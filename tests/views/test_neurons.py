"""The neurons that fired and wrote: the list, where one of them fires, what it promotes, and the way to it."""

import re
from functools import partial

import pytest

from explorer.analysis import neurons
from explorer.views.neurons.view import NeuronsView
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
from tests.helpers.models import finish
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
