"""The actions that the command palette lists, by what they do."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.binding import Binding

from explorer.screen.keymap import own_keys
from explorer.screen.main.all_keys import keys_here
from explorer.screen.main.here import here_on
from explorer.screen.main.keys import SECTIONS
from explorer.teaching.tours import shipped

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen


def every_action(app: App[str], main: "MainScreen") -> Iterator[SystemCommand]:
    """Every action that has a key: first those that do something here; and the few that have none."""

    def runner(action: str) -> Callable[[], None]:
        def run() -> None:
            app.call_later(main.run_action, action)

        return run

    here, now = keys_here(here_on(main), own_keys(app).of), own_keys(app).of
    for binding in here:
        keys = f"here · key {app.get_key_display(binding)}"
        yield SystemCommand(binding.tooltip, keys, partial(app.call_later, _press, app, main, binding))
    known = {binding.id for binding in here}
    for section, bindings in SECTIONS.items():
        for binding in bindings:
            if binding.id not in known:
                key = app.get_key_display(found) if (found := now(binding)) else "none"
                yield SystemCommand(binding.tooltip, f"{section} · key {key}", runner(binding.action))
    for tour in shipped():
        yield SystemCommand(f"Tour: {tour.title}", f"Tours · {tour.minutes} minutes", partial(main.tours.start, tour))
    for count in (5, 20, 50):
        yield SystemCommand(f"Draw {count} tokens", "Next token", runner(f"draw({count})"))
    yield SystemCommand("Choose a theme", "Program", app.action_change_theme)


async def _press(app: App[str], main: "MainScreen", binding: Binding) -> None:
    """Run the action of a key in the pane that hears it."""
    await app.run_action(binding.action, main.focused or main)
