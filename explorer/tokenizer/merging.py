"""Byte-pair encoding of long pieces: the merges of `gpt.tokenizer.merges_of`, found in less time.

There every merge looks at all neighbours once more, which takes the square of a piece's length; here the pairs that can
join wait in a queue, the first of the list in front.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush

from explorer.terminal.text import counted, visible
from gpt.tokenizer import Merge, Pair

Join = tuple[int, int, int, int]
"""Two neighbours of a piece: their rank, where the left begins, the right begins and ends. The least one is next."""


def merges_of(piece: bytes, ranks: Mapping[Pair, int]) -> list[Merge]:
    """Every merge the piece goes through, in order; `ranks` has the place of each pair in the list of merges."""
    return [
        Merge(piece[start:middle], piece[middle:end], rank, middle) for rank, start, middle, end in _joins(piece, ranks)
    ]


def token_ranks(merges: Sequence[Pair], unused: Iterable[int] = ()) -> dict[bytes, int]:
    """The ranks that tiktoken asks for: every single byte, then the tokens that the merges make, in their order.

    tiktoken joins neighbours whenever the two together are a token, where the list of merges names the two. That comes
    to the same if each token, spelled out, is merged into itself: so a token that never is (its neighbours always join
    otherwise first) stays out, and where two merges make one token, the one that happens counts: `unused` says which
    merges do not.
    """
    left_out = set(unused)
    ranks = {bytes([byte]): byte for byte in range(256)}
    return ranks | {left + right: 256 + rank for rank, (left, right) in enumerate(merges) if rank not in left_out}


def unused(merges: Sequence[Pair]) -> tuple[int, ...]:
    """The places of merges whose token, spelled out, is not merged into itself by them."""
    pairs, found = {pair: rank for rank, pair in enumerate(merges)}, []
    for rank, (left, right) in enumerate(merges):
        token = left + right
        joins = list(_joins(token, pairs))
        if len(joins) < len(token) - 1 or joins[-1][0] != rank:
            found.append(rank)
    return tuple(found)


def unreachable(ids: Mapping[bytes, int], made: Container[bytes], special: Iterable[int]) -> tuple[str, ...]:
    """A note, if there are tokens that no text can become: no merges make them, and they are not special."""
    own = set(special)
    lost = sorted((number, token) for token, number in ids.items() if token not in made and number not in own)
    if not lost:
        return ()
    some = ", ".join(f"{visible(token)} ({number})" for number, token in lost[:3]) + (", ..." if len(lost) > 3 else "")
    return (f"{counted(len(lost), 'token')} of the vocabulary can come from no text, as no merges lead there: {some}.",)


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
