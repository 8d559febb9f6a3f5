"""z as the weighted mean that it is: each token's value with its weight, and their sum."""

from collections.abc import Sequence

from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown, rows_of
from explorer.paint.spans import Line, Span, marked, page, signed_level, spread_of
from explorer.text import fit, width

_WEIGHT, _FIGURE = 6, 8  # cells


def has_mix(shown: Shown) -> bool:
    """Whether this is z of a run, and not of a difference, and the pattern and the values are there."""
    session = shown.session
    return (
        shown.name.endswith("attn.hook_z")
        and session.what_if.difference is None
        and all(session.trace.positions(_of(shown, name)) > session.position for name in ("pattern", "v"))
    )


def mix(shown: Shown, cells: int, height: int) -> list[Line]:
    """The tokens by weight: weight, token, value as a strip, and the cursor's dimension; last the sum."""
    session = shown.session
    weights = session.trace.value(_of(shown, "pattern"))[session.cursor.head][session.position]
    values = rows_of(session, _of(shown, "v"))
    order = sorted(range(session.position + 1), key=lambda place: -weights[place])
    room = max(1, height - 3)
    first = order if len(order) <= room else order[: max(1, room - 1)]
    rest = order[len(first) :]
    labels = [session.label(session.ids[place]) for place in first]
    more = f"{len(rest)} more"
    names = min(max(map(width, [*labels, shown.label, more])), max(8, cells // 3))
    bars = max(0, cells - _WEIGHT - names - 2 * _FIGURE - 4)
    left, right = page(shown.column, len(shown.vector), max(1, bars))
    scale = spread_of([values[place] for place in first])
    column = shown.column
    head = f"{fit('weight', _WEIGHT)} {fit('token', names, '>')} "
    title = "z = sum of weight × value"
    lines = [titled(cells, f"{title}, dimensions {left}–{right - 1} of {len(shown.vector)}", title)]
    figures = f"{fit(f'dim {column}', _FIGURE, '>')}{fit('× weight', _FIGURE + 1, '>')}"
    lines.append([Span(head, "dim"), Span(fit("value", bars), "dim"), Span(figures, "dim")])
    for place, label in zip(first, labels):
        value = float(values[place][column])
        lines.append(
            [
                Span(fit(f"{weights[place]:.3f}"[: _WEIGHT - 1], _WEIGHT) + " ", "value" if place == order[0] else ""),
                Span(fit(label, names, ">") + " ", "token", ("position", place)),
                *_strip(values[place][left:right], scale, left, None, shown, bars),
                *_figures(shown, value, float(weights[place]) * value),
            ]
        )
    if rest and height > 3:
        weight = sum(float(weights[place]) for place in rest)
        total = sum(float(weights[place]) * float(values[place][column]) for place in rest)
        text = f"{fit(f'{weight:.3f}', _WEIGHT)} {fit(more, names, '>')} {' ' * (bars + _FIGURE + 1)}"
        lines.append([Span(text, "dim"), Span(fit(shown.text(total), _FIGURE, ">"), "dim")])
    end = f"{fit('z', _WEIGHT)} {fit(shown.label, names, '>')} "
    strip = _strip(shown.vector[left:right], scale, left, column, shown, bars)
    total = fit(shown.text(shown.vector[column]), _FIGURE, ">")
    lines.append([Span(end, "here-text"), *strip, Span(" " * (_FIGURE - 1) + "= "), Span(total, "value")])
    return lines


def _figures(shown: Shown, value: float, term: float) -> Line:
    """The value in the cursor's dimension, and the same times its weight."""
    return [Span(fit(shown.text(value), _FIGURE, ">") + " "), Span(fit(shown.text(term), _FIGURE, ">"))]


def _strip(values: Sequence[float], scale: float, first: int, here: int | None, shown: Shown, cells: int) -> Line:
    """A vector's numbers as colours, in so many cells."""
    line: Line = []
    for column, value in enumerate(values[:cells], first):
        span = Span(" ", f"signed:{signed_level(float(value), scale)}", shown.action(column))
        line.append(marked(span) if column == here else span)
    return [*line, Span(" " * (cells - len(line)))]


def _of(shown: Shown, name: str) -> str:
    return f"blocks.{shown.session.stage.layer}.attn.hook_{name}"
