"""How the program writes a file: whole or not at all, and only in place of a regular file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from explorer.errors import WriteError
from explorer.terminal.text import printable

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write to, which takes the place of the path's when all is written; else all is as it was.

    Links are followed, the old file's mode and owner are kept, and a new file has the mode that the umask leaves it.
    WriteError says what cannot be written, and what to do. On systems with hard links, the file's other names keep
    what was there.
    """
    old = check(path)
    target = _target(path)
    part = target.with_name(f".{os.urandom(8).hex()}.part")  # beside it: only within a file system is a move one step
    try:
        mode = _create(part)
        yield part
        _finish(part, mode, old)
        os.replace(part, target)
    except OSError as error:
        raise WriteError(_why_not(path, target, error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_new(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all, and in place of no other: where there is one, "NAME-2" is written.

    It gives the path that was written. WriteError says what cannot be written, and what to do.
    """
    target = _target(path)
    if not target.parent.is_dir():
        raise WriteError(_no_folder(path, target))
    part = target.with_name(f".{os.urandom(8).hex()}.part")
    try:
        mode = _create(part)
        part.write_bytes(content)
        _finish(part, mode, None)
        for number in count(1):
            named = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
            with suppress(FileExistsError):
                _name(part, named)
                return named
    except OSError as error:
        raise WriteError(_why_not(path, target, error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    raise AssertionError("there is always another number")


def _name(part: Path, named: Path) -> None:
    """Give a file its name in one step; FileExistsError where something has that name."""
    try:
        os.link(part, named)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.name != "nt":  # there a move never replaces
            os.close(os.open(named, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            os.replace(part, named)
        else:
            os.rename(part, named)


def check(path: Path) -> os.stat_result | None:
    """The status of what the path names, None if there is nothing yet; WriteError if it is not to be written to."""
    target = _target(path)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise WriteError(_no_folder(path, target)) from None
        return None
    except OSError as error:
        raise WriteError(_why_not(path, target, error)) from error
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise WriteError(_cannot(path, f"it is {kind}. Name a file: a new one, or one to be replaced"))
    if not os.access(target, os.W_OK):
        raise WriteError(_cannot(path, "it is write-protected. Name another file, or allow writing to this one"))
    return found


def _target(path: Path) -> Path:
    """The file that the path leads to, links followed."""
    try:
        return Path(os.path.realpath(path))
    except OSError as error:  # it leads from a working directory that somebody has removed
        raise WriteError(_cannot(path, f"{(error.strerror or str(error)).rstrip('.')}. Name it from / on")) from error


def _create(part: Path) -> int:
    """Make the new file, and say which mode the umask left it."""
    with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb") as file:
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def _finish(part: Path, mode: int, old: os.stat_result | None) -> None:
    """Give it the old file's owner and mode, and have it on the disk before it takes its place."""
    if old and hasattr(os, "chown") and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(OSError):  # only a superuser may
            os.chown(part, old.st_uid, old.st_gid)
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    os.chmod(part, stat.S_IMODE(old.st_mode) if old else mode)


def _no_folder(path: Path, target: Path) -> str:
    return _cannot(path, f"there is no folder {printable(str(target.parent))}. Make it first, or name another")


def _why_not(path: Path, target: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).rstrip(".")
    if isinstance(error, PermissionError) and target.parent.is_dir() and not os.access(target.parent, os.W_OK):
        reason = f"the folder {printable(str(target.parent))} does not allow new files. Name a file in another folder"
    return _cannot(path, reason)


def _cannot(path: Path, reason: str) -> str:
    return f"{printable(str(path))} cannot be written: {reason}."
