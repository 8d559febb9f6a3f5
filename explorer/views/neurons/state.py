"""The view of the neurons at one moment: all that its picture is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.analysis.neurons import Neuron
from explorer.views.parts import Scene

WROTE = 1
"""The mode in which the neurons are listed by the length of what they wrote."""


@dataclass(frozen=True)
class NeuronsState:
    """The list, and what is known of the chosen neuron."""

    scene: Scene
    mode: int
    heading: str  # the mode in words
    layer: int | None  # None: all blocks
    found: Any  # the list; None or an error where it is not there
    row: int
    activations: Sequence[float]  # of the chosen neuron at every token; none where they are not known
    effects: Any  # what the chosen neuron does to the vocabulary; None or an error where that is not known

    @property
    def listed(self) -> list[Neuron]:
        return self.found if isinstance(self.found, list) else []

    @property
    def chosen(self) -> Neuron | None:
        listed = self.listed
        return listed[min(self.row, len(listed) - 1)] if listed else None
