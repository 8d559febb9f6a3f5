"""Views worked out before they are opened."""

from explorer.views.view import View
from explorer.views.views import make
from explorer.walk.session import Session

_SIZE = (94, 24)  # cells and lines, until the screen says its own
_ROUNDS = 20  # an answer may bring up another question, but not for ever


def worked_out(name: str, session: Session) -> View:
    """The view of that name with everything computed that it shows where the session stands."""
    view = make(name, session)
    view.follow(*_SIZE)
    for _ in range(_ROUNDS):
        if view.wanted() is None:
            break
        for _ in view.work():
            pass
    return view
