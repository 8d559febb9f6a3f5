"""How long a vector each head wrote."""

from explorer.analysis.directions import length
from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.row import Entry, at_most, figure, labelled_bars
from explorer.paint.spans import Line
from explorer.walk.session import Session


def heads_of(session: Session) -> list[float]:
    """The length of each head's output at the cursor's position; none where it is not known."""
    layer = session.stage.layer
    writes = session.trace.head_writes(layer, session.position) if layer is not None else None
    return [length(write) for write in writes or ()]


def _unsigned(length_of: float) -> str:
    """A length, which has no sign."""
    return figure(length_of, plus="")


def heads(shown: Shown, cells: int, height: int) -> list[Line]:
    """The heads, the longest output first."""
    lengths = heads_of(shown.session)
    entries = [Entry(f"head {head}", value, ("head", head)) for head, value in enumerate(lengths)]
    bars = labelled_bars(entries, cells, height - 1, current=shown.session.cursor.head, text=_unsigned, of_rest=at_most)
    title = "length of each head's output"
    return [titled(cells, f"{title}, the longest first", title), *bars]
