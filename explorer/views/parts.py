"""Parts that several views are drawn from: the walk at one moment, choices, two columns, errors in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.paint.spans import SHARE_LEVELS, Line, Span, choices, clipped, length, shortened, wrapped
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import counted, token_at, width
from explorer.walk.session import Session
from gpt import GPTConfig, GPTError

ROW = 0
"""The first number of a click on what the cursor can be on, a row or an edge; the second says which one."""


@dataclass(frozen=True)
class Scene:
    """The walk as a picture needs it, at one moment."""

    config: GPTConfig
    ids: tuple[int, ...]
    position: int
    label: Callable[[int], str]  # a token's text, made visible
    recorded: bool  # there is no model
    computing: bool
    stopped: bool  # the user ended the computation

    def token_at(self, position: int) -> str:
        """A token of the prompt by its text, with its position where the text occurs twice."""
        return token_at(position, self.ids, self.label)

    def labels(self) -> list[str]:
        """The texts of all tokens."""
        return [self.label(token) for token in self.ids]

    def waiting(self, answer: Any, cells: int) -> list[Line]:
        """A sentence in place of an answer that is not there; nothing where it is."""
        if answer is None:
            return wrapped(self._why_not(), cells, "dim")
        return error_in_words(answer, cells) if isinstance(answer, GPTError) else []

    def _why_not(self) -> str:
        if self.recorded:
            return "Not recorded in this file."
        if not self.computing:
            return "Working it out …"
        if self.stopped:
            return f"Not computed: the run was cancelled. Press {pressed('again', 'r')} to go on."
        return "Not computed yet: it is worked out when the model has come to the end of this token."


def scene_of(session: Session) -> Scene:
    """The walk as it is now."""
    return Scene(
        session.config,
        tuple(session.ids),
        session.position,
        session.label,
        session.recorded,
        session.computing,
        session.stopped,
    )


def ramp() -> Line:
    """All colours of a share, from the darkest to the brightest, two in a cell."""
    last = f"share:{SHARE_LEVELS}/{SHARE_LEVELS}"
    return [*(Span("▌", f"share:{level}/{level + 1}") for level in range(0, SHARE_LEVELS, 2)), Span("▌", last)]


def fitting(line: Line, parts: Sequence[str], cells: int) -> Line:
    """The line with as many of the parts behind it, the first ones first, as fit whole."""
    between = "   "
    for part in parts:
        if length(line) + width(between + part) <= cells:
            line = [*line, Span(between + part, "dim")]
            between = " · "
    return line


def beyond(first: int, last: int, count: int) -> tuple[str, str]:
    """Arrows at both ends of a stretch of columns, with how many lie beyond: beyond(3, 9, 11) = ("← 3", "2 →")."""
    return f"← {first}" if first else "", f"{count - last} →" if last < count else ""


def out_of_sight(rows: range, all_rows: int, columns: range, all_columns: int) -> list[str]:
    """How many rows and columns lie beyond what is shown, with arrows towards them: "↑ 5 rows", "← 3 · 4 columns →"."""
    above, below = rows.start, all_rows - rows.stop
    left, right = columns.start, all_columns - columns.stop
    words = []
    if above > 0 or below > 0:
        before = [f"↑ {above}"] * (above > 0 and below > 0)
        last = f"↓ {counted(below, 'row')}" if below > 0 else f"↑ {counted(above, 'row')}"
        words.append(" · ".join([*before, last]))
    if left > 0 or right > 0:
        before = [f"← {left}"] * (left > 0 and right > 0)
        last = f"{counted(right, 'column')} →" if right > 0 else f"← {counted(left, 'column')}"
        words.append(" · ".join([*before, last]))
    return words


def row_mark(row: int, first: int, last: int, count: int) -> str:
    """An arrow at the first or last row of a stretch where more rows lie beyond it; else a blank."""
    if row == first and first:
        return "↑"
    return "↓" if row == last - 1 and last < count else " "


def error_in_words(error: GPTError, cells: int) -> list[Line]:
    """An error that stands where an answer would be."""
    words = str(error)
    return wrapped(words[:1].upper() + words[1:], cells, "down")


def guarded(paint: Callable[[int, int], list[Line]], cells: int, height: int) -> list[Line]:
    """A picture within its cells and lines; an error that comes up is drawn in its place."""
    try:
        painted = paint(cells, height)
    except GPTError as error:
        painted = error_in_words(error, cells)
    return [clipped(line, cells) for line in shortened(painted, height)]


def to_choose(which: int, labels: Sequence[str], current: int, cells: int) -> Line:
    """A row of choices, a click on which goes to the view with the number of the row."""
    return [_sent_on(span, which) for span in choices(labels, current, "view", cells)]


def _sent_on(span: Span, which: int) -> Span:
    return span._replace(action=("view", which, *span.action[1:])) if span.action else span


def side_by_side(left: list[Line], right: list[Line], cells: int) -> list[Line]:
    """Two columns, the left one that many cells wide."""
    rows: list[Line] = []
    for index in range(max(len(left), len(right))):
        line = clipped(left[index], cells) if index < len(left) else []
        beside = right[index] if index < len(right) else []
        rows.append([*line, Span(" " * (cells - length(line))), *beside] if beside else line)
    return rows
