"""The activation function as a curve, with the chosen neuron's point on it."""

from collections.abc import Callable
from math import floor, isfinite

from explorer.paint.pictures.vectors.layout import titled
from explorer.paint.pictures.vectors.shown import Shown, row_at
from explorer.paint.spans import Line, Span
from explorer.text import number
from gpt import ops

_REACH = 4.0  # the curve is drawn from minus 4 to 4, or as far as the point lies
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille character, by row and column


def has_curve(shown: Shown) -> bool:
    """Whether the numbers are those of neurons after their activation, and not a difference of two runs."""
    return shown.name.endswith("mlp.hook_post") and shown.session.what_if.difference is None


def curve(shown: Shown, cells: int, height: int) -> list[Line]:
    """A title with the point's numbers, the curve, and the axis below it."""
    session, column = shown.session, shown.column
    before = row_at(session, f"blocks.{session.stage.layer}.mlp.hook_pre")
    x, y = before[column] if before else float("nan"), shown.vector[column]
    point = f"{number(x)} → {number(y)}"
    name = session.stage.title
    title = titled(cells, f"{name}  neuron {column}: {point}", f"{name}: {point}", point)
    reach = max(_REACH, abs(x)) if isfinite(x) else _REACH
    activation = ops.ACTIVATIONS[session.config.activation_function]
    ends = f"−{reach:.3g}", f"+{reach:.3g}"
    middle = "before" if cells > 30 else ""
    gap = max(1, cells - len(ends[0]) - len(ends[1]) - len(middle))
    axis = f"{ends[0]}{' ' * (gap // 2)}{middle}{' ' * (gap - gap // 2)}{ends[1]}"
    rows = _plot(activation, reach, (x, y), cells, max(1, height - 2))
    return [title, *rows, [Span(axis, "dim")]]


def _plot(
    activation: Callable[[float], float], reach: float, point: tuple[float, float], cells: int, height: int
) -> list[Line]:
    """The curve in dots, the line of zero, and the point."""
    across, down = cells * 2, height * 4
    points = [(2 * i / (across - 1) - 1) * reach for i in range(across)]
    heights = [activation(x) for x in points]
    low, high = min([*heights, 0.0]), max([*heights, 0.0])
    span = (high - low) or 1.0

    def row_of(y: float) -> int:
        return min(down - 1, max(0, floor((high - y) / span * (down - 1) + 0.5)))

    dots = [[0] * cells for _ in range(height)]
    for i, y in enumerate(heights):
        row = row_of(y)
        dots[row // 4][i // 2] |= _DOTS[row % 4][i % 2]
    zero = row_of(0.0) // 4
    lines: list[Line] = []
    for row in range(height):
        text = "".join(chr(0x2800 + bits) if bits else "┄" if row == zero else " " for bits in dots[row])
        lines.append([Span(text, "positive")])
    x, y = point
    if isfinite(x) and isfinite(y):
        row, place = row_of(y) // 4, min(cells - 1, max(0, floor((x / reach + 1) / 2 * (cells - 1) + 0.5)))
        text = lines[row][0].text
        lines[row] = [Span(text[:place], "positive"), Span("●", "here-text"), Span(text[place + 1 :], "positive")]
    return lines
