"""Everything recorded in one run: activation name -> value, for all positions computed so far.

The run of a model grows: going on from a cache computes the new positions only, and their rows are put below the ones
already there. It can also be cut back to its first positions, since no position depends on a later one. A run that was
read from a file does neither: it is whole, and its model is not there.
"""

import math
from typing import Any, NamedTuple

from explorer.engine.engines import TORCH, crop, engine_of, grow, plain
from explorer.runs.activations import Activations, Editor
from explorer.runs.passes import Pass, first_passes
from gpt import GPT, ops
from gpt.attention import KeysValues, raw_scores, results_by_head
from gpt.config import GPTConfig
from gpt.model import Cache
from gpt.ops import Arithmetic, Matrix, Tensor

RAW, SCALED, MASKED, PATTERN = (
    "hook_attn_scores_raw",
    "hook_attn_scores_scaled",
    "hook_attn_scores",
    "hook_pattern",
)
_BEYOND = {MASKED: -math.inf, PATTERN: 0.0}
"""The value in a row of scores for every position later than its own."""


class Upstream(NamedTuple):
    """The part of another run that a changed run shares: the blocks before `layer`, for the positions of `ids`."""

    layer: int
    ids: list[int]
    cache: Cache  # whole before `layer`; from there on only the positions that are no different


class Trace(Activations):
    """The recorded values of one sequence of tokens."""

    def __init__(self, config: GPTConfig, ids: list[int]) -> None:
        super().__init__(config, ids)
        self.values: dict[str, Any] = {}
        self.version = 0  # goes up with every value recorded
        self.complete = 0  # how many positions have been through the whole model

    @property
    def ops(self) -> Arithmetic:
        """The arithmetic that the values were computed with."""
        return ops

    def positions(self, name: str) -> int:
        """For how many positions that activation is known by now."""
        value = self.values.get(name)
        if value is None:
            return 0
        return len(value[0]) if self.axes[name] == "HTS" else len(value)

    def value(self, name: str) -> Any:
        return self.values[name]


class RecordedRun(Trace):
    """A run that was read from a file, without its model: it can be looked at, and neither go on nor be edited."""

    def __init__(self, config: GPTConfig, ids: list[int], values: dict[str, Any]) -> None:
        super().__init__(config, ids)
        self.values = {name: value for name, value in values.items() if name in self.axes}
        self.complete = len(ids)
        self.edits: tuple[str, ...] = ()  # with which it was recorded, in words
        for name in values.keys() - self.values.keys():  # what the heads wrote: shown on request
            for position, writes in enumerate(values[name]):
                self.derived[name, position] = plain(writes)


class LiveRun(Trace):
    """A run of a model, and the cache with which it goes on."""

    def __init__(self, model: GPT, ids: list[int]) -> None:
        super().__init__(model.config, ids)
        self.model = model
        self.weights = model.weights
        self.cache: Cache | None = None
        self.upstream: Upstream | None = None  # what of a changed run need not be computed
        self.passes: tuple[Pass, ...] = ()  # how its positions were computed, the first ones first

    @property
    def ops(self) -> Arithmetic:
        """The arithmetic of questions to the run: on the processor, whatever device the model is on."""
        if engine_of(self.model) != TORCH:
            return self.model.ops
        from explorer.engine import array_ops

        return array_ops

    def hook(self, name: str, value: Any) -> Any:
        """Edit and record a value: the hook of a forward pass of this run."""
        edited = self.editor(name, value, self.complete) if self.editor else value
        self.record(name, edited)
        return None if edited is value else edited

    def record(self, name: str, value: Any) -> None:
        """Keep what was computed, below what is known of earlier positions."""
        self.version += 1
        known = self.values.get(name)
        if known is None or not self.complete:
            self.values[name] = value
        elif self.axes[name] == "HTS":
            self.values[name] = self._grown_scores(name, known, value)
        else:
            self.values[name] = self.model.ops.concatenate(known[: self.complete], value)

    def first(self, positions: int) -> "LiveRun":
        """The run of the first positions alone, as if the rest had never been run."""
        positions = min(positions, self.complete)
        cut = LiveRun(self.model, self.ids[:positions])
        cut.editor = self.editor
        if not positions:
            return cut
        if positions == len(self.ids):
            cut.values = dict(self.values)
        else:
            cut.values = {name: self._first_rows(name, value, positions) for name, value in self.values.items()}
        cut.cache = tuple(KeysValues(keys[:positions], values[:positions]) for keys, values in self.cache or ())
        cut.complete, cut.passes = positions, first_passes(self.passes, positions)
        known = self.derived.copy().items()  # in one go: a lens may be added from its thread at any moment
        cut.derived = {key: value for key, value in known if key[1] < positions}
        return cut

    def branch(self, layer: int, position: int, editor: Editor) -> "LiveRun":
        """A run of the same tokens which is changed from that block and that position on, and still to be completed.

        It begins with all that is no different: earlier positions whole, and of later ones the blocks before `layer`.
        """
        branch = self.first(position)
        branch.ids, branch.editor = self.ids, editor
        if not layer or not self.cache or branch.complete == self.complete:
            return branch
        for name in [name for name in self.values if _is_before(name, layer)]:
            known = self.values[name]
            whole = self.positions(name) == self.complete
            branch.values[name] = known if whole else self._first_rows(name, known, self.complete)
        for (name, place), value in self.derived.copy().items():
            if place < self.complete and _is_before(name.rpartition(" ")[2], layer):
                branch.derived[name, place] = value
        later = (KeysValues(keys[: branch.complete], values[: branch.complete]) for keys, values in self.cache[layer:])
        branch.upstream = Upstream(layer, self.ids[: self.complete], (*self.cache[:layer], *later))
        return branch

    def head_writes(self, layer: int, position: int) -> Matrix | None:  # [H, d]
        """The vector that each head of a block wrote at a position; None while z is not computed."""
        z, key = f"blocks.{layer}.attn.hook_z", (f"blocks.{layer}.attn.hook_result", position)
        if key not in self.derived and self.positions(z) > position:
            weights = self.model.weights.blocks[layer].attn_out
            (writes,) = results_by_head([self.values[z][position]], weights, ops=self.ops)
            self.derived[key] = plain(writes)
        return self.derived.get(key)

    def _first_rows(self, name: str, value: Any, positions: int) -> Any:
        if self.axes[name] == "HTS":
            return crop(value, positions)
        return value[:positions]

    def _grown_scores(self, name: str, known: Tensor, new: Tensor) -> Tensor:  # [H, P, P], [H, T, S] -> [H, S, S]
        """The scores of earlier positions for later keys are masked away, so a cached run never computes them.

        The picture of the raw scores shows them all the same: they are filled in here, by the model's own functions.
        """
        known = self._first_rows(name, known, self.complete)
        width, later = len(new[0][0]), len(new[0][0]) - self.complete
        prefix, _, kind = name.rpartition(".")
        if kind in _BEYOND:
            filling: Tensor = [[[_BEYOND[kind]] * later] * self.complete] * len(known)
        else:
            queries, keys = self.values[f"{prefix}.hook_q"], self.values[f"{prefix}.hook_k"]
            filling = raw_scores(queries[: self.complete], keys[self.complete : width], ops=self.model.ops)
            if kind == SCALED:
                layer = int(prefix.split(".")[1])
                filling = self.model.ops.divide(filling, self.config.score_divisor(layer))
        return grow(known, filling, new, self.model.ops)


def _is_before(name: str, layer: int) -> bool:
    """Whether an activation is computed before the block of that number: an embedding, or an earlier block's."""
    if name.startswith("blocks."):
        return int(name.split(".")[1]) < layer
    return name in ("hook_embed", "hook_pos_embed")
