"""The forward passes of a run: an engine rounds a number by how many positions it computes at once."""

from collections.abc import Sequence
from typing import NamedTuple


class Pass(NamedTuple):
    """One forward pass of a run, from the position where the one before it ended."""

    end: int  # the positions up to here are its own
    of: int  # it ran up to here; later positions were cut off since
    layer: int = 0  # the block that it began in: what lies before it was taken from the run that is edited


def first_passes(passes: Sequence[Pass], positions: int) -> tuple[Pass, ...]:
    """The passes of the first positions alone."""
    kept, start = [], 0
    for each in passes:
        if start >= positions:
            break
        kept.append(each._replace(end=min(each.end, positions)))
        start = each.end
    return tuple(kept)
