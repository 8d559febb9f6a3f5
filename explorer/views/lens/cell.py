"""The cell under the cursor: in words, and all that it would say."""

from math import fsum

from explorer.analysis.lens import Half, LensRow
from explorer.paint.predictions import percent
from explorer.paint.row import Entry, labelled_bars
from explorer.paint.spans import Line, Span, clipped, length
from explorer.terminal.text import number, width
from explorer.views.lens.state import LensState

_SHORT = {Half.ATTENTION: "attn", Half.MLP: "mlp"}


def short(row: LensRow) -> str:
    """A row's name for a narrow column: "5 mlp"."""
    return "embed" if row.half is None else f"{row.layer} {_SHORT[row.half]}"


def in_words(state: LensState, cells: int) -> list[Line]:
    """The cell under the cursor in two lines: what it would say, and what of the answer is there."""
    scene, row = state.scene, state.rows[state.row]
    found = state.cells.get((state.row, scene.position))
    place = [Span(f"after {row.title}", "here-text"), Span(f" at {scene.token_at(scene.position)}", "dim")]
    if found is None:
        missing = "needs the model" if scene.recorded else "computing …"
        return [clipped([*place, Span(f": {missing}", "dim")], cells)]
    says = [Span(": "), Span(scene.label(found.token), "value"), Span(f" {percent(found.probability)}")]
    followed = state.way[state.row] if state.is_curve else found
    answer: Line = []
    if followed:
        noun = "the answer" if followed.answer == found.answer else "the token"
        answer = [
            Span(f"{noun} "),
            Span(scene.label(followed.answer), "answer"),
            Span(f": rank {followed.answer_rank} of {state.vocabulary}, {percent(followed.answer_probability)}, "),
            Span(f"logit {number(followed.answer_logit, 2)}"),
        ]
    bits = state.surprises.get(scene.position)
    more = [f"entropy {found.entropy:.2f} bits", *([] if bits is None else [f"surprise at this token {bits:.2f} bits"])]
    line = [*place, *says]
    for words in more:
        line += [Span(f" · {words}")] if not line[4:] or length(line) + width(words) + 3 <= cells else []
    return [clipped(line, cells), clipped(answer, cells)]


def likeliest(state: LensState, cells: int, height: int) -> list[Line]:
    """The tokens that the chosen cell would say, the likeliest first, as bars."""
    row, found = state.rows[state.row], state.likely
    name = row.title if cells >= 32 else short(row)
    title: Line = [Span("it would say", "bold"), Span(f"  after {name}", "dim")]
    if not found:
        waiting = [Span("needs the model" if state.scene.recorded else "computing …", "dim")]
        return [clipped(line, cells) for line in (title, waiting)][: max(0, height)]
    rest = max(0.0, 1.0 - fsum(likely.probability for likely in found))
    entries = [Entry(state.scene.label(likely.token), likely.probability) for likely in found]
    rows = labelled_bars(entries, cells, height - 2, text=percent)
    if len(entries) > max(0, height - 2):
        rows, rest = rows[:-1], 1.0 - fsum(likely.probability for likely in found[: max(0, len(rows) - 1)])
    others = state.vocabulary - len(rows)
    lines = [title, *rows, [Span(f" {others} others: {percent(max(0.0, rest))}", "dim")]]
    return [clipped(line, cells) for line in lines[: max(0, height)]]
