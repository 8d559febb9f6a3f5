"""The whole screen at once: what reaches the terminal, and moves that cross from one part of it to another."""

import unicodedata

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from explorer.paint.map import rail
from explorer.screen.app import ExplorerApp
from explorer.screen.dialogs.help import Help
from explorer.screen.main.all_keys import ALL
from explorer.screen.panes.map import RailPane
from explorer.screen.panes.prompt import Prompt
from explorer.terminal.text import width
from gpt import generate
from tests.helpers.pilot import PROMPT, SAMPLING, Gate, click, computed, opened, press, session, text, tiny, until

COMMANDS_TERMINALS = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def on_screen(pilot: Pilot[str]) -> list[str]:
    """Every line of the screen, as it is sent to the terminal."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def harmless(pilot: Pilot[str]) -> bool:
    return not {unicodedata.category(character) for line in on_screen(pilot) for character in line} & COMMANDS_TERMINALS


@pytest.mark.parametrize(
    "prompt",
    [
        "a\x9b2Jb",
        "a\x1b]0;x\x07b",
        "\u202egnp\u2066",
        "a\x0cb\x0bc",
        "a\rb\r\nc",
        "a\u2028b\x85c",
        "\ufeff[/]\u200b[red]",
    ],
    ids=ascii,
)
async def test_a_prompt_commands_nothing_and_loses_nothing(prompt: str) -> None:
    async with opened(prompt=prompt) as (pilot, screen):
        here = screen.session
        assert here
        assert harmless(pilot)
        await press(pilot, "slash", "x")
        assert harmless(pilot)
        await press(pilot, "enter")
        assert here.text == prompt + "x"
        assert screen.query_one(Prompt).value == prompt + "x"
        await press(pilot, "slash", "backspace", "enter")
        assert here.text == prompt


async def test_a_models_name_commands_nothing() -> None:
    app = ExplorerApp(lambda progress: session(), PROMPT, "\x1b[31m[bold]\u202ename")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "computed in" in on_screen(pilot)[0])
        assert harmless(pilot)
        assert "␛[31m[bold]‹202e›name" in on_screen(pilot)[0]


async def test_a_notice_is_shown_literally_whoever_shows_it() -> None:
    async with opened(notices=True) as (pilot, screen):
        for show in (pilot.app.notify, screen.notify):
            show("[red]a[/red] [/] \x1b[31mb", title="[bold]c")
            await until(pilot, lambda: any("[red]a[/red] [/] ␛[31mb" in line for line in on_screen(pilot)))
            assert any("[bold]c" in line for line in on_screen(pilot))
            assert harmless(pilot)
            pilot.app.clear_notifications()
            await until(pilot, lambda: not any("[red]" in line for line in on_screen(pilot)))


async def test_what_cannot_be_spelled_is_said() -> None:
    async with opened(prompt="a\udcffb", wait=False) as (pilot, screen):
        await until(pilot, lambda: screen.app._notifications)
        assert ["surrogate U+DCFF" in notice.message for notice in screen.app._notifications] == [True]
        assert screen.query_one(Prompt).has_focus
        await until(pilot, lambda: harmless(pilot))


async def test_an_unfinished_prompt_is_left_and_taken_up_again() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "slash", *" cat", "tab")
        assert "cat" not in " ".join(text(screen, "tokens")), "these are the tokens of the run"
        assert "unfinished" in text(screen, "header")[0]
        await press(pilot, "escape", "right")
        assert here.cursor.stage_index == 1
        await press(pilot, "slash")
        assert "·cat" in " ".join(text(screen, "tokens")).replace("   ", "")
        assert "enter runs it" in text(screen, "header")[0]
        await press(pilot, "s")
        assert "·cats" in " ".join(text(screen, "tokens")).replace("   ", "")
        await press(pilot, "tab", "escape", "n")
        assert screen.query_one(Prompt).value == here.text != PROMPT, "a drawn token takes its place"
        assert here.label(here.ids[-1]) in " ".join(text(screen, "tokens"))


async def test_a_prompt_that_is_dropped_or_run_leaves_no_advice_to_type() -> None:
    async with opened() as (pilot, screen):
        for last in ("escape", "enter"):
            await press(pilot, "slash", *" ab")
            assert "·ab" in " ".join(text(screen, "tokens"))
            assert "enter runs it" in text(screen, "header")[0]
            await press(pilot, last)
            assert ("ab" in screen.query_one(Prompt).value) == (last == "enter")
            assert ("·ab" in " ".join(text(screen, "tokens"))) == (last == "enter"), "the tokens of the run"
            await computed(pilot)
            assert "enter runs it" not in text(screen, "header")[0], last
            assert "unfinished" not in text(screen, "header")[0], last


async def test_clicking_into_the_prompt_stops_the_playing() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "space")
        assert screen.playback.player.playing
        await pilot.click("#prompt")
        await until(pilot, lambda: not screen.playback.player.playing)
        assert screen.query_one(Prompt).has_focus


async def test_a_prompt_that_is_the_same_again_is_not_counted_as_another() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "slash", *" cat")
        assert "·cat" in " ".join(text(screen, "tokens"))
        await press(pilot, *["backspace"] * 4)
        assert "·cat" not in " ".join(text(screen, "tokens"))
        assert f"{len(here.ids)} of 64 tokens" in text(screen, "header")[0]


async def test_dropping_a_prompt_does_not_cancel_the_run() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        await until(pilot, gate.reached.is_set)
        await press(pilot, "slash", "x", "escape")
        gate.open.set()
        await computed(pilot)
        assert screen.session
        assert screen.session.trace.complete == len(screen.session.ids)


async def test_tokens_asked_for_while_it_computes_are_drawn_when_it_has() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        here = screen.session
        assert here
        await until(pilot, gate.reached.is_set)
        await press(pilot, "n", "n")
        prompt = list(here.ids)
        gate.open.set()
        await until(pilot, lambda: len(here.ids) == len(prompt) + 2 and not here.computing)
        await pilot.pause()
        expected = [step.token for step in generate(tiny(), prompt, 2, SAMPLING, seed=42)]
        assert here.ids == prompt + expected


async def test_escape_ends_the_drawing() -> None:
    gate = Gate(tiny())
    async with opened(session(gate.model), wait=False) as (pilot, screen):
        here = screen.session
        assert here
        await until(pilot, gate.reached.is_set)
        await press(pilot, "g", "escape")
        gate.open.set()
        await until(pilot, lambda: here.stopped)
        await press(pilot, "r")
        await computed(pilot)
        assert len(here.ids) == here.prompt_length


async def test_probabilities_that_cannot_be_worked_out_are_said_and_the_walk_goes_on() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "end", "s", *"1e-320", "enter", "escape", "y", "n")
        assert "too near to zero" in " ".join(text(screen, "picture"))
        assert len(here.ids) == here.prompt_length
        assert pilot.app.clipboard == ""
        await press(pilot, "home", "right")
        assert here.stage.id == "embed"


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_help_lists_every_key_and_scrolls_to_its_end(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, screen):
        await press(pilot, "question_mark")
        dialog = pilot.app.screen
        assert isinstance(dialog, Help)
        static = dialog.query_one(Static)
        page = [" ".join(static.render_line(y).text.split()) for y in range(static.size.height)]
        whole = " ".join(page)
        for section, bindings in ALL.items():
            assert section in page
            for binding in bindings:
                shown = (pilot.app.get_key_display(one) for one in binding.make_bindings([binding]))
                keys = " ".join(dict.fromkeys(shown))
                assert any(line.startswith(keys) for line in page), keys
                assert all(word in whole for word in binding.tooltip.split())
        assert not any("The mouse works" in line for line in on_screen(pilot))
        await press(pilot, "end")
        await until(pilot, lambda: any("The mouse works" in line for line in on_screen(pilot)))
        await press(pilot, "question_mark")
        assert pilot.app.screen is screen


async def test_every_command_of_the_palette_runs() -> None:
    async with opened(session(tiny(n_layer=1, n_positions=16))) as (pilot, screen):
        here = screen.session
        assert here
        kept = {"Quit", "Find any action by name", "Another model; the prompt stays"}
        commands = [c for c in pilot.app.get_system_commands(screen) if c.title not in kept]
        assert len(commands) > 30
        for command in commands:
            command.callback()
            await pilot.pause()
            if pilot.app.screen is not screen:
                await press(pilot, "escape")
            assert pilot.app.screen is screen, command.title
        await press(pilot, "escape", "escape", "r")
        await computed(pilot)


async def test_the_rail_has_room_for_the_map_and_the_next_token() -> None:
    """The next token stands at the right. It takes more than half only where the whole map is beside it."""
    async with opened(session(tiny(n_layer=12)), size=(80, 24)) as (_, screen):
        here, pane = screen.session, screen.query_one(RailPane)
        assert here
        for index in range(0, len(here.cursor.stages), 9):
            here.cursor.go_to_stage(index)
            screen.repaint()
            (line,), (whole,) = pane.lines, rail(here, 999)
            assert sum(width(span.text) for span in line) == pane.size.width
            assert {span.action for span in line} >= {("stage", index)}, "the stage that one is at"
            shown = "".join(span.text for span in line)
            told = shown[shown.index("next at") :]
            assert here.label(here.trace.order(here.position)[0]) in told
            assert width(told) <= pane.size.width // 2 or shown.startswith("".join(span.text for span in whole))


async def test_the_rail_and_the_settings_answer_clicks() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        here = screen.session
        assert here
        second = here.cursor.groups[2][0]
        await click(pilot, "rail", ("stage", second))
        assert here.cursor.stage_index == second
        assert here.stage.layer == 1
        await click(pilot, "header", ("settings",))
        assert screen.settings.has_focus


async def test_a_terminal_that_is_too_small_can_be_quit_and_made_larger() -> None:
    async with opened() as (pilot, _):
        await pilot.resize_terminal(50, 20)
        await until(pilot, lambda: any("60 columns and 18 lines" in line for line in on_screen(pilot)))
        await press(pilot, "right")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: any("wte[token]" in line for line in on_screen(pilot)))
        assert not any("60 columns" in line for line in on_screen(pilot))
        await pilot.resize_terminal(50, 20)
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
        assert pilot.app.return_code == 0
