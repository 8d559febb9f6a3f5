"""The scores or the pattern of one head as its pictures read them: rows, names, texts, colours, and what they mean."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from weakref import WeakKeyDictionary

from explorer.engine.engines import plain
from explorer.paint.legend import legend_of_shares, legend_of_signed
from explorer.paint.row import figure
from explorer.paint.spans import Line, ends_of, share_level, signed_level, spread_of
from explorer.runs.activations import Activations
from explorer.stages import Kind
from explorer.walk.largest import largest, row_of, size_of
from explorer.walk.session import Session
from gpt.ops import Vector

_SAMPLED = 4000  # numbers that the scale of colours is taken from

Scale = tuple[float, float, float]
"""The size where the colours end, the least and the largest score."""

_scales: WeakKeyDictionary[Activations, dict[str, tuple[int, Scale]]] = WeakKeyDictionary()
"""Of each run and activation the scale of its scores, and at which version of the run."""

_SMALL = 0.1  # the list of a row whose largest share is below this has more digits


class HeadScores:
    """One head's scores in the session's stage; of difference of two runs, if that is walked."""

    def __init__(self, session: Session, head: int) -> None:
        assert session.cursor.part
        self.session, self.head = session, head
        self.name = session.cursor.part.activation
        self.position, self.column = session.position, session.cursor.column
        self.labels = session.labels()
        self._value = session.trace.value(self.name)[head]
        self._rows: dict[int, Vector] = {}
        self.known = len(self._value)
        self.pattern = session.stage.kind is Kind.PATTERN
        self.apart = session.what_if.difference is not None
        self.shares = self.pattern and not self.apart
        self.causal = self.pattern or self.apart or self.name.endswith("hook_attn_scores")

    def row(self, position: int) -> Vector:
        """All numbers of a query, those of later keys among them."""
        if position not in self._rows:
            self._rows[position] = plain(self._value[position])
        return self._rows[position]

    @cached_property
    def names(self) -> list[str]:
        """The texts of the tokens; of those that come up more than once with the position: "·to (4)"."""
        counts = Counter(self.labels)
        return [f"{label} ({i})" if counts[label] > 1 else label for i, label in enumerate(self.labels)]

    def row_of(self, name: str) -> Vector:
        """The chosen row of another activation of this head, up to the query."""
        return row_of(self.session.trace, name, self.head, self.position)

    @property
    def pattern_known(self) -> bool:
        """Whether the shares of the chosen row can be told, and are those of one run."""
        pattern = f"blocks.{self.session.stage.layer}.attn.hook_pattern"
        return not self.apart and self.session.trace.positions(pattern) > self.position

    @property
    def largest(self) -> int:
        """The column of the largest number of the chosen row, among the keys up to the query."""
        if self.position >= self.known:
            return self.position
        return largest(self.row(self.position)[: self.position + 1], not self.apart)

    @cached_property
    def spread(self) -> float:
        """The size of score where the colours end, the same for all heads."""
        return self._scale[0]

    @cached_property
    def _scale(self) -> Scale:
        trace = self.session.trace
        known = _scales.setdefault(trace, {})
        if known.get(self.name, (-1,))[0] != trace.version:
            value = trace.value(self.name)
            step = max(1, len(value) * self.known * self.known // _SAMPLED)
            rows = [plain(row[start % step :: step]) for head in value for start, row in enumerate(head)]
            known[self.name] = trace.version, (spread_of(rows), *ends_of(rows))
        return known[self.name][1]

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest of some scores of all heads and of the chosen row."""
        row = self.row(self.position)[: self.position + 1] if self.position < self.known else ()
        seen = [*self._scale[1:], *(value for value in row if math.isfinite(value))]
        return min(seen), max(seen)

    def style(self, value: float, row: int, column: int) -> str:
        """The colour of a number."""
        return "masked" if self.causal and column > row else _style(value, self.spread, self.shares)

    def legend(self, cells: int = 0) -> Line:
        """Both ends of the colours."""
        if self.shares:
            return legend_of_shares()
        low, high = self.ends
        if self.pattern:
            return legend_of_signed(100 * self.spread, "points", (100 * low, 100 * high), cells)
        return legend_of_signed(self.spread, "", (low, high), cells)

    def text(self, value: float, digits: int = 2) -> str:
        """A number: a share without its zero, ".70", a difference of shares in percentage points."""
        if self.shares and math.isfinite(value):
            return f"{value:.{digits}f}" if value >= 1 - 0.5 * 10**-digits else f"{value:.{digits}f}"[1:]
        if self.pattern:
            return figure(100 * value, digits - 1)
        return figure(value, digits, plus="")

    def text_in_list(self, value: float) -> str:
        """The same beside a bar: a share that would read as nothing is less than the least that can be written."""
        if self.shares and max(self.row(self.position), default=1.0) < _SMALL:
            return self.text(value, 4)  # two digits of the largest
        return "<.01" if self.shares and 0 < value < 0.005 else self.text(value)

    def levels(self, rows: range, columns: range, step: int) -> list[str]:
        """The colours of a line of dots, each of `step` columns of these rows; "masked" where all keys come later.

        A dot has the colour of the largest of its numbers, in a difference of the one farthest from zero.
        """
        known = [self.row(row) for row in rows if row < self.known]
        if not known:
            return ["masked"] * len(columns)
        by = abs if self.apart else None
        values = known[0] if len(known) == 1 else [max(each, key=by) for each in zip(*known)]
        last = rows.start + len(known) - 1  # the last query, which sees most
        end = last + 1 if self.causal else len(values)
        spread, shares = self.spread, self.shares
        styles = []
        for first in range(columns.start * step, columns.stop * step, step):
            within = values[first : min(first + step, end)]
            if not within:
                styles.append("masked")
                continue
            value = within[0] if step == 1 else max(within, key=by)
            styles.append(_style(value, spread, shares))
        return styles


def _style(value: float, spread: float, shares: bool) -> str:
    if math.isinf(value):
        return "masked"
    return f"share:{share_level(value)}" if shares else f"signed:{signed_level(value, spread)}"


def order_of_size(values: Sequence[float], by_size: bool) -> list[int]:
    """The places of the numbers, the largest first; `by_size`: those farthest from zero."""
    return sorted(range(len(values)), key=lambda place: -size_of(values[place], not by_size))
