"""Logits -> the next token: temperature, top-k, top-p, renormalise, draw; and generation, token after token."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpt.errors import SamplingError
from gpt.hooks import Hook
from gpt.model import GPT
from gpt.ops import Vector, softmax_row


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy: the largest logit, always."""

    temperature: float = 1.0  # logits are divided by it: below 1 sharper, above 1 flatter
    top_k: int | None = None  # only the k most probable tokens stay
    top_p: float = 1.0  # only the fewest most probable tokens that reach this probability together stay

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise SamplingError(f"the temperature is {self.temperature}: it must be a number, zero (greedy) or more.")
        if self.top_k is not None and self.top_k < 1:
            raise SamplingError(f"top-k is {self.top_k}: it must be one or more (or left out, to keep every token).")
        if not 0 < self.top_p <= 1:
            raise SamplingError(f"top-p is {self.top_p}: it must be above 0 and at most 1 (which keeps every token).")


@dataclass(frozen=True)
class Distribution:
    """Every step from logits to probabilities; -inf and 0 stand for tokens that were dropped."""

    logits: Vector  # [V]
    tempered: Vector  # [V] logits / temperature
    after_temperature: Vector  # [V] their softmax
    after_top_k: Vector  # [V] the tempered logits that top-k left
    after_top_p: Vector  # [V] those that top-p left as well
    probabilities: Vector  # [V] what is left, renormalised: it adds up to 1
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

    The order of the steps, and that a tie at the k-th place keeps all who share it, are Hugging Face's. Top-p:
    Holtzman et al. 2019, arXiv:1904.09751, section 3.1.
    """
    logits = [float(value) for value in logits]
    if not all(map(math.isfinite, logits)):
        raise SamplingError("the logits are not all finite numbers: the model's weights or an edit overflowed.")
    greedy = sampling.temperature == 0
    tempered = logits if greedy else [value / sampling.temperature for value in logits]
    if not all(map(math.isfinite, tempered)):
        raise SamplingError(f"the temperature is {sampling.temperature}, too near to zero: use 0, which is greedy.")
    ranked = sorted(range(len(logits)), key=lambda token: -logits[token])  # ties: the lower id first
    after_temperature = softmax_row(tempered)
    after_top_k = _keep(tempered, ranked[:1]) if greedy else _top_k(tempered, ranked, sampling.top_k)
    after_top_p = _top_p(after_top_k, ranked, sampling.top_p)
    probabilities = softmax_row(after_top_p)
    order = [token for token in ranked if after_top_p[token] > -math.inf]
    return Distribution(
        logits,
        tempered,
        after_temperature,
        after_top_k,
        after_top_p,
        probabilities,
        order,
        _running_sums([probabilities[token] for token in order]),
    )


def _top_k(scores: Vector, ranked: Sequence[int], k: int | None) -> Vector:
    if k is None or k >= len(scores):
        return scores
    threshold = scores[ranked[k - 1]]
    return [score if score >= threshold else -math.inf for score in scores]


def _top_p(scores: Vector, ranked: Sequence[int], p: float) -> Vector:
    """A token stays while those before it have not reached p: the first one always does."""
    if p == 1:
        return scores
    probabilities = softmax_row(scores)
    reached = _running_sums([probabilities[token] for token in ranked])
    return _keep(scores, [token for token, before in zip(ranked, [0.0, *reached]) if before < p])


def _keep(scores: Vector, tokens: Sequence[int]) -> Vector:
    kept = set(tokens)
    return [score if token in kept else -math.inf for token, score in enumerate(scores)]


def _running_sums(values: Sequence[float]) -> list[float]:
    sums, total = [], 0.0
    for value in values:
        total += value
        sums.append(total)
    return sums


def draw(chances: Distribution, number: float) -> int:
    """The token on which a random number from [0, 1) falls, when their probabilities are laid end to end."""
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

    Ends after `max_new_tokens`, at the end-of-text token (which is the last one given), or when the context is full.
    """
    model.check(ids)
    fed, cache = list(ids), None
    room = model.config.n_positions - len(ids) + 1  # the last token drawn need not be run
    for index in range(min(max_new_tokens, room)):
        output = model.forward(fed, cache, hook=hook, last_only=True)
        chances = distribution(output.logits[-1], sampling)
        number = random_number(seed, index)
        token = draw(chances, number)
        yield Step(token, chances, number)
        if token == model.config.eos_token_id:
            return
        fed, cache = [token], output.cache
