"""Choices made on the screen, kept from one start to the next in the state folder, beside the person's own file.

A choice of looks holds until the person's file says something else than it said when the choice was made: then the
file is the later of the two.
"""

import json
from typing import Any

from explorer.teaching import state_folder

LOOKS, SAVING = "looks.json", "saving.json"


def look(name: str, said: Any) -> str | None:
    """The theme or the colours that were chosen, while the settings say what they `said` then; None if none were."""
    kept = _read(LOOKS).get(name)
    if isinstance(kept, dict) and isinstance(kept.get("chosen"), str) and kept.get("said") == said:
        return str(kept["chosen"])
    return None


def keep_look(name: str, chosen: str, said: Any) -> None:
    """Keep a choice; what the settings say themselves needs no keeping."""
    kept = _read(LOOKS)
    kept.pop(name, None)
    if chosen != said:
        kept[name] = {"chosen": chosen, "said": said}
    _write(LOOKS, kept)


def last_saved() -> dict[str, str]:
    """The part of the screen that was saved last, and the kind of file."""
    return {name: value for name, value in _read(SAVING).items() if isinstance(value, str)}


def keep_saved(**choice: str) -> None:
    """Keep what was saved, and as which kind of file."""
    _write(SAVING, choice)


def _read(name: str) -> dict[str, Any]:
    try:
        found = json.loads(state_folder.remembered(name) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(name: str, content: dict[str, Any]) -> None:
    state_folder.keep(name, json.dumps(content, indent=1) + "\n")
