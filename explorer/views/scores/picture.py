"""The picture of a score: where the head looks, and the table of who wrote both sides."""

from explorer.paint.legend import legend_of_signed
from explorer.paint.spans import Line, Span, choices, clipped, length
from explorer.terminal.text import number
from explorer.views.heatmap import CELL, Heatmap, heatmap
from explorer.views.parts import fitting
from explorer.views.scores.state import ScoreState, briefly, in_full

KEY = 1
"""The first number of a click on a token that may be looked at."""

_MOST = 5  # pairs that are named below


def picture(state: ScoreState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    drawn = table(state)
    head = [_title(state, cells), _keys(state, cells)]
    below = [_legend(drawn, cells), _largest(state, cells)]
    body = heatmap(drawn, cells, max(2, height - len(head) - len(below)))
    return [clipped(line, cells) for line in (*head, *body, *below)]


def table(state: ScoreState) -> Heatmap:
    """Rows: who wrote the query's side; columns: who wrote the key's."""
    totals, count = state.totals, range(len(state.rows) + 1)
    pairs = [abs(value) for row in totals[1:] for value in row[1:]]
    return Heatmap(
        [in_full(state.writer(row)) for row in count],
        [briefly(state.reader(column)) for column in range(len(state.columns) + 1)],
        lambda row, column: totals[row][column],
        _text,
        state.row,
        state.column,
        corner="query \\ key",
        unit="with the key's side of",
        most=max(pairs, default=0.0),
        by_size=True,
    )


def _text(value: float) -> str:
    text = number(value, 2)
    return text if text.strip("+−0.") else text.lstrip("+−")  # a zero has no sign


def _title(state: ScoreState, cells: int) -> Line:
    """Whose score it is, and that the table adds up to it."""
    parts, scene = state.parts, state.scene
    line = [
        Span(f"head {parts.layer}.{parts.head}  ", "bold"),
        Span(scene.token_at(parts.query), "here-text"),
        Span(" looks at "),
        Span(scene.token_at(parts.key), "here-text"),
        Span(f" with {state.weights[parts.key]:.1%}", "value"),
        Span(f": score q·k {number(parts.score, 3)}"),
    ]
    sums = [f"the table adds up to {number(parts.sum, 3)}"]
    if abs(parts.gap) > 1e-3 * max(1.0, abs(parts.score)):
        sums = [f"the table {number(parts.sum, 3)}, an edit or rounding {number(parts.gap, 3)}"]
    return fitting(line, sums, cells)


def _keys(state: ScoreState, cells: int) -> Line:
    """The tokens that may be looked at, with how much they get: a click chooses one."""
    labels = [f"{state.scene.label(state.scene.ids[key])} {weight:.0%}" for key, weight in enumerate(state.weights)]
    row = choices(labels, state.parts.key, "view", cells)
    return [span._replace(action=("view", KEY, *span.action[1:], 0)) if span.action else span for span in row]


def _legend(drawn: Heatmap, cells: int) -> Line:
    scale = [
        Span("colours ", "dim"),
        *legend_of_signed(drawn.spread, ends=(min(drawn.values), max(drawn.values)), cells=40),
    ]
    return fitting(scale, ["of the score, as ln1 was recorded", "d: another head or key"], cells)


def _largest(state: ScoreState, cells: int) -> Line:
    """The largest pairs: query's side × key's side."""
    line = [Span("most: ", "dim")]
    places = [(row, column) for row in range(1, len(state.rows) + 1) for column in range(1, len(state.columns) + 1)]
    for row, column in sorted(places, key=lambda place: -abs(state.totals[place[0]][place[1]]))[:_MOST]:
        value, action = state.totals[row][column], ("view", CELL, row, column)
        entry = [
            Span(f"{briefly(state.writer(row))} × {briefly(state.reader(column))} ", "", action),
            Span(f"{_text(value)}   ", "positive" if value >= 0 else "negative", action),
        ]
        if length([*line, *entry]) - 3 <= cells:
            line += entry
    return line


def in_words(state: ScoreState, side: int, cells: int) -> list[Line]:
    """The chosen number: who wrote both sides of it, and where enter leads."""
    parts, scene = state.parts, state.scene
    writer, reader = state.writer(state.row), state.reader(state.column)
    value = state.totals[state.row][state.column]
    first = [
        Span(f"query: {writer.label if writer else 'all parts'}", "bold"),
        Span(f" at {scene.token_at(parts.query)}"),
        Span(f"   key: {reader.label if reader else 'all parts'}", "bold"),
        Span(f" at {scene.token_at(parts.key)}"),
    ]
    leads = (writer, reader)[side]
    name = ("query's", "key's")[side]
    door = f"⏎ to what wrote the {name} side" if leads and leads.cell else f"the {name} side has no single place"
    second = fitting(
        [Span(f"{number(value, 6)} of {number(parts.score, 4)}", "value")], [door, "v: the other side"], cells
    )
    return [clipped(first, cells), clipped(second, cells)]
