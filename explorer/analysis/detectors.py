"""Head scores as libraries and papers define them, beside the labels of `heads`.

TransformerLens' `head_detector.py` asks which share of all of a head's attention falls on a pattern of places, over
every row (`error_measure="mul"`). `heads` averages over the rows on which a behaviour can be seen, and leaves out those
on which another behaviour would score alike: the two differ where a prompt repeats little.
"""

from collections.abc import Sequence
from math import fsum

from explorer.analysis.heads import Behaviour
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from gpt.ops import Matrix

DETECTED = {
    Behaviour.PREVIOUS_TOKEN: "previous_token_head",
    Behaviour.DUPLICATE_TOKEN: "duplicate_token_head",
    Behaviour.INDUCTION: "induction_head",
}
"""The behaviours that TransformerLens has a detector for, under its names."""

DETECTOR = (
    "The share of all attention, in every row, that falls on the places of the behaviour: Σ pattern · places over "
    "Σ pattern. TransformerLens, head_detector.py, detect_head with error_measure='mul', nothing excluded."
)
REPEATED = (
    "The attention of the last position to the last earlier token that is there twice: for a prompt in which one of "
    "two names comes a second time, to that second place. Wang et al. 2022, arXiv:2211.00593, section 3: S-inhibition "
    "heads attend from END to S2."
)


def detector_score(pattern: Matrix, ids: Sequence[int], behaviour: Behaviour) -> float:  # [T, S]
    """TransformerLens' score of one head. `DETECTOR` says how it is measured."""
    found = [row[place] for row, places in zip(pattern, _places(ids, behaviour)) for place in places]
    return fsum(found) / fsum(value for row in pattern for value in row)


def _places(ids: Sequence[int], behaviour: Behaviour) -> list[list[int]]:
    positions = range(len(ids))
    if behaviour is Behaviour.PREVIOUS_TOKEN:
        return [[position - 1] if position else [] for position in positions]
    same = [[earlier for earlier in range(position) if ids[earlier] == ids[position]] for position in positions]
    if behaviour is Behaviour.INDUCTION:
        return [[earlier + 1 for earlier in places] for places in same]
    if behaviour is Behaviour.DUPLICATE_TOKEN:
        return same
    raise ValueError(f"TransformerLens has no detector for {behaviour.words}")


def repeated(words: Sequence[object]) -> int | None:
    """The last position, before the end, whose word has been there before: repeated([7, 8, 7, 9]) = 2."""
    return next((place for place in range(len(words) - 2, 0, -1) if words[place] in words[:place]), None)


def attends_to_repeated(trace: Trace, layer: int, head: int, words: Sequence[object] | None = None) -> float | None:
    """From 0 to 1, `REPEATED` says how it is measured; None where nothing is there twice.

    `words` say what counts as the same: by default the token, so that a word with a space before it is another one.
    """
    place = repeated(trace.ids if words is None else words)
    if place is None:
        return None
    return float(plain(trace.value(f"blocks.{layer}.attn.hook_pattern")[head][-1])[place])
