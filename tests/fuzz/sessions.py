"""A campaign on saved sessions: a file is refused with words, or what it says can be walked and drawn."""

import random
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import SessionError
from explorer.sessions.reading import is_session, read
from explorer.sessions.restore import Restored, restore
from explorer.sessions.snapshot import OnScreen, saved
from explorer.sessions.store import in_words
from explorer.sessions.writing import as_tables, written
from explorer.terminal.glyphs import printable
from explorer.walk.session import Session
from gpt import GPTError
from tests.fuzz import hostile
from tests.helpers.models import embedded
from tests.helpers.pilot import SAMPLING, tiny
from tests.helpers.random_sessions import Wanderer, seen

_SIZES = (0, 1, -1, 2, 63, 64, 255, 4095, 4096, 2**31, 2**63, 10**30, 10**400)
_SOUND = 12  # sessions that are damaged


@cache
def _model() -> Any:
    return tiny()


def _session() -> Session:
    return Session(_model(), embedded()[1].tokenizer, SAMPLING, 1)


@cache
def _sound(number: int) -> dict[str, Any]:
    """The tables of a sound file."""
    dice = random.Random(number)
    walked = Wanderer(_session(), dice)
    walked.wander(6)
    return as_tables(saved(walked.session, "tiny", OnScreen(walked.views, walked.opened)))


def sessions(dice: random.Random, folder: Path) -> int:
    """A file with some of its values changed, or its bytes damaged."""
    import tomli_w

    tables = deepcopy(_sound(dice.randrange(_SOUND)))
    for _ in range(dice.choice((0, 1, 1, 2, 4))):
        _change(dice, tables)
    file = folder / "session.toml"
    try:
        text = tomli_w.dumps(_whole(tables))
    except (TypeError, ValueError, RecursionError):  # no value of TOML
        return 0
    content = text.encode("utf-8", "replace")
    file.write_bytes(hostile.damaged(dice, content) if dice.random() < 0.15 else content)
    is_session(file)
    try:
        found = read(file)
        hostile.check_printable(in_words(found))
        assert "\n" not in in_words(found)
        with np.errstate(all="ignore"):
            restored = restore(found, _session(), "tiny")
            _draw(restored)
    except SessionError as error:
        hostile.check_printable(printable(str(error)))
    return 1


def _draw(restored: Restored) -> None:
    """Draw it as the screen does, and save it again."""
    for note in restored.notes:
        hostile.check_printable(printable(note))
    shown = seen(restored.session, restored.views, restored.opened)
    for name in ("picture", "number", "next"):
        for line in shown[name]:
            for span in line:
                assert span.text.isprintable(), span.text
    try:
        written(saved(restored.session, "tiny", OnScreen(restored.views, restored.opened, restored.bookmarks)))
    except GPTError as error:
        hostile.check_printable(printable(str(error)))


def _change(dice: random.Random, tables: dict[str, Any]) -> None:
    """Another value somewhere."""
    place: Any = tables
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = dice.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and dice.random() < 0.8:
            place = place[key]
            continue
        break
    kind = dice.random()
    if kind < 0.1:
        del place[key]
    elif kind < 0.2 and isinstance(place, dict):
        place[hostile.text(dice, 1)] = hostile.value(dice)
    elif type(place[key]) is int and kind < 0.8:
        place[key] = dice.choice((place[key] + 1, place[key] - 1, *_SIZES))
    elif isinstance(place[key], str) and kind < 0.8:
        place[key] = dice.choice((hostile.text(dice), place[key] + hostile.digits(dice), place[key][1:]))
    else:
        place[key] = hostile.value(dice)


def _whole(value: Any) -> Any:
    """The same without what TOML does not have."""
    if isinstance(value, dict):
        return {str(key).encode("utf-8", "replace").decode(): _whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value if each is not None]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
