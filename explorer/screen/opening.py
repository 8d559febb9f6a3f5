"""The screen is opened with these besides a prompt: ways to load models, a tour, bookmarks, a recording."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from explorer.teaching.spots import Spot
from explorer.teaching.start import Start
from explorer.walk.session import Session

if TYPE_CHECKING:
    from explorer.preferences.preferences import Preferences
    from explorer.sessions.restore import Restored
    from explorer.teaching.recording import Recorder, Recording
    from explorer.teaching.tours import Tour
    from explorer.views.prepared import Prepared


class Tell(Protocol):
    """Called with progress: parts done, parts in all, and "loading" or "downloading"."""

    def __call__(self, done: int, parts: int, word: str = "loading", /) -> None: ...


OpenModel = Callable[[Tell], Session]
"""Loads the model, and reports progress."""

OpenOther = Callable[[str, Tell], Session]
"""Loads another model by its name in the list of models, and reports progress."""


@dataclass
class Opening:
    """The wishes of the command line."""

    tour: "Tour | None" = None  # it begins at once
    at: int = 0  # at this Stop
    offer: bool = False  # a tour is offered
    bookmarks: dict[int, Spot] = field(default_factory=dict)
    bookmarks_file: Path | None = None  # where they are kept; None: nowhere
    prepared: "Prepared | None" = None  # what is computed already
    recorder: "Recorder | None" = None  # keys and clicks are recorded
    replay: "Recording | None" = None  # and these are played
    speed: float = 1.0
    preferences: "Preferences | None" = None  # the person's own; None: as the program comes
    notes: dict[str, None] = field(default_factory=dict)  # on the models that were opened, each once
    restored: "Restored | None" = None  # a saved session, computed again
    session_file: Path | None = None  # the file that it is in
    autosave: bool = False  # the session is kept by itself
    offer_session: bool = False  # there is one of an earlier time
    start: Start = field(default_factory=Start)  # the state that it opens in
    model: str = ""  # the first model as it was named, where the screen shows it by a shorter name
