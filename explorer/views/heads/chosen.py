"""The chosen head: its scores, what they mean, the row of the walk in figures, and its pattern."""

from functools import partial

from explorer.analysis.heads import LABELLING, VALUE_WEIGHTED, Behaviour, HeadScores, Score
from explorer.paint.row import Entry, labelled_bars
from explorer.paint.spans import Line, Span, bar, clipped, length, wrapped
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, short, width
from explorer.views.heads.small_patterns import drawn, extent, levels
from explorer.views.heads.state import HeadsState
from explorer.views.parts import side_by_side
from gpt.ops import Matrix

_NAME = 16
_TWO_COLUMNS = 60  # cells from which the row stands beside the scores and the pattern
_WHAT = (" takes: attention × length of what is moved", " takes: attention × length", " takes, in length", " takes")
_LEAST_ROW = 6  # lines for the row: its title, four numbers, and the rest


def details(state: HeadsState, cells: int, height: int) -> list[Line]:
    """As much as fits, the chosen row first: the name, the scores, the row in figures, then definition and pattern."""
    found = state.scores.get(state.chosen)
    lines = [_title(state, found, cells)]
    rest = height - 1
    if cells >= _TWO_COLUMNS:
        left = (cells - 3) // 2
        about = _table(found, left) if found else []
        about += _below(state, left, rest - len(about))
        lines += side_by_side(about[:rest], row_in_figures(state, cells - left - 3, rest), left + 3)
        return [clipped(line, cells) for line in lines[:height]]
    if found and rest >= len(found.scores) + _LEAST_ROW:
        table = _table(found, cells)
        lines += table
        rest -= len(table)
    if state.weighted and rest >= 2 * _LEAST_ROW:
        row = row_in_figures(state, cells, max(_LEAST_ROW, rest // 3))
        return [clipped(line, cells) for line in (*lines, *row, *_below(state, cells, rest - len(row)))][:height]
    row = row_in_figures(state, cells, rest)
    return [clipped(line, cells) for line in (*lines, *row, *_below(state, cells, rest - len(row)))][:height]


def _below(state: HeadsState, cells: int, height: int) -> list[Line]:
    """The pattern as large as there is room, if there is some."""
    if height < _LEAST_ROW:
        return []
    return [[], *(_both(state, cells, height - 1) if state.weighted else _one(state, cells, height - 1))]


def row_in_figures(state: HeadsState, cells: int, height: int) -> list[Line]:
    """How much the token of the walk takes from which, the largest first."""
    scene, rows = state.scene, state.row_of_chosen
    here = Span(scene.token_at(scene.position), "here-text")
    if rows is None:
        return [[Span("needs the model" if scene.recorded else "computing …", "dim")]]
    what = _WHAT if state.weighted else (" looks at",)
    what_fits = next((words for words in what if width(here.text + words) <= cells), what[-1])
    entries = [Entry(scene.token_at(at), value, ("position", at)) for at, value in enumerate(rows)]
    text = partial(short, digits=3) if state.weighted else share
    return [[here, Span(what_fits, "dim")], *labelled_bars(entries, cells, height - 1, text=text)]


def in_words(state: HeadsState, cells: int) -> list[Line]:
    """The chosen head in two lines: how it scores, and where the token of the walk looks most."""
    scene, found, rows = state.scene, state.scores.get(state.chosen), state.row_of_chosen
    line = _title(state, found, cells)
    if found and found.label:
        score = found.scores[found.label]
        line.append(Span(f" {_measured(score)}"))
    lines = [line]
    if rows and any(value == value for value in rows):
        most = max((at for at in range(len(rows)) if rows[at] == rows[at]), key=lambda at: rows[at])
        amount = (
            f"{rows[most]:.4g} = attention × ‖v·W_O‖, the length moved"
            if state.weighted
            else f"{rows[most]:.1%} of its attention"
        )
        here = Span(scene.token_at(scene.position), "here-text")
        how = Span(" takes most from " if state.weighted else " looks most at ")
        told = [here, how, Span(scene.token_at(most), "value"), Span(f": {amount}")]
        lines.append(told if length(told) <= cells else [*told[:-1], Span(f": {amount.split()[0]}")])
    return [clipped(line, cells) for line in lines]


def _title(state: HeadsState, found: HeadScores | None, cells: int) -> Line:
    layer, head = state.chosen
    place = Span(f"head {layer}.{head}", "here-text")
    if found is None:
        waiting = f"stopped · {pressed('again', 'r')} goes on" if state.scene.stopped else "computing …"
        return [place, Span("  not recorded" if state.scene.recorded else f"  {waiting}", "dim")]
    if found.label is None:
        return [place, Span("  no known pattern" if cells >= 28 else "  no pattern", "dim")]
    return [place, Span(f"  {found.label.words}", "value")]


def _table(found: HeadScores, cells: int) -> list[Line]:
    """A behaviour a line: its score as a bar, and what attention spread evenly would score."""
    room = max(0, min(20, cells - _NAME - 21))
    lines: list[Line] = []
    for behaviour, value in found.scores.items():
        name, style = behaviour.words, "value" if behaviour is found.label else ""
        if value.value is None:
            lines.append([Span(fit(name, _NAME), "dim"), Span(fit("none to find", cells - _NAME), "dim")])
            continue
        even = f"  by chance {_score(value.even)}" if cells >= _NAME + 18 else ""
        drawing = Span(fit(bar(value.value, room), room) + " " if room > 2 else "", "answer" if style else "lens")
        lines.append([Span(fit(name, _NAME), style), drawing, Span(_score(value.value), style), Span(even, "dim")])
    return lines


def share(value: float | None) -> str:
    """A share of 1 in two digits or more: ".70", and ".012" for a small one."""
    if value is None or value != value:
        return "  –" if value is None else "NaN"
    return "1.0" if value >= 0.995 else f"{value:.3f}"[1:] if 0 < value < 0.0995 else f"{value:.2f}"[1:]


def _score(value: float | None) -> str:
    return "  –" if value is None else "1.0" if value >= 0.995 else f"{value:.2f}"[1:]


def _one(state: HeadsState, cells: int, height: int) -> list[Line]:
    """The definition of what it is called, and its pattern as large as there is room."""
    found = state.scores.get(state.chosen)
    text = wrapped(found.label.definition, cells, "dim") if found and found.label else []
    above: list[Line] = [*text, []] if text else []
    rest = height - len(above)
    picture = _picture(state, "attention", state.patterns.get(state.chosen), 1.0, cells, rest)
    return [*above, *picture] if len(picture) > 2 else text[:height]


def _both(state: HeadsState, cells: int, height: int) -> list[Line]:
    """Plain attention and attention times the length of what it moves, beside each other or else below."""
    plain, weighted = state.patterns.get(state.chosen), state.weighted_patterns.get(state.chosen)
    largest = max(map(max, weighted)) if weighted else 0.0
    titles = "attention", f"× length, to {largest:.3g}"
    half = (cells - 2) // 2
    if half < 16:
        first = _picture(state, titles[0], plain, 1.0, cells, (height - 1) // 2)
        return [*first, [], *_picture(state, titles[1], weighted, largest, cells, (height - 1) // 2)]
    left = _picture(state, titles[0], plain, 1.0, half, height)
    right = _picture(state, titles[1], weighted, largest, half, height)
    lines = side_by_side(left, right, half + 2)
    rest = height - len(lines) - 1
    text = wrapped(VALUE_WEIGHTED, cells, "dim")
    return [*lines, [], *text] if len(text) <= rest else lines


def _picture(state: HeadsState, title: str, rows: Matrix | None, largest: float, cells: int, height: int) -> list[Line]:
    """A pattern under its title."""
    if rows is None:
        return [[Span(title, "dim")], [Span("needs the model" if state.scene.recorded else "computing …", "dim")]]
    tokens = len(state.scene.ids)
    part = extent(tokens, state.scene.position, min(cells, 2 * (height - 1)))
    remark = part.in_words(tokens)
    note = f"  {remark}" if remark and width(title + remark) + 2 <= cells else ""
    return [[Span(title), Span(note, "dim")], *drawn(levels(rows, part, largest))]


def definitions(state: HeadsState, cells: int, height: int) -> list[Line]:
    """Every behaviour with the chosen head's score and its definition; what does not fit is left out at the end."""
    found = state.scores.get(state.chosen)
    lines = [_title(state, found, cells), []]
    order = sorted(Behaviour, key=lambda each: not found or each is not found.label)
    told = [*lines, *_defined(order, found, cells, sources=True), [], *wrapped(LABELLING, cells)]
    if len(told) > height:
        told = [*lines, *_defined(order, found, cells, sources=False), [], *wrapped(LABELLING, cells)]
    lines = told
    if len(lines) > height:
        lines = [*lines[: height - 1], [Span("… a larger terminal shows the rest", "dim")]]
    return [clipped(line, cells) for line in lines]


def _defined(order: list[Behaviour], found: HeadScores | None, cells: int, sources: bool) -> list[Line]:
    """Each behaviour's score and definition, and with `sources` how papers and libraries define it."""
    lines: list[Line] = []
    for behaviour in order:
        value = found.scores[behaviour] if found else Score(None, None, 0)
        lines.append([Span(behaviour.words, "value"), Span(f"  {_measured(value)}")])
        lines += wrapped(behaviour.definition, cells, "dim")
        lines += wrapped(f"Beside it: {behaviour.source}", cells, "dim") if sources else []
    return lines


def _measured(value: Score) -> str:
    """A score beside what even attention would have got, and on how many rows."""
    if value.value is None:
        return "nothing in this prompt could show it"
    rows = "1 row" if value.rows == 1 else f"{value.rows} rows"
    return f"{value.value:.4f}, by chance (spread evenly) {value.even:.4f}, {rows}"
