"""Tours: files of Stops, checked on loading. A Stop is a spot, a text about it, and what the text claims.

docs/tours.md says how one is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from explorer.loading.places import embedded
from explorer.teaching.spots import EMBEDDED, Spot

ANSWERS = ("head", "token", "neuron", "text", "number")
"""The kinds of answers: a place to go to or to type, the next token, a number."""


@dataclass(frozen=True)
class Question:
    """An exercise: whether an answer holds is computed."""

    ask: str
    answer: str  # one of ANSWERS
    holds: str  # an expression with the names of the answer: layer, head, here, neuron, answer
    right: str = "Yes."
    wrong: str = "No."


@dataclass(frozen=True)
class Stop:
    """One page of a tour."""

    title: str
    spot: Spot
    text: str  # with {expressions}
    press: str = ""  # what to do next
    notes: str = ""  # for the speaker
    pace: int = 60  # seconds that a speaker stays
    claims: tuple[str, ...] = ()  # expressions that must be true
    question: Question | None = None
    bookmark: int = 0  # the number that goes to this Stop at once; 0: none
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # of its keys in the file; "" is its own
    source: tuple[str, ...] = field(default=(), compare=False, repr=False)  # the file from there on

    def texts(self) -> dict[str, str]:
        """All that has expressions in it, by key."""
        found = {"title": self.title, "text": self.text, "press": self.press, "notes": self.notes}
        return found | ({"question.ask": self.question.ask} if self.question else {})


@dataclass(frozen=True)
class Tour:
    """A walk that somebody prepared."""

    name: str
    title: str
    about: str
    stops: tuple[Stop, ...]
    file: str = ""  # as it is named in messages

    @property
    def minutes(self) -> int:
        """How long it takes at its own pace."""
        return max(1, round(sum(stop.pace for stop in self.stops) / 60))


def on_model(tour: Tour, name: str) -> Tour:
    """The same tour on another model in place of the embedded one."""
    stops = (
        replace(stop, spot=replace(stop.spot, model=name)) if stop.spot.model == EMBEDDED else stop
        for stop in tour.stops
    )
    return replace(tour, stops=tuple(stops))


SHIPPED = ("newcomer", "heads", "names", "sampling")
"""The tours that come with the program, in the order in which they are offered."""


@cache
def shipped() -> tuple[Tour, ...]:
    """The tours that come with the program."""
    from explorer.teaching.tour_file import read

    return tuple(read(folder() / f"{name}.toml") for name in SHIPPED)


def folder() -> Path:
    """Where they lie: beside the embedded model."""
    return embedded().parent / "tours"
