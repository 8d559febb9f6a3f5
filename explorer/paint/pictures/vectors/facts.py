"""A vector in a line or two: how long it is, how far it turned, what a layer norm divided by, what a query is."""

from math import isfinite, nan

from explorer.analysis.directions import angle, length
from explorer.paint.pictures.vectors.shown import Shown, row_at
from explorer.paint.row import figure
from explorer.paint.spans import Line, Span, clipped
from explorer.paint.spans import length as measure
from explorer.stages import Kind
from explorer.terminal.text import short

_READINGS = {
    "q": ("its query: what it looks for", ", to be compared with keys"),
    "k": ("its key: what it offers", ", to be compared with queries"),
    "v": ("its value: what it passes on", " to those that look at it"),
}


def facts(shown: Shown, cells: int) -> list[Line]:
    """Some lines about the vector, the most important one first."""
    session = shown.session
    kind = session.stage.kind
    if kind is Kind.NEURONS:
        lines = [_neuron(shown)]
    elif kind is Kind.NORM:
        lines = [_statistics(shown, cells), _through_the_norm(shown, cells)]
    elif "H" in session.cursor.axes:
        lines = [[*_length(shown), *_reading(shown, cells)]]
    else:
        lines = [_sum(shown, cells) if len(session.stage.parts) == 3 else _length(shown)]
    return [clipped(line, cells) for line in lines]


def _length(shown: Shown) -> Line:
    words = "length of its difference " if shown.session.what_if.difference else "length "
    name = Span(f"{shown.label}  ", "here-text")
    return [name, Span(words, "dim"), Span(short(length(shown.vector)), "value")]


def _reading(shown: Shown, cells: int) -> Line:
    """A query, a key or a value in words."""
    part = shown.session.cursor.part
    words, more = _READINGS.get(part.label if part else "", ("", ""))
    return [Span(f"   {words}{more if cells >= 76 else ''}")] if words else []


def _sum(shown: Shown, cells: int) -> Line:
    """The lengths of both summands and of the sum, and how far it is turned from the first of them."""
    session, parts = shown.session, shown.session.stage.parts
    rows = [row_at(session, part.activation) for part in parts]
    words = "lengths of the difference:" if session.what_if.difference else "lengths:"
    turned = angle(rows[0], rows[2]) if rows[0] and rows[2] else nan
    forms = []
    for named, verb in ((True, "turned by "), (False, "turned by "), (False, "")):
        line: Line = [Span(f"{shown.label}  ", "here-text"), Span(words, "dim")]
        for part, row, sign in zip(parts, rows, (" ", " + ", " → ")):
            style = "value" if part.activation == shown.name else ""
            name = f"{part.label} " if named else ""
            line += [Span(f"{sign}{name}", "dim"), Span(short(length(row)) if row else "…", style)]
        if isfinite(turned):
            line += [Span(f", {verb}", "dim"), Span(f"{turned:.0f}°"), Span(f" from {parts[0].label}", "dim")]
        forms.append(line)
    return next((line for line in forms if measure(line) <= cells), forms[-1])


def _statistics(shown: Shown, cells: int) -> Line:
    """The statistics of a layer norm: mean, variance, and the number that it divides by."""
    session, prefix = shown.session, shown.name.rpartition(".")[0]
    variance = "variance" if cells >= 60 else "var"
    line: Line = []
    for words, name in (("mean ", "mean"), (f"  {variance} ", "var"), (f"  √({variance} + ε) ", "scale")):
        line.append(Span(words, "dim"))
        if session.trace.positions(f"{prefix}.hook_{name}") <= session.position:
            line.append(Span("?"))  # a recorded run need not have it
            continue
        value = session.trace.at(f"{prefix}.hook_{name}", (session.position, 0))
        line.append(Span(figure(value, 4, "+" if name == "mean" else "")))
    return line


def _through_the_norm(shown: Shown, cells: int) -> Line:
    """The length of the vector before a layer norm, and after each of its two parts."""
    session = shown.session
    names = [session.stage.residual or "", *(part.activation for part in session.stage.parts)]
    line: Line = [Span(f"{shown.label}  ", "here-text"), Span("lengths:", "dim")]
    long = cells >= 76
    for name, words in zip(
        names, (" before ", " → normalised " if long else " → ", " → times γ, plus β " if long else " → ")
    ):
        row = row_at(session, name)
        style = "value" if name == shown.name else ""
        line += [Span(words, "dim"), Span(short(length(row)) if row else "…", style)]
    return line


def _neuron(shown: Shown) -> Line:
    """The chosen neuron before and after the activation."""
    session, column = shown.session, shown.column
    line: Line = [Span(f"{shown.label}  ", "here-text"), Span(f"neuron {column}:", "dim")]
    for words, name in ((" before activation ", "pre"), (", after ", "post")):
        row = row_at(session, f"blocks.{session.stage.layer}.mlp.hook_{name}")
        style = "value" if shown.name.endswith(name) else ""
        line += [Span(words, "dim"), Span(figure(row[column]) if row else "…", style)]
    return line
