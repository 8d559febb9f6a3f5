"""All heads of the model as small patterns, each named by what it measurably does on this prompt."""

from collections.abc import Hashable, Iterator

from explorer.analysis.heads import (
    BEHAVIOURS,
    HeadScores,
    Score,
    Targets,
    label,
    moved_norms,
    score,
    targets,
    value_weighted,
)
from explorer.engine.engines import plain
from explorer.paint.spans import Line
from explorer.runs.trace import Trace
from explorer.views.heads.picture import Place, atlas
from explorer.views.view import View
from explorer.walk.session import Session
from gpt.ops import Matrix

_VALUE_WEIGHTED, _DEFINITIONS = 1, 2  # modes


class Heads(View):
    """Every head at once: which of them do something here? The chosen one follows the walk until an arrow moves it."""

    title = "Heads · what each one does with this prompt"
    modes = ("attention", "value-weighted attention", "what the scores mean")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.chosen = Place(0, 0)
        self.shown = range(0)  # the blocks that were drawn last
        self._walked: object = None  # where the walk stood when a head was last taken from it

    @property
    def weighted(self) -> bool:
        """Whether attention is to be seen times the size of what it moves."""
        return self.mode == _VALUE_WEIGHTED and not self.session.recorded

    @property
    def defining(self) -> bool:
        """Whether the definitions of the scores are to be read."""
        return self.mode == _DEFINITIONS

    def lines(self, cells: int, height: int) -> list[Line]:
        self.follow()
        return atlas(self, cells, height)

    def follow(self) -> None:
        """Take the block and the head from the walk, if it has moved."""
        cursor, layer = self.session.cursor, self.session.stage.layer
        walked = (cursor.stage_index, cursor.head)
        if walked != self._walked:
            self._walked = walked
            self.chosen = Place(self.chosen.layer if layer is None else layer, cursor.head)

    def move(self, across: int, down: int) -> None:
        self.follow()
        self.click(self.chosen.layer + down, self.chosen.head + across)

    def click(self, *numbers: int) -> None:
        layer, head = numbers
        config = self.session.config
        self.chosen = Place(max(0, min(layer, config.n_layer - 1)), max(0, min(head, config.n_head - 1)))

    def enter(self) -> bool:
        """Open the head large, in the stage of its pattern."""
        self.follow()
        cursor = self.session.cursor
        cursor.go_to_value(_pattern_of(self.chosen.layer))
        cursor.go_to_head(self.chosen.head)
        cursor.overview = False
        return True

    # What is known of the heads

    def pattern(self, place: Place) -> Matrix | None:  # [T, S]
        """What a head attends to; None while it is not computed."""
        trace, name = self.session.run, _pattern_of(place.layer)
        if not trace.positions(name):
            return None
        return self.kept((name, place.head, trace.positions(name)), lambda: plain(trace.values[name][place.head]))

    def weighted_pattern(self, place: Place) -> Matrix | None:  # [T, S]
        """The same times the length of what it moves; None while it is not computed."""
        return self._weighted().get(place)

    def scores(self, place: Place) -> HeadScores | None:
        """What a head does; None while it is not measured."""
        rows = self.session.run.positions(_pattern_of(place.layer))
        return self._found().get((place, rows))

    def heaviest(self) -> float:
        """The largest of the value-weighted attention that is known, on which all of it is measured."""
        heads = list(self._weighted().values())
        return max((max(map(max, rows)) for rows in heads if rows), default=0.0)

    def _found(self) -> dict[tuple[Place, int], HeadScores]:
        return self.kept("scores", dict)

    def _weighted(self) -> dict[Place, Matrix]:
        return self.kept("weighted", dict)

    # Work

    def wanted(self) -> Hashable:
        """Every head's scores; and, where they are looked at, the sizes of what the heads of these blocks move."""
        trace = self.session.run
        self._found()  # so that the thread finds a place for this run's results
        rows = sum(trace.positions(_pattern_of(layer)) for layer in range(self.session.config.n_layer))
        blocks = (self.shown, self.chosen.layer) if self.weighted else None
        return (trace, trace.complete, rows, blocks) if rows else None

    def work(self) -> Iterator[None]:
        """The block of the chosen head first. Another run may begin meanwhile: what is found goes where it belongs."""
        trace, found, weighted = self.session.run, self._found(), self._weighted()
        if trace is not self.session.run:
            return
        aims = {behaviour.name: targets(behaviour.name, trace.ids) for behaviour in BEHAVIOURS}
        layers = sorted(range(trace.config.n_layer), key=lambda layer: abs(layer - self.chosen.layer))
        for layer in layers:
            yield from _measure(trace, layer, aims, found)
        for layer in layers if self.weighted else ():
            if layer in self.shown or layer == self.chosen.layer:
                yield from _weigh(trace, layer, weighted)


def _measure(
    trace: Trace, layer: int, aims: dict[str, Targets], found: dict[tuple[Place, int], HeadScores]
) -> Iterator[None]:
    """The scores of the heads of one block."""
    name = _pattern_of(layer)
    rows = trace.positions(name)
    for head in range(trace.config.n_head if rows else 0):
        if (Place(layer, head), rows) not in found:
            pattern = plain(trace.values[name][head])
            scores: dict[str, Score] = {aim: score(pattern, wanted) for aim, wanted in aims.items()}
            found[Place(layer, head), rows] = HeadScores(layer, head, scores, label(scores))
            yield


def _weigh(trace: Trace, layer: int, found: dict[Place, Matrix]) -> Iterator[None]:
    """The value-weighted patterns of one block."""
    rows = trace.positions(_pattern_of(layer))
    if not rows or trace.positions(f"blocks.{layer}.attn.hook_v") < rows:
        return
    for position in range(rows):
        moved_norms(trace, layer, position)
        yield
    for head in range(trace.config.n_head):
        if Place(layer, head) not in found:
            found[Place(layer, head)] = value_weighted(trace, layer, head)
            yield


def _pattern_of(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_pattern"
