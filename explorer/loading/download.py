"""One file of the hub into the hub's own cache, resumed where an earlier try ended, and checked when it is there.

Hugging Face's client resumes a file within one call only: since its version 1.18 it deletes what an interrupted call
has fetched (its pull request 4228). Gigabytes are too much for that, so the file is fetched here, with the client's
`http_get`, into a file of ours beside the cache's blobs, and handed to the client when it is complete.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from explorer.errors import HubError
from gpt.errors import GPTError

CHUNK = 2**18
"""Bytes between two checks for cancellation; no more than this is lost when a connection breaks."""

Arrived = Callable[[str, int], None]
"""Called with a file's name and how much of it is there; raises to stop."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository at one commit, as the hub lists it."""

    repo: str
    commit: str
    name: str
    size: int
    digest: str  # SHA-256 where `large`, else git's SHA-1: the name of its blob in the cache
    large: bool  # kept in the hub's large file storage

    def matches(self, path: Path) -> bool:
        """Whether a file has the content that the hub announced."""
        digest = hashlib.sha256() if self.large else hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(2**20):
                digest.update(chunk)
        return digest.hexdigest() == self.digest


def partial_size(file: HubFile, cache: Path) -> int:
    """How many bytes of a file an earlier try has left, or all of them where it is complete."""
    blob = _blob(file, cache)
    kept = blob if blob.is_file() else _partial(blob)
    return kept.stat().st_size if kept.is_file() else 0


def download(file: HubFile, cache: Path, arrived: Arrived) -> Path:
    """The file's path in the cache's snapshot, complete. HubError, or one of the client's, says why it is not."""
    from huggingface_hub import hf_hub_download

    blob = _blob(file, cache)
    blob.parent.mkdir(parents=True, exist_ok=True)
    lock = cache / ".locks" / blob.parents[1].name / f"{file.digest}.lock"  # the one that the client takes
    lock.parent.mkdir(parents=True, exist_ok=True)
    with _locked(lock, lambda: arrived(file.name, partial_size(file, cache))):
        if not blob.is_file():
            _fetch(file, _partial(blob), lambda size: arrived(file.name, size))
            os.replace(_partial(blob), blob)
    path = Path(hf_hub_download(file.repo, file.name, revision=file.commit, cache_dir=cache))
    if not path.is_symlink():  # where links are not possible the client copies
        blob.unlink(missing_ok=True)
    arrived(file.name, file.size)
    return path


def _blob(file: HubFile, cache: Path) -> Path:
    return cache / f"models--{file.repo.replace('/', '--')}" / "blobs" / file.digest


def _partial(blob: Path) -> Path:
    return blob.with_name(
        f"{blob.name}.gpt-explorer.incomplete"
    )  # not a name that the client uses: it may append to its own files


def _fetch(file: HubFile, partial: Path, arrived: Callable[[int], None]) -> None:
    """Fetch what is missing of a file, as long as every try gets further than the one before."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(file.repo, file.name, revision=file.commit)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}  # compressed, the rest would not fit what is there
    while True:
        with _Watched(partial, arrived) as target:
            began = target.tell()
            if began > file.size:
                target.truncate(0)
                began = target.seek(0)
            try:
                http_get(url, target, resume_size=began, headers=headers, expected_size=file.size)
                break
            except GPTError:
                raise
            except Exception as error:  # of httpx, or of requests before version 1 of the client
                if _status(error) == 416:
                    raise HubError(_too_short(file)) from error
                if target.tell() == began:
                    raise
    _check(file, partial)


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _check(file: HubFile, partial: Path) -> None:
    if not file.matches(partial):
        partial.unlink()
        raise HubError(
            f"{file.repo}: {file.name} is not what the hub announced: its checksum differs. It was damaged on the way "
            "and has been deleted. Run the same again to fetch it anew."
        )


def _too_short(file: HubFile) -> str:
    return (
        f"{file.repo}: the hub announced {file.size:,} bytes of {file.name} and has fewer. "
        "Try again later: what has arrived is kept, and the next try goes on from there."
    )


class _Watched(FileIO):
    """A file that is appended to and tells how long it is; the function it tells may raise to stop."""

    def __init__(self, path: Path, arrived: Callable[[int], None]) -> None:
        super().__init__(path, "a+")
        self.seek(0, os.SEEK_END)
        self._arrived = arrived

    def write(self, data: Any) -> int:
        left = memoryview(data)
        while left:  # a nearly full disk takes a part
            left = left[super().write(left) :]
        self._arrived(self.tell())
        return len(data)


@contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file that another program may be fetching; `waiting` is called meanwhile."""
    from huggingface_hub.utils import WeakFileLock

    with ExitStack() as stack:
        while True:
            waiting()
            try:
                stack.enter_context(WeakFileLock(path, timeout=0.3))
                break
            except TimeoutError:
                continue
        yield
