"""What the screen is opened with besides a model and a prompt: a tour, bookmarks, a recording."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.teaching.spots import Spot

if TYPE_CHECKING:
    from explorer.teaching.recording import Recorder, Recording
    from explorer.teaching.tours import Tour
    from explorer.views.prepared import Prepared


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
