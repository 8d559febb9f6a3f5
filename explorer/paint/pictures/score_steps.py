"""Attention in one row: from the scores of one query to its shares, every step a column, with their sums."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from explorer.paint.bars import bar_of
from explorer.paint.pictures.score_cells import HeadScores, order_of_size
from explorer.paint.row import figure
from explorer.paint.spans import Action, Line, Span, clipped, wrapped
from explorer.runs.trace import MASKED, PATTERN, RAW, SCALED
from explorer.terminal.text import counted, fit, width
from explorer.walk.session import Session

_LEAST_BAR, _MOST_BAR = 8, 40
_DROPPED_FIRST = ("masked", "− largest", "q·k", "exp")
"""Columns that a narrow screen leaves out, in this order: up to the query `masked` says what the one before it says."""


@dataclass
class Column:
    """One step for every key up to the query."""

    title: str
    values: Sequence[float]
    text: Callable[[float], str]
    stage: str = ""  # the stage that it is the picture of
    total: str = ""  # what the whole column adds up to, where that means something
    cells: int = field(default=0, init=False)

    def fit(self, shown: Sequence[int]) -> None:
        """Take as many cells as the title and the numbers need."""
        self.cells = max(width(self.title), width(self.total), *(width(self.text(self.values[i])) for i in shown)) + 2


def score_steps(session: Session, cells: int, height: int) -> list[Line]:
    """The table, in place where all keys fit, else the largest first; then in words what was done."""
    head = HeadScores(session, session.cursor.head)
    columns, remarks = _columns(session, head)
    if not columns:
        return [[Span("Not computed yet.", "dim")]]
    count = head.position + 1
    order = order_of_size(columns[-1].values, head.apart)
    room = max(1, height - 4)  # a title, later keys, the sum, a remark
    places = list(range(count)) if count <= room else _largest(order, room - 1, head.column)
    names = max(width(head.names[i]) for i in places)
    names = max(names, width(_more(count - len(places))), len("later"))
    table = _fitting(columns, places, cells - names - 1, remarks)
    bars = min(_MOST_BAR, cells - names - 1 - sum(column.cells for column in table) - 2)
    lines = [_titles(session, table, names, cells)]
    largest = table[-1].values[order[0]]
    for place in places:
        lines.append(_row(head, table, place, names, bars, largest, place == order[0]))
    if count > len(places):
        shown = set(places)
        lines.append(_rest(table, [i for i in order if i not in shown], names))
    lines.append(_later(head, names))
    if any(column.total for column in table):
        lines.append(_cells("sum", "bold", names, [(column.total, "bold", column) for column in table]))
    for words in remarks:
        lines += wrapped(words, cells, "dim")
    told = wrapped(_told(head, order[0]), cells)
    if head.pattern_known and height - len(lines) > len(told):
        lines += [[], *told]
    return [clipped(line, cells) for line in lines[:height]]


def _columns(session: Session, head: HeadScores) -> tuple[list[Column], list[str]]:
    """The steps that are known, and what is to be said of those that are not."""
    prefix, columns, remarks = f"blocks.{session.stage.layer}.attn.", [], []
    steps = (("q·k", RAW, "raw"), (_divided(session), SCALED, "scaled"), ("masked", MASKED, "masked"))
    known = session.trace.positions
    for title, name, stage in steps:
        if known(prefix + name) > head.position:
            columns.append(Column(title, head.row_of(prefix + name), _two_digits, stage))
        else:
            remarks.append(f"{title}: not {'recorded' if session.recorded else 'computed yet'}.")
    if head.apart:
        remarks.append("− largest and exp are left out: this is B − A.")
    elif columns and columns[-1].title == "masked" and math.isfinite(most := max(columns[-1].values)):
        less = [value - most for value in columns[-1].values]
        exps = [math.exp(value) for value in less]
        columns.append(Column("− largest", less, _two_digits))
        columns.append(Column("exp", exps, _four_digits, "", f"{sum(exps):.4f}"))
    if known(prefix + PATTERN) > head.position:
        shares = head.row_of(prefix + PATTERN)
        text = _points if head.apart else _four_digits
        columns.append(Column("points" if head.apart else "÷ sum", shares, text, "pattern", text(sum(shares))))
        if session.what_if.edits_at(prefix + PATTERN) and not session.what_if.shown:
            remarks.append("÷ sum is edited.")
    return columns, remarks


def _divided(session: Session) -> str:
    config, layer = session.config, session.stage.layer or 0
    if config.scale_attn_weights and not config.scale_attn_by_inverse_layer_idx:
        return f"÷ √{config.head_width}"
    return f"÷ {config.score_divisor(layer):.4g}"


def _two_digits(value: float) -> str:
    return figure(value, 2, plus="")


def _four_digits(value: float) -> str:
    return f"{value:.4f}"


def _points(value: float) -> str:
    return figure(100 * value, 1)


def _largest(order: list[int], count: int, column: int) -> list[int]:
    """The largest; in place of the smallest of them the one that the cursor is on."""
    shown = order[: max(1, count)]
    return shown if column in shown or column not in order or len(shown) < 2 else [*shown[:-1], column]


def _fitting(columns: list[Column], places: Sequence[int], cells: int, remarks: list[str]) -> list[Column]:
    """The columns that have room beside a bar; a remark names the others."""
    for column in columns:
        column.fit(places)
    shown, dropped = list(columns), []
    for title in _DROPPED_FIRST:
        if sum(column.cells for column in shown) + 2 + _LEAST_BAR <= cells:
            break
        gone = [column for column in shown[:-1] if column.title == title]
        shown = [column for column in shown if column not in gone]
        dropped += [column.title for column in gone]
    if dropped:
        remarks.append(f"no room here for: {', '.join(dropped)}")
    return shown


Texts = list[tuple[str, str, Column]]
"""The number in each column, and its style."""


def _cells(name: str, style: str, names: int, texts: Texts, action: Action | None = None) -> Line:
    line = [Span(" " + fit(name, names, ">"), style, action)]
    return [*line, *(Span(fit(text, column.cells, ">"), style, action) for text, style, column in texts)]


def _titles(session: Session, table: list[Column], names: int, cells: int) -> Line:
    """The names of the steps; a click goes to the stage of one, that of this stage stands out."""
    ids = {stage.id: index for index, stage in enumerate(session.cursor.stages)}
    line = [Span(" " + fit("key", names, ">"), "dim")]
    for column in table:
        index = ids.get(f"blocks.{session.stage.layer}.{column.stage}")
        style = "accent" if column.stage == session.stage.local_id else "dim"
        line.append(Span(fit(column.title, column.cells, ">"), style, None if index is None else ("stage", index)))
    return line


def _row(head: HeadScores, table: list[Column], place: int, names: int, bars: int, largest: float, most: bool) -> Line:
    here, action = place == head.column, ("column", place)
    texts: Texts = [(column.text(column.values[place]), "", column) for column in table[:-1]]
    last = table[-1]
    texts.append((last.text(last.values[place]), "value" if most else "", last))
    line = _cells(head.names[place], "here-text" if here else "token", names, texts, action)
    mark = Span("▸", "here-text") if here else Span(" ")
    name = line[0]._replace(text=line[0].text[1:])
    value = last.values[place]
    style = "positive" if value >= 0 else "negative"
    return [mark, name, *line[1:], Span("  "), Span(bar_of(value, largest, max(0, bars)), style, action)]


def _more(count: int) -> str:
    return f"{count} more" if count else ""


def _rest(table: list[Column], rest: list[int], names: int) -> Line:
    """How many more keys there are, and what they add up to where that means something."""
    texts: Texts = []
    for column in table:
        total = sum(column.values[i] for i in rest)
        texts.append((column.text(total) if column.total else "", "dim", column))
    return _cells(_more(len(rest)), "dim", names, texts)


def _later(head: HeadScores, names: int) -> Line:
    """The fate of the keys that come later than the query."""
    later = len(head.labels) - 1 - head.position
    words = "none: this is the last token"
    if later:
        words = f"{counted(later, 'token')}: the mask makes the score −∞, and exp(−∞) = 0"
    return [Span(" " + fit("later", names, ">"), "dim"), Span(f"  {words}", "dim")]


def _told(head: HeadScores, most: int) -> str:
    """The steps in words."""
    query, key = head.labels[head.position], head.labels[most]
    return (
        f"{query} asks, every token up to it answers: q·k says how well an answer fits. The largest is subtracted so "
        f"that exp cannot overflow; divided by their sum, the shares add up to 1. "
        f"{query} takes most from {key}."
    )
