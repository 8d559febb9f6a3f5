"""A dialog stands in the middle of the screen."""

import pytest

from tests.helpers.pilot import opened, press, until


@pytest.mark.parametrize("keys", [("ctrl+o",), ("ctrl+s",), ("W",), ("w", "d"), ("question_mark",)])
async def test_a_dialog_stands_in_the_middle(keys: tuple[str, ...]) -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, *keys)
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.pause()
        box = pilot.app.screen.query_one(".dialog").region
        assert abs(box.x - (80 - box.right)) <= 1
        assert abs(box.y - (24 - box.bottom)) <= 1
