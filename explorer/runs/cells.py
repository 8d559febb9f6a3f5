"""One number of a run, by name: `blocks.2.attn.hook_pattern[3,7,5]`.

The name is that of an activation, of a tensor of the checkpoint (`wte.weight`), of a step from logits to probabilities
(`tempered`), or `tokens`; the index counts along the axes of that value, from 0.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from explorer.errors import CellError
from explorer.terminal.glyphs import LONGEST_NUMBER, quoted, shortened

_CELL = re.compile(r"\s*([\w.]+)\s*\[([\d\s,]*)\]\s*")
_AXES = {
    "T": "the token's position",
    "S": "the earlier token's position",
    "H": "the head",
    "e": "the head's dimension",
    "d": "the dimension",
    "m": "the neuron",
    "V": "the token's id",
    "1": "the last index",
}
"""The things that an index counts, by the letter of its axis."""


class Cell(NamedTuple):
    """A place in a run that holds one number."""

    name: str
    index: tuple[int, ...]  # type: ignore[assignment] # a tuple's own `index` is not missed

    def __str__(self) -> str:
        return f"{self.name}[{','.join(map(str, self.index))}]"


def parse(text: str) -> Cell:
    """The cell that a text names: parse("logits[7,354]"); CellError if it names none."""
    found = _CELL.fullmatch(text)
    parts = found[2].split(",") if found else []
    if not found or not all(part.strip().isdecimal() and len(part) <= LONGEST_NUMBER for part in parts):
        raise CellError(
            f"{quoted(text)} names no number: give a name and an index, such as 'blocks.2.hook_resid_post[7,17]'."
        )
    return Cell(found[1], tuple(map(int, parts)))


def misfit(cell: Cell, shape: Sequence[int], axes: str) -> str | None:
    """Say why there is no such cell in a value of that shape; None if there is. `axes` are its letters."""
    counted = [_AXES[axis] for axis in axes] or ["the row", "the column"][-len(shape) :]
    if len(cell.index) != len(shape):
        wanted = " and ".join(f"{what} ({_span(size)})" for what, size in zip(counted, shape))
        numbers = "1 number" if len(shape) == 1 else f"{len(shape)} numbers"
        return f"{cell.name} takes {numbers}: {wanted}."
    for i, what, size in zip(cell.index, counted, shape):
        if i >= size:
            return f"{what} is {_span(size)} here, not {shortened(i)}."
    return None


def _span(size: int) -> str:
    return f"0 to {size - 1}" if size > 1 else "0"
