"""The dialog in which a view is asked: keys, clicks, lines that depend on others, and what cannot be taken."""

import pytest
from textual.widgets import Input, Static

from explorer.screen.dialogs.choose import ChooseDialog, Options
from explorer.screen.dialogs.problem import Problem
from explorer.views.sweep.view import SweepView
from tests.helpers.exhaustive import exhaustive
from tests.helpers.pilot import opened, press

SIZES = [(60, 18), (80, 24), *exhaustive((120, 36))]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_lines_are_chosen_and_taken(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, screen):
        await press(pilot, "w", "d")
        dialog, view = pilot.app.screen, screen.view
        assert isinstance(dialog, ChooseDialog)
        assert isinstance(view, SweepView)
        assert not dialog.query_one("#line-block").display, "only neurons are of one block"
        assert dialog.focused is dialog.query_one("#choice-site")
        await press(pilot, *["right"] * 7)
        assert dialog.query_one("#line-block").display
        assert "neurons" in str(dialog.query_one("#choice-site", Options).render())
        await press(pilot, "down", "9", "enter")
        assert pilot.app.screen is dialog, "there is no block 9"
        assert "no block" in str(dialog.query_one(Problem).render())
        assert view.asked.site == "z"
        await press(pilot, "up")
        dialog.query_one("#choice-block", Input).value = "1"
        await press(pilot, "enter")
        assert pilot.app.screen is screen
        assert (view.asked.site, view.asked.block) == ("neurons", 1)
        await press(pilot, "d", "left", "escape")
        assert view.asked.site == "neurons", "escape leaves it as it was"


async def test_a_click_chooses() -> None:
    async with opened() as (pilot, _):
        await press(pilot, "w", "d")
        dialog = pilot.app.screen
        options = dialog.query_one("#choice-done", Options)
        at = str(options.render()).index("scale") + 1
        await pilot.click("#choice-done", offset=(at, 0))
        assert options.current == 2
        assert dialog.query_one("#line-factor").display
        assert all(label.region.height == 1 for label in dialog.query(Static) if label.parent and label.region)


async def test_a_view_without_choices_has_no_dialog() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "2", "d")
        assert pilot.app.screen is screen
