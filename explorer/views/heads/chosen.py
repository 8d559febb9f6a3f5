"""The chosen head: its scores, what they mean, and its pattern, plain and value-weighted side by side."""

from explorer.analysis.heads import LABELLING, VALUE_WEIGHTED, Behaviour, HeadScores, Score
from explorer.paint.spans import Line, Span, bar, clipped, wrapped
from explorer.text import fit, width
from explorer.views.heads.small_patterns import drawn, extent, levels
from explorer.views.heads.state import HeadsState
from explorer.views.parts import side_by_side
from gpt.ops import Matrix

_NAME = 16


def details(state: HeadsState, cells: int, height: int) -> list[Line]:
    """As much as fits: the name, the scores, then the pattern or the definition."""
    found = state.scores.get(state.chosen)
    lines = [_title(state, found)]
    if found and not (state.weighted and height < 16):
        table = _table(found, cells)
        lines += table if len(table) < height else _in_a_row(found, cells)
    rest = height - len(lines) - 1
    if state.weighted and rest >= 4:
        lines += [[], *_both(state, cells, rest)]
    elif rest >= 4:
        lines += [[], *_one(state, cells, rest)]
    return [clipped(line, cells) for line in lines[:height]]


def _title(state: HeadsState, found: HeadScores | None) -> Line:
    layer, head = state.chosen
    place = Span(f"head {layer}.{head}", "here-text")
    if found is None:
        waiting = "stopped · r goes on" if state.scene.stopped else "computing …"
        return [place, Span("  not recorded" if state.scene.recorded else f"  {waiting}", "dim")]
    if found.label is None:
        return [place, Span("  no name", "dim")]
    return [place, Span(f"  {found.label.words}", "value")]


def _table(found: HeadScores, cells: int) -> list[Line]:
    """A behaviour a line: its score as a bar, and what attention spread evenly would score."""
    room = max(0, min(20, cells - _NAME - 16))
    lines: list[Line] = []
    for behaviour, value in found.scores.items():
        name, style = behaviour.words, "value" if behaviour is found.label else ""
        if value.value is None:
            lines.append([Span(fit(name, _NAME), "dim"), Span(fit("none to find", cells - _NAME), "dim")])
            continue
        even = f"  even {_share(value.even)}" if cells >= _NAME + 13 else ""
        drawing = Span(fit(bar(value.value, room), room) + " " if room > 2 else "", "answer" if style else "lens")
        lines.append([Span(fit(name, _NAME), style), drawing, Span(_share(value.value), style), Span(even, "dim")])
    return lines


def _in_a_row(found: HeadScores, cells: int) -> list[Line]:
    """All scores as running text."""
    words = [f"{behaviour.words} {_share(value.value).strip()}" for behaviour, value in found.scores.items()]
    lines: list[str] = []
    for word in words:
        if lines and width(lines[-1]) + 3 + width(word) <= cells:
            lines[-1] += " · " + word
        else:
            lines.append(word)
    return [[Span(line)] for line in lines]


def _share(value: float | None) -> str:
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
    titles = "attention", f"× ‖v·W_O‖, to {largest:.3g}"
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
    lines = [_title(state, found), []]
    order = sorted(Behaviour, key=lambda each: not found or each is not found.label)
    for behaviour in order:
        value = found.scores[behaviour] if found else Score(None, None, 0)
        lines.append([Span(behaviour.words, "value"), Span(f"  {_measured(value)}")])
        lines += wrapped(behaviour.definition, cells, "dim")
    lines += [[], *wrapped(LABELLING, cells)]
    if len(lines) > height:
        lines = [*lines[: height - 1], [Span("… a larger terminal shows the rest", "dim")]]
    return [clipped(line, cells) for line in lines]


def _measured(value: Score) -> str:
    """A score beside what even attention would have got, and on how many rows."""
    if value.value is None:
        return "nothing in this prompt could show it"
    rows = "1 row" if value.rows == 1 else f"{value.rows} rows"
    return f"{value.value:.4f}, spread evenly {value.even:.4f}, {rows}"
