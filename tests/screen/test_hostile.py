"""Hostile text on the screen: in fields, notices, titles and statuses; and what is pasted into a field."""

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from explorer.errors import UsageError
from explorer.paint.spans import Span
from explorer.screen.app import ExplorerApp
from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.dialogs.problem import Problem
from explorer.screen.palette import Palette
from explorer.screen.widgets.field import Field
from explorer.screen.widgets.looks import Looks
from tests.fuzz.hostile import check_printable
from tests.helpers.pilot import opened, press, until

EVIL = "a\x1b]0;title\x07\x1b[2J\n[bold]\x9b31m\u202eb\ud800"


def shown(pilot: "Pilot[str]") -> str:
    """All that is on the screen; AssertionError if any of it could command the terminal."""
    text = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
    check_printable(text)
    return text


async def ask(pilot: "Pilot[str]", text: str, taken: list[str], title: str = "B") -> Field:
    pilot.app.push_screen(AskDialog(title, text, taken.append))
    await until(pilot, lambda: isinstance(pilot.app.screen, AskDialog))
    await pilot.pause()
    field = pilot.app.screen.query_one(Field)
    field.cursor_blink = False
    return field


@pytest.mark.parametrize("text", [EVIL, "two\nlines", "\r\t\x00", "plain", "漢字 👩\u200d👩"])
async def test_a_field_shows_any_text_safely_and_keeps_it(text: str) -> None:
    taken: list[str] = []
    async with opened() as (pilot, _):
        await ask(pilot, text, taken, title=EVIL)
        shown(pilot)
        await press(pilot, "enter")
    assert taken == [text]


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\r\ntwo\r\n", "one\ntwo"),
        ("one\rtwo", "one\ntwo"),
        ("\n", ""),
        ("", ""),
        ("a\x1b[2Jb", "a\x1b[2Jb"),
    ],
)
async def test_all_that_is_pasted_arrives(pasted: str, kept: str) -> None:
    """Two lines are two lines: none is lost."""
    taken: list[str] = []
    async with opened() as (pilot, _):
        await ask(pilot, "", taken)
        pilot.app.post_message(events.Paste(pasted))
        await pilot.pause()
        shown(pilot)
        await press(pilot, "enter")
    assert taken == [kept]


async def test_a_paste_takes_the_place_of_what_is_marked() -> None:
    taken: list[str] = []
    async with opened() as (pilot, _):
        field = await ask(pilot, "one two", taken)
        field.select_all()
        pilot.app.post_message(events.Paste("three\nfour"))
        await pilot.pause()
        assert "three⏎four" in shown(pilot)
        field.select_all()
        assert field.selected_text == "three\nfour"
        await press(pilot, "ctrl+c", "end", "ctrl+v", "enter")
    assert taken == ["three\nfour" * 2]


async def test_notices_are_literal_and_printable() -> None:
    async with opened(notices=True) as (pilot, screen):
        pilot.app.notify(EVIL, title=EVIL)
        screen.models.failed(EVIL)
        await until(pilot, lambda: len(pilot.app.screen.query(Toast)) == 2)
        await pilot.pause()
        assert "[bold]" in shown(pilot)


async def test_control_c_says_how_to_quit() -> None:
    async with opened(notices=True) as (pilot, _):
        await press(pilot, "ctrl+c")
        assert [notice.message for notice in pilot.app._notifications] == [
            "Press q to quit; ctrl+q does it while you type."
        ]


async def test_a_problem_and_a_status_are_printable() -> None:
    def refuse(text: str) -> None:
        raise UsageError(EVIL)

    async with opened() as (pilot, screen):
        screen.show_status(EVIL)
        screen.header.model_name = EVIL
        screen.repaint()
        await pilot.pause()
        shown(pilot)
        pilot.app.push_screen(AskDialog("B", "x", refuse))
        await until(pilot, lambda: isinstance(pilot.app.screen, AskDialog))
        await press(pilot, "enter")
        assert "␛" in str(pilot.app.screen.query_one(Problem).render())
        shown(pilot)


async def test_what_a_painter_forgets_is_still_printable() -> None:
    async with opened() as (_, screen):
        segment = Looks(screen, Palette()).segment(Span(EVIL))
        check_printable(segment.text)
        assert segment.text.isprintable()


async def test_a_crash_keeps_a_report_and_not_the_prompt() -> None:
    apps: list[ExplorerApp] = []

    async def crash() -> None:
        async with opened(prompt="Oncesecret") as (pilot, _):
            assert isinstance(pilot.app, ExplorerApp)
            apps.append(pilot.app)
            pilot.app._handle_exception(KeyError("a secret"))

    with pytest.raises(KeyError, match="a secret"):
        await crash()
    assert "KeyError" in apps[0].crash
    assert "secret" not in apps[0].crash
    assert not apps[0]._exit_renderables
