"""The view of the attribution at one moment: all that its picture is drawn from."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from explorer.analysis.attribution import Contribution, Level
from explorer.analysis.attribution import Convention as Folding
from explorer.views.parts import Scene

RIVALS = 10
"""Tokens that the answer can be held against."""


class ViewConvention(StrEnum):
    """How biases are counted, and what a logit is measured against where it is against no other token."""

    CENTRED = "centred"
    PLAIN = "plain"
    TRANSFORMER_LENS = "TransformerLens"

    @property
    def folding(self) -> Folding:
        """How biases are counted."""
        return Folding.TRANSFORMER_LENS if self is ViewConvention.TRANSFORMER_LENS else Folding.PLAIN


CONVENTIONS = tuple(ViewConvention)


class Grouping(Enum):
    """How the parts are listed."""

    COMPONENT = 0
    HEAD = 1
    HEAD_AND_TOKEN = 2
    TOKEN = 3
    NEURON = 4

    @property
    def level(self) -> Level:
        """How finely the parts are told apart before they are listed."""
        return _LEVELS[self.value]


_LEVELS = (Level.COMPONENT, Level.HEAD, Level.POSITION, Level.POSITION, Level.NEURON)


@dataclass(frozen=True)
class RankedParts:
    """An attribution with its terms, the largest first."""

    ranked: list[Contribution]
    sum: float
    logit: float
    least: float
    most: float

    @property
    def gap(self) -> float:
        return self.logit - self.sum


@dataclass(frozen=True)
class AttributionState:
    """The question, the answer as far as it is known, and the chosen row."""

    scene: Scene
    grouping: Grouping
    convention: ViewConvention
    order: tuple[int, ...]  # the likeliest tokens, the answer first; none while there are no logits
    against: int  # the rank of the token that the answer is held against; 0: of none
    row: int  # -1: the convention
    found: Any  # the terms; None or an error where they are not there

    @property
    def measured(self) -> str:
        """The number that is taken apart, in words."""
        if not self.order:
            return "the logit"
        answer = self.scene.label(self.order[0])
        return (
            f"lead of {answer} over {self.scene.label(self.order[self.against])}"
            if self.against
            else f"logit of {answer}"
        )
