"""The rooms of the screen: every key reaches an action, and keys find the pane that is open."""

import pytest
from textual.actions import parse

from explorer.screen.main.keys import SECTIONS
from tests.helpers.pilot import PANES, all_keys, opened, press


async def test_every_key_reaches_an_action() -> None:
    async with opened() as (pilot, screen):
        targets = {"app": pilot.app, "screen": screen} | {f"{pane.ID}": screen.query_one(pane) for pane in PANES}
        for name, bindings in all_keys().items():
            for binding in bindings:
                where, action, arguments = parse(binding.action)
                assert where or name not in SECTIONS or action == "help", "the screen passes keys on"
                target = targets[where or (name if name in targets else "screen")]
                assert callable(getattr(target, f"action_{action}"))
                if action == "send":
                    part, sent = arguments
                    assert callable(getattr(screen._parts[part], f"action_{parse(sent)[1]}"))


@pytest.mark.parametrize("keys", ["i down", "enter down", "2 down", "tab down"])
async def test_a_key_right_after_another_reaches_the_pane_that_opened(keys: str) -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, *["right"] * 4)
        stage = here.cursor.stage_index
        for key in keys.split():
            pilot.app.simulate_key(key)
        await pilot.pause()
        assert here.cursor.stage_index == stage, "the arrows belong to the pane"
        assert screen.focused in screen.middle.children
