"""Byte-pair encoding, merge by merge: how the bytes of one piece of text become tokens.

A piece begins as single bytes. Of all neighbours that the list of merges knows, the pair that stands first in the list
is joined (the leftmost, where it occurs twice); then again, until the list knows none of the neighbours left.
Source: Sennrich et al. 2016, arXiv:1508.07909, section 3.2; on bytes: Radford et al. 2019, section 2.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

Pair = tuple[bytes, bytes]

Join = tuple[int, int, int, int]
"""Two neighbours of a piece: their rank, where the left begins, the right begins and ends. The least one is next."""


@dataclass(frozen=True)
class Merge:
    """One step: two neighbours become one. In b"the", h and e join first, and the parts are then (b"t", b"he")."""

    left: bytes
    right: bytes
    rank: int  # the place in the list of merges: 0 is the first line of merges.txt
    # The parts are cut out when asked for: held ready, those of a long piece would take the square of its length.
    _piece: bytes = field(repr=False)
    _joined: tuple[int, ...] = field(repr=False)  # the boundaries that merges removed, in order; this one's is
    _number: int = field(repr=False)  # the one of this number

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The whole piece after this merge."""
        joined = set(self._joined[: self._number + 1])
        bounds = [place for place in range(len(self._piece) + 1) if place not in joined]
        return tuple(self._piece[start:end] for start, end in pairwise(bounds))


def merges_of(piece: bytes, ranks: Mapping[Pair, int]) -> tuple[Merge, ...]:
    """Every merge the piece goes through, in order; `ranks` has the place of each pair in the list of merges."""
    joins = list(_joins(piece, ranks))
    joined = tuple(middle for _, _, middle, _ in joins)
    return tuple(
        Merge(piece[start:middle], piece[middle:end], rank, piece, joined, number)
        for number, (rank, start, middle, end) in enumerate(joins)
    )


def token_ranks(merges: Sequence[Pair]) -> dict[bytes, int]:
    """What tiktoken calls ranks: every single byte, and every token that the merges make, in the order of the merges.

    tiktoken joins neighbours whenever the two together are a token, where the list of merges names the two. That comes
    to the same if each token, spelled out, is merged into itself: so a token that never is (its neighbours always join
    otherwise first) stays out, and where two merges make one token, the one that happens counts.
    """
    pairs = {pair: rank for rank, pair in enumerate(merges)}
    ranks = {bytes([byte]): byte for byte in range(256)}
    for rank, (left, right) in enumerate(merges):
        token = left + right
        joins = list(_joins(token, pairs))
        if len(joins) == len(token) - 1 and joins[-1][0] == rank:
            ranks[token] = 256 + rank
    return ranks


def _joins(piece: bytes, ranks: Mapping[Pair, int]) -> Iterator[Join]:
    ends = list(range(1, len(piece) + 1))  # the part that begins at a place ends there; 0: none begins here any more
    before = list(range(-1, len(piece) - 1))  # where the part before it begins
    waiting: list[Join] = []

    def offer(start: int) -> None:
        """Let the part that begins there and its right neighbour wait, if the list knows the two."""
        middle = ends[start]
        if middle < len(piece):
            end = ends[middle]
            rank = ranks.get((piece[start:middle], piece[middle:end]))
            if rank is not None:
                heappush(waiting, (rank, start, middle, end))

    for start in range(len(piece)):
        offer(start)
    while waiting:
        _, start, middle, end = join = heappop(waiting)
        if ends[start] != middle or ends[middle] != end:
            continue  # one of the two has joined another part since
        yield join
        ends[start], ends[middle] = end, 0
        if end < len(piece):
            before[end] = start
        if before[start] >= 0:
            offer(before[start])
        offer(start)
