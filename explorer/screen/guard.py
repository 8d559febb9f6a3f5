"""Telling errors inside a library's own widget, which are ignored, from those of our own code, which are seen."""

import sys
from types import TracebackType

from textual.actions import ActionError

_LIBRARIES = ("textual", "rich")


def is_a_librarys_own(error: Exception) -> bool:
    """Whether only library code ran between where the error was caught and where it was raised.

    A misspelt action is our own error, although Textual raises it.
    """
    trace: TracebackType | None = error.__traceback__ and error.__traceback__.tb_next
    while trace:
        package = str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _LIBRARIES and package not in sys.stdlib_module_names:
            return False
        trace = trace.tb_next
    return not isinstance(error, ActionError)
