"""The screen is opened with these besides a prompt: ways to load models, a tour, bookmarks, a recording."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:  # the first frame waits for none of these
    from explorer.preferences.preferences import Preferences
    from explorer.sessions.restore import Restored
    from explorer.teaching.recording import Recorder, Recording
    from explorer.teaching.spots import Spot
    from explorer.teaching.start import Start
    from explorer.teaching.tours import Tour
    from explorer.views.prepared import Prepared
    from explorer.walk.session import Session


class Tell(Protocol):
    """Called with progress: parts done, parts in all, and "loading" or "downloading"."""

    def __call__(self, done: int, parts: int, word: str = "loading", /) -> None: ...


OpenModel: TypeAlias = "Callable[[Tell], Session]"
"""Loads the model, and reports progress."""

OpenOther: TypeAlias = "Callable[[str, Tell], Session]"
"""Loads another model by its name in the list of models, and reports progress."""


@dataclass
class Opening:
    """The wishes of the command line."""

    tour: "Tour | None" = None  # it begins at once
    at: int = 0  # at this Stop
    offer: bool = False  # a tour is offered
    bookmarks: "dict[int, Spot]" = field(default_factory=dict)
    bookmarks_file: Path | None = None  # where they are kept; None: nowhere
    to_prepare: "Tour | None" = None  # is computed before the screen answers
    prepared: "Prepared | None" = None  # the same, computed
    recorder: "Recorder | None" = None  # keys and clicks are recorded
    replay: "Recording | None" = None  # and these are played
    speed: float = 1.0
    preferences: "Preferences | None" = None  # the person's own; None: as the program comes
    notes: dict[str, None] = field(default_factory=dict)  # on the models that were opened, each once
    restored: "Restored | None" = None  # a saved session, computed again
    session_file: Path | None = None  # the file that it is in
    autosave: bool = False  # the session is kept by itself
    offer_session: bool = False  # there is one of an earlier time
    start: "Start | None" = None  # the state that it opens in; None: at the beginning
    rest: "Callable[[], None] | None" = None  # fills in what takes a moment, behind the first frame; GPTError
    model: str = ""  # the first model as it was named, where the screen shows it by a shorter name
