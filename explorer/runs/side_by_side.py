"""Several runs in one forward pass: their tokens stand one after the other, their heads side by side.

Everything but attention works on each position by itself, so the rows of all runs are the rows of one matrix, and a
product reads its weights once for all of them. For attention the heads of every run stand beside those of the others,
as if there were so many heads: nobody looks into another's run. A shorter run is filled up at its end with positions
that no earlier one sees, as the causal mask has it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpt import GPT, Hook
from gpt.embeddings import embed
from gpt.hooks import Run
from gpt.ops import Arithmetic, Matrix


class SideBySide:
    """A wrapped arithmetic on arrays for runs of these lengths, whose first positions are `first`."""

    def __init__(self, ops: Arithmetic, lengths: Sequence[int], first: int = 0) -> None:
        self._ops = ops
        self._arrays: Any = ops  # which offers more than a forward pass of one run needs
        self.lengths = lengths
        self.first = first
        count, longest = len(lengths), max(lengths)
        place = np.concatenate([np.arange(length) for length in lengths])  # of each row, in its run
        starts = np.cumsum(lengths) - lengths
        self._positions: Any = first + place
        # a shorter run is filled up with its own last row
        self._spread: Any = (starts + np.minimum(np.arange(longest)[:, None], np.subtract(lengths, 1))).reshape(-1)
        self._joined: Any = place * count + np.repeat(np.arange(count), lengths)
        self._alike = len(set(lengths)) == 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def take(self, matrix: Any, rows: Sequence[int]) -> Any:
        """Rows of a table; for positions, which are a range, those of each run."""
        return self._ops.take(matrix, self._positions if isinstance(rows, range) else rows)

    def split_heads(self, x: Any, n_head: int) -> Any:  # [N, H·e] -> [T, B·H, e]
        """The heads of all B runs, one run after the other."""
        longest, runs = max(self.lengths), len(self.lengths)
        if self._alike:
            x = self._arrays.swap(self._arrays.reshape(x, (runs, longest, -1)))
        else:
            x = self._arrays.take(x, self._spread)
        return self._arrays.reshape(x, (longest, runs * n_head, -1))

    def merge_heads(self, x: Any) -> Any:  # [T, B·H, e] -> [N, H·e]
        """The rows of all runs again, without those that filled them up."""
        longest, runs = max(self.lengths), len(self.lengths)
        if self._alike:
            x = self._arrays.swap(self._arrays.reshape(x, (longest, runs, -1)))
            return self._arrays.reshape(x, (runs * longest, -1))
        return self._arrays.take(self._arrays.reshape(x, (longest * runs, -1)), self._joined)

    def concatenate(self, a: Any, b: Any) -> Any:  # [P, H, e], [T, B·H, e] -> [P + T, B·H, e]
        """Keys or values of earlier positions, shared by all runs or their own, before those of each."""
        return self._ops.concatenate(self._arrays.tile(a, (1, b.shape[1] // a.shape[1], 1)), b)

    def rows(self, start: int, count: int = 1) -> "SideBySide":
        """The arithmetic for so many positions of each run, from the one at `start` on."""
        return SideBySide(self._ops, [count] * len(self.lengths), self.first + start)

    def by_run(self, rows: Any) -> Any:  # [B·T, d] -> [B, T, d]
        """The rows of each run, where all are of one length."""
        return self._arrays.reshape(rows, (len(self.lengths), self.lengths[0], -1))

    def repeated(self, rows: Any) -> Any:  # [T, d] -> [B·T, d]
        """The same rows for every run."""
        return self._arrays.tile(rows, (len(self.lengths), 1))

    def part(self, axes: str, value: Any, run: int) -> Any:
        """The view of an activation that belongs to a run, in the shape that it has there."""
        start, length = sum(self.lengths[:run]), self.lengths[run]
        if axes not in ("HTS", "THe"):
            return value[start : start + length]
        heads = value.shape[axes.index("H")] // len(self.lengths)
        own = slice(run * heads, (run + 1) * heads)
        if axes == "THe":
            return value[:length, own]
        before = value.shape[2] - value.shape[1]
        return value[own, :length, : before + length]


class Together(GPT):
    """A model for runs side by side, whose positions were checked run by run."""

    def __init__(self, model: GPT, side: SideBySide) -> None:
        super().__init__(model.config, model.weights, ops=side)

    def embedded(self, ids: Sequence[int], hook: Hook | None = None) -> Matrix:  # [N] -> [N, d]
        """The residual stream that enters the first block, for the tokens of one run after the other."""
        return embed(ids, 0, self.weights, Run(self.config, self.ops, hook))

    def _check_room(self, count: int, first: int) -> None:
        """The rows are those of several runs: together they may be more than a model has positions."""
