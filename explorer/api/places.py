"""Places of the model, and what can be done there: `gx.head(3, 3).zero()` is an edit that `run.edit` takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explorer.analysis.compare import END, align
from explorer.edits import Cut, Edit, Mean, Patch, Scale, Set, What, Zero, where
from explorer.edits.steering import Steering
from explorer.edits.values import MeanOver, Replace
from explorer.edits.where import Where
from explorer.errors import UsageError
from explorer.runs.trace import Trace
from gpt import GPTConfig

if TYPE_CHECKING:
    from explorer.api.run import Run

At = int | Sequence[int] | None
"""A position, several, or None for all; counted from 0."""


@dataclass(frozen=True)
class PlannedEdit:
    """An edit that is not of a run yet; `run.edit` makes it."""

    place: "Place"
    words: str
    make: Callable[[Trace], What] = field(repr=False)

    def of(self, trace: Trace) -> Edit:
        """The edit as this run has it."""
        return Edit(self.place.find(trace.config), self.make(trace))

    def __repr__(self) -> str:
        return f"{self.place.title}: {self.words}"


@dataclass(frozen=True)
class Place:
    """A place of the model: a head, a neuron, an MLP, a block, an edge, or any part of an activation."""

    title: str
    find: Callable[[GPTConfig], Where] = field(repr=False)

    def __repr__(self) -> str:
        return self.title

    def zero(self) -> PlannedEdit:
        """Zero in the place of every number."""
        return self._edit(Zero())

    def scale(self, factor: float) -> PlannedEdit:
        """Every number times a factor."""
        return self._edit(Scale(factor))

    def set(self, value: Any) -> PlannedEdit:
        """One number for all, or an array of the whole activation's shape; EditError where the shape is another."""
        single = isinstance(value, int | float) or getattr(value, "shape", None) == ()
        return self._edit(Set(float(value)) if single else Replace(value))

    def mean(self, over: "Sequence[Run] | None" = None) -> PlannedEdit:
        """Its mean over the positions of the run that is edited, or over those of other runs."""
        return self._edit(Mean() if over is None else MeanOver(tuple(run.trace for run in over)))

    def patch(self, source: "Run", align_at: str = END) -> PlannedEdit:
        """Its value in another run, aligned with this one at the end or at the beginning."""
        title = f"“{source.text}”"
        return PlannedEdit(
            self,
            f"from {title}",
            lambda base: Patch(source.trace, title, align(base, source.trace, align_at).shift),
        )

    def add(self, direction: Steering, strength: float = 1.0) -> PlannedEdit:
        """A direction, times a strength, at a place of the residual stream: steering."""
        return self._edit(direction.add(strength))

    def cut(self) -> PlannedEdit:
        """No attention along an edge: softmax gives it nothing, and the others share it."""
        return self._edit(Cut())

    def _edit(self, what: What) -> PlannedEdit:
        return PlannedEdit(self, what.words, lambda base: what)


def _place(found: Where) -> Place:
    return Place(found.title or found.places[0].name, lambda config: found)


def head(layer: int, head: int, at: At = None) -> Place:
    """One head, at its z: what it mixes of the values."""
    return _place(where.head(layer, head, at))


def mlp(layer: int, at: At = None) -> Place:
    """The output of a whole MLP."""
    return _place(where.mlp(layer, at))


def neuron(layer: int, neuron: int, at: At = None) -> Place:
    """One neuron of an MLP, after its activation."""
    return _place(where.neuron(layer, neuron, at))


def block(layer: int, at: At = None) -> Place:
    """The outputs of a block's attention and of its MLP."""
    return _place(where.block(layer, at))


def activation(name: str, *index: int | Sequence[int] | None) -> Place:
    """Any part of any activation: a number for each axis, several, or None for all."""
    return _place(where.activation(name, *index))


def edge(query: int, key: int, layer: int | None = None, head: int | None = None) -> Place:
    """The attention of a position to an earlier one: in one head, in all of a block, or in all blocks."""
    if layer is None and head is not None:
        raise UsageError("a head needs its layer: edge(query, key, layer, head).")
    return Place(f"{query} → {key}", lambda config: where.edge(config, query, key, layer, head))


__all__ = ["At", "Place", "PlannedEdit", "activation", "block", "edge", "head", "mlp", "neuron"]
