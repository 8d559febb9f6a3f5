"""Keys sent without a pause, in terminals of any size: what a library raises in its own widgets ends nothing."""

import random

import pytest
from textual.actions import ActionError
from textual.command import CommandPalette
from textual.widgets import OptionList

from explorer.screen.panes.picture import PicturePane
from tests.helpers.pilot import opened, press, until

PAGES = ("pagedown", "pageup", "ctrl+end", "ctrl+home", "down", "up")
SIZES = [*((120, height) for height in (1, 2, 3)), *((width, 36) for width in (1, 5, 6, 7)), (1, 1), (120, 36)]


@pytest.mark.parametrize("key", PAGES)
async def test_the_palette_and_a_key_at_once(key: str) -> None:
    async with opened() as (pilot, screen):
        pilot.app.simulate_key("ctrl+p")
        pilot.app.simulate_key(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await pilot.pause()
        await press(pilot, "escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await press(pilot, "right")
        assert screen.session
        assert screen.session.cursor.stage_index == 1


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_palette_in_a_terminal_of_any_size(size: tuple[int, int]) -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "ctrl+p")
        await pilot.resize_terminal(*size)
        for key in (*PAGES, *"lens", *PAGES, *["backspace"] * 4, *PAGES):
            pilot.app.simulate_key(key)
        await pilot.pause()
        await pilot.resize_terminal(120, 36)
        await press(pilot, *PAGES, "escape")
        await until(pilot, lambda: pilot.app.screen is screen)


@pytest.mark.parametrize("opening", ["x", "s", "m", "question_mark", "ctrl+p"])
async def test_dialogs_and_keys_without_a_pause(opening: str) -> None:
    dice = random.Random(opening)
    async with opened() as (pilot, screen):
        await press(pilot, "right")
        for _ in range(3):
            pilot.app.simulate_key(opening)
            for _ in range(12):
                pilot.app.simulate_key(dice.choice([*PAGES, "home", "end", "tab", "shift+tab", "left", "right", "a"]))
            await pilot.resize_terminal(dice.choice([1, 6, 20, 80]), dice.choice([1, 2, 3, 24]))
            pilot.app.simulate_key(dice.choice(PAGES))
            await pilot.pause()
            await pilot.resize_terminal(120, 36)
            while pilot.app.screen is not screen:
                await press(pilot, "escape")
        assert pilot.app.is_running


async def test_what_our_own_code_raises_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: PicturePane) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(PicturePane, "action_overview", fail)
    with pytest.raises(KeyError, match="ours"):
        async with opened() as (pilot, _):
            await press(pilot, "o")


async def test_what_our_own_code_makes_a_library_raise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PicturePane, "action_overview", lambda self: OptionList("a").get_option_at_index(7))
    with pytest.raises(Exception, match="7"):
        async with opened() as (pilot, _):
            await press(pilot, "o")


async def test_an_action_that_is_misspelt_is_seen() -> None:
    async with opened() as (pilot, _):
        with pytest.raises(ActionError):
            await pilot.app.run_action("move(nothing)")
