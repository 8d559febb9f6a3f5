"""The screen, used as a person would: the whole walk at three sizes, and every move on the way."""

import pytest
from textual import events

from explorer.screen.main.screen import MainScreen
from explorer.walk.on_screen import value_under_cursor
from tests.helpers.models import embedded
from tests.helpers.pilot import PROMPT, SIZES, click, computed, opened, press, session, text, tiny


@pytest.mark.parametrize("size", SIZES)
async def test_the_whole_walk_there_and_back(size: tuple[int, int]) -> None:
    async with opened(session(tiny(n_layer=1)), size) as (pilot, screen):
        here = screen.session
        assert here
        picture = screen.query_one("#picture")
        seen = []
        for index, stage in enumerate(here.cursor.stages):
            assert here.cursor.stage_index == index
            assert picture.border_title == stage.place[:1].upper() + stage.place[1:]
            await computed(pilot)
            strip = " ".join(text(screen, "number"))
            assert here.label(here.ids[-1]) in strip
            assert here.cell() is None or repr(value_under_cursor(here)).replace("-", "−", 1) in strip
            assert stage.formula.split()[0] in " ".join(text(screen, "picture"))
            seen.append(tuple(text(screen, "picture")))
            await press(pilot, "right")
        assert len(set(seen)) == len(seen), "every stage has a picture of its own"
        assert here.cursor.stage_index == len(here.cursor.stages) - 1, "there is nothing after the last stage"
        for index in reversed(range(len(here.cursor.stages))):
            assert here.cursor.stage_index == index
            assert text(screen, "picture")[0] == seen[index][0]
            await press(pilot, "left")
        assert here.cursor.stage_index == 0


@pytest.mark.parametrize("size", SIZES)
async def test_every_pane_on_the_embedded_model(size: tuple[int, int]) -> None:
    model, checkpoint = embedded()
    async with opened(session(model, tokenizer=checkpoint.tokenizer), size=size) as (pilot, screen):
        await press(pilot, "end")
        await computed(pilot)
        here = screen.session
        assert here
        (best, second, *_) = here.trace.order(here.position)
        if screen.query_one("#next").display:
            shown = [line.split()[0] for line in text(screen, "next") if "%" in line]
            assert shown.count(here.label(best)) == 2, "if it stopped here, and at the end"
            assert here.label(second) in shown
        else:
            words = text(screen, "rail")[0].split()
            assert words.index(here.label(best)) < words.index(here.label(second))
        assert all(here.label(token) in " ".join(text(screen, "tokens")) for token in here.ids)
        rail, full = screen.query_one("#rail").display, screen.query_one("#map").display
        assert rail != full, "the map is a line on a narrow screen, a pane on a wide one"


async def test_blocks_tokens_heads_and_both_ends() -> None:
    async with opened() as (pilot, screen):
        cursor = screen.session.cursor if screen.session else None
        assert cursor
        await press(pilot, "end")
        assert cursor.stage.id == "draw"
        await press(pilot, "home")
        assert cursor.stage.id == "tokens"
        await press(pilot, "down", "right", "right", "down")
        assert cursor.stage.id == "blocks.1.raw"
        await press(pilot, "up")
        assert cursor.stage.id == "blocks.0.raw"
        await press(pilot, "h", "h", "H")
        assert cursor.head == 1
        last = cursor.length - 1
        await press(pilot, "comma", "comma", "full_stop")
        assert cursor.position == last - 1
        await press(pilot, "less_than_sign")
        assert cursor.position == 0
        await press(pilot, "greater_than_sign")
        assert cursor.position == last


async def test_parts_of_a_stage_and_all_heads() -> None:
    async with opened() as (pilot, screen):
        cursor = screen.session.cursor if screen.session else None
        assert cursor
        await press(pilot, "down", "right")
        assert [part.label for part in cursor.stage.parts] == ["q", "k", "v"]
        await press(pilot, "v")
        assert cursor.part
        assert cursor.part.activation == "blocks.0.attn.hook_q"
        assert str(screen.query_one("#picture").border_subtitle).startswith("blocks.0.attn.hook_q")
        await press(pilot, "right", "o")
        shown = " ".join(text(screen, "picture"))
        assert "all heads of this block" in shown
        assert all(f"head {head}" in shown for head in range(3))
        assert "▾" not in shown
        await press(pilot, "o")
        assert not cursor.overview


async def test_with_the_focus_the_arrows_move_the_cursor_in_the_picture() -> None:
    async with opened() as (pilot, screen):
        cursor = screen.session.cursor if screen.session else None
        assert cursor
        await press(pilot, "down")
        stage, row = cursor.stage_index, cursor.position
        await press(pilot, "tab", "home", "right", "right", "left", "up")
        assert (cursor.stage_index, cursor.column, cursor.position) == (stage, 1, row - 1)
        await press(pilot, "end")
        assert cursor.column == cursor.columns - 1
        await press(pilot, "escape", "right")
        assert cursor.stage_index == stage + 1
        await press(pilot, "shift+right")
        assert cursor.stage_index == stage + 1


@pytest.mark.parametrize(
    ("keys", "pane", "action"),
    [
        ("", "tokens", ("position", 2)),
        ("", "map", ("stage", 3)),
        ("down right right", "picture", ("head", 2)),
        ("down right right", "picture", ("cell", 1, 3)),
        ("down right", "picture", ("part", 1)),
        ("end", "picture", ("cell", 5, 4)),
    ],
)
async def test_a_click_goes_there(keys: str, pane: str, action: tuple[str, int]) -> None:
    async with opened(prompt=PROMPT) as (pilot, screen):
        cursor = screen.session.cursor if screen.session else None
        assert cursor
        await press(pilot, *keys.split())
        await computed(pilot)
        await click(pilot, pane, action)
        kind, *place = action
        now = {
            "position": [cursor.position],
            "stage": [cursor.stage_index],
            "head": [cursor.head],
            "cell": [cursor.position, cursor.column],
            "part": [cursor.stage.parts.index(cursor.part)] if cursor.part else [],
        }
        assert now[kind] == place


async def test_the_wheel_walks_on_the_map_and_along_the_tokens() -> None:
    async with opened() as (pilot, screen):
        cursor = screen.session.cursor if screen.session else None
        assert cursor
        last = cursor.position
        turn(screen, "map", events.MouseScrollDown)
        turn(screen, "map", events.MouseScrollDown)
        await pilot.pause()
        assert cursor.stage_index == 2
        turn(screen, "picture", events.MouseScrollUp)
        await pilot.pause()
        assert cursor.position == last - 1


def turn(screen: MainScreen, pane: str, way: type[events.MouseEvent]) -> None:
    canvas = screen.query_one(f"#{pane}")
    canvas.post_message(way(canvas, 3, 3, 0, 0, 0, False, False, False))


async def test_a_model_of_many_heads_and_a_long_prompt() -> None:
    model = tiny(n_head=24, n_embd=48, n_positions=128)
    async with opened(session(model), (80, 24), PROMPT * 12) as (pilot, screen):
        for key in ("down", "right", "right", "h", "o", "o", "less_than_sign", "right", "down", "end"):
            await press(pilot, key)
            await computed(pilot)
        assert screen.session
        assert screen.session.position == 0
        assert "the prompt goes on with" in " ".join(text(screen, "picture"))
