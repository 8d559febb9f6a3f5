"""The prompt, the dialogs, the colours, the sizes: everything on the screen that is not the walk itself."""

import threading
import unicodedata
from collections.abc import Callable

import pytest

from explorer.paint.spans import SHARE_LEVELS, SIGNED_LEVELS
from explorer.screen.app import ExplorerApp
from explorer.screen.main.keys import SECTIONS
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.screen.palette import NAMES, Palette
from explorer.screen.panes.prompt import Prompt
from explorer.screen.themes import THEMES
from explorer.teaching.start import Start
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.models import HOSTILE, Words, small_model
from tests.helpers.pilot import PROMPT, SAMPLING, SIZES, all_keys, computed, opened, press, session, text, tiny, until


async def test_the_first_frame_comes_before_the_model() -> None:
    loaded = threading.Event()

    def slowly(progress: Callable[[int, int], None]) -> Session:
        progress(1, 2)
        assert loaded.wait(600), "only a test that has failed is so slow"
        return session()

    app = ExplorerApp(slowly, PROMPT, "stories")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: "loading 50%" in text(screen, "header")[0])
        assert "GPT Explorer   stories" in text(screen, "header")[0]
        assert screen.query_one(Prompt).text == PROMPT
        await press(pilot, "right", "n", "space", "end", "slash", "!", "enter")
        loaded.set()
        await until(pilot, lambda: screen.session)
        await computed(pilot)
        assert screen.session
        assert screen.session.text == PROMPT + "!", "what was typed meanwhile is what runs"


async def test_a_prompt_is_typed_and_its_tokens_shown_before_it_runs() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "slash", *" big")
        await until(pilot, lambda: "·big" in " ".join(text(screen, "tokens")))
        assert here.text == PROMPT, "nothing has run yet"
        assert "7 of 64 tokens" in text(screen, "header")[0]
        await press(pilot, "enter")
        await computed(pilot)
        assert here.text == PROMPT + " big"


async def test_escape_leaves_the_prompt_as_it_was() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "slash", *" and more", "escape")
        assert screen.session
        assert screen.session.text == PROMPT == screen.query_one(Prompt).text
        await press(pilot, "right")
        assert screen.session.cursor.stage_index == 1, "the keys walk again"


@pytest.mark.parametrize(
    ("typed", "said"), [("", "The prompt is empty"), ("Hi " * 50, "too many: this model sees 64 at most")]
)
async def test_a_prompt_that_cannot_run_is_refused_and_nothing_lost(typed: str, said: str) -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        trace = here.trace
        await press(pilot, "slash")
        screen.query_one(Prompt).load_text(typed)
        await press(pilot, "enter")
        assert any(said in notice.message for notice in screen.app._notifications)
        assert here.trace is trace
        assert screen.query_one(Prompt).has_focus, "what was typed can be mended"
        await press(pilot, "escape")
        assert screen.query_one(Prompt).text == PROMPT


async def test_an_empty_first_prompt_opens_the_editor() -> None:
    async with opened(prompt="", wait=False) as (pilot, screen):
        await until(pilot, lambda: screen.query_one(Prompt).has_focus)
        await press(pilot, *"Tom", "enter")
        await computed(pilot)
        assert screen.session
        assert screen.session.text == "Tom"


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_tokens_are_shown_literally(size: tuple[int, int]) -> None:
    model = small_model(vocab_size=len(HOSTILE), n_positions=40)
    prompt = " ".join(map(str, range(len(HOSTILE))))
    async with opened(session(model, tokenizer=Words(HOSTILE)), size, prompt) as (pilot, screen):
        for key in ("home", "right", "down", "right", "right", "right", "end", "less_than_sign", "home"):
            await press(pilot, key)
            await computed(pilot)
            shown = "".join(line for name in ("tokens", "picture", "next", "number") for line in text(screen, name))
            assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs"}
        await press(pilot, "greater_than_sign", "home")
        seen = ""
        for _ in HOSTILE:
            seen += " ".join(text(screen, "tokens") + text(screen, "picture"))
            await press(pilot, "comma")
        assert "[bold]" in seen


@pytest.mark.parametrize(
    "prompt", ["[bold]red[/] [/]", "a \x1b[31m b\x07", "two\nlines\tand a tab", "שלום 👩‍👩‍👧 e\u0301"]
)
async def test_hostile_prompts_are_shown_literally(prompt: str) -> None:
    async with opened(prompt=prompt) as (pilot, screen):
        assert screen.session
        assert screen.session.text == prompt
        area = screen.query_one(Prompt)
        shown = "".join(segment.text for y in range(area.size.height) for segment in area.render_line(y))
        assert not {unicodedata.category(character) for character in shown} & {"Cc"}
        await press(pilot, "slash", "x", "enter")
        await computed(pilot)
        assert screen.session.text == prompt + "x"


async def test_settings_are_typed_and_taken_or_refused() -> None:
    async with opened(notices=True) as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "s", *"e.9", "enter")
        assert any("temperature is 'e.9': it must be a number" in notice.message for notice in pilot.app._notifications)
        assert here.draws.sampling == SAMPLING
        for value in ("0.5", "all", "0.9", "7"):
            await press(pilot, *["backspace"] * 3, *value, "enter", "right")
        assert (here.draws.sampling, here.draws.seed) == (Sampling(0.5, None, 0.9), 7)
        assert "top-p 0.9" in text(screen, "header")[0]
        await press(pilot, "R", "9", "escape")
        assert (here.draws.sampling, here.draws.seed) == (SAMPLING, 42), "as before it was opened"


async def test_the_command_palette_has_every_action_and_runs_them() -> None:
    async with opened() as (pilot, screen):
        app = pilot.app
        commands = {command.title: command for command in app.get_system_commands(screen)}
        assert {binding.tooltip for bindings in SECTIONS.values() for binding in bindings} <= set(commands)
        commands["To the last stage, the draw"].callback()
        await pilot.pause()
        assert screen.session
        assert screen.session.stage.id == "draw"
        await press(pilot, "ctrl+p", *"next head", "enter")
        await until(pilot, lambda: screen.session and screen.session.cursor.head == 1)


async def test_every_key_has_an_id_of_its_own_and_can_be_moved() -> None:
    ids = [binding.id for bindings in all_keys().values() for binding in bindings]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    async with opened() as (pilot, screen):
        pilot.app.set_keymap({"stage.forward": "x"})
        await press(pilot, "x", "right")
        assert screen.session
        assert screen.session.cursor.stage_index == 1


async def test_themes_and_palettes_change_what_is_drawn() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "right", "right")
        await computed(pilot)
        looks = set()
        for _ in THEMES:
            for _ in NAMES:
                canvas = screen.query_one("#picture")
                looks.add(str([list(canvas.render_line(y)) for y in range(canvas.size.height)]))
                await press(pilot, "c")
            await press(pilot, "t")
        assert len(looks) == 3 * 3 + 2, "three palettes in each theme; with the terminal's own colours, one"
        assert pilot.app.theme == THEMES[0]


@pytest.mark.parametrize("view", ["why", "path", "code", "lens"])
async def test_it_opens_where_the_command_line_says_and_another_model_at_its_beginning(view: str) -> None:
    start = Start(at="block 1 pattern head 2", view=view)
    app = ExplorerApp(lambda progress: session(), PROMPT, "tiny", opening=Opening(start=start))
    async with app.run_test() as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.session and screen.tours.visiting.opened_now() == view)
        here, other = screen.session, session(tiny(n_layer=3))
        assert here
        assert view == "path" or (here.stage.id, here.cursor.head) == ("blocks.1.pattern", 2)
        screen.change_model(other, "other")
        await computed(pilot)
        assert screen.session is other
        assert other.cursor.stage_index == 0
        assert screen.tours.visiting.opened_now() == ""


@pytest.mark.parametrize(("state", "said"), [("row=1", []), ("nonsense=1", ["This cannot be shown"])])
async def test_a_view_opens_in_the_state_that_the_command_line_says(state: str, said: list[str]) -> None:
    start = Start(view="lens", look=state)
    app = ExplorerApp(lambda progress: session(), PROMPT, "tiny", opening=Opening(start=start))
    async with app.run_test() as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.view)
        assert screen.view
        assert (screen.view.row == 1) == (not said)  # type: ignore[attr-defined]
        assert [notice.title for notice in pilot.app._notifications] == said


async def test_heat_is_that_of_the_themes_ground() -> None:
    def colours(dark: bool) -> set[str]:
        palette = Palette(dark=dark)
        share = {palette.colour("share", level) for level in range(SHARE_LEVELS + 1)}
        return share | {palette.colour("signed", level) for level in range(-SIGNED_LEVELS, SIGNED_LEVELS + 1)}

    async with opened() as (pilot, screen):
        await press(pilot, "down", "right")
        for theme in THEMES[:3]:
            pilot.app.theme = theme
            await pilot.pause()
            canvas = screen.query_one("#picture")
            styles = [segment.style for y in range(canvas.size.height) for segment in canvas.render_line(y)]
            grounds = {style.bgcolor.name for style in styles if style and style.bgcolor}
            dark = pilot.app.current_theme.dark
            assert len(grounds & colours(dark)) > 3
            assert not grounds & colours(not dark) - colours(dark), theme


async def test_too_small_a_terminal_says_what_it_needs() -> None:
    async with opened(size=(160, 48)) as (pilot, screen):
        small = screen.query_one("#too-small")
        for size, shown in (
            ((80, 24), False),
            ((60, 18), False),
            ((59, 24), True),
            ((60, 17), True),
            ((200, 60), False),
        ):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert small.display is shown, size
        await pilot.resize_terminal(50, 16)
        await pilot.pause()
        assert "60 columns and 18 lines" in str(small.render())  # type: ignore[attr-defined]
        assert "50 and 16" in str(small.render())  # type: ignore[attr-defined]


async def test_copying_the_number_under_the_cursor() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "right", "y")
        assert screen.session
        assert pilot.app.clipboard == repr(value_under_cursor(screen.session))


async def test_the_model_may_have_one_layer_and_one_head() -> None:
    async with opened(session(tiny(n_layer=1, n_head=1)), (80, 24)) as (pilot, screen):
        for key in ("down", "h", "H", "o", "o", "down", "up", "up"):
            await press(pilot, key)
        assert screen.session
        assert screen.session.cursor.head == 0
