"""Every view alike: drawing changes nothing, and answers stay with the run that they are about."""

import copy
from typing import Any

import pytest

from explorer.analysis import neurons
from explorer.views.parts import out_of_sight
from explorer.views.view import View
from explorer.views.views import ALL, make
from explorer.walk.session import Session
from tests.helpers.looking import hostile, settle, story, text_of
from tests.helpers.models import finish

OF_TWO = ("compare", "patching")  # there is nothing to find while there is one run


def state(view: View) -> dict[str, Any]:
    """All that a view holds, besides what it keeps to draw faster."""
    held = {name: value for name, value in vars(view).items() if name not in ("session", "known")}
    answers = {s: (dict(about.found), set(about.whole)) for s, about in view.known._about.items() if about.found}
    walk = vars(view.session.cursor)
    cursor = {name: copy.copy(value) for name, value in walk.items() if name != "_largest"}  # which finds, and keeps
    return held | {"answers": answers, "cursor": cursor, "shown": view.session.what_if.shown}


@pytest.mark.parametrize("name", ALL)
def test_drawing_changes_nothing(name: str) -> None:
    here = hostile(6)
    view = make(name, here)
    view.follow(94, 24)
    for worked in (False, True):
        if worked:
            settle(view)
        for stage in (0, 9, 17):
            here.cursor.go_to_stage(stage)
            before = state(view)
            first = view.lines(94, 24)
            view.lines(49, 15)
            assert state(view) == before
            assert view.lines(94, 24) == first


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_TWO])
def test_when_nothing_is_left_to_find_nothing_is_wanted(name: str) -> None:
    view = make(name, hostile(6))
    settle(view)
    assert view.wanted() is None
    assert list(view.work()) == []


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_TWO])
def test_what_was_begun_for_another_run_is_not_found_for_this_one(name: str) -> None:
    here = hostile(6)
    view, fresh = make(name, here), fresh_view(name)
    view.follow(94, 24)
    begun = view.work()
    next(begun)
    here.submit("3 1 4 1 5")
    finish(here)
    view.follow(94, 24)
    list(begun)
    assert text_of(view.lines(94, 24)) == text_of(fresh.lines(94, 24)), "as if it had never been begun"


def fresh_view(name: str) -> View:
    """The view on the second prompt, before any work."""
    here: Session = hostile(6)
    here.submit("3 1 4 1 5")
    finish(here)
    view = make(name, here)
    view.follow(94, 24)
    return view


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_TWO])
def test_a_cancelled_answer_is_asked_again(name: str) -> None:
    view = make(name, hostile(6))
    view.follow(94, 24)
    list(view.work(lambda: True))
    settle(view)
    whole = make(name, hostile(6))
    settle(whole)
    assert view.lines(94, 24) == whole.lines(94, 24)


def test_a_question_that_raises_another_is_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    fired = neurons.fired

    def noted(*arguments: Any) -> Any:
        asked.append(arguments[1:])
        return fired(*arguments)

    monkeypatch.setattr(neurons, "fired", noted)
    settle(make("neurons", hostile(6)))
    assert len(asked) == 1


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_TWO])
def test_pointing_tells_what_a_click_would_choose_and_changes_nothing(name: str) -> None:
    view = settle(make(name, hostile(6)))
    view.session.cursor.go_to_position(5)
    settle(view)
    spans = [span for line in view.lines(94, 24) for span in line if span.action and span.action[0] == "view"]
    told = 0
    for action in dict.fromkeys(span.action for span in spans):
        assert action
        before = state(view)
        pointed = text_of(view.pointed(action, 120))
        assert state(view) == before
        if pointed:
            told += 1
            clicked = make(name, view.session)
            settle(clicked)
            clicked.click(*action[1:])
            settle(clicked)
            assert pointed == text_of(clicked.about(120)), action
            clicked.session.cursor.go_to_position(5)
    assert told > 2
    assert view.pointed(("stage", 1), 120) == []


def test_what_is_out_of_sight_is_said_in_one_way() -> None:
    assert out_of_sight(range(5, 9), 9, range(46, 50), 50) == ["↑ 5 rows", "← 46 columns"]
    assert out_of_sight(range(8), 9, range(3, 6), 10) == ["↓ 1 row", "← 3 · 4 columns →"]
    assert out_of_sight(range(2, 3), 9, range(9), 10) == ["↑ 2 · ↓ 6 rows", "1 column →"]
    assert out_of_sight(range(9), 9, range(3), 3) == []


@pytest.mark.parametrize("name", ALL)
def test_with_a_story_nothing_that_explains_is_cut_at_80_columns(name: str) -> None:
    here = story()
    here.cursor.go_to_position(len(here.ids) - 1)
    view = make(name, here)
    for _ in range(max(1, len(view.modes))):
        settle(view)
        for _ in range(2):
            view.follow(76, 16)
            list(view.work())
        lines = text_of(view.lines(76, 16))
        assert not [line for line in (*lines[:1], *lines[-2:]) if line.endswith("…")], lines
        if name in OF_TWO:  # there is one run
            break
        view.next_mode()
