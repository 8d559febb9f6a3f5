"""The view of circuits at one moment: all that its picture is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from explorer.analysis.circuits import Circuit, Composition, Direction
from explorer.views.parts import Scene

Ranked = tuple[tuple[int, float], ...]
"""Tokens with their numbers, the largest first."""

KEPT = 40
"""Tokens that are kept at either end of the vocabulary."""


class Show(IntEnum):
    """The ways to show the chosen head; their numbers are those of the view's modes."""

    PROMOTES = 0
    MATCHES = 1
    POSITIONS = 2
    DIRECTIONS = 3
    COMPOSITION = 4


@dataclass(frozen=True)
class Asked:
    """The choices: the token, the circuit and the kind of composition."""

    token: int | None = None  # None: the one where one stands
    circuit: Circuit = Circuit.OV  # whose singular vectors
    kind: Composition = Composition.Q


@dataclass(frozen=True)
class Ends:
    """Both ends of a ranking of the vocabulary."""

    most: Ranked
    least: Ranked  # the smallest first


@dataclass(frozen=True)
class Matches:
    """The tokens that a query of the token looks for, and those whose queries look for its key."""

    by_query: Ends
    by_key: Ends


@dataclass(frozen=True)
class CircuitState:
    """The chosen head, and what is known of it."""

    scene: Scene
    show: Show
    asked: Asked
    token: int
    layer: int
    head: int
    copying: Mapping[tuple[int, int], float]
    copy_scores: tuple[float, ...]  # of the head, at every token of the run; empty while they are not known
    found: Any  # Ends, Matches, a table [T][T], a list of directions, a table [L][H]; None while it is not known

    @property
    def directions(self) -> list[Direction]:
        found: list[Direction] = self.found
        return found
