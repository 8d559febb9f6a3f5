"""The folder in which the program remembers the little that it does from one start to the next.

It is the system's folder for the state of programs. GPT_EXPLORER_STATE names another one; if it is empty, nothing is
remembered. Only its owner can read what is in it.
"""

import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "GPT_EXPLORER_STATE"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600

BOOKMARKS, NOTES, _GREETED = "bookmarks.toml", "notes.json", "greeted"


def find(name: str) -> Path | None:
    """The path of a file in the folder, which need not be there; None where nothing is to be remembered."""
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    if named:
        with suppress(RuntimeError):  # there is no such user
            return Path(named).expanduser() / name
        return None
    from platformdirs import user_state_path  # only now: it is not needed to start

    return user_state_path("gpt-explorer") / name


def keep(name: str, content: str) -> bool:
    """Write a file, whole or not at all. False where that is not possible: it is never worth an error."""
    path = find(name)
    if path is None:
        return False
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, _PRIVATE_FILE), "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(part, path)
    except (OSError, UnicodeError):
        with suppress(OSError):
            part.unlink(missing_ok=True)
        return False
    return True


def remembered(name: str) -> str | None:
    """The content of a file in the folder; None if there is none that can be read."""
    path = find(name)
    try:
        return path.read_text(encoding="utf-8") if path else None
    except (OSError, UnicodeError):
        return None


def greet() -> bool:
    """True once, at the very first start; never where that cannot be remembered."""
    return remembered(_GREETED) is None and keep(_GREETED, "The tour was offered.\n")
