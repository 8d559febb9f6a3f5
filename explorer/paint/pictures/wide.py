"""The neighbours of a picture on a wide screen: the stage before, the number under the cursor worked out, the code."""

from collections.abc import Callable

from explorer.paint.number import exactly
from explorer.paint.pictures.score_steps import score_steps
from explorer.paint.spans import Line, Span, clipped, shortened, wrapped
from explorer.paint.terms import operation, single, table
from explorer.paint.why import code_of
from explorer.provenance.words import in_words
from explorer.stages import Kind
from explorer.walk.elsewhere import elsewhere
from explorer.walk.session import Session
from explorer.walk.why import Why

_LEAST_PICTURE, _LEAST_WORKED, _LEAST_CODE = 6, 8, 6  # lines
_WHOLE_SCORES = 8  # lines around the keys of one row of attention

Painter = Callable[[Session, int, int], list[Line]]


def beside_it(session: Session, cells: int, height: int, paint: Painter) -> list[Line]:
    """The stage before, or the other parts of this one, each with a title; then the number, and its code."""
    before = _row_of_attention(session, cells, height) or _before(session, cells, _share(height), paint)
    lines = [clipped(line, cells) for line in before]
    for painter, least in ((_worked_out, _LEAST_WORKED), (_code, _LEAST_CODE)):
        room = height - len(lines) - 1
        if room >= least and (found := painter(session, cells, room)):
            lines += [[], *(clipped(line, cells) for line in found)]
    return lines[:height]


def _share(height: int) -> int:
    """The lines for the stage before: all of a low screen, where it is higher half of them."""
    return height if height < 2 * _LEAST_WORKED + _LEAST_PICTURE else height // 2


def _row_of_attention(session: Session, cells: int, height: int) -> list[Line]:
    """Of attention the same row in all of its steps."""
    if session.cursor.axes != "HTS" or session.cursor.steps:
        return []
    title = [Span("one row, step by step", "accent", ("steps",))]
    needed = session.position + 1 + _WHOLE_SCORES
    return [title, *score_steps(session, cells, min(height - 1, max(needed, height // 2)))]


def _before(session: Session, cells: int, height: int, paint: Painter) -> list[Line]:
    """The other parts of this stage, or, where there are none, the stage before it."""
    cursor = session.cursor
    if cursor.axes == "HTS":
        return []
    here, parts = cursor.stage_index, session.stage.parts
    places: list[tuple[int, int | None]] = [(here, i) for i, part in enumerate(parts) if part != cursor.part]
    if not places and here:
        places = [(here - 1, None)]
    each = height // max(1, len(places))
    if each < _LEAST_PICTURE:
        places, each = places[-1:], height
    lines: list[Line] = []
    for stage, part in places:
        there = elsewhere(session, stage, part)
        if there.stage.kind is Kind.MERGES or not there.trace.computed(there.stage, there.position):
            continue
        name = f"before: {there.stage.place}" if part is None else there.stage.parts[part].label
        action = ("stage", stage) if part is None else ("part", part)
        lines += [[]] * bool(lines)
        lines.append([Span(name, "accent", action)])
        if same := there.cursor.axes == cursor.axes:
            there.cursor.go_to_column(cursor.column)
        lines += [_leading(line, same) for line in shortened(paint(there, cells, each - 2), each - 2)]
    return lines


def _leading(line: Line, same: bool) -> Line:
    """Clicks on cells lead to the same place in this stage, where its axes are the same; else nowhere."""
    return line if same else [span if _anywhere(span) else span._replace(action=None) for span in line]


def _anywhere(span: Span) -> bool:
    return span.action is not None and span.action[0] in ("position", "head", "stage")


def _worked_out(session: Session, cells: int, height: int) -> list[Line]:
    """The number under the cursor with its largest terms."""
    cell = None if session.what_if.difference else session.cell()
    if cell is None:
        return []
    asked = Why(session, cell)
    asked.unrolled = False
    explanation = asked.explanation
    if not explanation.terms:
        return []
    title = [Span("why ", "accent"), Span(in_words(cell, session), "bold"), Span(" = ")]
    lines: list[Line] = [[*title, Span(exactly(explanation.value), "value")]]
    if explanation.function:
        lines += wrapped(operation(session, explanation), cells)[:2]
    body = single if len(explanation.terms) == 1 else table
    room = min(height - len(lines), 14)
    return [*lines, *(_plainly(line) for line in shortened(body(session, asked, explanation, cells, room), room))]


def _plainly(line: Line) -> Line:
    """Without a choice among the terms: they are opened in the pane that enter opens."""
    styles = {"here": "", "here-text": ""}
    return [Span(span.text.replace("▶ ", "  "), styles.get(span.style, span.style)) for span in line]


def _code(session: Session, cells: int, height: int) -> list[Line]:
    """The function that computed it, and the line of it that did."""
    cell = None if session.what_if.difference else session.cell()
    function = session.provenance.explain(cell).function if cell else None
    if function is None:
        return []
    return [[Span("code", "accent")], *code_of(function, cells, height - 1)]
