"""Metrics: one number of an answer, named by tokens: `gx.logit_difference(" Lily", " Tom")`."""

from dataclasses import dataclass
from typing import Protocol

from explorer.edits.metric import KL, LOGIT, LOGIT_DIFFERENCE, PROBABILITY, Metric

Token = str | int
"""A text that is one token, or its id."""


class Finds(Protocol):
    """Anything that knows which token a text is."""

    def token(self, token: Token) -> int: ...


class Shows(Finds, Protocol):
    """Anything that also knows how to show a token."""

    def label(self, token: int) -> str: ...


@dataclass(frozen=True)
class TokenMetric:
    """A metric by the texts of its tokens; a model's tokenizer makes it one of ids."""

    kind: str
    token: Token | None = None
    versus: Token | None = None

    def words(self, model: Shows) -> str:
        """The metric with its tokens as a model spells them: "logit-diff of ·Lily and ·Tom"."""
        tokens = [model.label(model.token(token)) for token in (self.token, self.versus) if token is not None]
        return f"{self.kind} of {' and '.join(tokens)}" if tokens else self.kind

    def of(self, model: Finds) -> Metric:
        """The metric for a model's tokens; UsageError where a text is no single token of it."""
        ids = [0 if token is None else model.token(token) for token in (self.token, self.versus)]
        return Metric(self.kind, *ids)

    def __repr__(self) -> str:
        tokens = [repr(token) for token in (self.token, self.versus) if token is not None]
        return f"{self.kind}({', '.join(tokens)})"


def probability(token: Token) -> TokenMetric:
    """The probability of a token, at temperature 1."""
    return TokenMetric(PROBABILITY, token)


def logit(token: Token) -> TokenMetric:
    """The logit of a token."""
    return TokenMetric(LOGIT, token)


def logit_difference(token: Token, versus: Token) -> TokenMetric:
    """The logit of a token less that of another."""
    return TokenMetric(LOGIT_DIFFERENCE, token, versus)


def kl() -> TokenMetric:
    """KL(without edits ‖ edited), in bits."""
    return TokenMetric(KL)
