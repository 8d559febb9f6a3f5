"""Asking why on the screen: numbers are opened, followed home and back; code is stepped through."""

import re

import pytest

from explorer.runs.cells import Cell
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.main.screen import MainScreen
from explorer.screen.messages import Clicked
from explorer.walk.session import Session
from explorer.walk.why import Look
from gpt import Sampling
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded
from tests.helpers.pilot import click, computed, opened, press, text

SIZES = [(80, 24), *exhaustive((120, 36), (160, 48))]


def story(prompt: str = "") -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)


PROMPT = "Tom and Lily went to the park. Tom said to"


def shown(screen: MainScreen, pane: str = "why") -> str:
    """The text of a pane."""
    return "\n".join(text(screen, pane))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_from_the_top_prediction_home_to_a_token_and_back(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "end", "left", "enter")  # the ledger: the likeliest token is under the cursor
        presses = 1
        assert here.why
        assert here.why.here.cell.name == "probabilities"
        assert "= 0.9" in shown(screen) or "= 0.8" in shown(screen)
        while here.why.here.cell.name != "tokens":
            rows = here.why.rows
            embedding = [i for i, row in enumerate(rows) if row.term.at and row.term.at.name == "hook_embed"]
            await press(pilot, *["down"] * (embedding[0] if embedding else 0), "enter")
            presses += 1
            assert str(here.why.here.cell) == screen.query_one("#why").border_subtitle.replace("\\", "")  # type: ignore[union-attr]
        assert presses <= 8
        assert "it was typed" in shown(screen)
        await press(pilot, *["backspace"] * (presses - 1))
        assert here.why.at == 0
        assert here.why.here.cell.name == "probabilities"
        await press(pilot, "backspace")
        assert here.why is None
        assert screen.query_one("#picture").display
        assert not screen.query_one("#why").display
        assert here.stage.id == "probabilities", "the walk goes on from there"


async def test_the_way_back_takes_the_room_of_the_next_token_while_it_is_shown() -> None:
    async with opened() as (pilot, screen):
        following = screen.query_one("#next")
        await press(pilot, "end", "left", "left", "enter")
        assert following.display
        await press(pilot, "f")
        assert not following.display
        await press(pilot, "enter")
        assert following.display


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_following_the_largest_shows_where_the_answer_came_from(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "end", "left", "left", "enter", "f")
        assert here.why
        assert here.why.look is Look.PATH
        assert not screen.query_one("#next").display, "the picture takes its room"
        await press(pilot, "end")
        lines = shown(screen)
        assert "head 5.2" in lines
        assert re.search(r"▶ ·Lily +id 396", lines)
        assert here.stage.id == "tokens"
        await press(pilot, "up", "enter")
        assert here.why.look is Look.TERMS
        assert here.why.here.cell.name == "hook_embed"
        await press(pilot, "escape")
        assert here.why is None
        assert screen.query_one("#next").display or "next at T 1" in shown(screen, "rail")


async def test_the_strip_says_how_every_number_was_made() -> None:
    async with opened(story(), prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        for index in range(1, 21):
            here.cursor.go_to_stage(index)
            screen.repaint()
            cell = here.cell()
            assert cell
            strip = shown(screen, "number")
            formula = here.provenance.explain(cell).formula(1)
            assert f"= {formula.split(' + …')[0][:30]}" in strip
            assert re.search(r"gpt/\w+\.py:\d+", strip)


async def test_there_is_no_number_to_open_among_the_tokens() -> None:
    async with opened(story(), prompt="Tom") as (pilot, screen):
        await computed(pilot)
        await press(pilot, "enter")
        assert screen.session
        assert screen.session.why is None
        assert screen.query_one("#picture").display


async def test_walking_on_opens_the_number_there() -> None:
    async with opened(story(), prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "right", "enter", "comma")
        assert here.why
        row = here.trace.matrix("hook_embed")[len(here.ids) - 2]
        largest = max(range(len(row)), key=lambda dimension: abs(row[dimension]))
        assert here.why.here.cell == Cell("hook_embed", (len(here.ids) - 2, largest))
        await press(pilot, "n")
        await computed(pilot)
        assert here.why is None, "a new token: back to the walk"
        assert screen.query_one("#picture").display


async def test_the_mouse_opens_terms_and_walks_the_trail() -> None:
    async with opened(story(), (120, 36), prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "end", "left", "left", "enter")
        assert here.why
        second = here.why.rows[1].term.at
        await click(pilot, "why", ("term", 1, 0))
        assert here.why.here.cell == second
        await click(pilot, "why", ("trail", 0))
        assert here.why.at == 0


async def test_a_door_that_leads_nowhere_is_said() -> None:
    async with opened(story(), prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "right", "enter", "enter")
        assert here.why
        assert here.why.here.cell.name == "tokens"
        await press(pilot, "enter", "down", "right", "u")
        assert here.why.here.cell.name == "tokens"


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_stepping_through_the_code_of_a_stage(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, *["right"] * 4, *["right"] * 5)
        assert here.stage.id == "blocks.0.pattern"
        await press(pilot, "i")
        assert here.code
        assert screen.query_one("#code").display
        assert 'see("hook_pattern"' in shown(screen, "code")
        await press(pilot, "right")
        assert "softmax" in text(screen, "code")[0]
        while here.code.stop.function != "softmax_row":
            await press(pilot, "right")
        await press(pilot, "down", "down", "down")
        assert "exps" in shown(screen, "code")
        await press(pilot, "up", "left", "escape")
        assert here.code is None
        assert screen.query_one("#picture").display
        await press(pilot, "i", "i")
        assert here.code is None, "the same key closes it"
        await press(pilot, "i", "period", "comma")
        assert here.code is None, "walking on closes it"


async def test_code_opens_from_an_explained_number_and_goes_back_to_it() -> None:
    async with opened(story(), prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "end", "left", "left", "enter", "i")
        assert here.code
        assert not screen.query_one("#why").display
        await press(pilot, "escape")
        assert screen.query_one("#why").display
        assert screen.query_one("#why").has_focus


async def test_a_click_on_a_number_that_was_closed_meanwhile_is_ignored() -> None:
    async with opened(story(), (120, 36), prompt="Tom and Lily") as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "right", "enter")
        for action in (("term", 0, 0), ("trail", 0)):
            screen.query_one("#why").post_message(Clicked(action))
        here.why = None
        await pilot.pause()
        assert here.why is None


async def test_a_dialog_that_is_closed_twice_closes_once() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "6", "enter")
        dialog = pilot.app.screen
        assert isinstance(dialog, AskDialog)
        dialog.dismiss(False)
        dialog.dismiss(False)
        await pilot.pause()
        assert pilot.app.screen is screen
