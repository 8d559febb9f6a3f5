"""The logit lens: what the model would say if it stopped early, layer by layer and token by token."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from heapq import nlargest
from math import isnan
from typing import NamedTuple

from explorer.analysis.lens import LensCell, LensRow, Loss, compute, loss, read, rows, settled, surprise
from explorer.paint.spans import Line
from explorer.runs.trace import Trace
from explorer.views.lens.table import table
from explorer.views.view import View
from explorer.walk.session import Session
from gpt import GPTError
from gpt.ops import softmax_row

_MOST = 24  # tokens in the list of a cell


class Likely(NamedTuple):
    """One of the tokens that a cell would say."""

    token: int
    probability: float


class Lens(View):
    """A column for every token, a row for every place to read: when did it know? The column is the walk's position."""

    title = "Lens · what it would say if it stopped there"
    modes = ("colour: probability", "colour: entropy", "colour: rank of the answer")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: tuple[LensRow, ...] = rows(session.config.n_layer)
        self.row = len(self.rows) - 1  # the chosen one; the first is the embeddings
        self.columns = range(0)  # those that were drawn last
        self.failure = ""  # why a cell could not be computed
        self._walked: object = None  # where the walk stood when the row was last taken from it

    def lines(self, cells: int, height: int) -> list[Line]:
        self.follow()
        return table(self, cells, height)

    def follow(self) -> None:
        """Take the row from the walk, if it has moved to a stage with a residual stream."""
        walked = self.session.cursor.stage_index
        if walked != self._walked:
            self._walked = walked
            names = [row.name for row in self.rows]
            residual = self.session.stage.residual
            if residual in names:
                self.row = names.index(residual)

    def move(self, across: int, down: int) -> None:
        """The last row is on top, so that the way up is the model's way."""
        self.follow()
        self.session.cursor.move_position(across)
        self._choose(self.row - down)

    def click(self, *numbers: int) -> None:
        row, position = numbers
        self.session.cursor.go_to_position(position)
        self._choose(row)

    def _choose(self, row: int) -> None:
        self.row = max(0, min(row, len(self.rows) - 1))

    def enter(self) -> bool:
        """Go to the stage at which the residual stream is what this cell reads."""
        self.follow()
        return self.session.cursor.go_to_value(self.rows[self.row].name)

    # What is known of the cells

    def cell(self, row: int, position: int) -> LensCell | None:
        """What is in a cell; None while it is not computed."""
        return self._known().cells.get((self.rows[row].name, position))

    def settled(self, position: int) -> int | None:
        """From which row on the answer stays; None while that is not known."""
        return settled([self.cell(row, position) for row in range(len(self.rows))])

    def likely(self) -> Sequence[Likely]:
        """What the chosen cell would say, the likeliest first; none while it is not computed."""
        return self._known().likely.get((self.rows[self.row].name, self.session.position), ())

    def surprise(self, position: int) -> float | None:
        """How many bits the token there was worth; None for the first, and while it is not computed."""
        return self._known().bits.get(position)

    def loss(self) -> Loss | None:
        """How badly the prompt was predicted as a whole; None while not every token is known."""
        trace = self.session.run
        return loss(trace) if len(self._known().bits) == len(trace.ids) - 1 else None

    def _known(self) -> "_Known":
        return self.kept("known", _Known)

    # Work

    def wanted(self) -> Hashable:
        """The cells that are on the screen."""
        self._known()  # so that the thread finds a place for this run's results
        return self._asked()

    def _asked(self) -> Hashable:
        trace = self.session.run
        if not trace.positions("logits"):
            return None
        return trace, trace.complete, trace.positions("logits"), self.columns, self.row, self.session.position

    def work(self) -> Iterator[None]:
        """The column of the cursor, then the others on the screen, the nearest first; then what is not on it."""
        asked, trace, known = self._asked(), self.session.run, self._known()

        def changed() -> bool:
            return self._asked() != asked

        self.failure = ""
        try:
            for _ in self._fill(trace, known, changed):
                yield
                if changed():
                    return
        except GPTError as error:  # numbers that overflowed, for instance
            if not changed():
                self.failure = str(error)

    def _fill(self, trace: Trace, known: "_Known", changed: Callable[[], bool]) -> Iterator[None]:
        here = self.session.position
        columns = sorted({here, *self.columns}, key=lambda column: abs(column - here))
        self._list(trace, known, changed)
        yield
        yield from self._column(trace, known, here, changed)
        yield from _surprises(trace, known, columns)
        for column in columns:
            yield from self._column(trace, known, column, changed)
        yield from _surprises(trace, known, range(len(trace.ids)))

    def _list(self, trace: Trace, known: "_Known", changed: Callable[[], bool]) -> None:
        """What the chosen cell would say."""
        name, position = place = self.rows[self.row].name, self.session.position
        readable = name == trace.last_residual or not self.session.recorded
        if place in known.likely or not readable:
            return
        logits = read(trace, name, position, changed)
        if logits is not None and not any(map(isnan, logits)):
            probabilities = softmax_row(logits)
            best = nlargest(_MOST, range(len(logits)), key=lambda token: (logits[token], -token))
            known.likely[place] = [Likely(token, probabilities[token]) for token in best]

    def _column(self, trace: Trace, known: "_Known", position: int, changed: Callable[[], bool]) -> Iterator[None]:
        """The cells of a position, from the end down: so it is known soonest since when the answer stays."""
        for row in self.rows[-1:] if self.session.recorded else self.rows[::-1]:
            if (row.name, position) not in known.cells:
                found = compute(trace, row.name, position, changed)
                if found:
                    known.cells[row.name, position] = found
                yield


class _Known:
    """What has been computed of one run. The screen reads here only: it must not wait for a vocabulary's softmax."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, int], LensCell] = {}
        self.likely: dict[tuple[str, int], Sequence[Likely]] = {}
        self.bits: dict[int, float] = {}


def _surprises(trace: Trace, known: _Known, positions: Iterable[int]) -> Iterator[None]:
    for position in positions:
        if position not in known.bits:
            bits = surprise(trace, position)
            if bits is not None:
                known.bits[position] = bits
            yield
