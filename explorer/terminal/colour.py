"""Colours and moving lines: the variables by which a person says whether they are wanted, and who can show them.

NO_COLOR (or --no-color) takes colours away, as CLICOLOR=0 does unless FORCE_COLOR or CLICOLOR_FORCE is set. Text that
is printed has none to begin with. A terminal that calls itself dumb knows no codes, so nothing moves on it.
"""

import os
from typing import TextIO

DUMB = ("dumb", "unknown")
"""The values of TERM of a terminal that knows no codes."""


def prepare() -> None:
    """Say with NO_COLOR, which all libraries heed, whatever was said with another variable."""
    forced = any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    if os.environ.get("CLICOLOR") == "0" and not forced:
        os.environ.setdefault("NO_COLOR", "1")


def is_dumb() -> bool:
    """Whether the terminal says that it knows no codes."""
    return os.environ.get("TERM") in DUMB


def can_move(stream: TextIO | None) -> bool:
    """Whether this is a terminal on which a line can be drawn again."""
    from explorer.terminal.output import is_terminal

    return is_terminal(stream) and not is_dumb()
