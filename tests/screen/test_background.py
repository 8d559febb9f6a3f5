"""The model at work behind the screen: keys are answered, runs are superseded, cancelled and taken up again."""

import math
import threading
from functools import partial

import pytest

from explorer.loading.checkpoints import CheckpointError
from explorer.runs import running
from explorer.screen.app import ExplorerApp
from explorer.screen.main import background
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Tell
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from gpt import generate
from tests.helpers.models import counting, embedded
from tests.helpers.pilot import PROMPT, SAMPLING, Gate, computed, gate, opened, press, session, text, tiny, until


async def test_keys_are_answered_while_the_model_computes() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        here = screen.session
        assert here
        await until(pilot, gate.reached.is_set)
        await press(pilot, "right", "right")
        assert here.stage.id == "pos_embed"
        assert here.trace.computed(here.stage, here.position), "what was computed can be seen while the rest is not"
        assert f"{value_under_cursor(here)!r}".replace("-", "−") in " ".join(text(screen, "number"))
        await press(pilot, "end")
        assert "Not computed yet" in " ".join(text(screen, "picture"))
        gate.open.set()
        await computed(pilot)
        assert "random number" in " ".join(text(screen, "picture"))


async def test_a_new_prompt_supersedes_the_old_run() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        here = screen.session
        assert here
        await until(pilot, gate.reached.is_set)
        old = here.trace
        await press(pilot, "slash", *["backspace"] * len(PROMPT), "T", "o", "m", "enter")
        assert here.text == "Tom"
        gate.open.set()
        await computed(pilot)
        assert here.trace is not old
        assert not old.complete
        assert here.trace.values["logits"][-1] == here.model.forward(here.ids).logits[-1]


async def test_escape_cancels_and_r_goes_on() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        here = screen.session
        assert here
        await until(pilot, gate.reached.is_set)
        await press(pilot, "escape")
        gate.open.set()
        await until(pilot, lambda: "stopped" in text(screen, "header")[0])
        assert here.computing
        await press(pilot, "end")
        assert "Press r to go on" in " ".join(text(screen, "picture"))
        await press(pilot, "r")
        await computed(pilot)
        assert not here.computing


async def test_a_prompt_that_grew_at_the_end_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        asked: list[int] = []
        monkeypatch.setattr(type(here.model), "forward", counting(type(here.model).forward, asked))
        await press(pilot, "slash", *" a cat", "enter")
        await computed(pilot)
        assert here.text == PROMPT + " a cat"
        assert asked == [len(here.ids) - len(here.tokenizer.encode(PROMPT))]


async def test_drawing_is_generating() -> None:
    model, tokenizer = embedded()[0], embedded()[1].tokenizer
    async with opened(session(model)) as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "n")
        await computed(pilot)
        await press(pilot, "g")
        await until(pilot, lambda: len(here.ids) == here.prompt_length + 11)
        await computed(pilot)
        ids = tokenizer.encode(PROMPT)
        expected = [step.token for step in generate(model, ids, 11, SAMPLING, seed=42)]
        assert here.ids[here.prompt_length :] == expected
        assert (
            text(screen, "tokens")[0].strip().startswith("←") or here.label(expected[-1]) in text(screen, "tokens")[-2]
        )
        await press(pilot, "backspace", "backspace")
        assert here.ids == [*ids, *expected[:-2]]
        await press(pilot, *["backspace"] * 20)
        assert here.ids == ids, "what was typed stays"


async def test_a_full_context_is_said() -> None:
    full = session(tiny(n_positions=8))
    async with opened(full) as (pilot, screen):
        await press(pilot, "g")
        await until(pilot, lambda: screen.app._notifications)
        assert len(full.ids) == 8
        assert any("context is full" in notice.message for notice in screen.app._notifications)
        assert not screen.playback.player.left_to_draw


async def test_it_walks_by_itself_and_begins_again_with_a_drawn_token() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, *["plus"] * 6, "space")
        await until(pilot, lambda: here.cursor.stage_index > 3)
        await press(pilot, "end")
        await until(pilot, lambda: len(here.ids) > here.prompt_length)
        assert here.cursor.stage_index < len(here.cursor.stages) - 1, "from the beginning again"
        await press(pilot, "space")
        assert not screen.playback.player.playing
        assert screen.playback.player.pace == 30
        await press(pilot, "minus", "minus")
        assert screen.playback.player.pace == 8


async def test_the_other_engine_says_how_far_apart_they_are() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        assert "plain Python" in text(screen, "header")[0]
        before = here.trace.values
        await press(pilot, "e")
        await until(pilot, lambda: screen.app._notifications)
        await computed(pilot)
        assert "NumPy float32" in text(screen, "header")[0]
        (notice,) = screen.app._notifications
        gap = float(notice.message.split("at most ")[1].split(",")[0])
        assert 0 < gap < 1e-4
        assert (
            max(map(abs, (a - b for a, b in zip(before["logits"][-1], here.trace.values["logits"][-1])))) <= gap * 1.1
        )
        for _ in range(12):
            await press(pilot, "right")
        await press(pilot, "e")
        await until(pilot, lambda: "plain Python" in text(screen, "header")[0])


async def test_the_top_line_says_how_far_the_model_is_loaded() -> None:
    """A download has a word of its own; where it is not known how much there is, nothing is there yet."""
    seen = threading.Event()
    told = [
        ((1, 4), " loading 25%"),
        ((1, 1), " loading 100%"),
        ((0, 0, "downloading"), " downloading 0%"),
        ((2, 2, "downloading"), " downloading 100%"),
    ]

    def load(tell: Tell) -> Session:
        for words, _ in told:
            tell(*words)
            seen.wait(60)  # no longer, or a test that fails would never end
            seen.clear()
        return session()

    def said(screen: MainScreen, words: str) -> bool:
        return words in text(screen, "header")[0]

    app = ExplorerApp(load, PROMPT, "tiny")
    async with app.run_test() as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        for _, words in told:
            await until(pilot, partial(said, screen, words))
            seen.set()
        await until(pilot, lambda: screen.session)


async def test_a_model_that_cannot_be_opened_ends_the_program_with_its_message() -> None:
    def fail(progress: object) -> Session:
        raise CheckpointError("config.json: n_layer is 0.")

    app = ExplorerApp(fail, PROMPT, "broken")
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value == "config.json: n_layer is 0."


async def test_what_is_looked_through_elsewhere_by_now_is_not_computed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the lenses only those of the latest place are at work."""
    let_go = gate()

    def endless(*given: object) -> bool:
        let_go.wait()
        return False

    monkeypatch.setattr(running, "look_through_lens", endless)
    async with opened(wait=False) as (pilot, screen):
        await until(pilot, lambda: screen.session and not screen.session.computing)

        def looking() -> list[object]:
            return [each for each in screen.workers if each.group == "lens" and not each.is_cancelled]

        await press(pilot, "down", "right")
        await until(pilot, looking)
        before = looking()
        await press(pilot, "comma")
        await until(pilot, lambda: looking() and looking() != before)
        assert len(looking()) == 1
        let_go.set()


async def test_how_long_a_run_took_is_not_said_of_another_one() -> None:
    gate = Gate(tiny())
    gate.open.set()
    async with opened(session(gate.model)) as (pilot, screen):
        await until(pilot, lambda: "computed in" in text(screen, "header")[0])
        gate.open.clear()
        gate.reached.clear()
        await press(pilot, "slash", *" cat", "enter")
        await until(pilot, gate.reached.is_set)
        screen.show_status("")
        assert "computed in" not in text(screen, "header")[0]
        gate.open.set()
        await until(pilot, lambda: "computed in" in text(screen, "header")[0])


async def test_an_error_that_nobody_foresaw_ends_the_program_with_a_report() -> None:
    def fail(progress: object) -> Session:
        raise KeyError("secret")

    app = ExplorerApp(fail, PROMPT, "broken")
    with pytest.raises(KeyError):
        async with app.run_test() as pilot:
            await until(pilot, lambda: not app.is_running)
    assert app.return_code == 1
    assert "KeyError" in app.crash
    assert "secret" not in app.crash


async def test_the_answers_way_through_the_layers_is_drawn_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is needed for it. It is computed quickly: nothing of it was drawn on the way."""
    monkeypatch.setattr(background, "_BETWEEN_DRAWINGS", math.inf)
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        answer = here.label(here.trace.order(here.position)[0])
        await until(pilot, lambda: any(f"{answer} " in line and "by layer" in line for line in text(screen, "next")))


async def test_quitting_ends_a_computation() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        await until(pilot, gate.reached.is_set)
        await press(pilot, "q")
        gate.open.set()
    assert screen.session
    assert screen.session.computing
