"""A person's own settings on the screen: looks, keys, what is said of them, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from explorer.commands.personal import for_screen
from explorer.commands.words import command_and_words
from explorer.errors import UsageError
from explorer.preferences import config_file, preferences, remembered
from explorer.preferences.preferences import Preferences
from explorer.screen import keymap
from explorer.screen.app import ExplorerApp
from explorer.screen.appearance import wanted
from explorer.screen.main.all_keys import ALL
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.teaching import state_folder
from tests.helpers.pilot import press, session, text, until


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(config_file.VARIABLE, str(tmp_path / "config.toml"))
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    return tmp_path / "config.toml"


def own(place: Path, content: str) -> Preferences:
    place.write_text(content, encoding="utf-8")
    return preferences.read({})


def keys(place: Path, content: str) -> tuple[keymap.OwnKeys, list[str]]:
    found = own(place, "[keys]\n" + content)
    return keymap.resolved(found), [str(problem).removeprefix(f"{place}:") for problem in found.problems]


def app(found: Preferences) -> ExplorerApp:
    return ExplorerApp(lambda tell: session(), "Once upon a time", "tiny", opening=Opening(preferences=found))


async def ready(pilot: Any) -> MainScreen:
    screen = pilot.app.get_default_screen()
    assert isinstance(screen, MainScreen)
    await until(pilot, lambda: screen.ready and not screen.ready.computing)
    await pilot.pause()
    return screen


async def test_looks_are_taken_up_and_what_is_chosen_is_remembered(place: Path) -> None:
    opened = app(own(place, 'theme = "nord"\ncolours = "hue"\n'))
    async with opened.run_test() as pilot:
        await ready(pilot)
        assert opened.theme == "nord"
        assert opened._appearance.palette_name == "hue"
        await press(pilot, "t", "c")
        chosen = opened.theme
    again = app(preferences.read({}))
    async with again.run_test() as pilot:
        await ready(pilot)
        assert again.theme == chosen != "nord"
        assert again._appearance.palette_name == "none"
    assert place.read_text(encoding="utf-8") == 'theme = "nord"\ncolours = "hue"\n', "the person's file is theirs"


async def test_an_unknown_theme_is_named_and_the_program_goes_on(place: Path) -> None:
    opened = app(own(place, '\ntheme = "lihgt"\n'))
    async with opened.run_test(notifications=True) as pilot:
        await ready(pilot)
        assert opened.theme == "explorer-dark"
        (notice,) = [notice.message for notice in opened._notifications if notice.title == "Your settings"]
        assert f"{place}:2" in notice
        assert "Is `light` meant?" in notice


async def test_moved_keys_work_and_are_shown_everywhere(place: Path) -> None:
    opened = app(
        own(place, '[keys]\n"stage.forward" = "D"\nhelp = "f1"\n"stage.back" = "b"\n"bookmark.go" = "ctrl+b"\n')
    )
    async with opened.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot)
        assert screen.session
        await press(pilot, "D", "right")
        assert screen.session.cursor.stage_index == 1
        await press(pilot, "b")
        assert screen.session.cursor.stage_index == 0
        assert "f1 help" in text(screen, "footer")[0]
        commands = {command.title: command.help for command in opened.get_system_commands(screen)}
        assert commands["One stage forward"].endswith("key D")
        await press(pilot, "f1")
        page = str(opened.screen.query_one(Static).render())
        assert any(line.split()[:4] == ["D", "One", "stage", "forward"] for line in page.splitlines())
        assert any(line.split()[0] == "^b" for line in page.splitlines() if "Go to a bookmark" in line)


async def test_what_is_said_names_the_moved_keys(place: Path) -> None:
    """Also what is painted; another program that begins has its own again."""
    opened = app(own(place, '[keys]\noverview = "ctrl+o"\n"part.next" = "V"\n'))
    async with opened.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot)
        await press(pilot, *["right"] * 9)
        assert "^o all heads  V one row" in text(screen, "picture")[0]
    again = app(Preferences())
    async with again.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot)
        await press(pilot, *["right"] * 9)
        assert "o all heads  v one row" in text(screen, "picture")[0]


async def test_a_key_that_two_actions_share_stays_with_the_other(place: Path) -> None:
    opened = app(own(place, '[keys]\nstop = "ctrl+k"\n'))
    async with opened.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot)
        await press(pilot, "l")
        assert screen.has_class("-lesson")
        await press(pilot, "escape")
        assert not screen.has_class("-lesson"), "escape closes the lesson still"


async def test_a_key_that_was_taken_does_what_it_is_for_now(place: Path) -> None:
    opened = app(own(place, '[keys]\ntheme = "question_mark"\n'))
    async with opened.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot)
        await press(pilot, "question_mark")
        assert opened.theme == "explorer-light"
        assert opened.screen is screen
        assert "help" not in text(screen, "footer")[0]


def test_mistakes_about_keys_are_named_with_their_lines(place: Path) -> None:
    found, said = keys(
        place,
        'drw = "d"\ndraw = "spcae"\nsave = "ctrl+i"\nquit = "shift+a"\nsweep = "crtl+w"\ntheme = "c"\ntalk = "c"\n'
        '"copy.picture" = "ctrl+y"\n',
    )
    assert [line.split(":")[0] for line in said] == ["2", "3", "4", "5", "6", "8", "7"]
    assert "Is `draw` meant?" in said[0]
    assert "Is `space` meant?" in said[1]
    assert "as tab" in said[2]
    assert "'A'" in said[3]
    assert "Is `ctrl` meant?" in said[4]
    assert "`theme` has that key already" in said[5]
    assert "was the key of `colours`" in said[6]
    assert found.moved == {"theme": "c", "colours": "", "copy.picture": "ctrl+y"}


def test_two_actions_may_change_places(place: Path) -> None:
    found, said = keys(place, 'theme = "c"\ncolours = "t"\n')
    assert said == []
    assert found.moved == {"theme": "c", "colours": "t"}


def test_one_of_two_keys_may_be_taken(place: Path) -> None:
    found, said = keys(place, 'theme = "plus"\n')
    assert said == []
    assert found.moved == {"theme": "plus", "pace.faster": "equals_sign"}


@pytest.mark.parametrize(
    ("key", "name"),
    [("?", "question_mark"), ("+", "plus"), ("ctrl++", "ctrl+plus"), ("D", "D"), ("f5", "f5"), ("ctrl+g", "ctrl+g")],
)
def test_keys_are_named_as_textual_names_them(key: str, name: str) -> None:
    assert keymap.long_name(key) == name


def test_every_key_that_the_program_has_can_be_written() -> None:
    for bindings in ALL.values():
        for binding in bindings:
            for key in binding.key.split(","):
                assert keymap.long_name(key) == key


def test_the_last_saved_is_remembered(place: Path) -> None:
    remembered.keep_saved(what="screen", kind="csv")
    assert remembered.last_saved() == {"what": "screen", "kind": "csv"}


def test_an_option_is_over_the_file_and_what_was_chosen(place: Path) -> None:
    place.write_text('theme = "nord"\n', encoding="utf-8")
    remembered.keep_look("theme", "contrast", "nord")
    assert wanted(for_screen(), "theme", "dark") == "contrast"
    assert wanted(for_screen("light", "none"), "theme", "dark") == "explorer-light"
    assert wanted(for_screen("light", "none"), "colours", "safe") == "none"
    with pytest.raises(UsageError, match="Is `light` meant"):
        for_screen("lihgt")
    assert command_and_words(["--theme", "light", "tour"]) == ("tour", ["--theme", "light"])
