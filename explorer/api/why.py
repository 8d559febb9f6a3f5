"""Why a number of a run has its value: its terms, and the doors behind them."""

import re
from typing import TYPE_CHECKING

from explorer.errors import CellError
from explorer.paint import explained
from explorer.provenance.explanation import Explanation
from explorer.provenance.names import axes_of
from explorer.runs.cells import Cell
from explorer.walk.session import Session

if TYPE_CHECKING:
    from explorer.api.run import Run

_CELL = re.compile(r"\s*([\w.]+)\s*\[(.*)\]\s*", re.DOTALL)
_INDEX = re.compile(r"\s*(?:(-?\d+)|'([^']*)'|\"([^\"]*)\")\s*(?:,|$)")
_SHOWN = explained.Shown(8)
_COLUMNS = 110


class Why:
    """A number, and the terms that it is the sum of; `why[0]` goes through the door of the largest."""

    def __init__(self, session: Session, explanation: Explanation) -> None:
        self._session, self._explanation = session, explanation

    @property
    def cell(self) -> str:
        """The number's name."""
        return str(self._explanation.cell)

    @property
    def value(self) -> float:
        """The number."""
        assert self._explanation.value is not None
        return self._explanation.value

    @property
    def terms(self) -> list[tuple[float | None, str]]:
        """The terms, the largest first: each with the number that its door leads to ("" where it has none)."""
        return [(term.value, str(term.at) if term.at else "") for term in self._explanation.ranked]

    def __len__(self) -> int:
        return len(self._explanation.terms)

    def __getitem__(self, term: int) -> "Why":
        """Through the door of a term, the largest being 0; CellError where there is none."""
        if not 0 <= term < len(self):
            raise CellError(f"there is no term {term}: {self.cell} has {len(self)}, counted from 0.")
        at = self._explanation.ranked[term].at
        if at is None:
            raise CellError(f"term {term} of {self.cell} was made of no other number.")
        return Why(self._session, explained.explanation_of(self._session, at, _SHOWN))

    def __repr__(self) -> str:
        return "\n".join(explained.lines(self._session, self._explanation, _SHOWN, _COLUMNS))


def why(run: "Run", cell: str) -> Why:
    """The explanation of a number of a run."""
    session = session_of(run)
    return Why(session, explained.explanation_of(session, parse(run, session, cell), _SHOWN))


def session_of(run: "Run") -> Session:
    """A walk through the run, as the screen has it."""
    session = Session(run.model.model, run.model.tokenizer)
    session.begin(run.trace, run.text)
    return session


def parse(run: "Run", session: Session, text: str) -> Cell:
    """The cell that a text names: indices below zero count from the end, a token may stand as its text in quotes."""
    found = _CELL.fullmatch(text)
    if not found:
        raise CellError(f"{text!r} names no number: give a name and an index, such as \"logits[-1, ' Lily']\".")
    name, rest = found.groups()
    index: list[int | str] = []
    while rest:
        part = _INDEX.match(rest)
        if not part:
            raise CellError(f"{text!r} has an index that cannot be read: give numbers, or a token in quotes.")
        number, single, double = part.groups()
        index.append(int(number) if number else single if single is not None else double)
        rest = rest[part.end() :]
    shape = session.provenance.shape(name)  # CellError, with the name that was meant, where there is none
    letters = axes_of(name, run.trace.axes)
    counted = [_counted(run, part, place, shape, letters, text) for place, part in enumerate(index)]
    cell = Cell(name, tuple(counted))
    session.provenance.check(cell)
    return cell


def _counted(run: "Run", part: int | str, place: int, shape: tuple[int, ...], letters: str, text: str) -> int:
    if isinstance(part, str):
        if letters[place : place + 1] != "V":
            raise CellError(f"{text!r} names a token where a number is wanted: only the vocabulary has texts.")
        return run.model.token(part)
    return part + shape[place] if part < 0 and place < len(shape) else part
