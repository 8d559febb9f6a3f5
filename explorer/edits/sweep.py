"""Sweeps: the effect of an edit on a metric, at one place of the model after another."""

from collections.abc import Callable, Iterator, Sequence

from explorer.edits import where
from explorer.edits.batch import answers
from explorer.edits.edit import Edit
from explorer.edits.metric import Metric
from explorer.edits.what import Patch, What, Zero
from explorer.edits.where import Where
from explorer.errors import EditError
from explorer.runs.trace import Trace
from explorer.terminal.text import token_at
from gpt.ops import Vector

HEADS, MLPS, POSITIONS = "heads", "mlps", "positions"
OVER = (HEADS, MLPS, POSITIONS)

SweepCell = tuple[int, int]
"""The layer; and the head, the position, or 0."""


class SweepPlan:
    """An edit of every head, of every MLP, or of the residual stream that enters a block at a position, one by one.

    The effect is the metric of the edited run less that of the base, at its last position. Edits that are in force in
    the base stay so.
    """

    def __init__(self, base: Trace, metric: Metric, over: str = HEADS, what: What | None = None) -> None:
        if over not in OVER:
            raise EditError(f"there is no sweep over {over!r}: there are {', '.join(OVER)}.")
        if not base.ids or base.complete < len(base.ids):
            raise EditError("the run is not computed yet: wait until it is complete.")
        if isinstance(what, Patch) and what.source.complete < len(what.source.ids):
            raise EditError(f"{what.title} is not computed yet: wait until it is complete.")
        self.base = base
        self.metric = metric
        self.over = over
        self.what = what or Zero()
        columns = {HEADS: base.config.n_head, MLPS: 1, POSITIONS: len(base.ids)}
        self.shape: tuple[int, int] = (base.config.n_layer, columns[over])
        self._before: Vector = base.logits(len(base.ids) - 1) or []
        self.baseline = metric.of(self._before, self._before)

    @property
    def cells(self) -> list[SweepCell]:
        """All cells, layer by layer; positions only where the run that they are patched from has a counterpart."""
        rows, columns = self.shape
        what = self.what if self.over == POSITIONS and isinstance(self.what, Patch) else None
        kept = [column for column in range(columns) if what is None or what.reaches(column)]
        return [(row, column) for row in range(rows) for column in kept]

    def edit(self, cell: SweepCell) -> Edit:
        """The edit of a cell; it can be put on a stack of edits as it is."""
        return Edit(self._where(*cell), self.what)

    def in_words(self, cell: SweepCell, labels: Sequence[str] = ()) -> str:
        """The name of a cell: "head 3.3", "MLP 2", "·park entering block 0"."""
        layer, column = cell
        if self.over == POSITIONS:
            return f"{token_at(column, labels)} entering block {layer}"
        return self._where(layer, column).title

    def _where(self, layer: int, column: int) -> Where:
        if self.over == HEADS:
            return where.head(layer, column)
        if self.over == MLPS:
            return where.mlp(layer)
        return where.activation(f"blocks.{layer}.hook_resid_pre", column)

    def effects(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[tuple[SweepCell, float]]:
        """Each cell with its effect, ending early when cancelled. Only what lies downstream is computed again."""
        for cell, logits in zip(self.cells, answers(self.base, ([self.edit(cell)] for cell in self.cells), cancelled)):
            yield cell, self.metric.of(logits, self._before) - self.baseline
