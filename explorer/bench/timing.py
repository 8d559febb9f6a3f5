"""Times taken in turn, so that what slows a machine down for a while slows all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """The seconds of one piece of work in every round, and in the same rounds those of its bound."""

    name: str
    seconds: tuple[float, ...]
    bound: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """How many times the bound: the median over the rounds."""
        return statistics.median(own / bound for own, bound in zip(self.seconds, self.bound))

    def as_json(self) -> dict[str, Any]:
        """The ratio first; times in seconds."""
        return {
            "name": self.name,
            "ratio": self.ratio,
            "median": self.median,
            "least": min(self.seconds),
            "most": max(self.seconds),
            "rounds": len(self.seconds),
        }


@dataclass(frozen=True)
class Part:
    """A table: its first timing is the bound of the others; what was found equal, and whatever else is to be said."""

    title: str
    timings: tuple[Timing, ...]
    notes: tuple[str, ...] = ()
    equal: bool = True  # False: two programs that should compute the same do not

    def as_json(self) -> dict[str, Any]:
        """The title, the bound's name, the timings and the notes."""
        return {
            "title": self.title,
            "bound": self.timings[0].name if self.timings else None,
            "timings": [timing.as_json() for timing in self.timings],
            "notes": list(self.notes),
            "equal": self.equal,
        }


@dataclass(frozen=True)
class Growth:
    """How the time grows with a size."""

    title: str
    sizes: tuple[int, ...]
    timings: tuple[Timing, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The title, and a size and its timing in each of the points."""
        points = [{"size": size, **timing.as_json()} for size, timing in zip(self.sizes, self.timings)]
        return {"title": self.title, "points": points}


def in_turn(works: Mapping[str, Work], rounds: int) -> tuple[Timing, ...]:
    """The timings of all works, once round after round; the first is the bound. A first round is not counted."""
    for work in works.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds(work))
    bound = tuple(next(iter(taken.values())))
    return tuple(Timing(name, tuple(found), bound) for name, found in taken.items())


def seconds(work: Work) -> float:
    """How long it takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
