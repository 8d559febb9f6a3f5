"""The activation function as a curve, with the chosen neuron's point on it."""

from collections.abc import Callable
from math import floor, isfinite

from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown, row_at
from explorer.paint.row import figure
from explorer.paint.spans import Line, Span
from explorer.terminal.text import fit
from gpt import ops

_UP, _ACROSS = "↑ after", "before →"  # the names of the axes
_REACH = 4.0  # the curve is drawn from minus 4 to 4, or as far as the point lies


def has_curve(shown: Shown) -> bool:
    """Whether the numbers are those of neurons after their activation, not edited and no difference of two runs."""
    return shown.name.endswith("mlp.hook_post") and shown.as_computed


def curve(shown: Shown, cells: int, height: int) -> list[Line]:
    """A title with the point's numbers, the curve, and the axis below it."""
    session, column = shown.session, shown.column
    before = row_at(session, f"blocks.{session.stage.layer}.mlp.hook_pre")
    x, y = before[column] if before else float("nan"), shown.vector[column]
    point = f"{figure(x)} → {figure(y)}"
    name = session.stage.title
    title = titled(cells, f"{name}  neuron {column}: {point}", f"{name}: {point}", point)
    reach = max(_REACH, abs(x)) if isfinite(x) else _REACH
    activation = ops.ACTIVATIONS[session.config.activation_function]
    ends = f"−{reach:.3g}", f"+{reach:.3g}"
    zero = (cells - 1) // 2
    middle = f"0 {_ACROSS}" if cells > 24 else "0"
    axis = fit(f"{ends[0]}{' ' * (zero - len(ends[0]))}{middle}", cells - len(ends[1])) + ends[1]
    rows = _plot(activation, reach, (x, y), cells, max(1, height - 2))
    return [title, *rows, [Span(axis, "dim")]]


def _plot(
    activation: Callable[[float], float], reach: float, point: tuple[float, float], cells: int, height: int
) -> list[Line]:
    """The curve in halves of cells, the line of zero, and the point."""
    heights = [activation((2 * place / max(1, cells - 1) - 1) * reach) for place in range(cells)]
    low, high = min([*heights, 0.0]), max([*heights, 0.0])
    down = height * 2

    def half_of(y: float) -> int:
        return min(down - 1, max(0, floor((high - y) / ((high - low) or 1.0) * (down - 1) + 0.5)))

    halves = [half_of(y) for y in heights]
    zero = half_of(0.0) // 2
    rows = [["─" if row == zero else " "] * cells for row in range(height)]
    for place, half in enumerate(halves):
        before = halves[max(0, place - 1)]
        top, bottom = min(half, before + (half > before)), max(half, before - (half < before))
        for row in range(top // 2, bottom // 2 + 1):
            upper, lower = top <= 2 * row <= bottom, top <= 2 * row + 1 <= bottom
            rows[row][place] = "█" if upper and lower else "▀" if upper else "▄"
    name = f"{high:.3g} {_UP}"
    if not "".join(rows[0][: len(name)]).strip() and zero:
        rows[0][: len(name)] = name
    lines: list[Line] = [[Span("".join(row), "positive")] for row in rows]
    x, y = point
    if isfinite(x) and isfinite(y):
        row, place = half_of(y) // 2, min(cells - 1, max(0, floor((x / reach + 1) / 2 * (cells - 1) + 0.5)))
        text = "".join(rows[row])
        lines[row] = [Span(text[:place], "positive"), Span("●", "here-text"), Span(text[place + 1 :], "positive")]
    return lines
