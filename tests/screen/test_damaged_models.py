"""Models that divide by zero: the screen says so and goes on, with other prompts and other keys."""

import random

import pytest
from textual.widgets import Static

from explorer.screen.app import ExplorerApp
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.walk.session import Session
from gpt import GPT
from tests.helpers.models import embedded, small_model
from tests.helpers.pilot import opened, press, session, until

TOKENIZER = embedded()[1].tokenizer
ONCE = TOKENIZER.encode("Once")[0]
KEYS = ["right", "left", "down", "up", "h", "v", "o", "tab", "enter", "i", "1", "2", "3", "4", "5", "6", "n", "g",
        "r", "l", "p", "x", "w", "z", "escape", "s", "end", "home", "question_mark", "t", "c", "k", "j"]  # fmt: skip


def dividing_by_zero() -> GPT:
    """A model without an epsilon, in which the row of one token is constant, as is its position's."""
    sizes = {"vocab_size": 4096, "n_embd": 6, "n_layer": 2, "n_head": 3, "n_positions": 64}
    model = small_model(**sizes, layer_norm_epsilon=0.0)
    for position in model.weights.position_embedding:
        position[:] = [0.0] * 6
    model.weights.token_embedding[ONCE][:] = [0.5] * 6
    return model


def notices(screen: MainScreen) -> str:
    return " ".join(f"{notice.title}: {notice.message}" for notice in screen.app._notifications)


async def test_a_division_by_zero_is_told_and_another_prompt_works() -> None:
    async with opened(session(dividing_by_zero()), prompt="Once", wait=False) as (pilot, screen):
        await until(pilot, lambda: "This prompt cannot be computed" in notices(screen))
        assert "layer_norm_epsilon" in notices(screen)
        assert screen.session
        assert screen.session.computing
        await press(pilot, "slash", *["backspace"] * 4, *"Lily", "enter")
        await until(pilot, lambda: screen.session and not screen.session.computing)
        assert isinstance(screen.app, ExplorerApp)
        assert screen.app.crash == ""


@pytest.mark.parametrize("seed", range(2))
async def test_no_key_ends_the_app_there(seed: int) -> None:
    chance = random.Random(seed)
    async with opened(session(dividing_by_zero()), prompt="Once", wait=False) as (pilot, screen):
        await until(pilot, lambda: "This prompt cannot be computed" in notices(screen))
        for _ in range(40):
            await press(pilot, chance.choice(KEYS))
        assert isinstance(screen.app, ExplorerApp)
        assert screen.app.crash == ""
        assert isinstance(screen.session, Session)


async def test_notes_on_a_model_are_shown_and_the_help_keeps_them() -> None:
    opening = Opening(notes={"model.safetensors: no biases are in it: they are zeros.": None})
    ready = session()
    app = ExplorerApp(lambda progress: ready, "Once", "tiny", None, opening)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.ready and not screen.ready.computing)
        assert "About this model: Model.safetensors: no biases are in it" in notices(screen)
        await press(pilot, "question_mark")
        shown = str(app.screen.query_one(Static).content)
        assert "About the models\nmodel.safetensors: no biases are in it: they are zeros." in shown
