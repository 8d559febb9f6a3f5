"""The first frame: it is there before the program is imported, and what is typed meanwhile is not lost."""

import subprocess
import sys
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.widgets import Static

from explorer.errors import WriteError
from explorer.screen.app import ExplorerApp
from explorer.screen.first_frame import FirstFrame
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from tests.helpers.pilot import PROMPT, computed, session, until

HEAVY = (
    "explorer.analysis",
    "explorer.edits",
    "explorer.screen.main",
    "explorer.screen.panes",
    "explorer.teaching.spots",
)


def waiting(opening: Opening, name: str = "tiny") -> ExplorerApp:
    """The app as the command opens it: `rest` is called behind the first frame."""
    ready = session()
    return ExplorerApp(lambda progress: ready, PROMPT, name, None, opening)


def words(app: App[Any]) -> list[str]:
    """The texts of the first frame."""
    return [str(each.render()) for each in app.screen.query(Static)]


async def test_names_and_prompt_come_first_then_the_screen() -> None:
    seen: list[str] = []
    opening = Opening()
    opening.rest = lambda: seen.extend([type(app.screen).__name__, *words(app)])
    app = waiting(opening, "\x1b[31m[bold]mine")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.main.session)
        await computed(pilot)
        assert seen[0] == FirstFrame.__name__
        assert "GPT Explorer" in seen[1]
        assert "␛[31m[bold]mine" in seen[1], "a name commands nothing"
        assert seen[2] == PROMPT
        assert len(app.screen_stack) == 1, "no dialog closes onto the first frame"


async def test_what_is_typed_meanwhile_is_taken_up_in_its_order() -> None:
    opening = Opening()
    opening.rest = lambda: [app.post_message(key) for key in keys] and None
    app = waiting(opening)
    typed = "Say"
    keys = [events.Key("slash", "/"), events.Key("end", None), *(events.Key(letter, letter) for letter in typed)]
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.main.prompt.value == PROMPT + typed)


async def test_another_theme_is_no_trouble_for_it() -> None:
    opening, themes = Opening(), list[str]()
    opening.rest = lambda: themes.append(app.theme)
    app = waiting(opening)
    app.theme = "textual-light"  # it is told of the person's own behind the frame
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.main.session)
        assert themes == [app.theme]


async def test_a_file_that_cannot_be_read_ends_it_with_the_reason() -> None:
    def refuse() -> None:
        raise WriteError("the folder is read-only.")

    app = waiting(Opening(rest=refuse))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.failure)
    assert str(app.failure) == "the folder is read-only."
    assert app.return_code == 1


@pytest.mark.parametrize("module", ["explorer.screen.app", "explorer.commands.explore"])
def test_little_is_imported_before(module: str) -> None:
    program = f"import sys, {module}; print(*[name for name in sys.modules if name.startswith({HEAVY!r})])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() in ([], ["explorer.analysis", "explorer.analysis.errors"])
