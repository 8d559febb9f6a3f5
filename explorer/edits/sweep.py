"""Sweeps: one edit at every place of a kind in turn, and a metric of the answer each time.

With `Patch` for the edit this is activation patching: the base is one prompt's run, the values come from another's.
Sources: Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262; Heimersheim and Nanda 2024,
arXiv:2404.15255; TransformerLens, patching.py, whose names for the sites are used here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from explorer.edits import where
from explorer.edits.batch import answers, last_row
from explorer.edits.edit import Edit
from explorer.edits.metric import Measure
from explorer.edits.what import Patch, What, Zero
from explorer.errors import EditError
from explorer.runs.trace import Trace
from explorer.terminal.text import token_at

HEADS, MLPS, POSITIONS = "heads", "mlps", "positions"


@dataclass(frozen=True)
class Site:
    """A kind of activation that a sweep goes over."""

    id: str
    activation: str  # its name, {} for the block
    words: str
    title: str  # of one place: {0} is the block, {1} the head or the neuron
    unit: str = ""  # "head" or "neuron": an axis of the sweep beside the blocks


SITES = {
    site.id: site
    for site in (
        Site(
            "resid_pre", "blocks.{}.hook_resid_pre", "the residual stream before the block", "residual before block {0}"
        ),
        Site(
            "resid_mid",
            "blocks.{}.hook_resid_mid",
            "the residual stream between attention and MLP",
            "residual within block {0}",
        ),
        Site(
            "resid_post", "blocks.{}.hook_resid_post", "the residual stream after the block", "residual after block {0}"
        ),
        Site("attn_out", "blocks.{}.hook_attn_out", "the attention's output", "attention {0}"),
        Site("mlp_out", "blocks.{}.hook_mlp_out", "the MLP's output", "MLP {0}"),
        Site("z", "blocks.{}.attn.hook_z", "each head's output", "head {0}.{1}", "head"),
        Site("q", "blocks.{}.attn.hook_q", "each head's queries", "queries of head {0}.{1}", "head"),
        Site("k", "blocks.{}.attn.hook_k", "each head's keys", "keys of head {0}.{1}", "head"),
        Site("v", "blocks.{}.attn.hook_v", "each head's values", "values of head {0}.{1}", "head"),
        Site(
            "pattern", "blocks.{}.attn.hook_pattern", "each head's attention pattern", "pattern of head {0}.{1}", "head"
        ),
        Site("neurons", "blocks.{}.mlp.hook_post", "each neuron of a block", "neuron {0}.{1}", "neuron"),
    )
}

_SHORT = {HEADS: "z", MLPS: "mlp_out", POSITIONS: "resid_pre"}
_ZERO = Zero()
MAPS = tuple(_SHORT)
OVER = (*MAPS, *SITES)

SweepCell = tuple[int, ...]
"""The block; then the head or the neuron, then the position, where the sweep has those axes."""


class Sweep:
    """An edit at every place of a site, one by one, and a metric of the last position's answer.

    Heads are swept at their z, positions at the residual stream that enters a block. `by_position` edits each position
    by itself, `at` only some of them, `layers` only some blocks. Edits that are in force in the base stay so.
    """

    def __init__(
        self,
        base: Trace,
        metric: Measure,
        over: str = HEADS,
        what: What = _ZERO,
        *,
        by_position: bool = False,
        at: Sequence[int] | None = None,
        layers: Sequence[int] | None = None,
    ) -> None:
        _check(base, over, what)
        self.base, self.metric, self.what, self.over = base, metric, what, over
        self.site = SITES[_SHORT.get(over, over)]
        self.by_position = by_position or over == POSITIONS
        self.layers = _some(layers, base.config.n_layer, "block")
        if self.site.unit == "neuron" and layers is None:
            raise EditError("there are thousands of neurons: say of which block (layers).")
        self.positions = [position for position in _some(at, len(base.ids), "position") if _reached(what, position)]
        if at is not None and not self.positions:
            raise EditError("none of these positions has a counterpart in the run that is patched from: choose others.")
        self._at = None if at is None else tuple(self.positions)
        self._before = last_row(base)
        self.baseline = metric.of(self._before, self._before)

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes: ("layer", "head", "position") for instance."""
        return ("layer", *([self.site.unit] if self.site.unit else []), *(["position"] if self.by_position else []))

    @property
    def units(self) -> range:
        """The heads or the neurons of a block; a single one where the site has none."""
        config = self.base.config
        return range({"head": config.n_head, "neuron": config.mlp_width}.get(self.site.unit, 1))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many places each axis has."""
        sizes = {
            "layer": len(self.layers),
            self.site.unit or "unit": len(self.units),
            "position": len(self.positions),
        }
        return tuple(sizes[axis] for axis in self.axes)

    @property
    def cells(self) -> list[SweepCell]:
        """All places, block by block."""
        cells: list[SweepCell] = [(layer,) for layer in self.layers]
        if self.site.unit:
            cells = [(*cell, unit) for cell in cells for unit in self.units]
        if self.by_position:
            cells = [(*cell, position) for cell in cells for position in self.positions]
        return cells

    def edit(self, cell: SweepCell) -> Edit:
        """The edit of a cell; it can be put on a stack of edits as it is."""
        at = (cell[-1],) if self.by_position else self._at
        name = self.site.activation.format(cell[0])
        index: tuple[int | tuple[int, ...] | None, ...] = (at,)
        if self.site.unit:
            index = (cell[1], at) if self.site.id == "pattern" else (at, cell[1])
        return Edit(replace(where.activation(name, *index), title=self._title(cell), at=at), self.what)

    def in_words(self, cell: SweepCell, labels: Sequence[str] = ()) -> str:
        """The name of a cell: "head 3.3", "residual before block 2 at ·park"."""
        return self._title(cell) + (f" at {token_at(cell[-1], labels)}" if self.by_position else "")

    def _title(self, cell: SweepCell) -> str:
        return self.site.title.format(*cell)

    def results(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[tuple[SweepCell, float]]:
        """Each cell with the metric of its run, ending early when cancelled; less `baseline` it is the effect."""
        for cell, logits in zip(self.cells, answers(self.base, ([self.edit(cell)] for cell in self.cells), cancelled)):
            yield cell, self.metric.of(logits, self._before)

    def effects(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[tuple[SweepCell, float]]:
        """Each cell with the metric of its run less that of the base."""
        for cell, value in self.results(cancelled):
            yield cell, value - self.baseline


def _check(base: Trace, over: str, what: What) -> None:
    if over not in OVER:
        raise EditError(f"there is no sweep over {over!r}: there are {', '.join(OVER)}.")
    if not base.ids or base.complete < len(base.ids):
        raise EditError("the run is not computed yet: wait until it is complete.")
    if isinstance(what, Patch) and what.source.complete < len(what.source.ids):
        raise EditError(f"{what.title} is not computed yet: wait until it is complete.")


def _some(chosen: Sequence[int] | None, size: int, word: str) -> list[int]:
    if chosen is None:
        return list(range(size))
    for number in chosen:
        if not 0 <= number < size:
            raise EditError(f"there is no {word} {number}: they go from 0 to {size - 1}.")
    return list(chosen)


def _reached(what: What, position: int) -> bool:
    return what.reaches(position) if isinstance(what, Patch) else True
