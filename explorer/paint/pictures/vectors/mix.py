"""z as the weighted mean that it is: each token's value with its weight, and their sum."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown, rows_of
from explorer.paint.spans import Line, Span, marked, page, signed_level, spread_of
from explorer.terminal.text import fit, token_at, width

_WEIGHT, _FIGURE = 6, 8  # cells


def has_mix(shown: Shown) -> bool:
    """Whether this is z as the run computed it: not edited, not of a difference, with its pattern and its values."""
    session = shown.session
    return (
        shown.name.endswith("attn.hook_z")
        and shown.as_computed
        and all(session.trace.positions(_of(shown, name)) > session.position for name in ("pattern", "v"))
    )


def mix(shown: Shown, cells: int, height: int) -> list[Line]:
    """The tokens by weight: weight, token, value as a strip, and the cursor's dimension; last the sum."""
    return _Mix(shown, cells, height).lines()


class _Mix:
    """The table of one drawing: its tokens, and the widths of its columns."""

    def __init__(self, shown: Shown, cells: int, height: int) -> None:
        session = self.session = shown.session
        self.shown, self.cells = shown, cells
        self.weights = session.trace.value(_of(shown, "pattern"))[session.cursor.head][session.position]
        self.values: Sequence[Any] = rows_of(session, _of(shown, "v"))
        order = sorted(range(session.position + 1), key=lambda place: -self.weights[place])
        room = max(1, height - 3)  # below the title and the heads of the columns, above the sum
        self.first = order if len(order) <= room else order[: max(1, room - 1)]
        self.rest = order[len(self.first) :] if height > 4 else []
        self.labels = {place: token_at(place, session.ids, session.label) for place in self.first}
        self.names = min(
            max(map(width, [*self.labels.values(), shown.label, f"{len(order)} more"])), max(8, cells // 3)
        )
        self.bars = max(0, cells - _WEIGHT - self.names - 2 * _FIGURE - 4)
        self.left, self.right = page(shown.column, len(shown.vector), max(1, self.bars))

    @cached_property
    def scale(self) -> float:
        """The size at which the colours end."""
        return spread_of([self.values[place] for place in self.first])

    def lines(self) -> list[Line]:
        shown, title = self.shown, "z = sum of weight × value"
        which = f"{title}, dimensions {self.left}–{self.right - 1} of {len(shown.vector)}"
        figures = fit(f"dim {shown.column}", _FIGURE, ">") + fit("weighted", _FIGURE + 1, ">")
        heads = fit("value", self.bars) + figures
        lines = [titled(self.cells, which, title), [*self._names("weight", "token", "dim"), Span(heads, "dim")]]
        lines += [self._token(place) for place in self.first]
        if self.rest:
            weight, term = sum(map(self._weight, self.rest)), sum(map(self._term, self.rest))
            names = self._names(f"{weight:.3f}", f"{len(self.rest)} more", "dim")
            lines.append([*names, Span(" " * (self.bars + _FIGURE + 1)), self._figure(term, "dim")])
        strip = self._strip(shown.vector, shown.column)
        total = self._figure(shown.vector[shown.column], "value")
        return [*lines, [*self._names("z", shown.label, "here-text"), *strip, Span(" " * (_FIGURE - 1) + "= "), total]]

    def _weight(self, place: int) -> float:
        return float(self.weights[place])

    def _term(self, place: int) -> float:
        """The value in the cursor's dimension times its weight."""
        return self._weight(place) * float(self.values[place][self.shown.column])

    def _token(self, place: int) -> Line:
        value = float(self.values[place][self.shown.column])
        names = self._names(
            f"{self._weight(place):.3f}", self.labels[place], "value" if place == self.first[0] else "token"
        )
        figures = [self._figure(value), Span(" "), self._figure(self._term(place))]
        return [*names, *self._strip(self.values[place], None), *figures]

    def _names(self, weight: str, label: str, style: str) -> Line:
        """The beginning of a line: a weight, a token."""
        return [Span(fit(weight, _WEIGHT) + " ", style), Span(fit(label, self.names, ">") + " ", style)]

    def _figure(self, value: float, style: str = "") -> Span:
        return Span(fit(self.shown.text(value), _FIGURE, ">"), style)

    def _strip(self, vector: Sequence[Any], here: int | None) -> Line:
        """A vector's numbers as colours, those that fit around the cursor's dimension."""
        line: Line = []
        for column in range(self.left, min(self.right, self.left + self.bars)):
            level = signed_level(float(vector[column]), self.scale)
            span = Span(" ", f"signed:{level}", self.shown.action(column))
            line.append(marked(span) if column == here else span)
        return [*line, Span(" " * (self.bars - len(line)))]


def _of(shown: Shown, name: str) -> str:
    return f"blocks.{shown.session.stage.layer}.attn.hook_{name}"
