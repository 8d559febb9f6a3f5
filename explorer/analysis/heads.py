"""The measured behaviour of every head on a prompt, and attention weighted by the size of what it moves."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from math import fsum, sqrt
from typing import NamedTuple

from explorer.analysis.recorded import by_head, value_of, weights_of
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from gpt.attention import results_by_head
from gpt.ops import Matrix, Vector

AT_LEAST, TIMES_EVEN, ROWS = 0.4, 2.0, 2

LABELLING = (
    f"A head is labelled by a behaviour whose score is {AT_LEAST} or more, at least {TIMES_EVEN:.0f} times what "
    f"attention spread evenly would score on the same rows, measured on {ROWS} rows or more; otherwise it is "
    "labelled 'none'. Where several fit, induction and duplicate token go first (a head of that kind rests on the "
    "first token or on itself while there is nothing to find), and of what is left the highest score. The "
    f"threshold {AT_LEAST} is that of TransformerLens' main demo. The first row is never counted: all it can do is "
    "attend to itself."
)


class Behaviour(Enum):
    """Something a head can do."""

    PREVIOUS_TOKEN = auto()
    FIRST_TOKEN = auto()
    ITSELF = auto()
    DUPLICATE_TOKEN = auto()
    INDUCTION = auto()

    @property
    def words(self) -> str:
        """Its name, for people: "previous token"."""
        return _WORDS[self].name

    @property
    def definition(self) -> str:
        """How it is measured."""
        return _WORDS[self].definition

    @property
    def source(self) -> str:
        """The literature that defines it."""
        return _WORDS[self].source


class _Words(NamedTuple):
    name: str
    definition: str
    source: str


_WORDS = {
    Behaviour.PREVIOUS_TOKEN: _Words(
        "previous token",
        "The mean attention from a token to the one before it, from the third token on (for the second, the previous "
        "token is the first one).",
        "Voita et al. 2019, arXiv:1905.09418, section 5.2; TransformerLens' head_detector.py, previous_token_head, "
        "counts every row (`gpt-explorer heads` prints both)",
    ),
    Behaviour.FIRST_TOKEN: _Words(
        "first token",
        "The mean attention to the first token, from the third token on: an attention sink.",
        "Vig and Belinkov 2019, arXiv:1906.04284, section 4.2; Xiao et al. 2023, arXiv:2309.17453, section 3.1",
    ),
    Behaviour.ITSELF: _Words(
        "itself",
        "The mean attention from a token to itself, from the second token on.",
        "TransformerLens' main demo, current token heads",
    ),
    Behaviour.DUPLICATE_TOKEN: _Words(
        "duplicate token",
        "The mean attention from a token to its earlier occurrences, over the tokens that have some. Rows in which "
        "one of those is the previous or the first token are left out: there other heads would score alike.",
        "Wang et al. 2022, arXiv:2211.00593, section 3. TransformerLens' head_detector.py, duplicate_token_head counts "
        "every row (`gpt-explorer heads` prints both)",
    ),
    Behaviour.INDUCTION: _Words(
        "induction",
        "The mean attention from a token to the tokens that came right after its earlier occurrences (prefix "
        "matching), over the tokens that have some. Rows in which one of those is the token itself, the previous or "
        "the first one are left out: there other heads would score alike.",
        "Olsson et al. 2022, arXiv:2209.11895, section 'Definition of induction heads'; TransformerLens' "
        "head_detector.py, induction_head, counts every row (`gpt-explorer heads` prints both)",
    ),
}
_GOES_FIRST = Behaviour.DUPLICATE_TOKEN, Behaviour.INDUCTION


@dataclass(frozen=True)
class Score:
    """How much of one behaviour a head shows."""

    value: float | None  # None: nothing in this prompt could show it
    even: float | None  # what attention spread evenly over what can be seen would score on the same rows
    rows: int  # how many positions it was measured on

    @property
    def fits(self) -> bool:
        """Whether it is enough for a label."""
        if self.value is None or self.even is None:
            return False
        return self.rows >= ROWS and self.value >= AT_LEAST and self.value >= TIMES_EVEN * self.even


@dataclass(frozen=True)
class HeadScores:
    """The behaviour of a head on a prompt: a score for each kind, and the one that it is labelled by, if any."""

    layer: int
    head: int
    scores: Mapping[Behaviour, Score]
    label: Behaviour | None


Targets = Sequence[Sequence[int]]
"""For each position the positions that a behaviour would attend to; none where it cannot be seen."""


def targets(behaviour: Behaviour, ids: Sequence[int]) -> Targets:
    """Where a behaviour would attend: targets(Behaviour.PREVIOUS_TOKEN, [7, 8, 9]) = [(), (), (1,)]."""
    return [_TARGETS[behaviour](ids, position) if position else () for position in range(len(ids))]


def _duplicates(ids: Sequence[int], position: int) -> tuple[int, ...]:
    return tuple(earlier for earlier in range(position) if ids[earlier] == ids[position])


def _unless_others_would(found: tuple[int, ...], position: int) -> tuple[int, ...]:
    return () if {0, position - 1, position} & set(found) else found


_TARGETS: dict[Behaviour, Callable[[Sequence[int], int], tuple[int, ...]]] = {
    Behaviour.PREVIOUS_TOKEN: lambda ids, position: (position - 1,) if position > 1 else (),
    Behaviour.FIRST_TOKEN: lambda ids, position: (0,) if position > 1 else (),
    Behaviour.ITSELF: lambda ids, position: (position,),
    Behaviour.DUPLICATE_TOKEN: lambda ids, position: _unless_others_would(_duplicates(ids, position), position),
    Behaviour.INDUCTION: lambda ids, position: _unless_others_would(
        tuple(earlier + 1 for earlier in _duplicates(ids, position)), position
    ),
}


def score(pattern: Matrix, wanted: Targets) -> Score:  # [T, S]
    """The mean attention that lands on the targets, over the rows that have some."""
    rows = [(row, places) for row, places in zip(pattern, wanted) if places]
    positions = [position for position, places in enumerate(wanted[: len(pattern)]) if places]
    if not rows:
        return Score(None, None, 0)
    mean = fsum(row[place] for row, places in rows for place in places) / len(rows)
    even = fsum(len(wanted[position]) / (position + 1) for position in positions) / len(rows)
    return Score(mean, even, len(rows))


def label(scores: Mapping[Behaviour, Score]) -> Behaviour | None:
    """The behaviour that a head's scores allow it to be labelled by, if any. `LABELLING` says how."""
    fitting = [behaviour for behaviour, found in scores.items() if found.fits]
    first = [behaviour for behaviour in fitting if behaviour in _GOES_FIRST]
    return max(first or fitting, key=lambda behaviour: scores[behaviour].value or 0.0, default=None)


def scores_of(pattern: Matrix, ids: Sequence[int]) -> dict[Behaviour, Score]:  # [T, S]
    """All behaviours' scores of one attention pattern over these tokens."""
    return {behaviour: score(pattern, places) for behaviour, places in _all_targets(tuple(ids)).items()}


@lru_cache(maxsize=1)  # the heads of a run share them
def _all_targets(ids: tuple[int, ...]) -> dict[Behaviour, Targets]:
    return {behaviour: targets(behaviour, ids) for behaviour in Behaviour}


def head_scores(trace: Trace, layer: int, heads: Iterable[int] | None = None) -> Iterator[HeadScores]:
    """These heads of a block, or all, one after the other, for the positions that are known by now."""
    patterns = value_of(trace, f"blocks.{layer}.attn.hook_pattern")
    for head in range(trace.config.n_head) if heads is None else heads:
        scores = scores_of(plain(patterns[head]), trace.ids)
        yield HeadScores(layer, head, scores, label(scores))


# Attention weighted by what it moves

VALUE_WEIGHTED = (
    "Attention times the length of what it moves: pattern · ‖v·W_O‖, v with its bias, W_O the part of the output "
    "projection that belongs to the head. A head may attend strongly to a token and take next to nothing from it. "
    "Source: Kobayashi et al. 2020, arXiv:2004.10102, section 3."
)


def moved_norms(trace: Trace, layer: int, position: int) -> Vector:  # [H]
    """‖v·W_O‖ for each head: the length of what it would write if it attended to that position alone.

    As many products as the output projection has weights; kept in `trace.derived`.
    """
    key = (f"blocks.{layer}.attn.moved_norms", position)
    if key not in trace.derived:
        weights, ops = weights_of(trace).blocks[layer].attn_out, trace.ops
        values = by_head(trace, f"blocks.{layer}.attn.hook_v", position)
        (moved,) = results_by_head([values], weights, ops=ops)  # [H, d]
        trace.derived[key] = [sqrt(fsum(value * value for value in plain(row))) for row in moved]
    return trace.derived[key]


def value_weighted(trace: Trace, layer: int, head: int) -> list[Vector]:  # [T, T]
    """The pattern of a head times the norms of what it moves, not renormalised.

    It costs one `moved_norms` for every position whose norms are not known yet: a screen can ask for those first.
    """
    pattern = plain(value_of(trace, f"blocks.{layer}.attn.hook_pattern")[head])
    norms = [moved_norms(trace, layer, position)[head] for position in range(len(pattern))]
    return [[weight * norm for weight, norm in zip(row, norms)] for row in pattern]
