"""The view of the lens at one moment: all that its picture is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from explorer.analysis.lens import LensCell, LensRow, Loss, settled
from explorer.views.parts import Scene

PROBABILITY, ENTROPY, RANK, CURVE = range(4)
"""The modes."""


class Likely(NamedTuple):
    """One of the tokens that the model would say at a cell."""

    token: int
    probability: float


@dataclass(frozen=True)
class LensState:
    """The chosen cell, and everything known of the cells."""

    scene: Scene
    rows: tuple[LensRow, ...]
    row: int  # the chosen one; its column is the position of the walk
    mode: int
    failure: str  # why a cell could not be computed
    predicted: bool  # the logits of the chosen position are known
    cells: Mapping[tuple[int, int], LensCell]  # by row and position
    likely: Sequence[Likely]  # of the chosen cell, the likeliest first; none while that is not computed
    surprises: Mapping[int, float]  # by position, in bits; of the first token there is none
    loss: Loss | None  # how badly the prompt was predicted as a whole; None while not every token is known
    followed: int | None  # the token whose way through the layers is drawn; None while the answer is not known
    way: Sequence[LensCell | None]  # by row: that token at the chosen position

    @property
    def is_curve(self) -> bool:
        """Whether the way of one token is to be seen large."""
        return self.mode == CURVE

    @property
    def vocabulary(self) -> int:
        """How many tokens there are, at least two."""
        return max(2, self.scene.config.vocab_size)

    def settled(self, position: int) -> int | None:
        """From which row on the answer stays; None while that is not known."""
        return settled([self.cells.get((row, position)) for row in range(len(self.rows))])
