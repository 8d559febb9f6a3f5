"""One token's way through the layers: its probability, rank and logit after every part of every block."""

from explorer.analysis.lens import Half, LensCell
from explorer.paint.curve import columns
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, length, marked, window
from explorer.terminal.text import fit, number, width
from explorer.views.lens.state import LensState
from explorer.views.parts import beyond, fitting

_MARGIN = 8
_NUMBERED, _WIDEST = 6, 9  # cells for a part from which its numbers have room; and at most


def strip(state: LensState, cells: int, height: int) -> list[Line]:
    """The way as columns with what stands at both ends of the axis, in a few lines."""
    return curve(state, cells, height) if height >= 4 else []


def curve(state: LensState, cells: int, height: int) -> list[Line]:
    """The same with its numbers, left to right from the embeddings to the end."""
    title = _title(state, cells)
    if state.followed is None or not any(state.way):
        missing = "needs the model" if state.scene.recorded else "computing …"
        return [clipped([*title, Span(f"  {missing}", "dim")], cells)]
    count = len(state.rows)
    step = max(1, min(_WIDEST, (cells - _MARGIN) // count))
    first, last = window(state.row, count, (cells - _MARGIN) // step)
    below = [*_names(state, first, last, step), *(_numbers(state, first, last, step) if height >= 9 else [])]
    shown = [cell.answer_probability if cell else None for cell in state.way[first:last]]
    most = max((share for share in shown if share), default=0.0)
    high = max(1, min(16, height - len(below) - 1))
    lines: list[Line] = []
    for row, drawn in enumerate(columns(shown, most, step, high)):
        axis = percent(most) if row == 0 else "0%" if row == high - 1 else ""
        lines.append([Span(fit(axis, _MARGIN - 2, ">") + " │", "dim"), *drawn])
    return [clipped(line, cells) for line in [title, *lines, *below]][:height]


def _title(state: LensState, cells: int) -> Line:
    scene = state.scene
    token = scene.label(state.followed) if state.followed is not None else "the answer"
    line = [Span(token, "answer"), Span(" through the layers", "bold")]
    whole = f": its probability after every part, at {scene.token_at(scene.position)}"
    words = next((text for text in (whole, ": its probability") if length(line) + width(text) <= cells), "")
    return fitting([*line, Span(words, "dim")], ["↑↓ another token, ⏎ type one"] if state.is_curve else [], cells)


def _names(state: LensState, first: int, last: int, step: int) -> list[Line]:
    """The parts under the axis; with little room the blocks alone, each under its attention."""
    before, after = beyond(first, last, len(state.rows))
    line: Line = [Span(fit(before, _MARGIN - 1, ">") + " ", "dim")]
    if step >= _NUMBERED:
        for row in range(first, last):
            place = state.rows[row]
            name = "embed" if place.half is None else f"{place.layer} {_short(place.half, step)}"
            span = Span(fit(f" {name}", step), "dim", ("view", row, state.scene.position))
            line.append(marked(span) if row == state.row else span)
        return [[*line, Span(after, "dim")]]
    marks = "".join((f"▲{' ' * (step - 1)}" if row == state.row else " " * step) for row in range(first, last))
    names = ""
    for row in range(first, last):
        place = state.rows[row]
        here = (row - first) * step
        name = "e" if place.half is None else str(place.layer) if place.half is Half.ATTENTION else ""
        if name and (len(names) < here or not names):
            names = names.ljust(here) + name
    title = Span(fit("block", _MARGIN - 1, ">") + " ", "dim")
    mark: Line = [Span(line[0].text, "dim"), Span(marks, "here-text"), Span(after, "dim")]
    return [mark, [title, Span(names, "dim")]]


def _short(half: Half, step: int) -> str:
    return "MLP" if half is Half.MLP else "attn" if step > _NUMBERED + 1 else "att"


def _numbers(state: LensState, first: int, last: int, step: int) -> list[Line]:
    """Probability, rank and logit under their columns; with little room those of the chosen part and of the largest."""
    if step < _NUMBERED:
        return _in_words(state)
    rows: list[Line] = []
    for title, text in (("prob.", _probability), ("rank", _rank), ("logit", _logit)):
        line: Line = [Span(fit(title, _MARGIN - 1, ">") + " ", "dim")]
        for row in range(first, last):
            cell = state.way[row]
            figure = text(cell) if cell else "…"
            line.append(Span(fit(f" {figure}", step), "here-text" if row == state.row else ""))
        rows.append(line)
    return rows


def _in_words(state: LensState) -> list[Line]:
    known = [row for row, cell in enumerate(state.way) if cell]
    most = max(known, key=lambda row: _size(state.way[row]))
    lines: list[Line] = []
    for title, row in (("largest", most), ("here", state.row)):
        cell = state.way[row]
        if cell is None:
            continue
        name = state.rows[row].title
        figures = f"{percent(cell.answer_probability)}, rank {cell.answer_rank}, logit {number(cell.answer_logit, 2)}"
        lines.append([Span(fit(title, _MARGIN - 1, ">") + " ", "dim"), Span(figures, "value"), Span(f" after {name}")])
    return lines


def _size(cell: LensCell | None) -> float:
    return cell.answer_probability if cell and cell.answer_probability == cell.answer_probability else -1.0


def _probability(cell: LensCell) -> str:
    return percent(cell.answer_probability)


def _rank(cell: LensCell) -> str:
    return str(cell.answer_rank)


def _logit(cell: LensCell) -> str:
    return number(cell.answer_logit, 1 if abs(cell.answer_logit) < 99.95 else 0)
