"""The view of a score at one moment: all that its picture is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from explorer.analysis.score_parts import ScoreParts, Writer
from explorer.views.parts import Scene


@dataclass(frozen=True)
class ScoreState:
    """The table of one score, its rows and columns in the order of their sizes; the first of each adds all up."""

    scene: Scene
    parts: ScoreParts
    weights: tuple[float, ...]  # where the query looks: a row of the pattern
    row: int
    column: int

    @cached_property
    def rows(self) -> list[int]:
        """The writers of the query's side, by their largest number."""
        return _by_size(self.parts.values)

    @cached_property
    def columns(self) -> list[int]:
        """The writers of the key's side, by theirs."""
        return _by_size(list(zip(*self.parts.values)))

    def writer(self, row: int) -> Writer | None:
        """Who wrote the query's side of a row; None of the first, which is all of them."""
        return self.parts.rows[self.rows[row - 1]] if row else None

    def reader(self, column: int) -> Writer | None:
        """Who wrote the key's side of a column."""
        return self.parts.columns[self.columns[column - 1]] if column else None

    def value(self, row: int, column: int) -> float:
        """A number of the table, or the sum of a row, of a column, or of all."""
        rows = range(len(self.rows)) if row == 0 else (self.rows[row - 1],)
        columns = range(len(self.columns)) if column == 0 else (self.columns[column - 1],)
        return sum(self.parts.values[i][j] for i in rows for j in columns)

    @cached_property
    def totals(self) -> list[list[float]]:
        """All of them by row and column."""
        table = self.parts.values
        by_row = [sum(values) for values in table]
        by_column = [sum(values) for values in zip(*table)]
        first = [sum(by_row), *(by_column[j] for j in self.columns)]
        return [first, *([by_row[i], *(table[i][j] for j in self.columns)] for i in self.rows)]


def _by_size(rows: Sequence[Sequence[float]]) -> list[int]:
    return sorted(range(len(rows)), key=lambda index: -max(map(abs, rows[index])))


def in_full(writer: Writer | None) -> str:
    """A writer for the name of a row: "head 3.3", "token embedding", "bias of block 1"."""
    words = briefly(writer)
    if writer is None or writer.label.endswith("embedding"):
        return writer.label if writer else words
    return (
        f"bias of block {words.split()[1]}"
        if words.startswith("bias ")
        else words
        if words == "biases"
        else writer.label
    )


def briefly(writer: Writer | None) -> str:
    """A writer in a few characters: "3.3", "MLP 2", "token", "bias 1"."""
    if writer is None:
        return "sum"
    words = writer.label
    if words.startswith("block "):
        return f"bias {words.split()[1]}"
    return {"token embedding": "token", "position embedding": "place"}.get(words) or (
        "biases" if words.startswith("biases") else words.removeprefix("head ")
    )
