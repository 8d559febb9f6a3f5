"""Tours on the screen: each is played to its end; one is left and come back to; questions are answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from explorer.screen import replay
from explorer.screen.app import ExplorerApp
from explorer.screen.dialogs.bookmarks import Bookmarks
from explorer.screen.dialogs.tours import TourList
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.screen.panes.middle import MiddlePane
from explorer.sessions.reading import read
from explorer.teaching import notes, state_folder, tour_file
from explorer.teaching.expressions import UNKNOWN
from explorer.teaching.spots import CODE, PATH, WHY
from explorer.teaching.tours import SHIPPED, Tour, shipped
from explorer.views.prepared import prepare
from explorer.walk.session import Session
from tests.helpers.looking import without_weights
from tests.helpers.models import embedded
from tests.helpers.pilot import PROMPT, opened, press, text, tiny, until

MINE = f"""
title = "Mine"
prompt = "{PROMPT}"
model = "tiny"

[[stop]]
title = "The start"
text = "There are {{tokens}} tokens."
bookmark = 4

[[stop]]
title = "A view"
at = "block 1 pattern head 2"
view = "lens"
text = "It says {{top()}}."

[[stop]]
title = "Another view"
view = "flow"
text = "It says {{top()}}."

[[stop]]
title = "Edited"
at = "block 1 pattern head 1"
edits = ["head 1.1: zero"]
text = "It had {{before_edits('3'):.4f}}."

[[stop]]
title = "Another prompt"
prompt = "The cat"
at = "block 0 activation neuron 3 token 0"
text = "Which head looks back?"
[stop.question]
ask = "Which head?"
answer = "head"
holds = "layer == 1 and weight(layer, head, 1, 0) >= 0"
right = "Yes, {{answer}}."
wrong = "No, {{answer}}."
"""


def mine() -> Tour:
    return tour_file.parse(MINE, "mine", "mine.toml")


@asynccontextmanager
async def touring(
    tour: Tour | None,
    size: tuple[int, int] = (80, 24),
    session: Session | None = None,
    other: Session | None = None,
    **more: Any,
) -> AsyncIterator[tuple[Pilot[str], MainScreen]]:
    """The app, a tour begun as from the command line; `other` is the session on every other model."""
    model, checkpoint = tiny(), embedded()[1]
    opening = session or Session(model, checkpoint.tokenizer)
    open_other = (lambda name, tell: other) if other else None
    app = ExplorerApp(lambda progress: opening, PROMPT, "tiny", open_other, Opening(tour=tour, **more))
    async with app.run_test(size=size) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.ready and (screen.tours.shown or tour is None))
        await replay.quiet(app)
        yield pilot, screen


def bar(screen: MainScreen) -> str:
    return " ".join(line.strip() for line in text(screen, "tour"))


async def go_on(pilot: Pilot[str], *keys: str) -> None:
    await press(pilot, *keys)
    await replay.quiet(pilot.app)


FIRST = ("newcomer", (80, 24))
OTHERS = [(name, size) for name in SHIPPED for size in ((80, 24), (120, 36)) if (name, size) != FIRST]
SIZES = [FIRST, *(pytest.param(*each, marks=pytest.mark.exhaustive) for each in OTHERS)]


@pytest.mark.parametrize(("name", "size"), SIZES)
async def test_a_tour_plays_to_its_end(name: str, size: tuple[int, int]) -> None:
    tour = shipped()[SHIPPED.index(name)]
    model, checkpoint = embedded()
    session = Session(model, checkpoint.tokenizer)
    app = ExplorerApp(lambda progress: session, tour.stops[0].spot.prompt, "stories", None, Opening(tour=tour))
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.tours.shown)
        for number, stop in enumerate(tour.stops):
            await replay.quiet(app)
            playing, here = screen.tours.shown, screen.ready
            assert playing
            assert here
            assert playing.at == number
            assert here.text == stop.spot.prompt
            assert stop.title.split("{")[0] in bar(screen)
            assert UNKNOWN not in bar(screen)
            assert not app._notifications, [notice.message for notice in app._notifications]
            wanted = {WHY: MiddlePane.WHY, PATH: MiddlePane.WHY, CODE: MiddlePane.CODE, "": MiddlePane.PICTURE}
            assert screen.middle.opened is wanted.get(stop.spot.view, MiddlePane.VIEW)
            pane = screen.middle.get_child_by_id(screen.middle.opened)
            assert pane.size.height >= 8, "the picture stays visible"
            assert any(line.strip() for line in text(screen, screen.middle.opened))
            await press(pilot, "N")
        assert screen.tours.shown is playing


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_forwards_backwards_and_from_the_list(size: tuple[int, int]) -> None:
    async with touring(mine(), size) as (pilot, screen):
        assert "There are 6 tokens." in bar(screen)
        await go_on(pilot, "N")
        assert screen.view
        assert screen.focused is screen.middle.view
        await go_on(pilot, "N")
        assert screen.view is not None
        assert "Flow" in screen.view.title
        assert screen.focused is screen.middle.view, "from one view to another the arrows stay with the view"
        await go_on(pilot, "P", "P")
        assert screen.view is None
        await press(pilot, "T")
        assert isinstance(pilot.app.screen, TourList)
        await go_on(pilot, "down", "down", "down", "enter")
        assert screen.session
        assert screen.session.what_if.edited
        assert "Edited" in bar(screen)
        await go_on(pilot, "N")
        assert not screen.session.what_if.edited
        assert screen.session.cursor.stage.id == "blocks.0.activation"
        assert screen.session.cursor.column == 3


async def test_the_prompt_one_had_is_kept_and_the_tour_is_come_back_to() -> None:
    async with opened() as (pilot, screen):
        home = screen.session
        assert home
        await go_on(pilot, "n", "right", "right", "2")
        had = home.text, home.cursor.stage_index, screen.view
        assert had[2] is not None
        screen.tours.start(mine(), 4)
        await replay.quiet(pilot.app)
        assert screen.session is not home
        assert screen.session
        assert screen.session.text == "The cat"
        await go_on(pilot, "right")
        away = screen.session, screen.session.cursor.stage_index
        await go_on(pilot, "E")
        assert screen.session is home
        assert (home.text, home.cursor.stage_index, screen.view) == had
        assert screen.tours.shown is None
        assert screen.prompt.value == home.text
        assert not screen.has_class("-touring")
        await go_on(pilot, "E")
        assert (screen.session, screen.session.cursor.stage_index) == away, "as it was left"
        assert screen.tours.shown
        await go_on(pilot, "T", "enter")
        assert screen.session.cursor.stage.id == "blocks.0.activation", "the list goes back to the Stop itself"
        await go_on(pilot, "E")
        assert screen.session is home, "each time that the tour is left"
        await go_on(pilot, "N")
        assert screen.tours.shown, "N comes back too"


async def test_from_a_bookmark_of_another_run_the_way_back_to_the_tour_forgets_nothing() -> None:
    """The tour comes back as it was; and then what one had before it, not the run of the bookmark."""
    async with opened() as (pilot, screen):
        home = screen.session
        await go_on(pilot, "B", "1", "slash", *" cat", "enter")
        screen.tours.start(mine(), 4)
        await replay.quiet(pilot.app)
        tour = screen.session
        await go_on(pilot, "b", "1")
        bookmark = screen.session
        assert bookmark
        assert bookmark.text == PROMPT
        assert screen.tours.shown is None
        await go_on(pilot, "N")
        assert screen.session is tour
        await go_on(pilot, "E")
        assert screen.session is home
        assert home
        assert home.text == f"{PROMPT} cat"


async def test_the_speakers_notes_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path))
    async with touring(mine()) as (pilot, _):
        first = notes.received()
        assert first
        assert first.began == first.arrived > 0
        assert (first.title, first.count, first.following) == ("The start", "1 of 5", "A view")
        await go_on(pilot, "N")
        second = notes.received()
        assert second
        assert (second.title, second.began) == ("A view", first.began)
        await go_on(pilot, "E")
        assert notes.received() == second, "away from the tour nothing is told"


async def test_tours_are_in_the_palette() -> None:
    async with touring(None) as (pilot, screen):
        commands = {command.title: command.callback for command in pilot.app.get_system_commands(screen)}
        for tour in shipped():
            assert f"Tour: {tour.title}" in commands
        assert any("next Stop" in title for title in commands)
        await press(pilot, "T")
        assert isinstance(pilot.app.screen, TourList), "without a tour it lists them"
        assert pilot.app.screen.query_one(OptionList).option_count == len(SHIPPED)


async def test_a_recorded_run_has_no_tours_and_says_so() -> None:
    async with opened(without_weights(), wait=False) as (pilot, screen):
        await press(pilot, "right", "T", "enter")
        said = [notice.message for notice in pilot.app._notifications]
        assert "a tour needs a model" in said[-1]
        await press(pilot, "B", "N", "escape", "b", "0", "E", "escape", "A")
        assert screen.tours.shown is None
        assert screen.session
        assert screen.session.recorded
        assert screen.session.cursor.stage_index == 1


async def test_a_claim_that_does_not_hold_is_said_once() -> None:
    wrong = tour_file.parse(
        MINE.replace("bookmark = 4", 'claims = ["tokens == 6", "tokens == 7"]'), "mine", "mine.toml"
    )
    async with touring(wrong) as (pilot, screen):
        await go_on(pilot, "right", "N", "P")
        said = [notice.message for notice in pilot.app._notifications]
        assert said == ["What this Stop says does not hold in this run: tokens == 7 is false."]
        assert "There are 6 tokens." in bar(screen)


async def test_looking_around_changes_nothing_for_the_tour() -> None:
    async with touring(mine()) as (pilot, screen):
        await go_on(pilot, "slash", *" cat", "enter")
        assert screen.session
        assert screen.session.text == f"{PROMPT} cat"
        await go_on(pilot, "N", "P")
        assert screen.session.text == PROMPT
        assert "There are 6 tokens." in bar(screen)


async def test_a_question_is_answered_by_typing_or_by_going_there() -> None:
    async with touring(mine(), at=4) as (pilot, screen):
        await press(pilot, "A")
        assert pilot.app.screen.query_one(Input).value == ""
        await press(pilot, *"wrong", "enter")
        assert pilot.app.screen.query_one("#problem").render()
        await press(pilot, "escape", "A")
        await go_on(pilot, *"0.2", "enter")
        assert "✗ No, 0.2." in bar(screen)
        assert screen.session
        screen.session.cursor.go_to_value("blocks.1.attn.hook_pattern")
        await press(pilot, "A")
        assert pilot.app.screen.query_one(Input).value == "1.0"
        await go_on(pilot, "enter")
        assert "✓ Yes, 1.0." in bar(screen)
        await go_on(pilot, "P", "A")
        assert pilot.app.screen is screen, "nothing is asked there"


async def test_a_tour_begins_again_without_its_answers() -> None:
    async with touring(mine(), at=4) as (pilot, screen):
        await press(pilot, "A")
        await go_on(pilot, *"0.2", "enter")
        assert "✗ No, 0.2." in bar(screen)
        await go_on(pilot, "0")
        assert "There are 6 tokens." in bar(screen)
        await go_on(pilot, "N", "N", "N", "N")
        assert "Which head looks back?" in bar(screen)
        assert "✗" not in bar(screen)


async def test_whoever_is_new_here_is_told_of_the_tours() -> None:
    async with touring(None, offer=True) as (pilot, _):
        assert [notice.message.split(":")[0] for notice in pilot.app._notifications] == ["T opens tours"]


async def test_during_a_tour_ones_own_session_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened() as (pilot, screen):
        await go_on(pilot, "n")
        screen.tours.start(mine(), 4)
        await replay.quiet(pilot.app)
        assert screen.session
        assert screen.session.text == "The cat"
        await go_on(pilot, "ctrl+s", "enter")
    saved = read(tmp_path / "session.toml")
    assert saved.prompt == PROMPT
    assert len(saved.drawn) == 1


async def test_bookmarks_are_kept_and_gone_to_and_everything_begins_again() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await go_on(pilot, *["right"] * 6, "B")
        assert isinstance(pilot.app.screen, Bookmarks)
        await go_on(pilot, "3", "end", "b", "5")
        assert isinstance(pilot.app.screen, Bookmarks), "there is no bookmark 5"
        await go_on(pilot, "3")
        assert here.cursor.stage_index == 6
        await go_on(pilot, "slash", *" cat", "enter", "b", "3")
        assert screen.session is not here
        assert screen.session
        assert (screen.session.text, screen.session.cursor.stage_index) == (PROMPT, 6)
        await go_on(pilot, "E")
        assert screen.session is here
        assert here.text == f"{PROMPT} cat"
        await go_on(pilot, "b", "3")
        assert screen.session is not here
        await go_on(pilot, "0")
        assert screen.session is here, "it is the user's own that begins again"
        assert (here.text, here.cursor.stage_index) == (PROMPT, 0)


async def test_what_is_prepared_is_there_at_once() -> None:
    tokenizer = embedded()[1].tokenizer
    first = Session(tiny(), tokenizer)
    told: list[int] = []
    made = prepare(mine(), ["tiny"], first, lambda name: first, lambda done, of, word: told.append(done))
    assert told == list(range(5))
    assert len(made.sessions) == 3, "one for each run"
    async with touring(mine(), session=first, prepared=made) as (pilot, screen):
        for _ in mine().stops:
            session = screen.session
            assert session
            assert not session.computing
            assert screen.header.model_name == "tiny"
            assert screen.view is None or screen.view.wanted() is None
            pilot.app.simulate_key("N")
            await until(pilot, lambda: screen.tours.shown)
            await pilot.pause()


async def test_a_stop_that_this_model_does_not_have_is_said() -> None:
    wrong = tour_file.parse(MINE.replace("block 1 pattern head 2", "block 7 pattern"), "mine", "mine.toml")
    async with touring(wrong) as (pilot, screen):
        await go_on(pilot, "N")
        assert "there is no block 7" in [notice.message for notice in pilot.app._notifications][-1]
        await go_on(pilot, "N")
        assert screen.tours.shown


async def test_a_model_that_is_not_open_is_opened_for_its_stop() -> None:
    other = tour_file.parse(MINE.replace('title = "A view"', 'title = "A view"\nmodel = "other"'), "mine", "mine.toml")
    tokenizer = embedded()[1].tokenizer
    session, second = Session(tiny(), tokenizer), Session(tiny(n_layer=3), tokenizer)
    async with touring(other, session=session, other=second) as (pilot, screen):
        await go_on(pilot, "N")
        assert screen.session is second
        assert screen.header.model_name == "other"
        await go_on(pilot, "N")
        assert screen.session is not second
        assert screen.header.model_name == "tiny"


async def test_a_run_that_is_there_is_not_computed_again_for_the_first_stop() -> None:
    """The tour has it; its text is in what one comes back to. Not where the Stop asks for another model."""
    tokenizer = embedded()[1].tokenizer
    other = tour_file.parse(MINE.replace('model = "tiny"', 'model = "other"'), "mine", "mine.toml")
    for tour, lent in ((mine(), True), (other, False)):
        first, second = Session(tiny(), tokenizer), Session(tiny(n_layer=3), tokenizer)
        async with touring(tour, session=first, other=second) as (pilot, screen):
            assert screen.session is (first if lent else second)
            await go_on(pilot, "E")
            home = screen.session
            assert home
            assert (home is first) == (not lent)
            assert (home.text, home.model) == (PROMPT, first.model)
            assert screen.header.model_name == "tiny"


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36)], ids=str)
async def test_the_picture_stays_visible_below_every_stop(size: tuple[int, int]) -> None:
    tour = shipped()[0]
    async with opened(size=size) as (pilot, screen):
        screen.tours.start(tour)
        await pilot.pause()
        for _ in range(3):
            assert screen.middle.picture.size.height >= 5
            assert screen.tour_bar.region.bottom <= screen.middle.region.y
            await press(pilot, "N")


async def test_a_stop_comes_back_without_the_token_that_was_put_before_its_prompt() -> None:
    eos = embedded()[1].config.eos_token_id
    async with touring(mine(), session=Session(tiny(eos_token_id=eos), embedded()[1].tokenizer)) as (pilot, screen):
        assert screen.session
        before = list(screen.session.ids)
        await go_on(pilot, "a")
        assert screen.session.ids == [eos, *before]
        assert screen.prompt.value == f"<|endoftext|>{PROMPT}"
        await go_on(pilot, "N", "P")
        assert screen.session.ids == before
        assert "There are 6 tokens." in bar(screen)
