"""The tokens that a vector points to, and those that a neuron promotes: found in a thread, drawn as far as known."""

from typing import NamedTuple

from explorer.analysis import nearest, neurons
from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.row import Entry, at_most, figure, labelled_bars
from explorer.paint.spans import Line, Span, clipped, length
from explorer.walk.vector_questions import has_effects, has_nearest


class _Near(NamedTuple):
    title: str
    entries: list[Entry] | None  # the largest first; None while they are not known


def has_near(shown: Shown) -> bool:
    """Whether tokens can be named for the vector, or for the neuron.

    Beside the stage that is walked only those that are known: nobody computes them.
    """
    session = shown.session
    if session.what_if.difference or not (has_nearest(session) or has_effects(session)):
        return False
    return session.provenance.run is session or _near(shown).entries is not None


def near_in_a_line(shown: Shown, cells: int) -> Line:
    """The title, and as many tokens as fit behind it."""
    title, entries = _near(shown)
    if has_effects(shown.session):  # the line above names the neuron
        title = "promotes (logit for each 1 of it)"
    line: Line = [Span(f"{title}:", "dim")]
    for label, value, *_ in entries or ():
        more = [Span(f"  {label} ", "token"), Span(_two(value))]
        if len(line) > 1 and length(line) + length(more) > cells:
            break
        line += more
    return clipped(line if entries else [*line, Span(f"  {_missing(shown, entries)}", "dim")], cells)


def near(shown: Shown, cells: int, height: int) -> list[Line]:
    """The same as bars, one a line."""
    title, entries = _near(shown)
    head = titled(cells, title, title.partition(" (")[0])
    if not entries:
        return [head, [Span(_missing(shown, entries), "dim")]]
    entries = entries[: height - 1]
    return [head, *labelled_bars(entries, cells, height - 1, text=_two, signed=True, of_rest=at_most)]


def _two(value: float) -> str:
    return figure(value, 2)


def _missing(shown: Shown, entries: list[Entry] | None) -> str:
    """Why there is nothing to show."""
    if entries is not None:
        return "none: the vector has no direction"
    return "needs the model" if shown.session.recorded else "computing …"


def _near(shown: Shown) -> _Near:
    session, layer = shown.session, shown.session.stage.layer
    if has_effects(session):
        assert layer is not None
        effects = neurons.known_effects(session.trace, layer, shown.column)
        title = f"neuron {shown.column} promotes (each 1 of it adds so much to the logit)"
        promoted = effects.promoted if effects else ()
        return _Near(title, [Entry(session.label(each.token), each.value) for each in promoted] if effects else None)
    found = nearest.known(session.trace, shown.name, session.position)
    positions = nearest.of_positions(shown.name)
    noun = "other positions" if positions else "other tokens" if shown.name == "hook_embed" else "tokens"
    title = f"nearest {noun} (cosine)"
    if found is None:
        return _Near(title, None)
    names = [f"position {each.row}" if positions else session.label(each.row) for each in found]
    return _Near(title, [Entry(name, each.cosine) for name, each in zip(names, found)])
