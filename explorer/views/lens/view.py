"""The logit lens: what the model would say if it stopped early, layer by layer and token by token."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from heapq import nlargest
from math import isnan
from typing import Any

from explorer.analysis.lens import AT_ONCE, LensCell, LensRow, compute, loss, read, rows, surprise
from explorer.paint.spans import Line
from explorer.runs.trace import Trace
from explorer.views.lens.cell import in_words
from explorer.views.lens.state import CURVE, LensState, Likely
from explorer.views.lens.table import columns_shown, table
from explorer.views.parts import scene_of
from explorer.views.view import View
from explorer.walk.session import Session
from gpt import GPTError, InputError
from gpt.ops import Vector, softmax_row

_MOST = 24  # tokens in the list of a cell
_LIKELY, _CELL, _SURPRISE, _WAY = "likely", "cell", "surprise", "way"  # questions


class LensView(View):
    """A column for every token, a row for every place to read: when did it know? The column is the walk's position."""

    title = "Lens · what it would say if it stopped there"
    modes = ("probability", "entropy", "rank of the answer", "one token's way")

    looks = ("mode", "row", "token")
    taken_from_the_walk = ("row",)
    may_be_none = ("token",)
    asks_briefly = "another token"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: tuple[LensRow, ...] = rows(session.config.n_layer)
        self.row = len(self.rows) - 1  # the chosen one; the first is the embeddings
        self.columns = range(0)  # those for which there is room
        self.token: int | None = None  # the one that is followed through the layers; None: the answer
        self._walked: object = None  # where the walk stood when the row was last taken from it

    @property
    def asks(self) -> str:  # type: ignore[override]
        """A token to follow, where one is followed."""
        return "A token, to follow through the layers (empty: the answer)" if self.mode == CURVE else ""

    def begins_with(self) -> str:
        token = self.followed()
        return "" if token is None else self.session.tokenizer.decode([token])

    def follow(self, cells: int, height: int) -> None:
        self.follow_walk()
        self.columns = columns_shown(self.state(), cells, height)

    def follow_walk(self) -> None:
        """Take the row from the walk, if it has moved to a stage with a residual stream."""
        walked = self.session.cursor.stage_index
        if walked != self._walked:
            self._walked = walked
            names = [row.name for row in self.rows]
            residual = self.session.stage.residual
            if residual in names:
                self.row = names.index(residual)

    def lines(self, cells: int, height: int) -> list[Line]:
        return table(self.state(), cells, height)

    def about(self, cells: int) -> list[Line]:
        return in_words(self.state(), cells)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        row, position = numbers
        state = self.state()
        if row >= len(self.rows) or position >= len(state.scene.ids):
            return []
        return in_words(replace(state, row=row, scene=replace(state.scene, position=position)), cells)

    def followed(self) -> int | None:
        """The token that is followed: the one that was chosen, else the answer; None while that is not known."""
        if self.token is not None:
            return self.token
        last = self.cell(len(self.rows) - 1, self.session.position)
        return last.answer if last else None

    def _way(self) -> list[LensCell | None]:
        """The followed token after every part, as far as it is known."""
        position, token = self.session.position, self.followed()
        if self.token is None:
            return [self.cell(row, position) for row in range(len(self.rows))]
        found = [self.known.of((_WAY, row.name, position, token)) for row in self.rows]
        return [cell if isinstance(cell, LensCell) else None for cell in found]

    def state(self) -> LensState:
        """Everything that is known by now."""
        run, position = self.session.run, self.session.position
        known, numbers = self.known.all(), {row.name: number for number, row in enumerate(self.rows)}
        cells = {
            (numbers[cell.name], cell.position): cell
            for question, cell in known.items()
            if question[0] == _CELL and isinstance(cell, LensCell)
        }
        bits = {question[1]: found for question, found in known.items() if _is_surprise(question, found)}
        likely = known.get((_LIKELY, self.rows[self.row].name, position))
        errors = [known[question] for question in self.questions() if isinstance(known.get(question), GPTError)]
        return LensState(
            scene_of(self.session),
            self.rows,
            self.row,
            self.mode,
            str(errors[0]) if errors else "",
            run.positions("logits") > position,
            cells,
            likely if isinstance(likely, list) else (),
            bits,
            loss(run) if len(bits) == len(run.ids) - 1 else None,
            self.followed(),
            self._way(),
        )

    def cell(self, row: int, position: int) -> LensCell | None:
        """The tokens that a cell would say; None while it is not computed."""
        found = self.known.of((_CELL, self.rows[row].name, position))
        return found if isinstance(found, LensCell) else None

    # The cursor

    def move(self, across: int, down: int) -> None:
        """Across the tokens, and down through the layers; along a curve through the layers, and down its tokens."""
        self.follow_walk()
        if self.mode == CURVE:
            self.row = within(self.row + across, self.rows)
            self._follow_another(down)
        else:
            self.session.cursor.move_position(across)
            self.row = within(self.row + down, self.rows)

    def _follow_another(self, down: int) -> None:
        """Another of the tokens that are the likeliest somewhere in this column; the answer is the first of them."""
        position = self.session.position
        order = self.session.run.order(position)
        if not order or not down:
            return
        cells = [self.cell(row, position) for row in reversed(range(len(self.rows)))]
        tokens = list(dict.fromkeys([order[0], *(cell.token for cell in cells if cell), *order[1:5]]))
        at = tokens.index(self.token) if self.token in tokens else 0
        chosen = tokens[max(0, min(at + down, len(tokens) - 1))]
        self.token = None if chosen == order[0] else chosen

    def take(self, text: str) -> None:
        """The token to follow; without any, the answer."""
        if not text:
            self.token = None
            return
        ids = self.session.tokenizer.encode(text)
        if len(ids) != 1:
            raise InputError(f"that is {len(ids)} tokens to this model: type one (most begin with a space).")
        self.token = ids[0]

    def click(self, *numbers: int) -> None:
        row, position = numbers
        self.session.cursor.go_to_position(position)
        self.row = within(row, self.rows)

    def enter(self) -> bool:
        """Go to the stage at which the residual stream is what this cell reads."""
        self.follow_walk()
        return self.session.cursor.go_to_value(self.rows[self.row].name)

    # Questions

    def questions(self) -> list[Hashable]:
        """The column of the cursor, then the others that are shown, the nearest first; then what else surprised."""
        run, here, recorded = self.session.run, self.session.position, self.session.recorded
        if not run.positions("logits"):
            return []
        columns = sorted({here, *self.columns}, key=lambda column: abs(column - here))
        readable = self.rows[-1:] if recorded else self.rows[::-1]  # the end first: since when does the answer stay?
        cells = {column: [(_CELL, row.name, column) for row in readable] for column in columns}
        chosen = self.rows[self.row]
        return [
            *([(_LIKELY, chosen.name, here)] if chosen in readable else []),
            *cells.pop(here),
            *((_WAY, row.name, here, self.token) for row in readable if self.token is not None),
            *((_SURPRISE, column) for column in columns if column),
            *(cell for column in cells.values() for cell in column),
            *((_SURPRISE, column) for column in range(1, len(run.ids)) if column not in columns),
        ]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        match question:
            case (kind, name, position) if kind == _LIKELY:
                logits = read(run, name, position, cancelled)
                if logits is not None and not any(map(isnan, logits)):
                    yield _likeliest(logits)
            case (kind, name, position, token) if kind == _WAY:
                cell = compute(run, name, position, cancelled, token, partial(_ahead, self, question))
                if cell:
                    yield cell
            case (kind, name, position) if kind == _CELL:
                cell = compute(run, name, position, cancelled, ahead=partial(_ahead, self, question))
                if cell:
                    yield cell
            case _:
                bits = surprise(run, question[1])
                if bits is not None:
                    yield bits


def _ahead(view: LensView, question: Any) -> list[tuple[str, int]]:
    """The places of the next questions of this kind: first those of the column of the cursor, then many at once."""
    kind, _, position = question[:3]
    here = view.session.position
    questions: list[Any] = [asked for asked in list[Any](view.questions()) if asked[0] == kind]
    places = [(asked[1], asked[2]) for asked in questions if (asked[2] == here) == (position == here)]
    start = places.index(question[1:3]) if question[1:3] in places else 0
    return places if position == here else places[start : start + AT_ONCE]


def _is_surprise(question: Any, answer: Any) -> bool:
    return question[0] == _SURPRISE and isinstance(answer, float)


def _likeliest(logits: Vector) -> list[Likely]:  # [V]
    probabilities = softmax_row(logits)
    best = nlargest(_MOST, range(len(logits)), key=lambda token: (logits[token], -token))
    return [Likely(token, probabilities[token]) for token in best]


def within(row: int, rows: Sequence[LensRow]) -> int:
    """A row that there is: past the ends the first, the last."""
    return max(0, min(row, len(rows) - 1))
