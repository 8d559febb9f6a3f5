"""Everything that the Stops of a tour show, computed before the first of them is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from explorer.runs import running
from explorer.teaching.checking import OpenSession, Runs
from explorer.teaching.tours import Tour
from explorer.views.answers import never
from explorer.views.view import View
from explorer.views.views import ALL, make
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session

Tell = Callable[[int, int, str], object]
_RunName = tuple[str, str, tuple[str, ...]]

_SIZE = (94, 24)  # cells and lines, until the screen says its own
_ROUNDS = 20  # an answer of a view may bring up another question, but not for ever


@dataclass
class Prepared:
    """The sessions of the runs that a tour goes to, each complete, and the views of each, worked out."""

    sessions: dict[_RunName, Session]
    views: dict[_RunName, dict[str, View]] = field(default_factory=dict)


def prepare(
    tour: Tour,
    names: Iterable[str],
    first: Session,
    open_session: OpenSession,
    tell: Tell,
    cancelled: Callable[[], bool] = never,
) -> Prepared:
    """Compute all that the Stops of a tour show, so that none of them waits.

    `first` is a session on the model that has these names; `tell` gets how many of how many Stops are done, and a word.
    GPTError where a Stop cannot be gone to, or when it is cancelled.
    """
    models = dict.fromkeys(names, first)

    def opened(model: str) -> Session:
        one = models.get(model) or models.setdefault(model, open_session(model))
        assert one.model
        return Session(one.model, one.tokenizer)

    runs = Runs(opened, cancelled)
    found = Prepared(runs.sessions)
    for number, stop in enumerate(tour.stops):
        tell(number, len(tour.stops), "preparing")
        session = runs.at(stop)
        for residual, position in wanted_lenses(session):
            running.look_through_lens(session.trace, residual, position, cancelled)
        views = found.views.setdefault(stop.spot.run, {})
        if stop.spot.view in ALL and stop.spot.view not in views:
            views[stop.spot.view] = _worked_out(stop.spot.view, session, cancelled)
    return found


def _worked_out(name: str, session: Session, cancelled: Callable[[], bool]) -> View:
    """The view of that name with everything computed that it shows where the session stands."""
    view = make(name, session)
    view.follow(*_SIZE)
    for _ in range(_ROUNDS):
        if view.wanted() is None or cancelled():
            break
        for _ in view.work(cancelled):
            pass
    return view
