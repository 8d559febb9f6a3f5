"""The chosen row of one head, to be read from afar: the tokens it looks at with bars, the largest first."""

from collections.abc import Callable, Sequence

from explorer.paint.pictures.score_cells import HeadScores
from explorer.paint.pictures.thumbnail import OUTSIDE
from explorer.paint.row import Entry, added_up, labelled_bars
from explorer.paint.spans import Line, Span, clipped
from explorer.terminal.text import counted, width

_BESIDE, _BESIDE_SCORES = 15, 22  # cells beside the names: a mark, a number, a bar that can be told from another


def least_cells(head: HeadScores) -> int:
    """Cells that the bars need, so that no name is cut and the bars can be told apart."""
    names = max(map(width, head.names))  # of all tokens: the same in every row
    return max(26, names + _BESIDE) if head.pattern else max(32, names + _BESIDE_SCORES)


def row_in_bars(
    head: HeadScores, cells: int, height: int, is_drawn: Callable[[int], bool] = lambda column: True
) -> list[Line]:
    """A heading, the bars, and what the row adds up to.

    Tokens whose column the picture beside it does not draw (`is_drawn`) have a mark before their names.
    """
    if head.position >= head.known:
        return [[Span("Not computed yet.", "dim")]]
    row = head.row(head.position)
    entries = [
        Entry(head.names[i] if is_drawn(i) else f"{OUTSIDE} {head.names[i]}", row[i], ("column", i))
        for i in range(head.position + 1)
    ]
    below = _below(head, row, cells)
    room = height - 1 - len(below)
    if room < min(3, len(entries)):
        below, room = [], height - 1
    bars = labelled_bars(
        entries,
        cells,
        max(1, room),
        current=head.column if head.column <= head.position else None,
        text=head.text_in_list,
        signed=not head.pattern and not head.apart,
        of_rest=added_up if head.pattern or head.apart else lambda values: _range(head, values),
    )
    return [clipped(_heading(head), cells), *bars, *below][: max(1, height)]


def _heading(head: HeadScores) -> Line:
    name = Span(head.labels[head.position], "here-text", ("position", head.position))
    if head.apart:
        return [name, Span(" B − A, in points" if head.pattern else " B − A")]
    return [name, Span(" looks at" if head.pattern else f" asks: {_which(head)} scores")]


def _which(head: HeadScores) -> str:
    """The step that the scores are at: raw, scaled, masked."""
    part = head.session.cursor.part
    return part.label if part else ""


def _below(head: HeadScores, row: Sequence[float], cells: int) -> list[Line]:
    """The sum of a row of shares; of scores how many keys come later, and the one that the cursor is on."""
    later = len(row) - 1 - head.position
    lines: list[Line] = []
    if head.column > head.position and head.column < len(row):
        text = f"{head.text(row[head.column])}  comes later"
        lines.append([Span("▸"), Span(head.names[head.column], "here-text"), Span(f" {text}")])
    if head.pattern:
        lines.append([Span(f"a row adds up to {0 if head.apart else 1}", "dim")])
    elif later and not head.apart:
        fate = "−∞" if head.causal else "masked next"
        lines.append([Span(f"{counted(later, 'later key')}: {fate}", "dim")])
    return [clipped(line, cells) for line in lines]


def _range(head: HeadScores, values: Sequence[float]) -> tuple[str, tuple[str, ...]]:
    """Of scores that are not shown the largest, and how far down the others go: their sum would mean nothing."""
    if len(values) == 1:
        return head.text(values[0]), ("",)
    return head.text(max(values)), (f"to {head.text(min(values))}",)
