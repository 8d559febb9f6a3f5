"""Where the models that are open came from: their names, their revisions, and the fingerprints of their weights."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

from explorer.loading.other_formats import INDEX, SINGLE
from gpt import GPT, GPTConfig

_BLOB = re.compile(r"[0-9a-f]{64}")  # in the hub's cache a large file has the name of its sha256
_COMMIT = re.compile(r"[0-9a-f]{40}")
_AT_ONCE = 2**20


@dataclass(frozen=True)
class Origin:
    """The place that a model was opened from."""

    name: str  # as --model takes it
    directory: Path
    config: GPTConfig

    @property
    def revision(self) -> str:
        """The commit, of a model of the hub; "" of others."""
        name = self.directory.name
        return name if self.directory.parent.name == "snapshots" and _COMMIT.fullmatch(name) else ""

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same weights and configuration, wherever they lie; "" where the files are gone.

        It reads the files once: some seconds for the largest models.
        """
        config = {key: value for key, value in asdict(self.config).items() if key != "eos_token_id"}
        whole = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
        try:
            for path in _weights(self.directory):
                whole.update(_sha256(path).encode())
        except OSError:
            return ""
        return f"sha256:{whole.hexdigest()}"

    @property
    def known_fingerprint(self) -> str:
        """The same, where it has been asked for before; else ""."""
        return str(self.__dict__.get("fingerprint", ""))


_KNOWN: WeakKeyDictionary[GPT, Origin] = WeakKeyDictionary()


def remember(model: GPT, origin: Origin | None) -> None:
    """Note where a model came from: also one that was converted from it to another engine."""
    if origin:
        _KNOWN[model] = origin


def origin_of(model: GPT | None) -> Origin | None:
    """Where a model came from; None where nobody has noted it."""
    return None if model is None else _KNOWN.get(model)


def _weights(directory: Path) -> list[Path]:
    if (directory / SINGLE).is_file():
        return [directory / SINGLE]
    index = json.loads((directory / INDEX).read_bytes())
    return [directory / name for name in sorted(set(index["weight_map"].values()))]


def _sha256(path: Path) -> str:
    """The digest of a file; in the hub's cache it is known already."""
    real = path.resolve()
    if real.parent.name == "blobs" and _BLOB.fullmatch(real.name):
        return real.name
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()
