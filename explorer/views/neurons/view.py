"""Which neurons fired and wrote most; for one of them where in the prompt it fires, and what it promotes."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from enum import Enum
from typing import Any

from explorer.analysis import neurons
from explorer.analysis.neurons import Neuron
from explorer.paint.spans import Line
from explorer.runs.cells import Cell
from explorer.runs.trace import Trace
from explorer.views.neurons.picture import LAYER, PROMOTED, in_words, picture
from explorer.views.neurons.state import NeuronsState
from explorer.views.parts import ROW, guarded, scene_of
from explorer.views.view import View
from explorer.walk.session import Session
from gpt import GPTError

_LISTED = 100


class _Asked(Enum):
    """The questions of this view; the first two are its modes."""

    FIRED = 0
    WROTE = 1
    EFFECTS = 2


class NeuronsView(View):
    """Key 4. Its cursor is a neuron of the list; left and right choose the block, or all of them."""

    title = "Neurons · which fired, and what they promote"
    modes = ("fired most", "wrote most")
    looks = ("mode", "layer", "row")
    taken_from_the_walk = ("layer",)
    may_be_none = ("layer",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.layer: int | None = None  # None: all blocks
        self._block: int | None = -1  # where the session's cursor was when last looked
        self.row = 0

    def follow(self, cells: int, height: int) -> None:
        self.follow_walk()

    def follow_walk(self) -> None:
        """Take the block from the walk, if it has moved to another."""
        if self._block != self.session.stage.layer:
            self._block = self.layer = self.session.stage.layer

    # What is asked

    def questions(self) -> list[Hashable]:
        """The list, and what the chosen one does to the vocabulary."""
        session, config = self.session, self.session.config
        layers = range(config.n_layer) if self.layer is None else (self.layer,)
        if not all(session.run.positions(f"blocks.{i}.mlp.hook_post") > session.position for i in layers):
            return []
        chosen = self.chosen()
        effects = [(_Asked.EFFECTS, chosen.layer, chosen.index)] if chosen and not session.recorded else []
        return [self._list(), *effects]

    def _list(self) -> tuple[Hashable, ...]:
        return _Asked(self.mode), self.session.position, self.layer

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        match question:
            case _Asked.EFFECTS, layer, index:
                yield neurons.effects(run, layer, index, PROMOTED)
            case _Asked.FIRED, position, layer:
                yield neurons.fired(run, position, layer, _LISTED)
            case _, position, layer:
                yield neurons.wrote(run, position, layer, _LISTED)

    def listed(self) -> list[Neuron]:
        """The neurons, the first ones first; none while they are not known."""
        found = self.known.of(self._list())
        return found if isinstance(found, list) else []

    def chosen(self) -> Neuron | None:
        found = self.listed()
        return found[min(self.row, len(found) - 1)] if found else None

    # The cursor

    def move(self, across: int, down: int) -> None:
        self.follow_walk()
        layer = -1 if self.layer is None else self.layer
        there = max(-1, min(layer + across, self.session.config.n_layer - 1))
        if there != layer:
            self.layer, self.row = (None if there < 0 else there), 0
        self.row = max(0, min(self.row + down, len(self.listed()) - 1))

    def next_mode(self) -> None:
        super().next_mode()
        self.row = 0

    def click(self, *numbers: int) -> None:
        which, chosen = numbers
        if which == LAYER:
            self.follow_walk()
            self.layer, self.row = (chosen - 1 if chosen else None), 0
        else:
            self.row = chosen

    def enter(self) -> bool:
        """The session's cursor on its activation; the list stays as it is."""
        self.follow_walk()
        chosen = self.chosen()
        if chosen is None:
            return False
        self.session.go_to(Cell(f"blocks.{chosen.layer}.mlp.hook_post", (self.session.position, chosen.index)))
        self._block = self.session.stage.layer
        return True

    # The picture

    def state(self) -> NeuronsState:
        """Everything that is known by now."""
        found = self.known.of(self._list()) if self.questions() else None
        chosen = self.chosen()
        return NeuronsState(
            scene_of(self.session),
            self.mode,
            self.modes[self.mode],
            self.layer,
            found,
            self.row,
            self._activations(chosen) if chosen else (),
            self.known.of((_Asked.EFFECTS, chosen.layer, chosen.index)) if chosen else None,
        )

    def lines(self, cells: int, height: int) -> list[Line]:
        return guarded(lambda cells, height: picture(self.state(), cells, height), cells, height)

    def about(self, cells: int) -> list[Line]:
        return guarded(lambda cells, height: in_words(self.state(), cells), cells, 2)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        which, row = numbers
        listed = self.listed()
        if which != ROW or row >= len(listed):
            return []
        state = replace(self.state(), row=row, activations=self._activations(listed[row]))
        return guarded(lambda cells, height: in_words(state, cells), cells, 2)

    def _activations(self, neuron: Neuron) -> list[float]:
        """The activation at every token; none where that is not known."""
        try:
            return neurons.activations(self.session.run, neuron.layer, neuron.index)[: len(self.session.ids)]
        except GPTError:
            return []
