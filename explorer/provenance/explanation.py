"""Explanations: a number, the terms that it is the sum of, and the function that computed it."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import Any, NamedTuple

from explorer.provenance.nodes import How, Lazy
from explorer.runs.cells import Cell
from explorer.terminal.text import short


class Factor(NamedTuple):
    """A number that goes into a term. `at` is where it was computed or learned; a setting has no such place."""

    value: float | None  # None: not known, in a recorded run without its weights for instance
    at: Cell | None
    label: str = ""  # of one that has no place


class Term(NamedTuple):
    """A summand: its value, the numbers it is made of, and how. The first factor is where to look on."""

    value: float | None
    factors: tuple[Factor, ...]
    how: How

    @property
    def text(self) -> str:
        """How it is made, in writing, with its numbers: "2.114 · 0.381"."""
        return "".join(text for text, _ in self.pieces())

    def pieces(self) -> list[tuple[str, int | None]]:
        """The same in pieces: each number with the factor that it is, and what stands between them."""
        pieces: list[tuple[str, int | None]] = []
        numbers = iter(range(len(self.factors)))
        for between, field, _, _ in Formatter().parse(self.how.text):
            pieces += [(between, None)] if between else []
            if field is None:
                continue
            factor = int(field) if field else next(numbers)
            number, before = short(self.factors[factor].value), pieces[-1][0] if pieces else ""
            if number.startswith("−") and before.endswith(("−", "− ")):  # minus minus: plus
                pieces[-1] = before.removesuffix("−") if before.endswith("−") else f"{before[:-2]}+ ", None
                number = number[1:]
            pieces.append((number, factor))
        return pieces

    @property
    def at(self) -> Cell | None:
        """Where the door leads: to the first factor that was computed or learned."""
        return next((factor.at for factor in self.factors if factor.at), None)

    @property
    def size(self) -> float:
        """The size it is ranked by: that of its contribution, or, where that is not known, of its first factor."""
        value = self.value if self.value is not None else next((f.value for f in self.factors if f.value), 0.0)
        return abs(value)


@dataclass(frozen=True)
class Explanation:
    """Why a number has the value it has."""

    cell: Cell
    value: float | None  # as it was recorded
    terms: Lazy[Term]  # in the order in which the model adds them up; none where the number was not computed
    computed: float | None  # what the function makes of the operands, here and now
    function: Callable[..., Any] | None  # none where nothing of `gpt` computed it
    values: Sequence[float | None] = ()  # of the terms
    unrolled: bool = False  # the sums that it is a sum of are taken apart as well

    @cached_property
    def ranked(self) -> Lazy[Term]:
        """The terms, the largest contribution first."""
        known = [value for value in self.values if value is not None]
        sizes = list(map(abs, known)) if len(known) == len(self.values) else [term.size for term in self.terms]
        return Lazy(lambda number: self.terms[number], sorted(range(len(sizes)), key=lambda number: -sizes[number]))

    def remainder(self, shown: int) -> float:
        """The exact sum of the terms after the first so many of `ranked`; NaN where one of them is not known."""
        return _exact(self.values[number] for number in self.ranked.order[shown:])

    @property
    def rounding(self) -> float:
        """How far the value is from the exact sum of the terms: what was rounded while they were added up."""
        total = _exact(self.values)
        if not self.terms:
            return 0.0
        if self.value is None or math.isnan(total):
            return math.nan
        return 0.0 if self.value == total else self.value - total

    def formula(self, most: int) -> str:
        """The value as a sum of its largest terms: "0.8 · 2.1 + 0.4 · 1.3 + … 190 more"."""
        texts = [term.text for term in self.ranked[:most]]
        more = len(self.terms) - len(texts)
        return " + ".join([*texts, f"… {more} more"] if more else texts).replace("+ −", "− ")

    @property
    def exact(self) -> bool:
        """Whether the operands give the recorded value again, to the last bit: 0.0 is not -0.0, NaN is NaN."""
        if self.value is None or self.computed is None:
            return False
        if math.isnan(self.value) or math.isnan(self.computed):
            return math.isnan(self.value) and math.isnan(self.computed)
        return self.value == self.computed and math.copysign(1, self.value) == math.copysign(1, self.computed)


def exact_sum(terms: Iterable[Term]) -> float:
    """The sum of the terms, rounded once; NaN where one of them is not known."""
    return _exact(term.value for term in terms)


def _exact(values: Iterable[float | None]) -> float:
    return math.fsum(math.nan if value is None else value for value in values)
