"""Keys and sizes at random: whatever is pressed, nothing is raised and the session holds together."""

import random
from pathlib import Path

import pytest

from explorer.walk.session import Session
from tests.helpers.confined import confined
from tests.helpers.exhaustive import exhaustive
from tests.helpers.pilot import all_keys, computed, opened, session, tiny

KEYS = [
    key
    for bindings in all_keys().values()
    for binding in bindings
    for key in binding.key.split(",")
    if key not in ("q", "ctrl+p", "colon")
]
TYPED = [*"abc XYZ019.!", "tab", "enter", "escape", "delete", "ctrl+a", "shift+enter", "é", "猫", "left_square_bracket"]


@pytest.mark.parametrize("count", [60, *exhaustive(1000)])
async def test_random_keys_and_sizes(count: int, tmp_path: Path) -> None:
    with confined(tmp_path):  # it saves under names that are typed
        await _press(random.Random(0), count)


async def _press(dice: random.Random, count: int) -> None:
    async with opened(session(tiny(n_positions=24, n_layer=1))) as (pilot, screen):
        here = screen.session
        assert here
        for pressed in range(count):
            if dice.random() < 0.02:
                await pilot.resize_terminal(dice.randint(60, 200), dice.randint(20, 60))
            pilot.app.simulate_key(dice.choice(TYPED if dice.random() < 0.3 else KEYS))
            if pressed % 5 == 0:
                await pilot.pause()
            _consistent(here)
        while pilot.app.screen is not screen:
            await pilot.press("escape")
        await pilot.press("escape", "escape", "r")
        await computed(pilot)
        assert here.trace.complete == len(here.ids)


def _consistent(here: Session) -> None:
    cursor = here.cursor
    assert 0 <= cursor.stage_index < len(cursor.stages)
    assert 0 <= cursor.position < len(here.ids) == cursor.length <= 24
    assert 0 <= cursor.column < cursor.columns
    assert here.prompt_length <= len(here.ids)
    assert set(here.draws.made) == set(range(here.prompt_length, len(here.ids)))
    here.cell()
