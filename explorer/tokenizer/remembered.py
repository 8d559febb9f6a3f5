"""A large vocabulary as it was read and checked, kept for the next start: the same files give the same vocabulary.

What is kept is found by the content of the files, and of the modules that read them. It lies in the system's folder for
caches. GPT_EXPLORER_STATE names another one; if it is empty, nothing is kept.
"""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

from explorer import __version__
from explorer.tokenizer.files import Vocabulary

_VARIABLE = "GPT_EXPLORER_STATE"
_FILES = (
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_FEWEST = 200_000
"""Bytes: smaller files are read and checked sooner than what was kept of them."""

Other = TypeVar("Other")


def vocabulary(directory: Path, read: Callable[[Path], Vocabulary | Other]) -> Vocabulary | Other:
    """The result of `read` for this directory; from an earlier start where it was kept."""
    path = _path(directory)
    found = path and _kept(path)
    if found:
        return found
    made = read(directory)
    if path and isinstance(made, Vocabulary):
        _keep(path, made)
    return made


def _path(directory: Path) -> Path | None:
    """The file for what is in these files; None where nothing is to be kept."""
    named = os.environ.get(_VARIABLE)
    files = [directory / name for name in _FILES]
    try:
        if named == "" or sum(file.stat().st_size for file in files if file.is_file()) < _FEWEST:
            return None
        digest = sha256(__version__.encode())
        for file in (*sorted(Path(__file__).parent.glob("*.py")), *(file for file in files if file.is_file())):
            content = file.read_bytes()
            digest.update(f"{file.name} {len(content)} ".encode())
            digest.update(content)
    except OSError:  # whoever reads the file says what is wrong with it
        return None
    from platformdirs import user_cache_path  # only now: small tokenizers do without it

    try:
        folder = Path(named).expanduser() if named else user_cache_path("gpt-explorer")
    except RuntimeError:  # there is no such user
        return None
    return folder / f"vocabulary-{digest.hexdigest()}.npz"


def _kept(path: Path) -> Vocabulary | None:
    """None where there is nothing, or not what was kept there: the archive has checksums."""
    import numpy as np

    try:
        with np.load(io.BytesIO(path.read_bytes())) as found:
            ends = found["ends"].tolist()
            letters = found["letters"].tobytes()
            tokens = [letters[start:end] for start, end in zip([0, *ends], ends)]
            merges = [(tokens[left], tokens[right]) for left, right in found["merges"].tolist()]
            rest = json.loads(found["rest"].tobytes())
            ids = dict(zip(tokens, found["ids"].tolist(), strict=True))
            named = dict(zip(ids.values(), tokens)) | {number: bytes.fromhex(token) for number, token in rest["named"]}
            return Vocabulary(ids, merges, rest["special"], named, tuple(found["unused"].tolist()))
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _keep(path: Path, vocabulary: Vocabulary) -> None:
    """Whole or not at all; where it cannot be kept, it is read anew next time."""
    import numpy as np

    place = {token: number for number, token in enumerate(vocabulary.ids)}
    named = [
        (number, token.hex()) for number, token in vocabulary.tokens.items() if vocabulary.ids.get(token) != number
    ]
    rest = json.dumps({"special": vocabulary.special, "named": named})
    content = io.BytesIO()
    np.savez(
        content,
        letters=np.frombuffer(b"".join(place), np.uint8),
        ends=np.fromiter(accumulate(map(len, place)), np.int64),
        ids=np.fromiter(vocabulary.ids.values(), np.int64),
        merges=np.array([(place[left], place[right]) for left, right in vocabulary.merges], np.int64).reshape(-1, 2),
        unused=np.array(vocabulary.unused, np.int64),
        rest=np.frombuffer(rest.encode(), np.uint8),
    )
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_bytes(content.getvalue())
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
