"""A thing that is wrong with a person's settings: where it stands, and what to do."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

_ALIKE = 0.6  # share of common letters from which on one name is taken for another


class Place(NamedTuple):
    """The place at which something was said: a file and its line, or a variable of the environment."""

    source: str
    line: int | None = None  # counted from 1

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


class Problem(NamedTuple):
    """One thing that is wrong; what it is about is left out, and all else holds."""

    place: Place
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


def meant(name: str, names: Iterable[str]) -> str:
    """A question for a name that was mistyped: " Is `theme` meant?"; "" where none is like it."""
    found = get_close_matches(name, list(names), 1, _ALIKE)
    return f" Is `{found[0]}` meant?" if found else ""


def in_brief(problems: Sequence[Problem]) -> str:
    """The first problem, how many others there are, and where to read them."""
    others = len(problems) - 1
    more = f" {others} more: `gpt-explorer config` lists them." if others else ""
    return f"{problems[0]}{more}"
