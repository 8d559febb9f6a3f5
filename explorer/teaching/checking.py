"""Checking a tour against a model: every Stop can be gone to, its numbers can be computed, and its claims hold."""

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress

from explorer.teaching import spots
from explorer.teaching.errors import FactError, TourError
from explorer.teaching.expressions import evaluate, fill, formatted
from explorer.teaching.here import Here
from explorer.teaching.tour_file import line_of
from explorer.teaching.tours import Stop, Tour
from explorer.walk.session import Session
from gpt import GPTError

OpenSession = Callable[[str], Session]
"""A session on the model of that name."""


class Runs:
    """A session for every run that a tour goes to, opened when it is needed and kept."""

    def __init__(self, open_session: OpenSession, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._open = open_session
        self._cancelled = cancelled
        self.sessions: dict[tuple[str, str, tuple[str, ...]], Session] = {}

    def at(self, stop: Stop) -> Session:
        """The session at the Stop, all of its run computed. GPTError where it cannot be gone to."""
        session = self.sessions.get(stop.spot.run)
        if session is None:
            session = self._open(stop.spot.model)
        spots.take_run(stop.spot, session)
        spots.complete(session, self._cancelled)
        if session.computing:
            raise TourError("It was cancelled.")
        self.sessions[stop.spot.run] = session
        spots.go(stop.spot, session)
        spots.open_number(stop.spot, session)
        return session


def problems(tour: Tour, open_session: OpenSession) -> Iterator[TourError]:
    """All that is wrong with a tour, each with its file and line."""
    runs = Runs(open_session)
    for stop in tour.stops:
        try:
            session = runs.at(stop)
        except GPTError as error:
            yield _problem(tour, stop, _blamed(error), "", str(error))
            continue
        yield from _wrong_texts(tour, stop, session)
        yield from _wrong_claims(tour, stop, session)


def _wrong_texts(tour: Tour, stop: Stop, session: Session) -> Iterator[TourError]:
    for key, text in stop.texts().items():
        try:
            fill(text, Here(session))
        except FactError as error:
            yield _problem(tour, stop, key, "", str(error))


def _wrong_claims(tour: Tour, stop: Stop, session: Session) -> Iterator[TourError]:
    for claim in stop.claims:
        try:
            if not evaluate(claim, Here(session)):
                yield _problem(tour, stop, "claims", claim, f"this does not hold: {claim}{_left(claim, session)}.")
        except FactError as error:
            yield _problem(tour, stop, "claims", claim, str(error))


def _left(claim: str, session: Session) -> str:
    """The left side of a comparison, as it is: " (top() is ·the)"."""
    tree = ast.parse(claim.strip(), mode="eval").body
    if isinstance(tree, ast.Compare):
        with suppress(FactError):
            side = ast.unparse(tree.left)
            return f" ({side} is {formatted(evaluate(side, Here(session)), '')})"
    return ""


def _blamed(error: GPTError) -> str:
    """The key that an error is about."""
    kinds = {"FactError": "at", "EditError": "edits", "InputError": "prompt"}
    return kinds.get(type(error).__name__, "model")


def _problem(tour: Tour, stop: Stop, key: str, fragment: str, message: str) -> TourError:
    return TourError(f"{tour.file}:{line_of(stop, key, fragment)}: {message}")
