"""The view of a sweep at one moment: all that its picture is drawn from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from explorer.edits import Patch, What
from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY, Metric
from explorer.edits.sweep import SITES, Sweep, SweepCell
from explorer.runs.trace import LiveRun, Trace
from explorer.views.parts import Scene
from explorer.views.sweep.layout import Layout
from gpt.ops import Vector

ZERO, MEAN, SCALE, PATCH = "zero", "mean", "scale", "patch"
DONE = (ZERO, MEAN, SCALE, PATCH)
"""The kinds of edit."""

MEASURES = (PROBABILITY, LOGIT_DIFFERENCE, KL)
NORMALISED = 3
"""The mode in which the logit difference is shown between the other run (0) and this one (1)."""

Measured = tuple[float, ...]
"""By each of the measures."""


@dataclass(frozen=True)
class Asked:
    """The choices: the site, the edit, and the tokens that are measured."""

    site: str = "z"
    by_position: bool = False
    block: int = 0  # of the neurons
    done: str = ZERO
    factor: float = 2.0
    token: int | None = None  # None: the likeliest
    versus: int | None = None  # None: the likeliest of the others


@dataclass(frozen=True)
class SweepBase:
    """The run from which every edited run departs, and what is measured on it."""

    of: Trace  # the run that is walked
    run: LiveRun  # the same on arrays
    before: Vector  # [V]


@dataclass(frozen=True)
class SweepState:
    """The chosen place, and what is known."""

    scene: Scene
    mode: int  # which of the measures is shown
    asked: Asked
    layout: Layout
    row: int
    column: int
    metrics: tuple[Metric, ...]
    measured: Mapping[SweepCell, Measured]  # of the edited runs
    baseline: Measured  # empty while the base is not computed
    other: Measured  # of the other run, where there is one that is computed
    what: What
    plan: Sweep | None
    aligned: str  # where the other run is aligned with this one
    engine: str  # that computes it, in words

    @cached_property
    def labels(self) -> list[str]:
        """The texts of all tokens."""
        return self.scene.labels()

    @property
    def source(self) -> Patch | None:
        """The other run, where values are taken from it."""
        return self.what if isinstance(self.what, Patch) else None

    @property
    def count(self) -> int:
        """How many places there are."""
        rows, columns = self.layout.shape
        reached = columns
        if self.layout.by_position and self.source:
            reached = sum(map(self.source.reaches, range(columns)))
        if self.asked.site == "neurons" and not self.layout.by_position:
            return self.layout.config.mlp_width
        return rows * reached

    @property
    def chosen(self) -> SweepCell | None:
        return self.layout.cell(self.row, self.column)

    @property
    def normalised(self) -> bool:
        return self.mode == NORMALISED

    @property
    def kind(self) -> str:
        """The measure that is shown."""
        return LOGIT_DIFFERENCE if self.normalised else MEASURES[self.mode]

    @property
    def origin(self) -> float:
        """The number of a place that does nothing."""
        return 1.0 if self.normalised else 0.0

    def shown(self, measured: Measured) -> float:
        """The number of a cell: the change of the measure, or the normalised logit difference."""
        which = MEASURES.index(self.kind)
        if self.normalised:
            clean, corrupted = self.baseline[which], self.other[which]
            return (measured[which] - corrupted) / (clean - corrupted) if clean != corrupted else math.nan
        return measured[which] - self.baseline[which]

    def value(self, row: int, column: int) -> float | None:
        """The number that is shown there; None while it is not known."""
        cell = self.layout.cell(row, column)
        found = self.measured.get(cell) if cell is not None else None
        if found is None or not self.baseline or (self.normalised and not self.other):
            return None
        return self.shown(found)

    def in_words(self, cell: SweepCell) -> str:
        """A place by its name: "head 3.3", "residual before block 0 at ·park"."""
        title = SITES[self.asked.site].title.format(*cell)
        return title + (f" at {self.scene.token_at(cell[-1])}" if self.layout.by_position else "")
