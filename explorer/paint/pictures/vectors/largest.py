"""The largest numbers of the chosen row, as bars with what they were made of."""

from collections.abc import Callable, Sequence
from heapq import nlargest
from math import isfinite

from explorer.analysis.directions import length
from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown, row_at
from explorer.paint.row import Entry, Rest, added_up, at_most, at_most_in_size, labelled_bars
from explorer.paint.spans import Line
from explorer.stages import Kind


def largest(shown: Shown, cells: int, height: int) -> list[Line]:
    """The numbers farthest from zero, or the neurons nearest to firing; and what all others add up to."""
    vector, signed = shown.vector, before_activation(shown)
    words, aside = made_of(shown) or ("", lambda column: "")
    rank = vector.__getitem__ if signed else lambda column: abs(vector[column])
    first = {*nlargest(height, range(len(vector)), key=rank), shown.column}
    entries = [
        Entry(f"{shown.axis} {column}", vector[column], shown.action(column), aside(column))
        if column in first
        else Entry("", vector[column])
        for column in range(len(vector))
    ]
    bars = labelled_bars(
        entries,
        cells,
        height - 1,
        current=shown.column,
        text=shown.text,
        signed=signed,
        of_rest=_of_rest(shown, signed),
    )
    written = any(span.text.strip() == aside(shown.column) != "" for line in bars for span in line)
    return [titled(cells, *_titles(shown, words if written else "")), *bars]


def before_activation(shown: Shown) -> bool:
    """Whether the numbers are those of neurons before the activation: positive ones are let through."""
    return shown.session.stage.kind is Kind.NEURONS and shown.name.endswith("hook_pre")


def _titles(shown: Shown, made_of: str) -> list[str]:
    """The name of the list, in many words and in few."""
    count = f"{len(shown.vector)} {shown.axis}s"
    if shown.session.what_if.difference:
        return [f"B − A: largest change of {count}, by size{made_of}", f"largest change of {count}"]
    if before_activation(shown):
        return [f"highest of {count}, before the activation", f"highest of {count}"]
    if shown.session.stage.kind is Kind.NEURONS:
        return [f"fired most, of {count}"]
    return [f"largest of {count}, by size{made_of}", f"largest of {count}{made_of}", f"largest of {count}"]


def made_of(shown: Shown) -> tuple[str, Callable[[int], str]] | None:
    """The two summands of each number, or the number before it: in words for the title, and in numbers."""
    session, parts = shown.session, shown.session.stage.parts
    if session.what_if.edits_at(shown.name):
        return None
    if len(parts) == 3 and parts[2].activation == shown.name and "H" not in session.cursor.axes:
        summands = [row_at(session, part.activation) for part in parts[:2]]
        if summands[0] and summands[1]:
            a, b = summands[0], summands[1]
            names = f" = {parts[0].label} + {parts[1].label}"
            return names, lambda column: f"= {shown.text(a[column])} {shown.text(b[column])}"
    if session.stage.kind is Kind.NORM and session.stage.residual:
        index = [part.activation for part in parts].index(shown.name)
        source = parts[index - 1].activation if index else session.stage.residual
        row = row_at(session, source)
        if row:
            return f", from {'normalised' if index else 'x'}", lambda column: f"from {shown.text(row[column])}"
    return None


def _of_rest(shown: Shown, signed: bool) -> Rest:
    """The sum of the numbers that are not shown; of neurons, where it means nothing, how large they get."""
    if shown.session.stage.kind is Kind.NEURONS:
        return at_most if signed else at_most_in_size
    return _with_share(shown.vector)


def _with_share(vector: Sequence[float]) -> Rest:
    """The sum of the numbers that are not shown, and their share of the squared length."""
    whole = length(vector)

    def of_rest(rest: Sequence[float]) -> tuple[float, tuple[str, ...]]:
        total, words = added_up(rest)
        if not whole or not isfinite(whole):
            return total, words
        share = f"{(length(rest) / whole) ** 2:.0%}"
        return total, (f"added up; {share} of the squared length", *words)

    return of_rest
