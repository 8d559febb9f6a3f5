"""Scores: why a head looks there, as a table of who wrote the query's side of q·k and who the key's."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

from explorer.analysis.score_parts import ScoreParts, score_parts
from explorer.engine.engines import plain
from explorer.errors import EditError
from explorer.paint.spans import Line, Span, wrapped
from explorer.runs.cells import Cell
from explorer.runs.trace import LiveRun, Trace
from explorer.terminal.glyphs import quoted
from explorer.terminal.text import token_at
from explorer.views.choices import Choice, Chosen, Dialog
from explorer.views.parts import guarded, scene_of
from explorer.views.scores.picture import KEY, in_words, picture
from explorer.views.scores.state import ScoreState
from explorer.views.view import View
from explorer.walk.session import Session


class ScoresView(View):
    """Key 8. The query is the token where one stands; d chooses the head and the key, v the side that enter opens."""

    title = "Scores · why this head looks there"
    modes = ("query's side", "key's side")
    remembers = 4
    looks = ("mode", "row", "column")

    def __init__(self, session: Session) -> None:
        layer = session.stage.layer
        self.layer = session.config.n_layer - 1 if layer is None else layer
        self.key: int | None = None  # None: where the head looks most
        self.row = 0
        self.column = 0
        super().__init__(session)

    @property
    def head(self) -> int:
        """The session's head: h and H change it."""
        return min(self.session.cursor.head, self.session.config.n_head - 1)

    def works(self, key: str) -> bool:
        if self.session.recorded:
            return key == "look.leave"
        if key == "look.enter":
            return self._door() is not None
        return super().works(key)

    def _door(self) -> Cell | None:
        """The first number of what wrote the chosen side; None of a sum, and of biases."""
        state = self.state()
        writer = None if state is None else state.reader(state.column) if self.mode else state.writer(state.row)
        if writer is None or not writer.cell:
            return None
        name, _, index = writer.cell.rstrip("]").partition("[")
        return Cell(name, tuple(map(int, index.split(","))))

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        if self.session.recorded:
            words = "This is a recorded run: there are no weights to split a score by."
            return wrapped(words, cells, "dim")
        if not self.questions():
            return [[Span("The run is not computed yet.", "dim")]]
        return guarded(self._lines, cells, height)

    def _lines(self, cells: int, height: int) -> list[Line]:
        state = self.state()
        scene = scene_of(self.session)
        return picture(state, cells, height) if state else scene.waiting(self.found(), cells)

    def about(self, cells: int) -> list[Line]:
        state = self.state()
        return in_words(state, self.mode, cells) if state else []

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        which, row, column = numbers
        state = self.state()
        if state is None or which == KEY or row > len(state.rows) or column > len(state.columns):
            return []
        return in_words(replace(state, row=row, column=column), self.mode, cells)

    def found(self) -> Any:
        """The answer to the question that is asked: None, an error or the table."""
        asked = self.score()
        return self.known.of(asked) if asked else None

    def state(self) -> ScoreState | None:
        """The table; None while it is not known."""
        found = self.found()
        if not isinstance(found, ScoreParts):
            return None
        row = max(0, min(self.row, len(found.rows)))
        column = max(0, min(self.column, len(found.columns)))
        return ScoreState(scene_of(self.session), found, self._weights(), row, column)

    def _weights(self) -> tuple[float, ...]:
        """Where the query looks: its row of the pattern."""
        session, name = self.session, f"blocks.{self.layer}.attn.hook_pattern"
        return tuple(plain(session.run.values[name][self.head][session.position])[: session.position + 1])

    # Questions

    def questions(self) -> list[Hashable]:
        """The table of one score."""
        asked = self.score()
        return [asked] if asked else []

    def score(self) -> tuple[int, int, int, int] | None:
        """The block, the head, the query and the key; None while they are not computed."""
        session, position = self.session, self.session.position
        if session.recorded or session.run.positions(f"blocks.{self.layer}.attn.hook_pattern") <= position:
            return None
        weights = self._weights()
        most = max(range(len(weights)), key=weights.__getitem__)
        key = most if self.key is None else min(self.key, position)
        return self.layer, self.head, position, key

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[ScoreParts]:
        if isinstance(run, LiveRun):
            yield score_parts(run, *question)

    # The keys

    def move(self, across: int, down: int) -> None:
        state = self.state()
        if state is None:
            return
        self.row = max(0, min(state.row + down, len(state.rows)))
        self.column = max(0, min(state.column + across, len(state.columns)))

    def click(self, *numbers: int) -> None:
        which, row, column = numbers
        if which == KEY:
            self.key = row
        else:
            self.row, self.column = row, column

    def enter(self) -> bool:
        """Go to the first number of what wrote the chosen side."""
        door = self._door()
        if door:
            self.session.go_to(door)
        return door is not None


class ScoresDialog(Dialog):
    """The head, and the key that it looks at."""

    def lines(self) -> list[Choice]:
        view: ScoresView = self.view
        asked = view.score()
        if asked is None:
            return []
        labels = view.session.labels()
        tokens = tuple(token_at(place, labels) for place in range(asked[2] + 1))
        return [
            Choice("head", "head", text=f"{view.layer}.{view.head}"),
            Choice("key", "looks at", ("most", *tokens), 0 if view.key is None else asked[3] + 1),
        ]

    def take(self, chosen: Chosen) -> None:
        view: ScoresView = self.view
        layer, head = read_head(view.session, str(chosen["head"]))
        view.layer, view.key = layer, int(chosen["key"]) - 1 if chosen["key"] else None
        view.session.cursor.go_to_head(head)


ScoresView.dialog = ScoresDialog


def read_head(session: Session, text: str) -> tuple[int, int]:
    """A head by its name, "5.2": its block and its number; EditError where there is none."""
    parts, config = text.strip().split("."), session.config
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
        raise EditError(f"{quoted(text)} names no head: type its block and its number, such as 5.2.")
    layer, head = map(int, parts)
    if layer >= config.n_layer or head >= config.n_head:
        raise EditError(
            f"there is no head {layer}.{head}: this model has {config.n_layer} blocks of {config.n_head} heads, "
            "counted from 0."
        )
    return layer, head
