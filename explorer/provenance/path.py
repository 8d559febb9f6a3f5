"""Following the largest contribution back as far as it goes."""

from explorer.provenance.names import TOKENS
from explorer.provenance.provenance import Provenance
from explorer.runs.cells import Cell

_FAR_ENOUGH = 1000  # numbers: more than any path through the deepest GPT-2


def follow_biggest(provenance: Provenance, cell: Cell) -> list[Cell]:
    """From a number to the token or the weight that its largest contribution comes from, the largest one at each step.

    Residual streams are unrolled: a step leads to what wrote into them.
    """
    path = [cell]
    while len(path) < _FAR_ENOUGH and (cell.name != TOKENS or len(path) == 1):
        terms = provenance.explain(cell, unrolled=True).ranked
        door = next((term.at for term in terms if term.at), None)
        if door is None:
            break
        path.append(cell := door)
    return path
