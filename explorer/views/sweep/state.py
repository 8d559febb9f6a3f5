"""The view of a sweep at one moment: all that its picture is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from explorer.edits import Patch
from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY, Metric
from explorer.edits.sweep import HEADS, MLPS, POSITIONS, SweepCell, SweepPlan
from explorer.runs.trace import LiveRun, Trace
from explorer.views.parts import Scene
from gpt.ops import Vector

MEASURES = (PROBABILITY, LOGIT_DIFFERENCE, KL)

SweptPlace = tuple[str, SweepCell]
"""One of the places that are edited: over what the sweep goes, and the cell of it."""


@dataclass(frozen=True)
class SweepBase:
    """The run from which every edited run departs, and what is measured on it."""

    of: Trace  # the run that is walked
    run: LiveRun  # the same with NumPy
    before: Vector  # [V]
    metrics: tuple[Metric, ...]
    baseline: tuple[float, ...]
    plans: Mapping[str, SweepPlan]  # over heads and over MLPs


@dataclass(frozen=True)
class SweepState:
    """The chosen place, and the effects that are known."""

    scene: Scene
    mode: int  # which of the measures is shown
    section: int  # 0: heads and MLPs; 1: positions
    row: int
    column: int
    metrics: tuple[Metric, ...]
    count: int  # of all places
    effects: Mapping[SweptPlace, tuple[float, ...]]  # by all measures
    baseline: tuple[float, ...]  # empty while the base is not computed
    plans: Mapping[str, SweepPlan]
    source: Patch | None  # from what positions are patched; without, they are zeroed
    aligned: str  # where the other run is aligned with this one

    @property
    def measure(self) -> str:
        return MEASURES[self.mode]

    @property
    def rows(self) -> int:
        return self.scene.config.n_layer

    @property
    def columns(self) -> tuple[int, int]:
        """How many columns each of the two sections has."""
        return self.scene.config.n_head + 1, len(self.scene.ids)

    @cached_property
    def labels(self) -> list[str]:
        """The texts of all tokens."""
        return self.scene.labels()

    @property
    def chosen(self) -> SweptPlace:
        return self.place(self.section, self.row, self.column)

    def place(self, section: int, row: int, column: int) -> SweptPlace:
        """The place that stands there."""
        if section:
            return POSITIONS, (row, column)
        return (HEADS, (row, column)) if column < self.columns[0] - 1 else (MLPS, (row, 0))

    def in_words(self, place: SweptPlace) -> str:
        """A place by its name: "head 3.3"."""
        over, cell = place
        return self.plans[over].in_words(cell, self.labels)
