"""The explorer's own branch of the tree of errors; see `gpt.errors` for what a message must say."""

from gpt.errors import GPTError, TokenizerError

__all__ = [
    "CellError",
    "CheckpointError",
    "EditError",
    "EngineError",
    "HubError",
    "ModelNameError",
    "OutputError",
    "PlaceError",
    "ServeError",
    "SessionError",
    "TerminalError",
    "TokenizerError",
    "TraceError",
    "UsageError",
    "WriteError",
]


class UsageError(GPTError):
    """A call of the program that is wrong: something is missing, unknown, or contradicts something else in it."""


class CellError(GPTError):
    """A number that a run does not have: no such name, an index beyond the end, nothing computed yet."""


class CheckpointError(GPTError):
    """A directory without a GPT-2 that this program can load: something is missing, damaged or does not fit."""


class HubError(GPTError):
    """A model of the hub that cannot be opened: misspelt, absent, refused, of another kind, or cut off on the way."""


class ModelNameError(HubError):
    """A name that no model of the hub can have."""


class OutputError(GPTError):
    """Standard output that cannot be written: it is closed, or there is no room."""


class ServeError(GPTError):
    """A server of the screen that cannot be started: its port is taken, or a library is missing."""


class EngineError(GPTError):
    """An engine that cannot be used here: its library is not installed, its device is not there or has no memory."""


class TerminalError(GPTError):
    """There is no terminal to draw on."""


class SessionError(GPTError):
    """A saved session that cannot be read, or not be walked with this model."""


class TraceError(GPTError):
    """A recorded run that cannot be read, or cannot be used in this way."""


class WriteError(GPTError):
    """A file that cannot be written: no regular file, no folder, no permission, no room."""


class PlaceError(GPTError):
    """A text that names no place of this run."""


class EditError(GPTError):
    """An edit of a run that cannot be made: there is no such place, or the value does not fit there."""


class ClusterError(GPTError):
    """A cluster that cannot be used: it is not there, has no workers, or lost them."""
