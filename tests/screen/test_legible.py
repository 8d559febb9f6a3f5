"""The numbers that have to be read off the screen: of attention the chosen row's largest weight and its token in full.

The text is that of the compositor, at three sizes and the smallest, for short prompts and long ones.
"""

from collections.abc import Iterator

import pytest
from textual.pilot import Pilot

from explorer.screen.main.screen import MainScreen
from explorer.screen.widgets.canvas import Canvas
from explorer.terminal.text import width
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded
from tests.helpers.pilot import computed, opened, press, session, texts, tiny

SIZES = [(80, 24), (120, 36), (200, 60), (60, 18)]
LENGTHS = [60, *exhaustive(1, 8, 11, 27, 250)]
STORY = "Tom and Lily went to the park. Tom said to the big dog that it was time to go home. She was sad because "
STAGES = ("raw", "scaled", "masked", "pattern")


def prompt(tokens: int) -> str:
    """The beginning of a story, of that many tokens."""
    tokenizer = embedded()[1].tokenizer
    return tokenizer.decode(tokenizer.encode(STORY * 15)[:tokens])


def rows(screen: MainScreen) -> list[str]:
    return texts(screen, screen.query_one("#picture", Canvas))


def figures(value: float, kind: str) -> list[str]:
    """How a number may be written, with two digits or more: ".70", "−12.33"."""
    if kind == "pattern":
        return [text if value >= 0.995 else text[1:] for text in (f"{value:.2f}", f"{value:.4f}")] + [f"{value:.4f}"]
    return [f"{value:.2f}".replace("-", "−")]


def stands(lines: list[str], name: str, numbers: list[str]) -> bool:
    """Whether a line gives the token by its full name, perhaps with its position, and then the number."""
    for line in lines:
        words = line.replace("▸", " ").replace("[", " ").replace("]", " ").split()
        for at, word in enumerate(words):
            if word == name and set(words[at + 1 : at + 9]) & set(numbers):
                return True
    return False


def places(screen: MainScreen, everywhere: bool) -> Iterator[tuple[int, int]]:
    """Blocks and heads: all of them, or the first and the last."""
    assert screen.session
    config = screen.session.config
    for layer in range(config.n_layer):
        for head in range(config.n_head):
            if everywhere or (layer, head) in ((0, 0), (config.n_layer - 1, config.n_head - 1)):
                yield layer, head


async def go_to(pilot: Pilot[str], screen: MainScreen, layer: int, head: int, stage: str) -> None:
    here = screen.session
    assert here
    ids = [each.id for each in here.cursor.stages]
    here.cursor.go_to_head(head)
    screen.move_cursor("go_to_stage", ids.index(f"blocks.{layer}.{stage}"))
    await pilot.pause()


async def check(pilot: Pilot[str], screen: MainScreen, everywhere: bool) -> None:
    here = screen.session
    assert here
    for layer, head in places(screen, everywhere):
        for stage in STAGES:
            await go_to(pilot, screen, layer, head, stage)
            assert here.cursor.part
            row = here.trace.matrix(here.cursor.part.activation, head)[here.position][: here.position + 1]
            largest = max(range(len(row)), key=row.__getitem__)
            label, lines = here.label(here.ids[largest]), rows(screen)
            shown = "\n".join(lines)
            assert stands(lines, label, figures(row[largest], stage)), f"{layer}.{head} {stage}: {label}\n{shown}"
            assert "rows look at columns" in shown
            assert here.cursor.column == largest, "the cursor starts there"
            if stage == "pattern":
                assert "a row adds up to 1" in shown


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("tokens", LENGTHS)
async def test_the_largest_weight_and_its_token_can_be_read(size: tuple[int, int], tokens: int) -> None:
    async with opened(session(tiny(n_positions=256)), size, prompt(tokens)) as (pilot, screen):
        await check(pilot, screen, everywhere=False)


async def test_so_can_they_in_a_grid_of_numbers() -> None:
    async with opened(session(tiny(n_positions=256)), (80, 24), prompt(8)) as (pilot, screen):
        await check(pilot, screen, everywhere=True)
        await press(pilot, "comma", "comma", "comma")
        await check(pilot, screen, everywhere=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", SIZES[:3], ids=str)
@pytest.mark.parametrize("tokens", [8, 11, 27, 60, 250])
async def test_in_every_block_and_head_of_the_embedded_model(size: tuple[int, int], tokens: int) -> None:
    model, checkpoint = embedded()
    async with opened(session(model, tokenizer=checkpoint.tokenizer), size, prompt(tokens)) as (pilot, screen):
        await check(pilot, screen, everywhere=True)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_all_heads_and_the_steps_of_one_row_say_it_too(size: tuple[int, int]) -> None:
    async with opened(session(tiny(n_positions=256)), size, prompt(27)) as (pilot, screen):
        here = screen.session
        assert here
        await go_to(pilot, screen, 1, 2, "pattern")
        row = here.trace.matrix("blocks.1.attn.hook_pattern", 2)[26]
        largest = max(range(27), key=row.__getitem__)
        name = here.label(here.ids[largest])
        await press(pilot, "o")
        assert stands(rows(screen), name, figures(row[largest], "pattern"))
        assert "rows look at columns" in "\n".join(rows(screen))
        await press(pilot, "v")
        lines = rows(screen)
        assert stands(lines, name, [f"{row[largest]:.4f}"])
        (added_up,) = [line.split() for line in lines if line.split()[:1] == ["sum"]]
        assert "1.0000" in added_up
        await press(pilot, "v", "comma")
        assert not here.cursor.steps
        assert "1 later token" not in "\n".join(rows(screen)), "of shares the masked ones are nothing"


async def test_in_the_picture_the_cursor_moves_straight_up_and_while_walking_to_the_largest() -> None:
    async with opened(session(tiny()), (80, 24), prompt(11)) as (pilot, screen):
        here = screen.session
        assert here
        await go_to(pilot, screen, 0, 0, "resid_post")
        values = here.trace.value("blocks.0.hook_resid_post")
        largest = [max(range(len(row)), key=lambda place: abs(row[place])) for row in values]
        last = next(place for place in range(len(largest) - 1, 0, -1) if largest[place] != largest[place - 1])
        screen.move_cursor("go_to_position", last)
        assert here.cursor.column == largest[last]
        await press(pilot, "comma")
        assert here.cursor.column == largest[last - 1], "who walks comes to the largest"
        await press(pilot, "full_stop", "tab", "up")
        assert (here.position, here.cursor.column) == (last - 1, largest[last])


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_no_row_is_wider_than_its_pane(size: tuple[int, int]) -> None:
    async with opened(session(tiny(n_positions=256)), size, prompt(60)) as (pilot, screen):
        await go_to(pilot, screen, 0, 0, "pattern")
        for key in ("o", "v", "v", "tab", "home", "end"):
            await press(pilot, key)
            pane = screen.query_one("#picture", Canvas)
            assert all(width(line) == pane.size.width for line in rows(screen))


@pytest.mark.parametrize(("size", "shown"), [((80, 24), "rail"), ((120, 36), "map"), ((60, 18), "rail")])
async def test_a_view_has_all_of_the_width(size: tuple[int, int], shown: str) -> None:
    async with opened(session(tiny()), size) as (pilot, screen):
        for key in ("1", "2", "4"):
            await press(pilot, key)
            assert screen.query_one("#view").region.width == size[0]
            assert not any(screen.query_one(name).display for name in ("#map", "#next", "#rail"))
        await press(pilot, "escape")
        await computed(pilot)
        assert screen.query_one(f"#{shown}").display
        assert screen.query_one("#map").display != screen.query_one("#rail").display
        if shown == "rail":
            assert screen.query_one("#picture").region.width == size[0]
            ranking = screen.session.trace.ranking("logits", screen.session.position) if screen.session else None
            assert ranking
            assert screen.session
            assert screen.session.label(ranking.order[0]) in texts(screen, screen.query_one("#rail", Canvas))[0]
