"""What a library raises in a corner of its own must not end a talk; what our own code raises ends it, and is seen."""

import sys
from types import TracebackType

from textual.actions import ActionError

_LIBRARIES = ("textual", "rich")


def is_a_librarys_own(error: Exception) -> bool:
    """Whether nobody else had a part in an error, from where it was caught on inwards.

    An action that is misspelt is ours, whoever says so.
    """
    trace: TracebackType | None = error.__traceback__ and error.__traceback__.tb_next
    while trace:
        package = str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _LIBRARIES and package not in sys.stdlib_module_names:
            return False
        trace = trace.tb_next
    return not isinstance(error, ActionError)
