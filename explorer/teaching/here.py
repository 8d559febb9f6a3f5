"""A run as the expressions of a text read it: positions, tokens and names as they are written there."""

from typing import Any

from explorer.analysis import lens
from explorer.edits import Edit, Zero, edited
from explorer.edits.where import Where
from explorer.errors import CellError, EditError, TraceError
from explorer.provenance.names import DRAWN
from explorer.runs import running
from explorer.runs.cells import Cell
from explorer.runs.ranking import Ranking
from explorer.runs.trace import LiveRun, Trace
from explorer.teaching.errors import FactError, NotKnownError
from explorer.walk.session import Session
from explorer.walk.text import single_token
from gpt.ops import Vector, softmax_row


class Here:
    """One session as it is at the moment: its run, and where its walk stands."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def position(self, position: int | None) -> int:
        """A position as it is meant; FactError where there is none."""
        count = len(self.session.ids)
        found = self.session.position if position is None else position + count if position < 0 else position
        if not 0 <= found < count:
            raise FactError(f"there is no position {position}: there are {count} tokens.")
        return found

    def token(self, text: str) -> int:
        """The token that a text is; FactError where it is several."""
        try:
            token = single_token(text, self.session.tokenizer)
        except TraceError as error:
            raise FactError(str(error)) from error
        if token is None:
            raise FactError(f"{text!r} is not one token of this model: try one common word. Capital letters count.")
        return token

    def full(self, name: str) -> str:
        """The whole name of an activation, that of the block at hand where only its end is given."""
        inside = f"blocks.{self.session.stage.layer or 0}.{name}"
        return inside if inside in self.session.trace.axes else name

    def cell(self, name: str, index: tuple[int, ...]) -> Cell:
        """The number of that name; CellError where there is none."""
        full = self.full(name)
        sizes = self.session.provenance.shape(full)
        if len(index) == len(sizes):
            index = tuple(i + size if i < 0 else i for i, size in zip(index, sizes))
        cell = Cell(full, index)
        self.session.provenance.check(cell)
        return cell

    def row(self, name: str, position: int | None, head: int | None = None) -> Vector:
        """A row of an activation."""
        position, full, trace = self.position(position), self.full(name), self.session.trace
        if full not in trace.axes:
            raise CellError(f"there is no activation {name!r}.")
        if trace.positions(full) <= position:
            raise NotKnownError(full)
        return list(trace.matrix(full, self.session.cursor.head if head is None else self.head(head))[position])

    def head(self, head: int) -> int:
        """A head; FactError where there is none."""
        if not 0 <= head < self.session.config.n_head:
            raise FactError(f"there is no head {head}: there are {self.session.config.n_head} in a block.")
        return head

    def ranking(self, name: str, position: int | None) -> Ranking:
        """The next tokens by probability; NotKnownError while they are not computed."""
        ranking = self.session.trace.ranking(name, self.position(position))
        if ranking is None:
            raise NotKnownError(name)
        return ranking

    def lens(self, name: str, position: int | None, answer: int | None = None) -> lens.LensCell:
        """The logit lens at a place; NotKnownError where it cannot look."""
        trace, full = self.session.trace, self.full(name)
        if not isinstance(trace, Trace) or trace.weights is None or trace.positions(full) <= self.position(position):
            raise NotKnownError(full)
        found = lens.compute(trace, full, self.position(position), lambda: False, answer)
        if found is None:
            raise NotKnownError(full)
        return found

    def step(self) -> Any:
        """The draw at the position at hand; NotKnownError where nothing is drawn."""
        step = self.session.draws.step_after(self.session.position)
        if step is None:
            raise NotKnownError(DRAWN)
        return step

    def without(self, place: Where) -> Vector:  # [V]
        """The probabilities after the last token with a place zeroed; NotKnownError without a model, or too early."""
        base = self.session.what_if.base
        if not isinstance(base, LiveRun) or base.complete < len(base.ids):
            raise NotKnownError("the answer without it")
        try:
            logits = running.last_logits(edited(base, [Edit(place, Zero())]), lambda: False)
        except EditError as error:
            raise FactError(str(error)) from error
        assert logits
        return softmax_row(logits)
