"""The picture in the middle: for every kind of stage one that fits it, with its formula and a sentence below."""

from collections.abc import Callable
from functools import partial

from explorer.paint.pictures.all_heads import beside
from explorer.paint.pictures.merges import merges
from explorer.paint.pictures.scores import remark, scores, width_of_grid
from explorer.paint.pictures.vectors import vectors
from explorer.paint.pictures.vocabulary import drawing, ledger, logits
from explorer.paint.pictures.wide import beside_it
from explorer.paint.spans import Line, Span, choices, clipped, shortened, wrapped
from explorer.stages import Kind
from explorer.text import width
from explorer.walk.session import Session

Painter = Callable[[Session, int, int, bool], list[Line]]

_PAINTERS: dict[Kind, Painter] = {
    Kind.MERGES: merges,
    Kind.VECTORS: vectors,
    Kind.NORM: vectors,
    Kind.HEADS_OUT: vectors,
    Kind.NEURONS: vectors,
    Kind.SCORES: scores,
    Kind.PATTERN: scores,
    Kind.LOGITS: logits,
    Kind.LEDGER: ledger,
    Kind.DRAW: drawing,
}


_KEYS = "  o all heads  v one row"
"""What stands beside the heads of attention."""

_SMALL = 16
"""Lines of a picture up to which the numbers come before blank lines and remarks."""

_WIDE = 96
"""Cells of a picture from which the stage before and the number worked out stand beside it."""

_LEAST_BESIDE, _MOST_BESIDE, _GAP = 40, 84, 3

_WHOLE = (Kind.MERGES, Kind.LEDGER, Kind.DRAW)
"""Pictures that are no table of numbers: there is no difference of two."""


def picture(session: Session, cells: int, height: int, halves: bool = True, accompanied: bool = False) -> list[Line]:
    """The picture of the stage the cursor is at, in at most that many lines.

    `halves`: two values may share a cell, one above the other, which takes colours to tell them apart.
    `accompanied`: where it is wide, the stage before and the number under the cursor worked out stand beside it.
    """
    stage = session.stage
    if session.what_if.difference and stage.kind in _WHOLE:
        return wrapped(
            "Nothing is subtracted here. Compare (6) says how the next token's chances differ.", cells, "dim"
        )
    formula = stage.formula
    if session.what_if.difference:
        unit = ", in percentage points" if stage.kind is Kind.PATTERN else ""
        formula = f"B − A{unit}: {formula}"
    below = _told(formula, stage.sentence, cells)
    if stage.kind is Kind.PATTERN and height > _SMALL and session.trace.computed(stage, session.position):
        below.append(remark(session))
    above = _choices(session, cells)
    if above and height > _SMALL:
        above.append([])
    room = height - len(above) - len(below) - 1
    if room < 3:  # a very small screen: the numbers come first
        below, room = [], height - len(above)
    if session.trace.computed(stage, session.position):
        paint = _accompanied if accompanied else _painted
        body = shortened(paint(session, cells, room, halves), room)
    else:
        body = [[], [Span(_waiting(session), "dim")]]
    filling: list[Line] = [[]] * (height - len(above) - len(body) - len(below))
    return [clipped(line, cells) for line in (*above, *body, *filling, *below)]


def _accompanied(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The picture; where it is wide enough, what belongs beside it too."""
    if cells < _WIDE or session.cursor.overview or height < _SMALL:
        return _painted(session, cells, height, halves)
    right = max(_LEAST_BESIDE, min(_MOST_BESIDE, cells * 9 // 20))
    left = cells - right - _GAP
    if session.cursor.axes == "HTS":  # it keeps its numbers
        left = max(left, min(width_of_grid(session, height), cells - _LEAST_BESIDE - _GAP))
    body = shortened(_painted(session, left, height, halves), height)
    return beside(body, beside_it(session, cells - left - _GAP, height, partial(_painted, halves=halves)), left, _GAP)


def _painted(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    return _PAINTERS[session.stage.kind](session, cells, height, halves)


def _told(formula: str, sentence: str, cells: int) -> list[Line]:
    """The formula and the sentence: on lines of their own, or one after the other where that takes fewer."""
    apart = [*wrapped(formula, cells, "accent"), *wrapped(sentence, cells)]
    lines = wrapped(f"{formula}. {sentence}", cells)
    if len(lines) >= len(apart) or width(formula) + 12 > cells:
        return apart
    return [[Span(formula, "accent"), Span(lines[0][0].text[len(formula) :])], *lines[1:]]


def _choices(session: Session, cells: int) -> list[Line]:
    """The choices of a stage: a part, a head."""
    cursor, line = session.cursor, []
    parts = session.stage.parts
    if len(parts) > 1 and cursor.part:
        line += choices([part.label for part in parts], parts.index(cursor.part), "part", cells)
    if "H" in cursor.axes:
        line.append(Span("  head " if line else "head ", "dim"))
        room = cells - sum(len(span.text) for span in line) - (len(_KEYS) if cursor.axes == "HTS" else 0)
        layer = session.stage.layer
        edited = session.what_if.heads_edited(layer) if layer is not None else set()
        labels = [f"{head}✎" if head in edited else str(head) for head in range(cursor.config.n_head)]
        line += choices(labels, cursor.head, "head", room)
    if cursor.axes == "HTS":
        line.append(Span("  o one head" if cursor.overview else "  o all heads", "dim", ("overview",)))
        line.append(Span("  v all rows" if cursor.steps else "  v one row", "dim", ("steps",)))
    return [line] if line else []


def _waiting(session: Session) -> str:
    if session.recorded:
        return "Not recorded in this file."
    if session.computing and not session.stopped:
        return "Not computed yet: it fills in as the model gets here."
    return "Not computed: the run was cancelled. Press r to go on."
