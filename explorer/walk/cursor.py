"""Where the user stands: stage, position, head, column; and the moves from there.

A move that cannot be made (there is no block above the first) does nothing.
"""

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property

from explorer.engine.axes import axis_sizes
from explorer.provenance.names import DRAWN, LEDGER, TOKENS, TOTAL
from explorer.stages import Kind, Part, Stage, walk
from gpt import activation_shapes
from gpt.config import GPTConfig
from gpt.hooks import HEAD_RESULTS


class Cursor:
    """The user's position in the walk. The cursor in a picture stands in the row of `position`, at `column`."""

    def __init__(self, config: GPTConfig, largest: Callable[[], int] = int) -> None:
        """`largest` gives the column of the largest number in the row: the cursor stands there until it is moved."""
        self.config = config
        self._largest = largest
        self.stages = walk(config)
        self.shapes = dict(activation_shapes(config))
        self.stage_index = 0
        self.position = 0
        self.length = 1  # tokens in the sequence
        self.head = 0
        self.overview = False  # all heads of the block instead of one
        self.steps = False  # of attention one row from its scores to its shares, instead of all rows
        self.chosen_columns: dict[str, int] = {}  # axis -> where the user has put the cursor on it
        self.chosen_parts: dict[str, int] = {}  # stages that are alike -> which of their parts is shown

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index]

    @property
    def part(self) -> Part | None:
        """The activation of this stage that is shown; None in the tokenizer's stage, which has none."""
        parts = self.stage.parts
        return parts[self.chosen_parts.get(_alike(self.stage), len(parts) - 1)] if parts else None

    @property
    def axes(self) -> str:
        """The letters of the shown activation's shape, "HTS" for instance; "" where there is none."""
        return "".join(self.shapes[self.part.activation]) if self.part else ""

    @property
    def columns(self) -> int:
        """How many numbers there are in the cursor's row."""
        return axis_sizes(self.config, self.length).get(self.axes[-1:], self.length)

    @property
    def column(self) -> int:
        """Along the row: a dimension, a neuron, a key's position; among the logits the rank of a token.

        It is the largest of the row until the user chooses one; what was chosen holds for all rows of that axis.
        """
        chosen = self.chosen_columns.get(self.axes[-1:])
        return min(self._largest() if chosen is None else chosen, self.columns - 1)

    def index(self, column: int) -> tuple[int, ...]:
        """Where a column of the cursor's row is in the activation, whose axes come in different orders."""
        if self.axes == "HTS":
            return self.head, self.position, column
        return (self.position, self.head, column) if self.axes == "THe" else (self.position, column)

    def at(self, stage: int, part: int | None, largest: Callable[[], int]) -> "Cursor":
        """Another cursor in the same row, at that stage and part of it; this one stays where it is."""
        other = copy(self)
        other.chosen_parts, other.chosen_columns, other._largest = (
            dict(self.chosen_parts),
            dict(self.chosen_columns),
            largest,
        )
        other.overview = other.steps = False
        other.go_to_stage(stage)
        if part is not None:
            other.go_to_part(part)
        return other

    def in_cell(self, position: int, column: int) -> "Cursor":
        """Another cursor, at the same stage, in that row and column."""
        there = copy(self)
        there.chosen_columns = dict(self.chosen_columns)
        there.go_to_position(position)
        there.go_to_column(column)
        return there

    @property
    def residual_before(self) -> str | None:
        """The residual stream as it was before the last stage that changed it."""
        names = [stage.residual for stage in self.stages[: self.stage_index] if stage.residual]
        earlier = [name for name in names if name != self.stage.residual]
        return earlier[-1] if earlier else None

    def go_to_stage(self, index: int) -> None:
        self.stage_index = _within(index, len(self.stages))

    def go_to_value(self, name: str) -> bool:
        """To the first stage that shows a value, or that it belongs to; False if none does: it is a weight."""
        for index, stage in enumerate(self.stages):
            for number, part in enumerate(stage.parts):
                if part.activation == name:
                    self.go_to_stage(index)
                    self.go_to_part(number)
                    return True
        for index, stage in enumerate(self.stages):
            if _belongs(name, stage):
                self.go_to_stage(index)
                return True
        return False

    def move_stage(self, by: int) -> None:
        self.go_to_stage(self.stage_index + by)

    def move_block(self, by: int) -> None:
        """To the same stage of the next block or the one before; past the ends to the entrance and the exit."""
        here = next(group for group in self.groups if self.stage_index in group)
        index = self.groups.index(here) + by
        if not 0 <= index < len(self.groups):
            self.go_to_stage(here[0] if by < 0 else here[-1])
            return
        there = self.groups[index]
        between_blocks = None not in (self.stages[here[0]].layer, self.stages[there[0]].layer)
        self.go_to_stage(there[self.stage_index - here[0]] if between_blocks else there[0])

    @cached_property
    def groups(self) -> list[range]:
        """Which stages belong together: the entrance, each block, the exit."""
        starts = [i for i, stage in enumerate(self.stages) if not i or stage.layer != self.stages[i - 1].layer]
        return [range(*ends) for ends in zip(starts, [*starts[1:], len(self.stages)])]

    def go_to_position(self, position: int) -> None:
        self.position = _within(position, self.length)

    def move_position(self, by: int, straight: bool = False) -> None:
        """To another position; `straight` in the same column there, as in a picture, not on its largest."""
        if straight:
            self.go_to_column(self.column)
        self.go_to_position(self.position + by)

    def go_to_head(self, head: int) -> None:
        self.head = _within(head, self.config.n_head)

    def move_head(self, by: int) -> None:
        """Round and round: after the last head comes the first."""
        self.head = (self.head + by) % self.config.n_head

    def go_to_column(self, column: int) -> None:
        self.chosen_columns[self.axes[-1:]] = _within(column, self.columns)

    def move_column(self, by: int) -> None:
        self.go_to_column(self.column + by)

    def forget_columns(self) -> None:
        """Back to the largest of every row."""
        self.chosen_columns.clear()

    def go_to_part(self, index: int) -> None:
        if 0 <= index < len(self.stage.parts):
            self.chosen_parts[_alike(self.stage)] = index

    def move_part(self, by: int) -> None:
        """Round and round through the parts of this stage; in attention from all rows to the steps of one, and back."""
        if self.axes == "HTS":
            self.toggle_steps()
        elif self.part:
            self.go_to_part((self.stage.parts.index(self.part) + by) % len(self.stage.parts))

    def toggle_overview(self) -> None:
        """All heads or one; from the steps of one row always to all heads."""
        self.overview, self.steps = self.steps or not self.overview, False

    def toggle_steps(self) -> None:
        """The steps of one row, and back to the one head or all of them that were there before."""
        self.steps = not self.steps


def stage_of(name: str, cursor: Cursor) -> int:
    """The number of the stage that `go_to_value` goes to; of a weight 0."""
    there = cursor.in_cell(cursor.position, 0)
    there.chosen_parts = dict(cursor.chosen_parts)
    there.stage_index = 0
    there.go_to_value(name)
    return there.stage_index


def choose(cursor: Cursor, columns: Mapping[str, int], parts: Mapping[str, int]) -> None:
    """Take up chosen columns and parts as they were; what there is not is left out."""
    counts = {_alike(stage): len(stage.parts) for stage in cursor.stages}
    axes = {axes[-1] for axes in cursor.shapes.values()}
    cursor.chosen_columns = {axis: column for axis, column in columns.items() if axis in axes and column >= 0}
    cursor.chosen_parts = {stage: part for stage, part in parts.items() if 0 <= part < counts.get(stage, 0)}


def _alike(stage: Stage) -> str:
    """The same for stages that show the same parts: in every block, and for both additions to the residual stream."""
    return "resid" if stage.local_id in ("resid_mid", "resid_post") else stage.local_id


def _belongs(name: str, stage: Stage) -> bool:
    """Whether a value that no stage shows by itself comes up in this one: the mean in a layer norm, say."""
    if name in LEDGER or name.removesuffix(TOTAL) in LEDGER:
        return stage.kind is Kind.LEDGER
    if name in (TOKENS, DRAWN):
        return stage.kind is (Kind.MERGES if name == TOKENS else Kind.DRAW)
    if name.endswith(HEAD_RESULTS):
        return stage.kind is Kind.HEADS_OUT and name.startswith(f"blocks.{stage.layer}.")
    shown = [part.activation for part in stage.parts]
    return name.removesuffix(TOTAL) in shown or any(each.startswith(f"{name.rpartition('.')[0]}.") for each in shown)


def _within(index: int, length: int) -> int:
    return max(0, min(index, length - 1))
