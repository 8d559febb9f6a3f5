"""Logits -> the next token: temperature, top-k, top-p, renormalise, draw; and generation, token after token."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gpt.errors import SamplingError
from gpt.hooks import Hook
from gpt.model import GPT
from gpt.ops import Vector, softmax_row


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy: the largest logit, always."""

    temperature: float = 1.0  # logits are divided by it: below 1 sharper, above 1 flatter
    top_k: int | None = None  # only the k most probable tokens stay
    top_p: float = 1.0  # only the most probable tokens stay, as few as reach this probability together

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise SamplingError(f"the temperature is {self.temperature}: it must be a number, zero (greedy) or more.")
        if self.top_k is not None and self.top_k < 1:
            raise SamplingError(f"top-k is {self.top_k}: it must be one or more (or left out, to keep every token).")
        if not 0 < self.top_p <= 1:
            raise SamplingError(f"top-p is {self.top_p}: it must be above 0 and at most 1 (which keeps every token).")


@dataclass(frozen=True)
class Distribution:
    """Every step from logits to probabilities. What drops a token makes its logit -inf, and so its probability 0."""

    logits: Vector  # [V]
    tempered: Vector  # [V] logits / temperature; at temperature 0 the logits themselves
    tempered_probabilities: Vector  # [V] their softmax, before any token is dropped
    top_k_logits: Vector  # [V] the tempered logits that top-k left
    top_p_logits: Vector  # [V] those that top-p left as well
    probabilities: Vector  # [V] their softmax, from which the token is drawn
    order: Sequence[int]  # the tokens that are left, most probable first
    cumulative: Sequence[float]  # along that order, the probability of a token and all before it


@dataclass(frozen=True)
class Step:
    """One token of a generation, and all that led to it."""

    token: int
    distribution: Distribution
    number: float  # the random number, in [0, 1)


def distribution(logits: Vector, sampling: Sampling) -> Distribution:  # [V]
    """The probabilities that `sampling` makes of the logits, with every step on the way.

    The order of the steps, and that a tie at the k-th place keeps all who share it, are Hugging Face's.

    >>> chances = distribution([math.log(4), math.log(3), math.log(2), 0.0], Sampling(top_p=0.5))
    >>> [round(p, 3) for p in chances.tempered_probabilities]
    [0.4, 0.3, 0.2, 0.1]
    >>> [round(p, 3) for p in chances.probabilities]
    [0.571, 0.429, 0.0, 0.0]
    """
    logits = _checked(logits)
    greedy = sampling.temperature == 0
    tempered = logits if greedy else _tempered(logits, sampling.temperature)
    ranked = sorted(range(len(logits)), key=lambda token: -logits[token])  # ties: the lower id first
    tempered_probabilities = softmax_row(tempered)
    top_k_logits = _keep(tempered, ranked[:1]) if greedy else _top_k(tempered, ranked, sampling.top_k)
    top_p_logits = _top_p(top_k_logits, ranked, sampling.top_p)
    probabilities = softmax_row(top_p_logits)
    order = [token for token in ranked if top_p_logits[token] > -math.inf]
    cumulative = list(accumulate(probabilities[token] for token in order))
    return Distribution(
        logits, tempered, tempered_probabilities, top_k_logits, top_p_logits, probabilities, order, cumulative
    )


def _checked(logits: Vector) -> list[float]:
    values = [float(value) for value in logits]
    if not all(map(math.isfinite, values)):
        raise SamplingError("the logits are not all finite numbers: the model's weights or an edit overflowed.")
    return values


def _tempered(logits: Vector, temperature: float) -> list[float]:
    """Below 1 differences between logits grow and the likely win more often; above 1 they shrink."""
    tempered = [value / temperature for value in logits]
    if not all(map(math.isfinite, tempered)):
        raise SamplingError(f"the temperature is {temperature}, too near to zero: use 0, which is greedy.")
    return tempered


def _top_k(logits: Vector, ranked: Sequence[int], k: int | None) -> Vector:
    """The k largest logits stay, and those that tie with the last of them."""
    if k is None or k >= len(logits):
        return logits
    threshold = logits[ranked[k - 1]]
    return [logit if logit >= threshold else -math.inf for logit in logits]


def _top_p(logits: Vector, ranked: Sequence[int], p: float) -> Vector:
    """A token stays if those before it, from the most probable on, have not reached p together.

    So the first always stays, and so does the one that reaches p. Temperature and top-k have done their work before.
    Source: Holtzman et al. 2019, arXiv:1904.09751, section 3.1.

    With probabilities 0.5, 0.3, 0.2 and p = 0.6 the first two stay:

    >>> [logit > -math.inf for logit in _top_p([math.log(5), math.log(3), math.log(2)], [0, 1, 2], 0.6)]
    [True, True, False]
    """
    if p == 1:
        return logits
    probabilities = softmax_row(logits)
    reached = accumulate(probabilities[token] for token in ranked)
    return _keep(logits, [token for token, before in zip(ranked, [0.0, *reached]) if before < p])


def _keep(logits: Vector, tokens: Sequence[int]) -> Vector:
    kept = set(tokens)
    return [logit if token in kept else -math.inf for token, logit in enumerate(logits)]


def draw(chances: Distribution, number: float) -> int:
    """The token on which a random number from [0, 1) falls, when the probabilities are laid end to end.

    >>> [draw(distribution([0.0, math.log(3)], Sampling()), number) for number in (0.0, 0.7, 0.8)]
    [1, 1, 0]
    """
    for token, reached in zip(chances.order, chances.cumulative):
        if number < reached:
            return token
    return chances.order[-1]  # the sums may end a rounding error below 1


def random_number(seed: int, step: int) -> float:
    """The random number of that step, counted from 0; a seed always gives the same ones, in whatever order."""
    numbers = random.Random(seed)
    for _ in range(step):
        numbers.random()
    return numbers.random()


def generate(
    model: GPT,
    ids: Sequence[int],
    max_new_tokens: int,
    sampling: Sampling = Sampling(),
    seed: int = 0,
    *,
    hook: Hook | None = None,
) -> Iterator[Step]:
    """One Step for each new token: run the model, draw, feed the token back in.

    The first run computes all of `ids`; each later one only the new token: the cache holds the rest.
    Ends after `max_new_tokens`, at an end-of-text token (which is still given), or where there is no position left.
    """
    model.check(ids)
    fed, cache = list(ids), None
    room = model.config.n_positions - len(ids) + 1  # the last token drawn is not run: it needs no position
    for index in range(min(max_new_tokens, room)):
        output = model.forward(fed, cache, hook=hook, last_only=True)
        chances = distribution(output.logits[-1], sampling)
        number = random_number(seed, index)
        token = draw(chances, number)
        yield Step(token, chances, number)
        if token in model.config.end_tokens:
            return
        fed, cache = [token], output.cache
