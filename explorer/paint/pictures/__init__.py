"""The picture in the middle: for every kind of stage one that fits it, with its formula and a sentence below."""

from collections.abc import Callable
from functools import partial

from explorer.paint.pictures.all_heads import beside
from explorer.paint.pictures.merges import merges
from explorer.paint.pictures.scores import remark, scores, width_of_grid
from explorer.paint.pictures.vectors import vectors
from explorer.paint.pictures.vocabulary import drawing, ledger, logits
from explorer.paint.pictures.wide import beside_it
from explorer.paint.spans import Line, Span, choices, clipped, length, shortened, wrapped
from explorer.stages import Kind
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import width
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


_SMALL = 16
"""Lines of a picture up to which the numbers come before blank lines and remarks."""

_WIDE = 96
"""Cells of a picture from which the stage before and the number worked out stand beside it."""

_LEAST_BESIDE, _MOST_BESIDE, _LEAST_BELOW, _GAP = 40, 84, 8, 3

_WHOLE = (Kind.MERGES, Kind.LEDGER, Kind.DRAW)
"""Pictures that are no table of numbers: there is no difference of two."""


def picture(session: Session, cells: int, height: int, halves: bool = True, accompanied: bool = False) -> list[Line]:
    """The picture of the stage the cursor is at, in at most that many lines.

    `halves`: two values may share a cell, one above the other, which takes colours to tell them apart.
    `accompanied`: where it is wide, the stage before and the number under the cursor worked out stand beside it.
    """
    stage = session.stage
    if session.what_if.difference and stage.kind in _WHOLE:
        compare = pressed("view.compare", "6")
        return wrapped(
            f"Nothing is subtracted here. Compare ({compare}) says how the next token's chances differ.",
            cells,
            "dim",
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
    if cells < _WIDE or (session.cursor.overview and not session.cursor.steps) or height < _SMALL:
        return _painted(session, cells, height, halves)
    right = max(_LEAST_BESIDE, min(_MOST_BESIDE, cells * 9 // 20))
    left, paint = cells - right - _GAP, partial(_painted, halves=halves)
    if session.cursor.axes == "HTS" and not session.cursor.steps:  # it keeps its numbers
        left = max(left, width_of_grid(session, height))
    if left > cells - _LEAST_BESIDE - _GAP:  # then the rest stands below it
        body = paint(session, cells, min(height, len(session.ids) + 3))
        rest = height - len(body) - 1
        return [*body, [], *beside_it(session, cells, rest, paint)] if rest >= _LEAST_BELOW else body
    body = shortened(paint(session, left, height), height)
    return beside(body, beside_it(session, cells - left - _GAP, height, paint), left, _GAP)


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
        layer = session.stage.layer
        edited = session.what_if.heads_edited(layer) if layer is not None else set()
        labels = [f"{head}✎" if head in edited else str(head) for head in range(cursor.config.n_head)]
        room = cells - length(line)
        ways = _ways(session, room - len(labels) * (max(map(width, labels)) + 3))
        line += [*choices(labels, cursor.head, "head", room - length(ways)), *ways]
    return [line] if line else []


def _ways(session: Session, room: int) -> Line:
    """The ways to look at attention, with their keys; in fewer words where those would take the heads' room."""
    cursor = session.cursor
    if cursor.axes != "HTS":
        return []
    heads = "one head" if cursor.overview and not cursor.steps else "all heads"
    row = "all rows" if cursor.steps else "one row"
    to_heads, to_row = pressed("overview", "o"), pressed("part.next", "v")
    if length([Span(f"  {to_heads} {heads}  {to_row} {row}")]) > room:
        heads, row = "heads", "row"
    return [Span(f"  {to_heads} {heads}", "dim", ("overview",)), Span(f"  {to_row} {row}", "dim", ("steps",))]


def _waiting(session: Session) -> str:
    if session.recorded:
        return "Not recorded in this file."
    if session.computing and not session.stopped:
        return "Not computed yet: it fills in as the model gets here."
    return f"Not computed: the run was cancelled. Press {pressed('again', 'r')} to go on."
