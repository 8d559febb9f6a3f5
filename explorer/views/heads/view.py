"""All heads of the model as small patterns, each named by what it measurably does on this prompt."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from explorer.analysis.heads import HeadScores, head_scores, moved_norms, value_weighted
from explorer.engine.engines import plain
from explorer.paint.spans import Line
from explorer.runs.trace import Trace
from explorer.views.heads.chosen import in_words
from explorer.views.heads.picture import atlas, blocks_shown
from explorer.views.heads.small_patterns import Extent, Levels, levels
from explorer.views.heads.state import Head, HeadsState
from explorer.views.parts import scene_of
from explorer.views.view import View
from explorer.walk.session import Session
from gpt.ops import Matrix

_VALUE_WEIGHTED, _DEFINITIONS = 1, 2  # modes
_SCORES, _WEIGHTED = "scores", "weighted"  # questions


class HeadsView(View):
    """Every head at once: which of them do something here? The chosen one follows the walk until an arrow moves it."""

    title = "Heads · what each one does with this prompt"
    modes = ("attention", "value-weighted", "what scores mean")
    looks = ("mode", "chosen")
    taken_from_the_walk = ("chosen",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.chosen = Head(0, 0)
        self._shown = range(0)  # the blocks for which there is room
        self._walked: object = None  # where the walk stood when a head was last taken from it

    @property
    def weighted(self) -> bool:
        """Whether attention is to be seen times the size of what it moves."""
        return self.mode == _VALUE_WEIGHTED and not self.session.recorded

    def follow(self, cells: int, height: int) -> None:
        self.follow_walk()
        self._shown = blocks_shown(self.state(), cells, height)

    def follow_walk(self) -> None:
        """Take the block and the head from the walk, if it has moved."""
        cursor, layer = self.session.cursor, self.session.stage.layer
        walked = (cursor.stage_index, cursor.head)
        if walked != self._walked:
            self._walked = walked
            self.chosen = Head(self.chosen.layer if layer is None else layer, cursor.head)

    def lines(self, cells: int, height: int) -> list[Line]:
        return atlas(self.state(), cells, height)

    def about(self, cells: int) -> list[Line]:
        return in_words(self.state(), cells)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        return in_words(replace(self.state(), chosen=Head(*numbers)), cells)

    def state(self) -> HeadsState:
        """Everything that is known by now."""
        return HeadsState(
            scene_of(self.session),
            self.chosen,
            self.weighted,
            self.mode == _DEFINITIONS,
            self.wanted() is not None,
            self._by_head(_SCORES),
            _Patterns(self),
            self._by_head(_WEIGHTED),
            self._dots,
        )

    def _dots(self, head: Head, rows: Matrix, part: Extent, largest: float) -> Levels:
        """A pattern drawn small: of a long prompt that takes longer than a frame, so it is kept."""
        key = ("dots", head, id(rows), part, largest)
        return self.known.kept(key, lambda: (rows, levels(rows, part, largest)))[1]  # the rows live as long as their id

    def _by_head(self, what: str) -> dict[Head, Any]:
        """The answers of that kind about all blocks, as far as they are known."""
        layers = range(self.session.config.n_layer)
        known = [(layer, self.known.of((what, layer, self._rows(layer)))) for layer in layers]
        return {Head(layer, head): answer for layer, found in known for head, answer in (found or {}).items()}

    def _rows(self, layer: int) -> int:
        """For how many positions the patterns of a block are known."""
        return self.session.run.positions(_pattern_of(layer))

    def move(self, across: int, down: int) -> None:
        self.follow_walk()
        self.click(self.chosen.layer + down, self.chosen.head + across)

    def click(self, *numbers: int) -> None:
        layer, head = numbers
        config = self.session.config
        self.chosen = Head(max(0, min(layer, config.n_layer - 1)), max(0, min(head, config.n_head - 1)))

    def enter(self) -> bool:
        """Open the head large, in the stage of its pattern."""
        self.follow_walk()
        cursor = self.session.cursor
        cursor.go_to_value(_pattern_of(self.chosen.layer))
        cursor.go_to_head(self.chosen.head)
        cursor.overview = False
        return True

    # Questions

    def questions(self) -> list[Hashable]:
        """Every block's scores; and, where they are looked at, the sizes of what the heads of the shown blocks move."""
        run, chosen = self.session.run, self.chosen.layer
        layers = sorted(range(run.config.n_layer), key=lambda layer: abs(layer - chosen))
        asked: list[Hashable] = [(_SCORES, layer, self._rows(layer)) for layer in layers if self._rows(layer)]
        for layer in layers if self.weighted else ():
            rows = self._rows(layer)
            if (
                rows
                and run.positions(f"blocks.{layer}.attn.hook_v") >= rows
                and (layer in self._shown or layer == chosen)
            ):
                asked.append((_WEIGHTED, layer, rows))
        return asked

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[dict[int, Any]]:
        """The heads of one block, by number, one after the other."""
        what, layer, rows = question
        known = dict(self.known.of(question) or {})
        return _measure(run, layer, known) if what == _SCORES else _weigh(run, layer, rows, known)


class _Patterns(Mapping[Head, Matrix]):
    """The patterns that are computed, each brought into lists when it is first drawn."""

    def __init__(self, view: HeadsView) -> None:
        self._view = view
        self._run = view.session.run

    def __getitem__(self, head: Head) -> Matrix:
        name = _pattern_of(head.layer)
        if not (rows := self._run.positions(name)):
            raise KeyError(head)
        return self._view.known.kept((name, head.head, rows), lambda: plain(self._run.values[name][head.head]))

    def __iter__(self) -> Iterator[Head]:
        config = self._run.config
        layers = [layer for layer in range(config.n_layer) if self._run.positions(_pattern_of(layer))]
        return (Head(layer, head) for layer in layers for head in range(config.n_head))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _measure(run: Trace, layer: int, found: dict[int, HeadScores]) -> Iterator[dict[int, HeadScores]]:
    """The scores of the heads of one block."""
    missing = [head for head in range(run.config.n_head) if head not in found]
    for measured in head_scores(run, layer, missing):
        found = {**found, measured.head: measured}
        yield found


def _weigh(run: Trace, layer: int, rows: int, found: dict[int, Matrix]) -> Iterator[dict[int, Matrix]]:
    """The value-weighted patterns of one block."""
    for position in range(rows):
        moved_norms(run, layer, position)
        yield found
    for head in range(run.config.n_head):
        if head not in found:
            found = {**found, head: value_weighted(run, layer, head)}
            yield found


def _pattern_of(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_pattern"
