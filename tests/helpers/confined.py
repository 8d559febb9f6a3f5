"""Whatever a random test types for a file's name, nothing is written outside a folder of its own."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    **dict.fromkeys(("os.mkdir", "os.rmdir", "os.remove", "os.truncate", "os.chmod", "os.chown", "os.utime"), 1),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink"), 2),
}
"""Events that change what lies at a path, and how many paths they name."""

_folders: list[str] = []
_hooked = False


@contextmanager
def confined(folder: Path) -> Iterator[None]:
    """The folder is the working directory, and for this process all others are write-protected, and no device opens."""
    before = os.getcwd()
    confine(folder)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        _folders.pop()


def confine(folder: Path) -> None:
    """The same for the rest of a process."""
    global _hooked
    _folders.append(os.path.realpath(folder))
    if not _hooked:
        sys.addaudithook(_refuse)  # it cannot be taken away again
        _hooked = True


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _folders:
        return
    if event == "open":
        path, mode, flags = arguments
        if _named(path) and _forbidden(path, bool(flags & _WRITES if flags else set(mode or "") & set("wax+"))):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    elif event in _CHANGES:
        for path in arguments[: _CHANGES[event]]:
            if _named(path) and _forbidden(path, True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def _named(path: Any) -> bool:
    return isinstance(path, str | bytes | os.PathLike)  # not the number of an open file


def _forbidden(path: Any, written: bool) -> bool:
    where = os.path.realpath(os.fsdecode(path))
    if where == os.path.realpath(os.devnull):
        return False
    if written:
        compiled = os.path.basename(os.path.dirname(where)) == "__pycache__"
        return not compiled and not Path(where).is_relative_to(_folders[-1])
    return where.startswith("/dev/") and where not in ("/dev/random", "/dev/urandom")
