"""All heads of a model as a grid, a block a row: each a signed number on the colour of its size."""

from collections.abc import Mapping

from explorer.paint.spans import Action, Line, Span, marked, signed_level
from explorer.terminal.text import fit, number
from gpt.config import GPTConfig

_MARGIN = 9
_SIZES = (7, 6, 3)  # cells for a head: two digits, one, or the sign alone


def size_of_map(config: GPTConfig, cells: int) -> tuple[int, int]:
    """How wide and high the map would be: beside a table where it takes less than half, else as wide as it is."""
    size = next((size for size in _SIZES if _MARGIN + size * config.n_head <= cells // 2), _SIZES[-1])
    return _MARGIN + size * config.n_head, config.n_layer + 2


def head_map(
    config: GPTConfig,
    values: Mapping[tuple[int, int], tuple[float, Action]],
    here: tuple[int, int] | None,
    cells: int,
) -> list[Line]:
    """The heads' numbers, and where a click on each leads; `here` is the chosen one."""
    size = next((size for size in _SIZES if _MARGIN + size * config.n_head <= cells), _SIZES[-1])
    largest = max((abs(value) for value, _ in values.values()), default=0.0)
    heads = "".join(fit(str(head), size - 1, ">") + " " for head in range(config.n_head))
    lines: list[Line] = [[Span(fit("head", _MARGIN - 1, ">") + " ", "dim"), Span(heads, "dim")]]
    for layer in range(config.n_layer):
        line = [Span(fit(f"block {layer}", _MARGIN), "dim")]
        for head in range(config.n_head):
            value, action = values.get((layer, head), (0.0, None))
            span = Span(_in_few(value, largest, size), f"signed:{signed_level(value, largest)}", action)
            line.append(marked(span) if here == (layer, head) else span)
        lines.append(line)
    return lines


def _in_few(value: float, largest: float, size: int) -> str:
    """A number as far as there is room; else its sign, where it is not nearly nothing."""
    if size > 3:
        return fit(number(value, size - 5), size - 1, ">") + " "
    sign = "·" if not signed_level(value, largest) else "−" if value < 0 else "+"
    return f" {sign} "
