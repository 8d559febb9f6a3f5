"""Metrics: one number for an answer, from its logits."""

import math
from dataclasses import dataclass
from typing import Protocol

from explorer.analysis.compare import kl
from explorer.analysis.lens import log_sum_exp
from gpt import InputError
from gpt.ops import Vector, softmax_row

PROBABILITY, LOGIT, LOGIT_DIFFERENCE, KL = "probability", "logit", "logit-diff", "kl"
METRICS = (LOGIT_DIFFERENCE, LOGIT, PROBABILITY, KL)


class Measure(Protocol):
    """Anything that makes one number of an answer."""

    def of(self, logits: Vector, before: Vector) -> float:  # [V], [V]
        """The number, of the logits and of those without edits."""


@dataclass(frozen=True)
class Metric:
    """One number of an answer: of a token, of a token against another, or of all tokens (KL)."""

    kind: str
    token: int = 0
    versus: int = 0

    def __post_init__(self) -> None:
        if self.kind not in METRICS:
            raise InputError(f"there is no metric {self.kind!r}: there are {', '.join(METRICS)}.")

    @property
    def of_token(self) -> bool:
        """Whether it looks at the token."""
        return self.kind != KL

    @property
    def of_two(self) -> bool:
        """Whether it looks at the other token as well."""
        return self.kind == LOGIT_DIFFERENCE

    def of(self, logits: Vector, before: Vector) -> float:  # [V], [V]
        """The metric of an answer. KL is in bits from `before`, the one without edits, to it: KL(before ‖ edited)."""
        if self.kind == KL:
            return kl(before, logits)
        if self.kind == PROBABILITY:
            return _probability(logits, self.token)
        return float(logits[self.token]) - (float(logits[self.versus]) if self.of_two else 0.0)


def _probability(logits: Vector, token: int) -> float:  # [V]
    if hasattr(logits, "argmax"):  # an array: fifty thousand numbers one by one take as long as a block
        return math.exp(float(logits[token]) - log_sum_exp(logits))
    return softmax_row(logits)[token]


@dataclass(frozen=True)
class Normalised:
    """A metric on the scale between two runs: 0 where it is as in the corrupted one, 1 as in the clean one.

    Source: Wang et al. 2022, arXiv:2211.00593; Heimersheim and Nanda 2024, arXiv:2404.15255, section 4.
    """

    metric: Metric
    clean: float
    corrupted: float

    def __post_init__(self) -> None:
        if self.metric.kind == KL:
            raise InputError("KL is measured from the run that is edited: it cannot be normalised between two runs.")
        if self.clean == self.corrupted:
            raise InputError("the metric is the same in the clean run and in the corrupted one: choose other prompts.")

    def of(self, logits: Vector, before: Vector) -> float:  # [V], [V]
        """The metric, less the corrupted run's, over the distance from there to the clean run's."""
        return (self.metric.of(logits, before) - self.corrupted) / (self.clean - self.corrupted)


def normalised(metric: Metric, clean: Vector, corrupted: Vector) -> Normalised:  # [V], [V]
    """The metric between the answers of a clean run and a corrupted one."""
    return Normalised(metric, metric.of(clean, clean), metric.of(corrupted, corrupted))
