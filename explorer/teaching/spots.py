"""A spot: all that decides what the screen shows. Tours and bookmarks go to spots, and a spot is where one stands."""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.runs import running
from explorer.teaching import edit_words, places
from explorer.walk.opening import ask_why
from explorer.walk.session import Session
from gpt import Sampling

EMBEDDED = "stories"
"""The model of a spot that names none."""

SAMPLING, SEED = Sampling(0.8, 40), 42
"""How tokens are drawn where nothing else is said."""

WHY, PATH, CODE = "why", "path", "code"
LOOKS = (
    "",
    "heads",
    "lens",
    "attribution",
    "neurons",
    "flow",
    "compare",
    "circuits",
    "scores",
    "patching",
    "sweep",
    WHY,
    PATH,
    CODE,
)
"""The panes that can be open: none but the stage's picture, a view, the number under the cursor, its path, the code."""


@dataclass(frozen=True)
class Spot:
    """A prompt, a place in its walk, what is open there, the edits in force, and how tokens are drawn."""

    prompt: str
    at: str = ""  # in plain words, as `places` reads them
    view: str = ""
    edits: tuple[str, ...] = ()  # in plain words, as `edit_words` reads them
    model: str = EMBEDDED
    sampling: Sampling = SAMPLING
    seed: int = SEED

    @property
    def run(self) -> tuple[str, str, tuple[str, ...]]:
        """The run that it is a place of: two spots of one run share all that was computed."""
        return self.model, self.prompt, self.edits


def here(session: Session, view: str = "", model: str = EMBEDDED) -> Spot:
    """The spot where a session stands; edits that have no words are left out."""
    edits = tuple(words for edit in session.what_if.edits.active if (words := edit_words.in_words(edit)))
    draws = session.draws
    return Spot(session.text, places.in_words(session), view, edits, model, draws.sampling, draws.seed)


def take_run(spot: Spot, session: Session) -> None:
    """Give the session the spot's prompt, edits and settings; what that misses is computed by the caller.

    InputError or EditError where this model cannot run it.
    """
    session.draws.sampling, session.draws.seed = spot.sampling, spot.seed
    session.show(None)
    entries = session.what_if.edits.entries
    anew = [edit_words.in_words(entry.edit) if entry.on else None for entry in entries] != list(spot.edits)
    if anew and entries:
        session.edit(lambda edits: edits.clear())
    session.submit(spot.prompt)
    if anew and spot.edits:
        session.edit(lambda edits: edit_words.add_all(spot.edits, edits, len(session.ids)))


def go(spot: Spot, session: Session) -> None:
    """The session's cursor to the spot; nothing is open there yet. FactError where there is no such place."""
    place = places.parse(spot.at, session)
    session.why = session.code = None
    places.go(place, session)


def open_number(spot: Spot, session: Session) -> None:
    """Open the number, its path or the code, where the spot says so; only once it is computed. CodeError."""
    if spot.view in (WHY, PATH) and ask_why(session) and session.why:
        if spot.view == PATH:
            session.why.follow()
    elif spot.view == CODE:
        from explorer.walk.opening import step_into_code

        step_into_code(session)


def complete(session: Session, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Compute all that the session's runs miss, here and now, unless it is cancelled."""
    for _ in range(2):  # the edits take hold once the run without them is there
        for run in session.what_if.missing:
            if not running.complete(run, cancelled):
                return
        if session.what_if.waiting:
            session.edit(lambda edits: None)
