"""The mouse: pointing tells, clicking chooses, a double click is enter, a click on a prediction draws it."""

import pytest
from textual import events
from textual.pilot import Pilot

from explorer.paint.spans import Action
from explorer.screen.main.screen import MainScreen
from explorer.screen.widgets.canvas import Canvas
from explorer.screen.widgets.field import Field
from explorer.walk.on_screen import value_under_cursor
from gpt import Sampling
from tests.helpers.models import embedded
from tests.helpers.pilot import PROMPT, click, computed, opened, press, session, text


def place_of(screen: MainScreen, name: str, action: Action) -> tuple[int, int]:
    """Where on a canvas the span with that action begins."""
    canvas = screen.query_one(f"#{name}", Canvas)
    left, top = canvas.content_region.x - canvas.region.x, canvas.content_region.y - canvas.region.y
    for y, line in enumerate(canvas.lines):
        x = 0
        for span in line:
            if span.action == action:
                return left + x, top + y
            x += len(span.text)
    raise AssertionError(f"nothing in #{name} asks for {action}")


async def point(pilot: Pilot[str], screen: MainScreen, name: str, action: Action) -> str:
    """The line of the number while the mouse is over that span."""
    await pilot.hover(f"#{name}", offset=place_of(screen, name, action))
    await pilot.pause()
    return text(screen, "number")[0]


async def test_pointing_tells_the_number_and_the_cursor_stays() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, *["down"], *["right"] * 5)
        at, column = here.position, here.cursor.column
        said = await point(pilot, screen, "picture", ("cell", 2, 1))
        value = here.trace.matrix("blocks.0.attn.hook_pattern", 0)[2][1]
        assert f"= {value!r}" in said
        assert "head 0.0" in said
        assert (here.position, here.cursor.column) == (at, column)
        said = await point(pilot, screen, "tokens", ("position", 1))
        assert f"token 2 of {len(here.ids)} (position 1), id {here.ids[1]}" in said
        said = await point(pilot, screen, "picture", ("head", 2))
        row = here.trace.matrix("blocks.0.attn.hook_pattern", 2)[at]
        assert f"({max(row):.2f})" in said
        said = await point(pilot, screen, "map", ("stage", 0))
        assert here.cursor.stages[0].sentence[:20] in said
        await press(pilot, "right", "left")
        assert repr(value_under_cursor(here)) in " ".join(text(screen, "number")), "a key moved the cursor"
        await point(pilot, screen, "tokens", ("position", 1))
        await pilot.hover("#header", offset=(60, 0))
        await pilot.pause()
        assert repr(value_under_cursor(here)) in " ".join(text(screen, "number")), "the cursor's again"


async def test_a_double_click_is_enter() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, *["down"], *["right"] * 5)
        await pilot.click("#picture", offset=place_of(screen, "picture", ("cell", 2, 1)), times=2)
        await pilot.pause()
        assert here.why
        assert here.why.here.cell.index == (0, 2, 1)
        await press(pilot, "escape", "1")
        await computed(pilot)
        await pilot.click("#view", offset=place_of(screen, "view", ("view", 1, 2)), times=2)
        await pilot.pause()
        assert screen.view is None
        assert (here.stage.id, here.cursor.head) == ("blocks.1.pattern", 2)


@pytest.mark.parametrize("rank", [1, 4])
async def test_a_click_on_a_prediction_draws_it_and_backspace_takes_it_back(rank: int) -> None:
    model, checkpoint = embedded()
    async with opened(session(model, tokenizer=checkpoint.tokenizer)) as (pilot, screen):
        here = screen.session
        assert here
        token = here.trace.order(here.position)[rank]
        await click(pilot, "next", ("predicted", token))
        await computed(pilot)
        assert here.text == PROMPT + checkpoint.tokenizer.decode([token])
        made = here.draws.made[here.position]
        assert made.chosen
        await press(pilot, "comma", "end")
        await computed(pilot)
        shown = " ".join(text(screen, "picture"))
        assert "chosen by you" in shown
        assert "random number" not in shown.split("you chose")[0], "no number was drawn"
        await press(pilot, "backspace")
        await computed(pilot)
        assert here.text == PROMPT


async def test_within_the_text_a_prediction_says_where_it_can_be_drawn() -> None:
    async with opened(notices=True) as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "less_than_sign", "right")
        await computed(pilot)
        await click(pilot, "next", ("predicted", here.trace.order(0)[0]))
        assert here.text == PROMPT
        assert any("after the last one only" in notice.message for notice in pilot.app._notifications)


async def test_a_click_on_a_completion_takes_it_and_typing_goes_on() -> None:
    """Even where the keys were in another line meanwhile."""
    async with opened() as (pilot, screen):
        await press(pilot, "j", *"bl")
        await pilot.click("#prompt")
        assert screen.focused is screen.prompt
        await click(pilot, "completions", ("completion", 0))
        field = screen.go_to.query_one(Field)
        taken = field.typed
        assert taken.startswith("bl")
        assert len(taken) > 2
        await press(pilot, "9")
        assert field.typed == f"{taken}9"


async def test_clicks_show_all_heads_and_one_row_step_by_step() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, *["down"], *["right"] * 5)
        await click(pilot, "picture", ("overview",))
        assert here.cursor.overview
        await press(pilot, "o")
        assert not here.cursor.overview
        before = text(screen, "picture")
        await click(pilot, "picture", ("steps",))
        by_click = text(screen, "picture")
        assert by_click != before
        await press(pilot, "v")
        assert text(screen, "picture") == before, "the key goes the same way"


async def test_tab_completes_a_place_and_one_that_there_is_not_is_said() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "j", *"blo", "tab")
        field = screen.go_to.query_one(Field)
        assert field.typed.strip() == "block"
        await press(pilot, *" 9", "enter")
        assert screen.go_to.display
        assert "no block 9" in text(screen, "completions")[0]


async def test_the_wheel_scrolls_what_is_under_it() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here

        async def turn(pane: str) -> None:
            canvas = screen.query_one(f"#{pane}")
            canvas.post_message(events.MouseScrollDown(canvas, 3, 3, 0, 0, 0, False, False, False))
            await pilot.pause()

        await press(pilot, "end", "left", "left")
        await turn("picture")
        assert here.cursor.column == 1, "the ranks stand below one another"
        await press(pilot, "enter")
        await turn("why")
        assert here.why
        assert here.why.chosen[0] == 1
        await press(pilot, "escape", "i")
        assert here.code
        line = here.code.index
        await turn("code")
        assert here.code.index > line
        await press(pilot, "escape", "s")
        await turn("settings")
        less = here.draws.sampling.temperature
        assert here.draws.sampling == Sampling(less, 40)
        assert less < 0.8, "down is less"
        await click(pilot, "settings", ("setting", 3))
        await click(pilot, "settings", ("setting", 1))
        await turn("settings")
        assert here.draws.sampling.temperature == less
        assert (here.draws.sampling.top_k or 0) < 40
        await press(pilot, "escape", "4")
        await computed(pilot)
        await turn("view")
        assert screen.view
        assert screen.view.row == 1  # type: ignore[attr-defined]
