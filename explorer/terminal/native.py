"""Standard error past `sys.stderr`: what compiled libraries write by themselves to the descriptor with the number 2.

The tokenizers library prints a panic there before it raises it. None of that may land on a screen that is drawn, or
beside a message that says the same.
"""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import IO

_STDERR = 2
_PANIC = re.compile(r"panicked at (?:[^\n]*[/\\])?([^/\\\n]+?):?\n([^\n]*)")
_lock = threading.RLock()  # there is one descriptor for all threads


@contextmanager
def caught() -> Iterator[Callable[[], str]]:
    """Catch what is written there meanwhile; gives a function for it. What nobody asked for is written at the end."""
    with _lock:
        store = _store()
        before = None if store is None else _duplicate(_STDERR)
        if store is None or before is None:
            yield lambda: ""
            return
        begin = os.lseek(store, 0, os.SEEK_END)
        os.dup2(store, _STDERR)
        try:
            yield lambda: _take(store, begin)
        finally:
            os.dup2(before, _STDERR)
            os.close(before)
            if rest := _read(store, begin):
                _take(store, begin)
                with suppress(OSError):
                    os.write(_STDERR, rest)


def panic(said: str) -> str:
    """Where a Rust library panicked, and its words, of all that it wrote: "added_vocabulary.rs:505:22: bad split"."""
    found = _PANIC.search(said)
    return f"{found[1]}: {found[2]}" if found else ""


@contextmanager
def apart() -> Iterator[Callable[[], str]]:
    """While a screen is drawn on standard error, keep all else off it.

    The screen is drawn on `sys.__stderr__`, which gets a descriptor of its own. It gives a function for what was
    written to number 2 instead.
    """
    stream = sys.__stderr__
    store = None if sys.platform == "win32" else _store()  # there the screen is drawn on standard output
    if stream is None or store is None or not os.isatty(_STDERR):
        yield lambda: ""
        return
    stream.flush()
    screen = os.dup(_STDERR)
    begin = os.lseek(store, 0, os.SEEK_END)
    with open(screen, "w", encoding=stream.encoding, errors=stream.errors) as drawn:
        os.dup2(store, _STDERR)
        sys.__stderr__ = drawn  # type: ignore[misc]
        try:
            yield lambda: _take(store, begin)
        finally:
            sys.__stderr__ = stream  # type: ignore[misc]
            os.dup2(screen, _STDERR)


def _store() -> int | None:
    """The descriptor of a file without a name, which never blocks as a full pipe would; None where none can be made."""
    file = _file()
    return None if file is None else file.fileno()


@cache
def _file() -> IO[bytes] | None:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        return None


def _duplicate(descriptor: int) -> int | None:
    """Another descriptor for the same; None where it is closed."""
    try:
        return os.dup(descriptor)
    except OSError:
        return None


def _read(store: int, begin: int) -> bytes:
    os.lseek(store, begin, os.SEEK_SET)
    return os.read(store, os.fstat(store).st_size - begin)


def _take(store: int, begin: int) -> str:
    """What the file holds from there on, and then no more."""
    found = _read(store, begin)
    os.ftruncate(store, begin)
    os.lseek(store, begin, os.SEEK_SET)
    return found.decode("utf-8", "replace")
