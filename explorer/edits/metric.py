"""Metrics: one number for an answer, from its logits."""

from dataclasses import dataclass

from explorer.analysis.compare import kl
from gpt import InputError
from gpt.ops import Vector, softmax_row

PROBABILITY, LOGIT, LOGIT_DIFFERENCE, KL = "probability", "logit", "logit-diff", "kl"
METRICS = (LOGIT_DIFFERENCE, LOGIT, PROBABILITY, KL)


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
            return softmax_row(logits)[self.token]
        return logits[self.token] - (logits[self.versus] if self.of_two else 0.0)
