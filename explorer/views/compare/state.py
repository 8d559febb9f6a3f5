"""The view of two runs at one moment: all that its picture is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass

from explorer.analysis.compare import Alignment, Change
from explorer.analysis.difference import Pair
from explorer.views.parts import Scene


@dataclass(frozen=True)
class Apart:
    """The two runs at one position."""

    position: int  # in B
    kl: float  # KL(A ‖ B), in bits
    changes: tuple[Change, ...]
    best: tuple[int, int]  # the answer of A, and of B


@dataclass(frozen=True)
class CompareState:
    """The two runs, and the positions that are compared by now."""

    scene: Scene
    pair: Pair
    known: Mapping[int, Apart]  # by the position in B
    first: int  # the position of the run that is shown which stands in the first of the aligned rows

    @property
    def alignment(self) -> Alignment:
        return self.pair.alignment

    @property
    def row(self) -> int:
        """In which of the aligned rows the cursor is; in the nearest, where its position has no partner."""
        return max(0, min(self.scene.position - self.first, self.alignment.length - 1))

    @property
    def positions(self) -> tuple[int, int]:
        """The position of the cursor's row in A, and in B."""
        return self.alignment.start_a + self.row, self.alignment.start_b + self.row

    @property
    def lengths_differ(self) -> bool:
        """Whether the two can be aligned at either end."""
        return len(self.pair.a.ids) != len(self.pair.b.ids)
