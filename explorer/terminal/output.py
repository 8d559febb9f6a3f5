"""The door through which all text of a command goes out, to standard output and to standard error.

Text for people is made printable: nothing in it can move the cursor, colour a line or set a title. Data (JSON, CSV,
generated text) goes into a file or a pipe exactly as it is, and on a terminal it is made printable too. A character
that the encoding of the output does not have is written as an escape, and that is said once.
"""

import codecs
import sys
from contextlib import suppress
from typing import TextIO

from explorer.errors import OutputError
from explorer.terminal import colour
from explorer.terminal.glyphs import one_line, printable

_ERRORS = "explorer.escape"
_escaped: set[str] = set()
"""The encodings in which characters had to be escaped."""


def prepare() -> None:
    """Escape what the standard streams cannot encode, in place of failing."""
    codecs.register_error(_ERRORS, _escape)
    _escaped.clear()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            with suppress(ValueError, OSError):  # it is closed
                stream.reconfigure(errors=_ERRORS)


def _escape(error: UnicodeError) -> tuple[bytes | str, int]:
    """The error handler: a byte that was no character in the call's words is that byte again; others are escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    piece = error.object[error.start : error.end]
    if all("\udc80" <= character <= "\udcff" for character in piece):
        return bytes(ord(character) - 0xDC00 for character in piece), error.end
    _escaped.add(error.encoding)
    return codecs.backslashreplace_errors(error)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether this stream is open, and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def standard() -> TextIO:
    """Standard output, for text that comes piece by piece; OutputError where it is closed."""
    if sys.stdout is None:  # what Python makes of a descriptor that is not open
        raise OutputError("standard output is closed, so there is nowhere to print to. Open it: > FILE, or a terminal.")
    return sys.stdout


def say(*lines: str) -> None:
    """Print lines for people on standard output; OutputError where they cannot be written."""
    if lines:
        write(printable("\n".join(lines)) + "\n", standard())


def data(text: str) -> None:
    """Print a line (or lines) for programs on standard output, exactly; OutputError where that cannot be done."""
    write(text + "\n", standard())


def write(text: str, stream: TextIO) -> None:
    """Write text exactly, or on a terminal its printable form; OutputError where that cannot be done."""
    try:
        stream.write(printable(text) if is_terminal(stream) else text)
        stream.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise OutputError(
            f"standard output cannot be written: {reason}. Make room, or print to another place."
        ) from error


def complain(message: str) -> None:
    """Print an error on standard error, in one line; nothing where that is closed."""
    _aside(f"gpt-explorer: {one_line(message)}\n")


def tell(text: str) -> None:
    """Print text of several lines on standard error."""
    _aside(printable(text) + "\n")


def tell_progress(line: str, last: bool = False) -> None:
    """Show on a terminal how far the work is, in a line that whatever is said next covers."""
    if colour.can_move(sys.stderr):
        line = one_line(line)
        _aside(f"{line}\r{' ' * len(line)}\r" if last else f"{line}\r")


def usage(message: str, stream: TextIO | None) -> None:
    """Print help or a wrong call's usage, on standard output or on standard error."""
    if stream is sys.stdout:
        write(printable(message), standard())
    else:
        _aside(printable(message))


def _aside(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # it is closed or full: there is nowhere left to say so
            sys.stderr.write(text)
            sys.stderr.flush()


def finish() -> None:
    """Say, once, if characters were escaped."""
    if _escaped:
        complain(
            f"the encoding of this output ({', '.join(sorted(_escaped))}) lacks some of its characters: they are "
            "written as escapes such as \\u2192. PYTHONIOENCODING=utf-8 writes them as they are."
        )


def abandon() -> None:
    """Give standard output up: nobody reads it, or it cannot be written, and Python must not try again at its end."""
    sys.stdout = None
