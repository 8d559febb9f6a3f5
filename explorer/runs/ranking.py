"""Which tokens come next, most probable first."""

from dataclasses import dataclass
from functools import cached_property

from gpt.ops import Vector, softmax_row


@dataclass(frozen=True)
class Ranking:
    """The whole vocabulary by probability (temperature 1), the most probable token first."""

    logits: Vector  # [V]
    probabilities: Vector  # [V]

    @cached_property
    def order(self) -> list[int]:
        """All token ids; among equals the lower id first."""
        return sorted(range(len(self.logits)), key=lambda token: -self.logits[token])


def rank(logits: Vector) -> Ranking:  # [V]
    """The ranking that a row of logits gives."""
    return Ranking(logits, softmax_row(logits))
