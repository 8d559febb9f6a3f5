"""The ranks of a tokenizer's merges, kept for the next start: the same list gives the same ranks.

It lies in the system's folder for caches. GPT_EXPLORER_STATE names another one; if it is empty, nothing is kept.
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from gpt.tokenizer import Pair

_VARIABLE = "GPT_EXPLORER_STATE"
_FEWEST = 5_000
"""Merges: shorter lists are gone through sooner than a file is read."""


def unused(merges: Sequence[Pair], find: Callable[[Sequence[Pair]], list[int]]) -> list[int]:
    """The result of `find` for these merges, places in the list; from an earlier start where it was kept."""
    path = _path(merges) if len(merges) >= _FEWEST else None
    if path is None:
        return find(merges)
    found = _kept(path, len(merges))
    if found is None:
        found = find(merges)
        _keep(path, found)
    return found


def _path(merges: Sequence[Pair]) -> Path | None:
    named = os.environ.get(_VARIABLE)
    if named == "":
        return None
    from platformdirs import user_cache_path  # only now: small tokenizers do without it

    try:
        folder = Path(named).expanduser() if named else user_cache_path("gpt-explorer")
    except RuntimeError:  # there is no such user
        return None
    digest = sha256(b"".join(b"%d %d " % (len(left), len(right)) + left + right for left, right in merges))
    return folder / f"merges-{digest.hexdigest()}.json"


def _kept(path: Path, count: int) -> list[int] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    fits = isinstance(found, list) and all(type(place) is int and 0 <= place < count for place in found)
    return found if fits else None


def _keep(path: Path, found: list[int]) -> None:
    """Whole or not at all; where it cannot be kept, it is worked out again next time."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(json.dumps(found))
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
