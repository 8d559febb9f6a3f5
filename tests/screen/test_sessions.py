"""Sessions on the screen: saved and opened with keys, kept by themselves, offered and never forced."""

import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from explorer.errors import HubError
from explorer.screen.app import ExplorerApp
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.dialogs.problem import Problem
from explorer.screen.dialogs.sessions import SessionList
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.screen.widgets.field import Field
from explorer.sessions import store
from explorer.sessions.reading import read
from explorer.sessions.restore import Restored, restore
from explorer.teaching import bookmarks, state_folder
from explorer.teaching.spots import Spot
from explorer.walk.session import Session
from tests.helpers.pilot import computed, press, running, session, text, tiny, until
from tests.helpers.random_sessions import numbers

MODEL = tiny()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state" / store.FOLDER


@asynccontextmanager
async def opened(opening: Opening | None = None) -> AsyncIterator[tuple[Pilot[str], MainScreen]]:
    """The app on a session that is kept, and its prompt computed."""
    opening = opening or Opening(autosave=True)
    first = opening.restored.session if opening.restored else session(MODEL)
    app = ExplorerApp(lambda progress: first, "Once upon a time", "tiny", opening=opening)
    async with running(app, (120, 36), notices=True) as (pilot, screen):
        yield pilot, screen


def kept() -> list[Path]:
    return store.kept()


async def work(pilot: Pilot[str], screen: MainScreen) -> None:
    """Draw a token, zero a head, and open a view."""
    await press(pilot, "n")
    await computed(pilot)
    await press(pilot, "right", "right", "right", "right", "x", "enter", "enter")
    await computed(pilot)
    await press(pilot, "2", "up")
    await until(pilot, lambda: kept() and read(kept()[0]).view.opened == "lens")


async def test_what_is_done_is_kept_and_comes_back(state: Path) -> None:
    async with opened() as (pilot, screen):
        await work(pilot, screen)
        assert screen.session
        before = numbers(screen.session)
        shown = text(screen, "view")
    (file,) = kept()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    back = restore(read(file), session(MODEL), "tiny")
    assert back.notes == []
    assert numbers(back.session) == before
    async with opened(Opening(restored=back)) as (pilot, screen):
        assert screen.session is back.session
        assert numbers(back.session) == before
        await until(pilot, lambda: text(screen, "view") == shown)


async def test_bookmarks_that_come_back_are_not_written_over_those_of_the_user(state: Path) -> None:
    """Where they are the same, the next one is kept with them."""
    file = Path("bookmarks.toml")
    own, others = {3: Spot("Once", "embed")}, {5: Spot("Once", "tokens")}
    for saved, kept_now in ((others, []), (own, [3, 4])):
        back = Restored(session(MODEL), bookmarks=saved)
        back.session.submit("Once upon a time")
        opening = Opening(restored=back, bookmarks=own, bookmarks_file=file)
        async with opened(opening) as (pilot, screen):
            assert screen.bookmarks.all == saved
            await press(pilot, "B", "4")
            assert set(screen.bookmarks.all) == {*saved, 4}
        assert sorted(bookmarks.read(file) if file.exists() else []) == kept_now


async def test_nothing_is_kept_before_anything_is_done(state: Path) -> None:
    async with opened() as (_, screen):
        for _ in range(3):
            screen.sessions.look()
        screen.sessions.end()
    assert kept() == []


async def test_in_private_nothing_is_kept(state: Path) -> None:
    async with opened(Opening(autosave=False)) as (pilot, screen):
        await press(pilot, "n")
        await computed(pilot)
        screen.sessions.look()
    assert kept() == []


async def test_two_at_once_keep_a_file_each(state: Path) -> None:
    async with opened() as (pilot, _):
        await press(pilot, "right")
        await until(pilot, lambda: len(kept()) == 1)
    async with opened() as (pilot, _):
        await press(pilot, "n")
        await until(pilot, lambda: len(kept()) == 2)
    assert sorted(len(read(path).drawn) for path in kept()) == [0, 1]


async def test_the_last_one_is_offered_in_a_line_until_something_is_done(state: Path) -> None:
    async with opened(Opening(autosave=True, offer_session=True)) as (pilot, screen):
        assert "ctrl+o: last session" in text(screen, "header")[0]
        screen.sessions.look()  # at what is there before anything is done
        await press(pilot, "right")
        await until(pilot, lambda: not screen.sessions.offer)
        screen.show_status("")
        await pilot.pause()
        assert "ctrl+o" not in text(screen, "header")[0]


async def test_keys_save_a_session_and_open_it(state: Path) -> None:
    async with opened() as (pilot, screen):
        await work(pilot, screen)
        assert screen.session
        before = numbers(screen.session)
        await press(pilot, "ctrl+s")
        pilot.app.screen.query_one(Field).show_text("mine")
        await press(pilot, "enter")
        await until(pilot, lambda: screen.is_current)
        assert read(Path("mine.toml")).view.opened == "lens"
        await press(pilot, "escape", "z", "backspace")
        await computed(pilot)
        assert numbers(screen.session) != before
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionList))
        field = pilot.app.screen.query_one(Field)
        field.show_text("none.toml")
        field.focus()
        await press(pilot, "enter")
        assert "cannot be read" in str(pilot.app.screen.query_one(Problem).render())
        field.show_text("mine.toml")
        old = screen.session
        await press(pilot, "enter")
        await until(pilot, lambda: screen.session is not old)
        assert numbers(screen.session) == before
        assert screen.middle.view.opened_name == "lens"


async def test_in_a_session_that_was_opened_the_keys_walk(state: Path) -> None:
    """Wherever they were before: here in the picture, with its cursor."""
    async with opened() as (pilot, screen):
        await press(pilot, "ctrl+s", "enter")
        await until(pilot, lambda: screen.is_current)
        await press(pilot, "right", "tab")
        assert screen.focused is screen.middle.picture
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionList))
        pilot.app.screen.query_one(Field).show_text("session.toml")
        pilot.app.screen.query_one(Field).focus()
        old = screen.session
        await press(pilot, "enter")
        await until(pilot, lambda: screen.is_current and screen.session is not old)
        await computed(pilot)
        await press(pilot, "right")
        assert screen.session
        assert screen.session.cursor.stage_index == 1


async def test_the_list_opens_the_one_that_is_chosen(state: Path) -> None:
    async with opened() as (pilot, screen):
        await work(pilot, screen)
        assert screen.session
        before = numbers(screen.session)
    async with opened() as (pilot, screen):
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionList))
        options = pilot.app.screen.query_one(OptionList)
        assert "“Once upon a time” · 1 edit · 1 drawn" in str(options.get_option_at_index(0).prompt)
        old = screen.session
        await press(pilot, "enter")
        await until(pilot, lambda: screen.session is not old)
        assert screen.session
        assert numbers(screen.session) == before


async def test_what_cannot_be_opened_is_said_and_what_differs_too(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Session:
        raise HubError(f"there is no model {name}.")

    async with opened() as (pilot, screen):
        await press(pilot, "ctrl+s", "enter")
        await until(pilot, lambda: screen.is_current)
        file = Path("session.toml")
        file.write_text(file.read_text().replace('"tiny"', '"[red]"'))
        monkeypatch.setattr(screen.models, "load", gone)
        old = screen.session
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionList))
        pilot.app.screen.query_one(Field).show_text("session.toml")
        pilot.app.screen.query_one(Field).focus()
        await press(pilot, "enter")
        said = pilot.app._notifications
        await until(pilot, lambda: any(notice.message == "there is no model [red]." for notice in said))
        assert screen.session is old
    back = Restored(session(MODEL), notes=["An edit is gone."])
    back.session.submit("Once upon a time")
    async with opened(Opening(restored=back)) as (pilot, _):
        assert [notice.message for notice in pilot.app._notifications] == ["An edit is gone."]


async def test_a_file_that_is_there_is_replaced_only_when_asked_twice(state: Path) -> None:
    Path("notes.toml").write_text("mine")
    async with opened() as (pilot, screen):
        await press(pilot, "ctrl+s")
        for name in ("", " ", ".", "/", "a\0b"):
            pilot.app.screen.query_one(Field).show_text(name)
            await press(pilot, "enter")
            assert "ive the name of a file" in str(pilot.app.screen.query_one(Problem).render())
        for name in ("x" * 300, "none/such.toml", "\ud800", "~nobodyatall/x"):
            pilot.app.screen.query_one(Field).value = name
            await press(pilot, "enter")
            assert isinstance(pilot.app.screen, AskDialog)
            assert str(pilot.app.screen.query_one(Problem).render()).strip(), name
        assert os.listdir() == ["notes.toml"]
        pilot.app.screen.query_one(Field).show_text("notes.toml")
        await press(pilot, "enter")
        assert "is there already" in str(pilot.app.screen.query_one(Problem).render())
        assert Path("notes.toml").read_text() == "mine"
        await press(pilot, "enter")
        await until(pilot, lambda: screen.is_current)
    assert read(Path("notes.toml")).prompt == "Once upon a time"


async def test_of_the_old_ones_only_so_many_stay(state: Path) -> None:
    state.mkdir(parents=True)
    ended = 2**22 + 1  # a number that no process has
    for number in range(store.MOST + 3):
        file = state / f"20250101-0000{number:02}-{ended}-00000000.toml"
        file.write_text("old")
        os.utime(file, (number, number))
    mine = state / f"20240101-000000-{os.getpid()}-00000000.toml"
    mine.write_text("of a program that runs")
    os.utime(mine, (0, 0))
    other = state / "notes.toml"
    other.write_text("somebody's own")
    store.prune()
    assert len(store.kept()) == store.MOST + 1
    assert mine in store.kept()
    assert other.exists()
    assert not (state / f"20250101-000000-{ended}-00000000.toml").exists()
