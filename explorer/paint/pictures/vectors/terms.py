"""The number under the cursor as a sum: what a neuron matches in, which neurons wrote a dimension."""

import re

from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.row import Entry, labelled_bars
from explorer.paint.spans import Line
from explorer.provenance.words import labels


def has_terms(shown: Shown) -> bool:
    """Whether the number is a sum of three terms or more, whose values are known."""
    explanation = shown.explanation if shown.as_computed else None
    return explanation is not None and len(explanation.values) > 2 and None not in explanation.values


def terms(shown: Shown, cells: int, height: int) -> list[Line]:
    """The largest terms with the numbers they are made of; and what all others add up to."""
    explanation = shown.explanation
    assert explanation is not None
    first = explanation.ranked[: max(1, height - 1)]
    names = [_named(name) for name in labels([term.at or explanation.cell for term in first], shown.session)]
    entries = [Entry(name, term.value or 0.0, None, term.text) for name, term in zip(names, first)]
    others = [Entry("", explanation.values[number] or 0.0) for number in explanation.ranked.order[len(first) :]]
    bars = labelled_bars([*entries, *others], cells, height - 1, text=shown.text)
    return [titled(cells, *_titles(shown, len(explanation.values))), *bars]


def _titles(shown: Shown, count: int) -> list[str]:
    """The name of the sum, in many words and in few."""
    here = f"{shown.axis} {shown.column}"
    if shown.axis == "neuron":
        return [f"{here} matches: its largest inputs, of {count} terms", f"{here}: its largest inputs"]
    return [f"{here} is written by: the largest of {count} terms", f"{here} is written by"]


def _named(label: str) -> str:
    """A place in a vector in words: "[17]" is dimension 17."""
    return re.sub(r"^\[(\d+)\]$", r"dimension \1", label)
