"""Small things that the screen does of itself, or at a key: each is seen before and after."""

import pytest

from explorer.edits import Set, Zero, where
from explorer.loading import catalogue
from explorer.screen.app import ExplorerApp
from explorer.screen.dialogs.copied import CopiedDialog
from explorer.screen.dialogs.models import ModelPicker
from explorer.screen.main.offers import Here, Mode, works
from explorer.screen.opening import Opening
from explorer.screen.panes.picture import PicturePane
from explorer.walk.session import Session
from tests.helpers.models import Words, recorded_session, small_model
from tests.helpers.pilot import PROMPT, computed, opened, press, running, session, text, tiny, until


async def test_nothing_is_dimmed_until_the_spotlight_is_asked_for() -> None:
    async with opened(size=(80, 24), prompt="Once upon a time there was a cat and a dog and a bird " * 2) as (
        pilot,
        screen,
    ):
        await press(pilot, "down", *["right"] * 5)
        pane = screen.query_one(PicturePane)
        assert "spotlight" not in str(pane.border_title)
        assert "▀" in "".join(text(screen, "picture")), "two rows of the grid in one line"
        pane.action_spotlight()
        await pilot.pause()
        assert "spotlight" in str(pane.border_title)
        assert "▀" not in "".join(text(screen, "picture")), "each row can be dimmed by itself"


async def test_the_answers_way_through_the_layers_comes_by_itself() -> None:
    async with opened(size=(120, 48)) as (pilot, screen):
        await press(pilot, "end")
        await until(pilot, lambda: "by layer" in " ".join(text(screen, "next")))


async def test_a_command_names_the_model_as_it_was_named_and_another_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        catalogue, "listing", lambda: [catalogue.ModelEntry("other", "cached", 1_000_000, 3, 2, 8, 40_000, None)]
    )
    first = session()
    opening = Opening(model="./my model")
    app = ExplorerApp(lambda tell: first, PROMPT, "mine", lambda name, tell: session(tiny(n_layer=3)), opening)
    async with running(app) as (pilot, screen):
        await press(pilot, "C")
        assert isinstance(app.screen, CopiedDialog)
        assert "--model './my model'" in app.clipboard
        await press(pilot, "escape", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await press(pilot, "enter")
        await until(pilot, lambda: screen.session is not first)
        await computed(pilot)
        await press(pilot, "C")
        assert "--model other" in app.clipboard


async def test_a_run_that_plays_is_stopped_and_says_so() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "space")
        await until(pilot, lambda: screen.playback.player.playing)
        await press(pilot, "escape")
        assert not screen.playback.player.playing
        assert "stopped" in text(screen, "header")[0]


async def test_a_note_on_a_model_is_shown_once() -> None:
    async with opened() as (pilot, screen):
        for _ in range(2):
            screen.models.notes["its vocabulary is cut"] = None
            screen.models.say_notes()
            await pilot.pause()
        shown = [notice.message for notice in pilot.app._notifications]
        assert [text.split("\n")[0] for text in shown] == ["Its vocabulary is cut"]


async def test_an_edit_without_numbers_is_switched_off_and_the_others_stay_in_force() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        screen.editing.edit(lambda edits: edits.add(where.head(0, 1), Zero(), None))
        await computed(pilot)
        before = here.run.logits(0)
        screen.editing.edit(lambda edits: edits.add(where.activation("blocks.1.ln2.hook_scale"), Set(0), None))
        await until(pilot, lambda: [entry.on for entry in here.what_if.edits] == [True, False])
        await computed(pilot)
        assert here.run.logits(0) == before


async def test_a_dialog_takes_the_notices_of_its_screen_away_and_no_others() -> None:
    async with opened() as (pilot, screen):
        for _ in range(2):
            pilot.app.notify("of the program")
            await press(pilot, "question_mark", "escape")
            assert [notice.message for notice in pilot.app._notifications] == ["of the program"]
            screen.notify("of the screen")
            await press(pilot, "question_mark", "escape")
            assert not pilot.app._notifications


async def test_of_a_recorded_run_it_says_how_to_open_it_again() -> None:
    async with opened(recorded_session(), prompt="dbebf", wait=False) as (pilot, screen):
        await until(pilot, lambda: screen.ready)
        await press(pilot, "C")
        assert pilot.app.screen is screen
        assert any("gpt-explorer open FILE" in notice.message for notice in pilot.app._notifications)


async def test_what_an_edit_did_is_said_once_with_the_keys_that_go_on() -> None:
    async with opened() as (pilot, screen):
        screen.editing.edit(lambda edits: edits.add(where.head(0, 1), Zero(), None))
        await computed(pilot)
        await until(pilot, lambda: pilot.app._notifications)
        (notice,) = pilot.app._notifications
        assert notice.title == "Edited: head 0.1 zeroed"
        assert "Press 6 to compare, X to switch it off." in notice.message


def test_drawing_is_offered_until_the_text_is_full_and_never_in_a_recorded_run() -> None:
    words = [bytes([letter]) for letter in b"abcdefgh"]
    model = small_model(vocab_size=len(words), n_positions=6)
    for typed, offers in (("3 1 4 1 5", True), ("3 1 4 1 5 0", False)):
        walked = Session(model, Words(words))
        walked.submit(typed)
        assert works("draw", Here(Mode.WALK, walked)) is offers
    assert not works("draw", Here(Mode.WALK, recorded_session()))
