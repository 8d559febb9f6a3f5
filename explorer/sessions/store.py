"""Sessions that are kept by themselves: each start of the program has a file of its own, whole at every moment.

They lie in the state folder, for its owner alone. None is kept where GPT_EXPLORER_STATE is empty.
"""

import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, NamedTuple

from explorer.errors import SessionError
from explorer.teaching import state_folder
from explorer.terminal.glyphs import one_line
from explorer.terminal.text import counted

if TYPE_CHECKING:  # the screen asks for the folder before its first frame; the rest comes when it is needed
    from explorer.sessions.saved import Saved

FOLDER = "sessions"
MOST = 20  # that are kept
_NAME = re.compile(r"\d{8}-\d{6}-(\d+)-[0-9a-f]{8}\.toml")


class Kept(NamedTuple):
    """A session that can be opened again."""

    path: Path
    time: float  # of its last change, in seconds
    words: str  # the prompt, and what was done with it
    saved: "Saved | None" = None


def folder() -> Path | None:
    """The folder that they are kept in; None where nothing is to be remembered."""
    return state_folder.find(FOLDER)


class Autosave:
    """The file of this start of the program. It is never that of another one."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.name = f"{now:%Y%m%d-%H%M%S}-{os.getpid()}-{token_hex(4)}.toml"

    def keep(self, saved: "Saved") -> bool:
        """Write the session, whole or not at all; False where that is not possible."""
        from explorer.sessions.writing import written

        return state_folder.keep(f"{FOLDER}/{self.name}", written(saved))

    @property
    def path(self) -> Path | None:
        return state_folder.find(f"{FOLDER}/{self.name}")


def kept() -> list[Path]:
    """The files of earlier starts and of others that run now, the latest first."""
    place = folder()
    if place is None:
        return []
    try:
        found = [each for each in os.scandir(place) if _NAME.fullmatch(each.name) and each.is_file()]
        return [Path(each.path) for each in sorted(found, key=lambda each: (each.stat().st_mtime, each.name))][::-1]
    except OSError:
        return []


def latest(other_than: Path | None = None) -> Kept | None:
    """The session that was kept last by a program that has ended; None where there is none that can be read."""
    return next((each for path in kept() if path != other_than and not _running(path) if (each := about(path))), None)


def about(path: Path) -> Kept | None:
    """A session in a line; None where it cannot be read."""
    from explorer.sessions.reading import read

    try:
        saved = read(path)
        return Kept(path, path.stat().st_mtime, in_words(saved), saved)
    except (SessionError, OSError):
        return None


def in_words(saved: "Saved") -> str:
    """A session in a line: "“Once upon a time” · 2 edits · 3 drawn · gpt2"."""
    edits = sum(each.on is not None for each in saved.edits)
    parts = [f"“{one_line(saved.prompt)[:60]}{'…' if len(saved.prompt) > 60 else ''}”"]
    parts += [counted(edits, "edit")] if edits else []
    parts += [f"{len(saved.drawn)} drawn"] if saved.drawn else []
    return " · ".join([*parts, one_line(saved.model.name)])


def prune() -> None:
    """Delete the oldest, but none of a program that still runs."""
    for path in kept()[MOST:]:
        if not _running(path):
            with suppress(OSError):
                path.unlink()


def _running(path: Path) -> bool:
    """Whether the program that keeps this file may still run on this machine."""
    found = _NAME.fullmatch(path.name)
    if sys.platform == "win32" or found is None:
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        return True
    return True
