"""Read off the rendered screen: the largest number of every vector, and the first five logits, stand in the picture."""

import numpy as np
import pytest
from textual.pilot import Pilot

from explorer.screen.main.screen import MainScreen
from explorer.screen.panes.picture import PicturePane
from explorer.stages import Kind
from tests.helpers.exhaustive import exhaustive
from tests.helpers.legible import LENGTHS, VECTORS, largest_of, numbers_of, prompt_of
from tests.helpers.models import embedded_on_arrays
from tests.helpers.pilot import opened, session, until


def shown(screen: MainScreen) -> str:
    """The picture as the compositor holds it."""
    region = screen.query_one(PicturePane).content_region
    rows = screen._compositor.render_strips()[region.y : region.bottom]
    return "\n".join(row.crop(region.x, region.right).text for row in rows)


async def check_vector(pilot: Pilot[str], screen: MainScreen) -> None:
    """The largest number of the row stands there with its place."""
    here = screen.ready
    assert here
    await pilot.pause()
    noun, column, value = largest_of(here)
    text = shown(screen)
    found = numbers_of(text, f"{noun} {column}")
    assert found, f"{here.stage.id}: {noun} {column} = {value} is not in\n{text}"
    assert found[0] == pytest.approx(value, abs=0.00051), here.stage.id


async def check_logits(pilot: Pilot[str], screen: MainScreen) -> None:
    """The five largest, each with its token in full."""
    here = screen.ready
    assert here
    await pilot.pause()
    logits = np.asarray(here.trace.value("logits"), dtype=float)[here.position]
    text = shown(screen)
    for rank, token in enumerate(np.argsort(-logits, kind="stable")[:5].tolist(), start=1):
        line = next((line for line in text.splitlines() if line.strip("▸ ").startswith(f"{rank} ")), "")
        _, label, id, logit, *_ = line.replace("▸", " ").split()
        assert (label, int(id)) == (here.label(token), token)
        assert float(logit.replace("−", "-")) == pytest.approx(logits[token], abs=0.00051)


async def check_all(size: tuple[int, int], tokens: int, layers: range) -> None:
    async with opened(session(embedded_on_arrays()), size, prompt_of(tokens)) as (pilot, screen):
        here = screen.ready
        assert here
        for index, stage in enumerate(here.cursor.stages):
            if stage.layer is not None and stage.layer not in layers:
                continue
            screen.move_cursor("go_to_stage", index)
            if stage.kind in VECTORS:
                for part in range(len(stage.parts)):
                    screen.move_cursor("go_to_part", part)
                    heads = here.config.n_head if "H" in here.cursor.axes and len(layers) > 1 else 1
                    for head in range(heads):
                        screen.move_cursor("go_to_head", head)
                        await check_vector(pilot, screen)
            elif stage.kind is Kind.LOGITS:
                await check_logits(pilot, screen)
                for column in (30, 4000):
                    screen.move_cursor("go_to_column", column)
                    await check_logits(pilot, screen)


async def test_the_largest_number_of_each_vector_at_80x24() -> None:
    await check_all((80, 24), 11, range(2, 3))


@pytest.mark.exhaustive
@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=str)
async def test_the_largest_number_of_each_vector_everywhere(size: tuple[int, int], tokens: int) -> None:
    await check_all(size, tokens, range(6))


@pytest.mark.parametrize("size", [(80, 24), *exhaustive((120, 36), (200, 60))], ids=str)
async def test_the_nearest_tokens_come_from_the_background(size: tuple[int, int]) -> None:
    async with opened(session(embedded_on_arrays()), size, prompt_of(8)) as (pilot, screen):
        here = screen.ready
        assert here
        screen.move_cursor("go_to_stage", 3)
        name = "blocks.0.hook_resid_pre"
        table = np.asarray(here.model.weights.token_embedding, dtype=float)  # type: ignore[union-attr]
        vector = np.asarray(here.trace.value(name), dtype=float)[here.position]
        cosines = table @ vector / np.linalg.norm(table, axis=1) / np.linalg.norm(vector)
        best = int(np.argmax(cosines))
        await until(pilot, lambda: numbers_of(shown(screen), here.label(best)))
        found = numbers_of(shown(screen), here.label(best))
        assert found[0] == pytest.approx(cosines[best], abs=0.0051)
