"""What the screen is opened with besides a model and a prompt: a tour, bookmarks, a recording."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from explorer.runs import running
from explorer.teaching.checking import OpenSession, Runs
from explorer.teaching.recording import Recorder, Recording
from explorer.teaching.spots import SWEEP, Spot
from explorer.teaching.tours import Tour
from explorer.views.ahead import worked_out
from explorer.views.view import View
from explorer.views.views import NAMES
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session

VIEWS = (*NAMES, SWEEP)
Tell = Callable[[int, int, str], object]


@dataclass
class Prepared:
    """The sessions of the runs that a tour goes to, each complete, and the views of each, worked out."""

    sessions: dict[tuple[str, str, tuple[str, ...]], Session]
    views: dict[tuple[str, str, tuple[str, ...]], dict[str, View]] = field(default_factory=dict)


@dataclass
class Opening:
    """The wishes of the command line."""

    tour: Tour | None = None  # it begins at once
    at: int = 0  # at this Stop
    offer: bool = False  # a tour is offered
    bookmarks: dict[int, Spot] = field(default_factory=dict)
    bookmarks_file: Path | None = None  # where they are kept; None: nowhere
    prepared: Prepared | None = None  # what is computed already
    recorder: Recorder | None = None  # keys and clicks are recorded
    replay: Recording | None = None  # and these are played
    speed: float = 1.0


def prepare(tour: Tour, name: str, first: Session, open_session: OpenSession, tell: Tell) -> Prepared:
    """Compute all that the Stops of a tour show, so that none of them waits.

    `first` is a session on the model of that name. GPTError where a Stop cannot be gone to.
    """
    models = {name: first}

    def opened(model: str) -> Session:
        one = models.get(model) or models.setdefault(model, open_session(model))
        assert one.model
        return Session(one.model, one.tokenizer)

    runs = Runs(opened)
    found = Prepared(runs.sessions)
    for number, stop in enumerate(tour.stops):
        tell(number, len(tour.stops), "preparing")
        session = runs.at(stop)
        for residual, position in wanted_lenses(session):
            running.look_through_lens(session.trace, residual, position, lambda: False)
        views = found.views.setdefault(stop.spot.run, {})
        if stop.spot.view in VIEWS and stop.spot.view not in views:
            views[stop.spot.view] = worked_out(stop.spot.view, session)
    return found
