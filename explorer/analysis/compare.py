"""Two runs, A and B: their difference, place by place, and how the probabilities of the next token changed.

The runs may be of two prompts, of two models with the same tokenizer, or before and after an edit. With prompts of one
length position stands with position. With others they are aligned at the end, the last with the last, where the next
token is decided; or, if that is asked for, at the beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, inf, isnan

from explorer.analysis.errors import AnalysisError
from explorer.analysis.lens import BITS_IN_A_NAT, log_sum_exp
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from gpt.ops import Matrix, Vector

KL = (
    "The Kullback-Leibler divergence KL(A ‖ B) in bits: Σ p_A · log2(p_A / p_B) over the vocabulary, how many bits "
    "more A's next token costs somebody who expects B's. 0 where both say the same; it is not symmetric."
)


END, BEGINNING = "end", "beginning"
ALIGNED = (END, BEGINNING)
"""Where two prompts of different lengths are aligned."""


@dataclass(frozen=True)
class Alignment:
    """Which position of A stands beside which of B."""

    length: int  # how many positions have a partner
    start_a: int  # the first of them
    start_b: int

    @property
    def shift(self) -> int:
        """The number to add to a position of A for its partner in B."""
        return self.start_b - self.start_a

    def in_a(self, position_b: int) -> int | None:
        """The partner of a position of B."""
        return self._partner(position_b, self.start_b, self.start_a)

    def in_b(self, position_a: int) -> int | None:
        """The partner of a position of A."""
        return self._partner(position_a, self.start_a, self.start_b)

    def _partner(self, position: int, start: int, other: int) -> int | None:
        offset = position - start
        return other + offset if 0 <= offset < self.length else None


@dataclass(frozen=True)
class Change:
    """One possible next token in A and in B."""

    token: int
    before: float  # its probability in A
    after: float  # and in B
    bits: float  # log2(after / before)

    @property
    def points(self) -> float:
        """The difference of the probabilities, in percentage points."""
        return 100 * (self.after - self.before)


@dataclass(frozen=True)
class Comparison:
    """The next token in A and in B."""

    changes: tuple[Change, ...]  # of the whole vocabulary, the largest change in points first
    kl: float  # KL(A ‖ B), in bits


def align(a: Trace, b: Trace, at: str = END) -> Alignment:
    """The positions of two runs side by side, aligned at the end or at the beginning."""
    length = min(len(a.ids), len(b.ids))
    if at == BEGINNING:
        return Alignment(length, 0, 0)
    return Alignment(length, len(a.ids) - length, len(b.ids) - length)


def difference(a: Trace, b: Trace, name: str, head: int = 0, at: str = END) -> Matrix:  # a row for each aligned pair
    """B - A of an activation (of one head, where it has heads); of scores and patterns the columns are aligned too.

    0 where both are -inf: both are masked. AnalysisError where the two do not fit together.
    """
    for trace, letter in ((a, "A"), (b, "B")):
        if trace.positions(name) < len(trace.ids):
            raise AnalysisError(f"{name} is not known for all positions of {letter}: wait, or record it there.")
    alignment = align(a, b, at)
    ours, theirs = (
        _aligned(trace, name, head, range(start, start + alignment.length))
        for trace, start in ((a, alignment.start_a), (b, alignment.start_b))
    )
    if ours and len(ours[0]) != len(theirs[0]):
        raise AnalysisError(
            f"{name} is {len(ours[0])} wide in A and {len(theirs[0])} in B: models of two shapes can be compared only "
            "by their next tokens."
        )
    return [[_apart(before, after) for before, after in zip(*rows)] for rows in zip(ours, theirs)]


def _aligned(trace: Trace, name: str, head: int, part: range) -> Matrix:
    """Those rows of an activation, and for scores those columns."""
    axes = trace.axes[name]
    if "H" in axes and not 0 <= head < trace.config.n_head:
        raise AnalysisError(f"there is no head {head}: one of the models has 0 to {trace.config.n_head - 1}.")
    rows = trace.matrix(name, head)[part.start : part.stop]
    return [row[part.start : part.stop] for row in rows] if axes == "HTS" else rows


def _apart(before: float, after: float) -> float:
    return 0.0 if before == after else after - before


def next_tokens(before: Vector, after: Vector) -> Comparison:  # [V], [V]
    """How the probabilities changed from one row of logits to another, at temperature 1."""
    if len(before) != len(after):
        raise AnalysisError(
            f"A has {len(before)} tokens and B has {len(after)}: only models with one vocabulary can be compared."
        )
    log_a, log_b = log_probabilities(before), log_probabilities(after)
    changes = [Change(token, exp(p), exp(q), (q - p) * BITS_IN_A_NAT) for token, (p, q) in enumerate(zip(log_a, log_b))]
    changes.sort(key=lambda change: -abs(change.points))
    return Comparison(tuple(changes), _kl(log_a, log_b))


def compare(a: Trace, b: Trace, position_b: int | None = None, at: str = END) -> Comparison:
    """The next token after a position of B (the last) and after its partner in A."""
    position = len(b.ids) - 1 if position_b is None else position_b
    partner = align(a, b, at).in_a(position)
    if partner is None:
        closer = "a later" if at == END else "an earlier"
        raise AnalysisError(f"position {position} of B has no partner in A, which is shorter: choose {closer} one.")
    rows = a.logits(partner), b.logits(position)
    if rows[0] is None or rows[1] is None:
        raise AnalysisError("the logits are not known in both runs: wait until both are computed, or record them.")
    return next_tokens(rows[0], rows[1])


def kl(before: Vector, after: Vector) -> float:  # [V], [V]
    """KL(A ‖ B) in bits between the next-token distributions of two rows of logits. `KL` says what it means."""
    if hasattr(after, "argmax"):
        from explorer.analysis.read_outs import kl as of_arrays

        return of_arrays(before, after)
    return _kl(log_probabilities(before), log_probabilities(after))


def _kl(log_a: Sequence[float], log_b: Sequence[float]) -> float:
    nats = fsum(exp(p) * (p - q) for p, q in zip(log_a, log_b) if p > -inf or isnan(p))
    return max(0.0, nats * BITS_IN_A_NAT)  # rounding may make it slightly negative


def log_probabilities(logits: Vector) -> list[float]:  # [V]
    """log softmax, computed without underflow: differences in bits come from it."""
    logits = plain(logits)
    total = log_sum_exp(logits)
    return [value - total for value in logits]
