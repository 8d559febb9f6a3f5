"""The footer: each key in it does something where it is offered, it fits, and the help and the palette say the same."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from explorer.edits import Zero, where
from explorer.paint.footer import footer
from explorer.screen.dialogs.help import Help
from explorer.screen.main.all_keys import ALL, PANES, keys_here
from explorer.screen.main.here import here_on
from explorer.screen.main.offers import FOOTERS, WORKS, Mode, offered
from explorer.screen.main.screen import MainScreen
from explorer.terminal.text import width
from explorer.walk.cursor import Cursor
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import Bytes, recorded_session, small_model, start
from tests.helpers.pilot import PROMPT, computed, opened, press, session, text, tiny, until

ONE_BLOCK = 22  # stages
PLACES = {
    "the tokens": "home",
    "a layer norm": "down",
    "q k v": "down right",
    "a pattern": "down right right right right right",
    "neurons": "end left left left left left left",
    "the ledger": "end left",
    "the cursor": "down right right tab right",
    "the cursor among tokens": "home tab",
    "why": "end left enter",
    "why of a weight": "home right enter enter",
    "a path": "end left left enter f",
    "code": "down right i",
    "a lesson": "down right l",
    "a lesson in a view": "2 l",
    "settings": "s up",
    "a value typed": "s 9",
    "settings beside the walk": "right_square_bracket",
    "go to": "j",
    "the prompt": "slash x",
} | {f"view {key}": key for key in "123456789"}
"""Keys that lead somewhere from the first stage."""

USUAL = (
    "q k v",
    "a pattern",
    "the ledger",
    "the cursor",
    "why",
    "a path",
    "code",
    "a lesson",
    "a lesson in a view",
    "settings",
    "a value typed",
    "the prompt",
    "view 2",
)
"""Places that are looked at in every run of the tests."""

EVERY_STAGE: list[str] = ["right " * stage for stage in range(ONE_BLOCK)]


async def at_the_start(pilot: Pilot[str], screen: MainScreen) -> None:
    """Back to the first stage of the prompt, with nothing open."""
    while pilot.app.screen is not screen:
        pilot.app.pop_screen()
    screen.playback.stop()
    screen.settings.close()
    screen.go_to.display = False
    screen.remove_class("-lesson", "-talking", "-zoomed")
    here = screen.session
    assert here
    if here.text != PROMPT:
        screen.runs.run_prompt(PROMPT)
    screen.walk(lambda: here.cursor.go_to_stage(0))
    screen.set_focus(None)
    here.cursor.overview = False
    if here.computing:  # it was stopped on the way
        screen.runs.action_again()
    await settled(pilot, screen)


async def settled(pilot: Pilot[str], screen: MainScreen) -> None:
    await computed(pilot)
    await until(pilot, lambda: all(each.is_finished or each.is_cancelled for each in screen.workers))
    await pilot.pause()


def seen(pilot: Pilot[str], screen: MainScreen) -> tuple[object, ...]:
    """All that a key may change: what is drawn, what is copied, what is said."""
    strips = pilot.app.screen._compositor.render_strips()
    said = [notice.message for notice in pilot.app._notifications]
    drawn = [list(strip.simplify()) for strip in strips]
    return drawn, pilot.app.clipboard, said, pilot.app.screen, screen.focused, screen.playback.player.playing


@pytest.mark.parametrize(
    "keys",
    [
        *(PLACES[name] for name in USUAL),
        *exhaustive(*(keys for name, keys in PLACES.items() if name not in USUAL), *EVERY_STAGE),
    ],
    ids=lambda keys: keys[-40:],
)
async def test_every_key_in_the_footer_does_something(keys: str) -> None:
    async with opened(session(tiny(n_layer=1)), (80, 24)) as (pilot, screen):
        screen.query_one("#prompt").cursor_blink = False  # type: ignore[attr-defined]
        await press(pilot, *keys.split())
        await settled(pilot, screen)
        offers = offered(here_on(screen))
        for number, offer in enumerate(offers):
            if number:
                await at_the_start(pilot, screen)
                await press(pilot, *keys.split())
                await settled(pilot, screen)
            heard = {found.binding.id: found.binding.key for found in screen.active_bindings.values()}
            before = seen(pilot, screen)
            pressed = [heard[id] for id in offer.ids.split() if id in heard]
            assert pressed, f"{offer} is not heard here"
            changed = False
            for key in pressed:
                await press(pilot, key)
                changed = changed or seen(pilot, screen) != before
            assert changed, f"{pressed} for {offer.said(here_on(screen))!r} does nothing"


@pytest.mark.parametrize("size", [(80, 24), *exhaustive((60, 24), (120, 36), (200, 60))], ids=str)
async def test_it_fits_and_offers_what_is_first(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, screen):
        for keys in (PLACES[name] for name in USUAL):
            await at_the_start(pilot, screen)
            await press(pilot, *keys.split())
            line = text(screen, "footer")[0]
            assert width(line) <= size[0] - 2
            mode = here_on(screen).mode
            assert mode in (Mode.PROMPT, Mode.GO_TO) or line.endswith("? help"), keys
            first = offered(here_on(screen))[0]
            assert f" {first.said(here_on(screen))} " in line + " ", keys


async def test_the_stages_own_keys_come_first() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        shown: dict[str, str] = {}
        for place in ("the tokens", "q k v", "a pattern", "the cursor", "why of a weight", "the prompt"):
            await at_the_start(pilot, screen)
            await press(pilot, *PLACES[place].split())
            await settled(pilot, screen)
            shown[place] = text(screen, "footer")[0].strip()
        assert shown["q k v"].startswith("walk  h head  v q·k·v  tab cursor  ⏎ why?  x what if")
        assert shown["a pattern"].startswith("walk  h head  o all heads  tab cursor  ⏎ why?")
        assert shown["the cursor"].startswith("cursor  ←→↑↓ cursor  ⏎ why?  x what if")
        assert shown["the prompt"] == "prompt  ⏎ run  esc drop it  alt+⏎ new line"
        assert "why?" not in shown["the tokens"].replace("why? ", "", 0)
        assert "head" not in shown["the tokens"]
        for cannot in ("open", "follow", "unroll", "sums", "choose"):
            assert cannot not in shown["why of a weight"]


async def test_a_recorded_run_offers_nothing_that_needs_the_model() -> None:
    async with opened(recorded_session(), prompt="dbebf", wait=False) as (pilot, screen):
        await until(pilot, lambda: screen.ready)
        await press(pilot, "down", "right")
        line = text(screen, "footer")[0]
        assert not any(f" {words} " in line for words in ("what if", "next", "take back"))
        assert "why?" in line


async def test_undo_is_offered_once_there_is_an_edit() -> None:
    async with opened() as (pilot, screen):
        assert "undo edit" not in text(screen, "footer")[0]
        screen.editing.edit(lambda edits: edits.add(where.head(0, 1), Zero(), None))
        await settled(pilot, screen)
        assert "z undo edit" in text(screen, "footer")[0]


async def test_a_click_on_an_offer_presses_its_key() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "down", "right")
        line = text(screen, "footer")[0]
        await pilot.click("#footer", offset=(line.index("h head") + 2, 0))
        await pilot.pause()
        assert screen.session
        assert screen.session.cursor.head == 1


def test_the_tables_know_every_key_they_name() -> None:
    ids = {binding.id for bindings in ALL.values() for binding in bindings}
    named = {id for offers in FOOTERS.values() for offer in offers for id in offer.ids.split()}
    assert named | set(WORKS) <= ids
    assert set(FOOTERS) == set(Mode)
    assert set(PANES) == set(Mode) - {Mode.WALK, Mode.LESSON}


MOVES: dict[str, Callable[[Cursor], None]] = {
    "stage.back": lambda cursor: cursor.move_stage(-1),
    "stage.forward": lambda cursor: cursor.move_stage(1),
    "block.back": lambda cursor: cursor.move_block(-1),
    "block.forward": lambda cursor: cursor.move_block(1),
    "token.back": lambda cursor: cursor.move_position(-1),
    "token.forward": lambda cursor: cursor.move_position(1),
    "token.first": lambda cursor: cursor.go_to_position(0),
    "token.last": lambda cursor: cursor.go_to_position(10**6),
}


@pytest.mark.parametrize("move", MOVES)
def test_a_move_works_where_it_leads_somewhere_else(move: str) -> None:
    here = start(small_model(vocab_size=256), Bytes(), "abc")
    for stage in range(len(here.cursor.stages)):
        for position in range(3):
            here.cursor.go_to_stage(stage)
            here.cursor.go_to_position(position)
            MOVES[move](here.cursor)
            elsewhere = (here.cursor.stage_index, here.position) != (stage, position)
            here.cursor.go_to_stage(stage)
            here.cursor.go_to_position(position)
            assert WORKS[move](here) == elsewhere, (here.stage.id, position)


@pytest.mark.parametrize("cells", range(4, 90))
def test_as_many_offers_as_there_is_room_for(cells: int) -> None:
    line = footer("walk", [("h", "head"), ("←→", "stage"), ("n", "next")], ("?", "help"), cells)
    assert sum(width(span.text) for span in line) <= cells
    shown = "".join(span.text for span in line)
    assert cells < 14 or shown.endswith("? help")
    assert ("h head" in shown) == (cells >= 21)


async def test_the_help_begins_with_what_works_here() -> None:
    async with opened() as (pilot, screen):
        for place in ("q k v", "the cursor", "why", "view 2", "code"):
            await at_the_start(pilot, screen)
            await press(pilot, *PLACES[place].split())
            await settled(pilot, screen)
            expected = [str(binding.tooltip) for binding in keys_here(here_on(screen))]
            await press(pilot, "question_mark")
            dialog = pilot.app.screen
            assert isinstance(dialog, Help), place
            static = dialog.query_one(Static)
            page = [static.render_line(y).text for y in range(static.size.height)]
            assert page[0].startswith("Here (")
            here = " ".join(" ".join(page[: page.index(next(line for line in page if not line.strip()))]).split())
            assert all(word in here for tooltip in expected for word in tooltip.split()), place
            assert len(expected) > 3


async def test_the_palette_runs_the_keys_of_the_pane_that_is_open() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "end", "left", "left", "enter")
        titles = [command.title for command in pilot.app.get_system_commands(screen)]
        assert "Follow the largest contribution to its end" in titles
        await press(pilot, "colon", *"follow largest", "enter")
        here = screen.session
        assert here
        await until(pilot, lambda: here.why and len(here.why.visits) > 1)
