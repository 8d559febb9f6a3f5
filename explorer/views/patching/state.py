"""The view of patching at one moment: all that its picture is drawn from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from explorer.edits.metric import Metric
from explorer.edits.path_patching import Receiver
from explorer.edits.sweep import SITES, SweepCell
from explorer.runs.trace import LiveRun, Trace
from explorer.views.parts import Scene
from explorer.views.sweep.layout import Layout
from gpt.ops import Vector


class Way(IntEnum):
    """Which run is edited, and how; the numbers are those of the view's modes."""

    RESTORE = 0  # clean values into the corrupted run
    CORRUPT = 1  # corrupted values into the clean run
    PATH = 2  # corrupted values of a sender into the clean run, seen by the receivers alone


@dataclass(frozen=True)
class Asked:
    """The choices: the site, the path, and the tokens that are measured."""

    site: str = "z"
    by_position: bool = False
    receivers: tuple[Receiver, ...] = (Receiver("logits"),)
    mlps_follow: bool = False
    token: int | None = None  # None: the clean run's likeliest
    versus: int | None = None  # None: the corrupted run's likeliest

    def there(self, way: Way) -> "Asked":
        """The choices that matter the way things are patched."""
        if way is Way.PATH:
            return replace(self, site="z", by_position=False)
        return replace(self, receivers=(), mlps_follow=False)


@dataclass(frozen=True)
class Runs:
    """Both runs with NumPy, and what they say at their ends."""

    of: tuple[Trace, Trace]  # the runs that they are copies of
    clean: LiveRun
    corrupted: LiveRun
    says_clean: Vector  # [V]
    says_corrupted: Vector  # [V]


@dataclass(frozen=True)
class PatchingState:
    """The chosen place, and the leads that are known."""

    scene: Scene
    way: Way
    asked: Asked
    layout: Layout
    row: int
    column: int
    corrupted_ids: tuple[int, ...]
    metric: Metric | None  # the lead; None while the runs are not computed
    clean: float  # the lead in the clean run
    corrupted: float
    leads: Mapping[SweepCell, float]  # of the patched runs
    engine: str  # that computes them, in words

    @property
    def origin(self) -> float:
        """The normalised lead of a patch that does nothing."""
        return 0.0 if self.way is Way.RESTORE else 1.0

    @property
    def chosen(self) -> SweepCell | None:
        return self.layout.cell(self.row, self.column)

    def normalised(self, lead: float) -> float:
        """The lead between the two runs: 0 as in the corrupted one, 1 as in the clean one."""
        gap = self.clean - self.corrupted
        return (lead - self.corrupted) / gap if gap else math.nan

    def value(self, row: int, column: int) -> float | None:
        """The normalised lead of the place there; None while it is not known."""
        cell = self.layout.cell(row, column)
        lead = self.leads.get(cell) if cell is not None else None
        return None if lead is None else self.normalised(lead)

    @property
    def count(self) -> int:
        """How many places there are."""
        rows, columns = self.layout.shape
        return rows * columns

    def in_words(self, cell: SweepCell) -> str:
        """A place by its name: "head 3.3", "residual before block 3 at ·Tom (8)"."""
        title = SITES[self.layout.site_id].title.format(*cell)
        return title + (f" at {self.scene.token_at(cell[-1])}" if self.layout.by_position else "")
