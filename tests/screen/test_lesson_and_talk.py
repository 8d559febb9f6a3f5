"""The lesson and the stage on the screen: they follow the walk, and hide what is to be hidden."""

import pytest

from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.main.here import here_on
from explorer.screen.panes.middle import MiddlePane
from explorer.teaching.lessons import lesson
from tests.helpers.pilot import click, opened, press, text, until


async def test_the_lesson_follows_the_walk_and_explains_its_words() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "l")
        assert lesson("stage", "tokens").title in text(screen, "lesson")[0]
        await press(pilot, "right")
        assert lesson("stage", "embed").title in text(screen, "lesson")[0]
        await press(pilot, "L")
        assert any(line.startswith("embedding: ") for line in text(screen, "lesson"))
        await press(pilot, "L", "L")
        await click(pilot, "lesson", ("word", 1))
        assert any(line.startswith("vector: ") for line in text(screen, "lesson"))
        await press(pilot, "l")
        assert screen.query_one("#picture").display
        await press(pilot, "L")
        assert lesson("stage", "embed").title in text(screen, "lesson")[0], "it opens what it would explain"


async def test_views_and_tools_have_lessons_of_their_own() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "l", "2")
        assert lesson("view", "lens").title in text(screen, "lesson")[0]
        await press(pilot, "2", "end", "enter")
        assert lesson("tool", "why").title in text(screen, "lesson")[0]
        await press(pilot, "i")
        assert lesson("tool", "code").title in text(screen, "lesson")[0]


async def test_on_the_stage_the_walk_goes_on_and_the_prediction_waits() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", "end", "left", "left")
        session = screen.ready
        assert session
        answer = session.label(session.trace.order(len(session.ids) - 1)[0])
        shown = "\n".join(text(screen, "talk"))
        assert "?????" in shown
        assert "logits" in shown
        await press(pilot, "space")
        assert answer in "\n".join(text(screen, "talk"))
        await press(pilot, "0")
        assert "?????" in "\n".join(text(screen, "talk"))
        assert session.cursor.stage_index == 0
        await press(pilot, "escape")
        assert not screen.query_one("#talk").display
        assert screen.query_one("#picture").display


async def test_a_guess_is_typed_on_the_stage() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", "g")
        assert isinstance(pilot.app.screen, AskDialog)
        await press(pilot, *"dog", "enter")
        assert any("dog" in line for line in text(screen, "talk"))
        await press(pilot, "escape", "p")
        assert any("dog" in line for line in text(screen, "talk"))


@pytest.mark.parametrize("view", ["2", "w", "enter", "i"])
@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_after_a_lesson_the_keys_are_again_those_of_the_pane_that_is_open(
    view: str, size: tuple[int, int]
) -> None:
    async with opened(size=size) as (pilot, screen):
        await press(pilot, "down", "right", view)
        pane, mode = screen.focused, here_on(screen).mode
        assert pane
        await press(pilot, "l")
        assert screen.middle.lesson.open
        assert "esc close lesson" in text(screen, "footer")[0]
        await press(pilot, "escape")
        assert not screen.middle.lesson.open
        assert (screen.focused, here_on(screen).mode) == (pane, mode)
        await press(pilot, "escape")
        assert screen.middle.opened is MiddlePane.PICTURE


async def test_under_a_lesson_that_covers_a_view_no_stage_is_left_unseen() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "down", "l", "2")
        assert screen.ready
        stage = screen.ready.cursor.stage_index
        await press(pilot, "right", "down")
        assert screen.ready.cursor.stage_index == stage
        assert "stage" not in text(screen, "footer")[0]


async def test_a_smaller_terminal_takes_no_keys_away() -> None:
    async with opened(size=(120, 36)) as (pilot, screen):
        await press(pilot, "2", "l")
        assert screen.focused is screen.middle.view
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert screen.focused is None
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert screen.focused is screen.middle.view


@pytest.mark.parametrize(
    "keys",
    ["j l o g i t s enter", "j escape", "question_mark escape", "colon escape", "space s escape", "T escape", "b"],
)
async def test_in_a_talk_the_talk_keeps_the_keys(keys: str) -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", *keys.split())
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.focused is screen.talk
        length = len(screen.ready.ids if screen.ready else ())
        await press(pilot, "g")
        assert isinstance(pilot.app.screen, AskDialog)
        await press(pilot, "escape", "escape")
        assert not screen.talk.open
        assert screen.ready
        assert len(screen.ready.ids) == length


async def test_the_line_to_go_to_a_place_stands_below_the_talk() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", "j")
        assert screen.talk.region.bottom <= screen.go_to.region.y
        assert screen.go_to.region.bottom <= 24
        await press(pilot, "escape")
        assert screen.talk.region.height == 24


async def test_in_a_talk_nothing_is_opened_or_changed_unseen() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", "down")
        here = screen.ready
        assert here
        before = len(here.ids)
        await press(pilot, "n", "slash", "1", "enter", "i", "x", "w", "l", "tab", "Z", "O", "s")
        assert (len(here.ids), screen.focused, pilot.app.screen) == (before, screen.talk, screen)
        assert (screen.view, here.why, here.code, screen.middle.picture.spotlight) == (None, None, None, False)
        await press(pilot, "space", "n")
        assert len(here.ids) == before + 1, "the prediction is revealed"


async def test_a_talk_shows_the_keys_that_are_pressed_and_takes_its_notices_along() -> None:
    async with opened(size=(80, 24), notices=True) as (pilot, screen):
        await press(pilot, "p", "k", "right", "full_stop")
        assert "k  →  ." in text(screen, "talk")[-1]
        screen.notify("Something")
        await press(pilot, "escape")
        assert len(pilot.app._notifications) == 0
        await press(pilot, "left")
        assert screen.talk.talk.keys[-1] == "esc"


async def test_the_guess_stands_below_the_bars() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "down", "p", "g")
        bars = [y for y, line in enumerate(text(screen, "talk")) if "█" in line]
        assert bars
        assert pilot.app.screen.query_one("#ask").region.y > max(bars)


async def test_zoom_shows_the_picture_alone_and_all_again() -> None:
    async with opened() as (pilot, screen):
        others = [screen.query_one(f"#{name}") for name in ("map", "next", "number")]
        await press(pilot, "down", "Z")
        assert not any(other.display for other in others)
        assert screen.middle.picture.region.width == 120
        await press(pilot, "Z")
        assert all(other.display for other in others)


async def test_the_spotlight_dims_the_other_rows() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "down", *["right"] * 5)
        picture = screen.middle.picture
        await press(pilot, "O")
        here = screen.ready
        assert here
        styles = {
            (span.action[1] == here.position, span.style == "masked")
            for line in picture.lines
            for span in line
            if span.action and span.action[0] == "cell" and "·" not in span.text
        }
        assert styles == {(True, False), (False, True)}
        await press(pilot, "O")
        assert any(span.style.startswith("share:") for line in picture.lines for span in line)
