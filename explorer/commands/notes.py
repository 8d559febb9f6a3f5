"""`gpt-explorer notes`: the speaker's notes in a second terminal, following the tour on the first."""

import argparse
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group

from explorer.commands.parser import Parser
from explorer.teaching.notes import Notes
from explorer.terminal import colour, output

_LOOKS = 0.25  # seconds between two looks at the file


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer notes",
        description="Show the notes for the Stop that is on the screen, the next one, and the time. It follows a "
        "`gpt-explorer tour` of the same user on this machine. Control-C ends it.",
    )
    parser.add_argument("--once", action="store_true", help="print the notes as they are now, and end")
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.errors import UsageError
    from explorer.teaching import notes, state_folder

    if state_folder.find(state_folder.NOTES) is None:
        raise UsageError(
            f"there is no folder for the notes: {state_folder.VARIABLE} is empty. Unset it in both terminals."
        )
    if options.once:
        found = notes.received()
        output.say(*(in_lines(found, time.time()) if found else [_WAITING]))
        return 0
    _follow()
    return 0


_WAITING = "No tour is shown yet. Start one in the other terminal: gpt-explorer tour"


def _follow() -> None:
    from rich.console import Console
    from rich.live import Live

    from explorer.teaching import notes

    console = Console(file=output.standard(), force_terminal=colour.can_move(output.standard()))
    with suppress(KeyboardInterrupt), Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while True:
            live.update(_page(notes.received()), refresh=True)
            time.sleep(_LOOKS)


def _page(found: "Notes | None") -> "Group":
    from rich.console import Group
    from rich.text import Text

    from explorer.terminal.glyphs import printable

    if found is None:
        return Group(Text(_WAITING))
    first, *rest = map(printable, in_lines(found, time.time()))
    return Group(Text(first, style="bold"), *map(Text, rest))


def in_lines(found: "Notes", now: float) -> list[str]:
    """The notes, with the time since the tour began and since this Stop did."""
    from explorer.teaching.notes import clock

    stayed = now - found.arrived
    over = f" · {clock(stayed - found.pace)} over" if stayed > found.pace else ""
    return [
        f"{found.count} · {found.title}",
        f"{clock(now - found.began)} in all · {clock(stayed)} of {clock(found.pace)} here{over}",
        "",
        found.notes or "(no notes)",
        "",
        f"→ {found.press}" if found.press else "",
        f"Next: {found.following}" if found.following else "This is the last Stop.",
    ]
