"""Edits with given numbers: an array in place of an activation, and a mean over the runs of many prompts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.edits.what import ActivationRow, Change, What
from explorer.edits.where import ActivationPart
from explorer.engine.axes import axis_sizes
from explorer.engine.engines import plain
from explorer.errors import EditError
from explorer.runs.trace import Trace
from explorer.terminal.text import counted
from gpt import GPTConfig, HookError, activation_shapes
from gpt.hooks import shape


@dataclass(frozen=True)
class Replace(What):
    """Given numbers for a whole activation, of which the edited part is taken: an array, or nested lists."""

    values: Any = field(repr=False)

    @property
    def words(self) -> str:
        return "set to given numbers"

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        letters = dict(activation_shapes(config))[place.name]
        try:
            found = shape(self.values)
        except HookError as error:
            raise EditError(f"{place.name} is set to a number, or to rows of numbers of one length.") from error
        tokens = found[letters.index("T")] if len(found) == len(letters) else 1
        sizes = axis_sizes(config, tokens)
        wanted = tuple(sizes[letter] for letter in letters)
        if found != wanted:
            raise EditError(
                f"{place.name} has the shape [{', '.join(letters)}], which is {_free(letters, sizes)}; "
                f"the numbers that are given have {list(found)}."
            )

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        rows = shape(self.values)[1 if base.axes[name] == "HTS" else 0]
        if rows != len(base.ids):
            raise EditError(f"{name} has {counted(len(base.ids), 'position')} in this run, and {rows} are given.")

        def change(row: ActivationRow, index: tuple[int, ...]) -> ActivationRow:
            given = self.values
            for i in index:
                given = given[i]
            return plain(given)

        return change


def _free(letters: Sequence[str], sizes: dict[str, int]) -> str:
    """The shape with the number of positions left open: "[T, 6, 32]"."""
    return f"[{', '.join(letter if letter in 'TS' else str(sizes[letter]) for letter in letters)}]"


@dataclass(frozen=True)
class MeanOver(What):
    """The mean over all positions of other runs, of as many prompts as there are: what it holds whatever the text.

    The mean over the edited prompt itself is `Mean`.
    """

    runs: tuple[Trace, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.runs:
            raise EditError("there is no run to take the mean of: give at least one.")

    @property
    def words(self) -> str:
        return f"its mean over {counted(len(self.runs), 'prompt')}"

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        if dict(activation_shapes(config))[place.name][0] == "H":
            raise EditError(
                f"{place.name} has a row for each pair of positions: no mean over positions is meant there."
            )
        for run in self.runs:
            if run.config != config:
                raise EditError("a mean is taken over runs of the same model: one of these is of another.")
            if run.positions(place.name) < len(run.ids):
                raise EditError(f"{place.name} is not computed in all of the runs: wait until they are complete.")

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        import numpy as np

        rows = np.concatenate([np.asarray(run.values[name], dtype=np.float64) for run in self.runs])
        means = rows.mean(axis=0).tolist()
        by_head = base.axes[name] == "THe"
        return lambda row, index: means[index[1]] if by_head else means
