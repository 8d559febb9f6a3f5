"""Playing a tour: where it is, what stands in its bar, and whether an answer holds. It knows no screen."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from explorer.teaching import places, spots
from explorer.teaching.errors import FactError, NotKnownError
from explorer.teaching.expressions import UNKNOWN, evaluate, fill, holes
from explorer.teaching.here import Here
from explorer.teaching.spots import Spot
from explorer.teaching.tours import Question, Stop, Tour
from explorer.terminal.text import printable
from explorer.walk.session import Session
from gpt import GPTError


class Playing:
    """One tour, and the Stop it is at. Moves past the ends do nothing."""

    def __init__(self, tour: Tour, at: int = 0) -> None:
        self.tour = tour
        self.at = 0
        self.replies: dict[int, Reply] = {}  # by the number of the Stop, to its question
        self._told: dict[int, Mapping[str, str]] = {}  # the same: its texts
        self.go(at)

    @property
    def stop(self) -> Stop:
        return self.tour.stops[self.at]

    @property
    def following(self) -> Stop | None:
        """The Stop after this one; None at the last."""
        return self.tour.stops[self.at + 1] if self.at + 1 < len(self.tour.stops) else None

    @property
    def count(self) -> str:
        """Where it is: "3 of 14"."""
        return f"{self.at + 1} of {len(self.tour.stops)}"

    def go(self, at: int) -> bool:
        """To a Stop by its number from 0; False if that is where it is."""
        before, self.at = self.at, max(0, min(at, len(self.tour.stops) - 1))
        return self.at != before

    def move(self, by: int) -> bool:
        """Forwards or backwards; False at the ends."""
        return self.go(self.at + by)

    @property
    def told(self) -> Mapping[str, str]:
        """The texts of the Stop by their keys, with the numbers of its run; "…" for those that are not known yet."""
        return self._told.get(self.at) or {key: without_numbers(text) for key, text in self.stop.texts().items()}

    def learn(self, session: Session) -> None:
        """Work out the texts of the Stop, once its run is complete: they speak of its place, wherever the walk goes.

        FactError, once, where a number cannot be asked of this run, or a claim of the Stop does not hold in it.
        """
        spot = self.stop.spot
        if self.at in self._told or session.computing or spots.here(session).run[1:] != spot.run[1:]:
            return
        self._told[self.at] = self.told
        with standing(spot, session):
            here = Here(session)
            self._told[self.at] = {key: fill(text, here) for key, text in self.stop.texts().items()}
            for claim in self.stop.claims:
                if not evaluate(claim, here):
                    raise FactError(f"What this Stop says does not hold in this run: {claim} is false.")


def without_numbers(text: str) -> str:
    """A text with "…" in place of every expression."""
    return UNKNOWN.join(before for before, _, _ in holes(text))


@contextmanager
def standing(spot: Spot, session: Session) -> Iterator[None]:
    """The cursor at a spot, with its sampling, for a moment; then where it was."""
    cursor, draws = session.cursor, session.draws
    sampling, seed = draws.sampling, draws.seed
    before = {name: dict(value) if isinstance(value, dict) else value for name, value in vars(cursor).items()}
    try:
        draws.sampling, draws.seed = spot.sampling, spot.seed
        places.go(places.parse(spot.at, session), session)
        yield
    finally:
        draws.sampling, draws.seed = sampling, seed
        vars(cursor).update(before)


@dataclass(frozen=True)
class Reply:
    """Whether an answer holds, and what is said to it."""

    holds: bool
    text: str


def reply(question: Question, text: str, session: Session) -> Reply:
    """Compute whether an answer holds in this run; FactError if it cannot be understood, or is not computed yet."""
    given, here = read_answer(question.answer, text, session), Here(session)
    try:
        holds = bool(evaluate(question.holds, here, given))
    except NotKnownError as error:
        raise FactError("this is not computed yet: wait a moment.") from error
    return Reply(holds, printable(fill(question.right if holds else question.wrong, here, given)))


def answered(question: Question, text: str, session: Session) -> Reply:
    """The same, with what is wrong in place of an error."""
    try:
        return reply(question, text, session)
    except GPTError as error:
        return Reply(False, str(error))


def answer_here(kind: str, session: Session) -> str:
    """The place where the cursor stands as an answer; "" where answers of this kind are typed."""
    cursor = session.cursor
    if kind == "head" and "H" in cursor.axes and cursor.stage.layer is not None:
        return f"{cursor.stage.layer}.{cursor.head}"
    if kind == "token":
        return str(cursor.position)
    if kind == "neuron" and cursor.axes[-1:] == "m":
        return f"{cursor.stage.layer}.{cursor.column}"
    return ""


def read_answer(kind: str, text: str, session: Session) -> Mapping[str, Any]:
    """The names that an answer gives to expressions; FactError if it is not of that kind.

    read_answer("head", "3.2", …) = {"layer": 3, "head": 2, "answer": "3.2"}
    """
    text = text.strip("\n")
    if not text.strip():
        raise FactError("type an answer.")
    match kind:
        case "number":
            try:
                return {"answer": float(text.strip().removesuffix("%").replace("−", "-"))}
            except ValueError:
                raise FactError(f"{text.strip()!r} is not a number.") from None
        case "text":
            return {"answer": _as_token(text.strip().strip("·"), session)}
        case "token":
            place = places.parse(f"token {text.removeprefix('token').strip()}", session)
            there = places.position_of(place, session)
            return {"here": there, "answer": session.label(session.ids[there])}
    return _pair(kind, text, session)


def _as_token(text: str, session: Session) -> str:
    """A word as it goes on with a text: with the space before it, if that is one token."""
    return f" {text}" if len(session.tokenizer.encode(f" {text}")) == 1 else text


def _pair(kind: str, text: str, session: Session) -> Mapping[str, Any]:
    """A head or a neuron: 3.2, or in words."""
    words = text.strip()
    if kind == "neuron":
        block, point, neuron = words.removeprefix("neuron").strip().partition(".")
        words = f"block {block} neuron {neuron}" if point else words
    elif " " not in words and "." not in words:
        raise FactError(f"a head is a block and a number, such as 3.2, not {words!r}.")
    place = places.parse(words, session)
    if place.layer is None:
        raise FactError(f"a {kind} is a block and a number, such as 3.2.")
    number = place.head if kind == "head" else place.column
    if number is None:
        raise FactError(f"{words!r} names no {kind}.")
    return {"layer": place.layer, kind: number, "answer": f"{place.layer}.{number}"}
