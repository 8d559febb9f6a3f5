"""The view of the heads at one moment: all that its picture is drawn from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from explorer.analysis.heads import HeadScores
from explorer.views.heads.small_patterns import Extent, Levels
from explorer.views.parts import Scene
from gpt.ops import Matrix


class Head(NamedTuple):
    """A head of the model."""

    layer: int
    head: int


@dataclass(frozen=True)
class HeadsState:
    """The chosen head, and everything known of the heads."""

    scene: Scene
    chosen: Head
    weighted: bool  # attention is to be seen times the size of what it moves
    defining: bool  # the definitions of the scores are to be read
    measuring: bool  # not everything that is asked is known
    scores: Mapping[Head, HeadScores]
    patterns: Mapping[Head, Matrix]  # [T, S]; of the heads whose pattern is computed
    weighted_patterns: Mapping[Head, Matrix]  # the same times the length of what is moved
    dots: Callable[[Head, Matrix, Extent, float], Levels]  # a pattern drawn small, on this scale; kept once it is drawn

    @property
    def row_of_chosen(self) -> list[float] | None:  # [position + 1]
        """How much the token of the walk takes from each, by the chosen head; None while that is not known."""
        rows = (self.weighted_patterns if self.weighted else self.patterns).get(self.chosen)
        position = self.scene.position
        return None if rows is None or len(rows) <= position else list(rows[position][: position + 1])

    @cached_property
    def heaviest(self) -> float:
        """The largest of the value-weighted attention that is known, on which all of it is measured."""
        return max((max(map(max, rows)) for rows in self.weighted_patterns.values() if rows), default=0.0)
