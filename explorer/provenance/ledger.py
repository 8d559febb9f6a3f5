"""The numbers from the logits to the token: temperature, top-k, top-p, renormalised, running sums, the draw.

They are the fields of `gpt.Distribution`, a row for each position, and `drawn`, the token itself.
"""

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from explorer.provenance.names import DRAWN
from explorer.provenance.nodes import Computed, How, KnownNumber, Lazy, Made, Number, Part, Read, ValueNode
from explorer.provenance.operations import EXPONENTIAL, ITSELF, QUOTIENT, SHARE, sum_of
from explorer.provenance.run import Run
from gpt import Distribution, Sampling, draw, sampling
from gpt.ops import Vector, softmax_row

KEPT = How(lambda score, threshold: score, "{}, kept: it reaches {}, the last one that top-k keeps")
CUT = How(lambda score, threshold: -math.inf, "−∞, dropped: {} is less than {}, the last one that top-k keeps")
WITHIN = How(lambda score, before, p: score, "{}, kept: the likelier ones reach {} together, less than {}")
BEYOND = How(lambda score, before, p: -math.inf, "−∞, dropped: the likelier ones than {} reach {} together, of {}")
FAVOURITE = How(lambda score: score, "{}, kept: at temperature 0 the likeliest is taken")
OTHERS = How(lambda score: -math.inf, "−∞, dropped: at temperature 0 the likeliest is taken, not one at {}")
DROPPED = How(lambda score: 0.0, "0: exp({})")

_SCORES = {"tempered_probabilities": "tempered", "probabilities": "top_p_logits"}
"""The input of each softmax."""


class Ledger:
    """The steps from logits to the token: the values, and how each number is made."""

    def __init__(self, run: Run, logits: Callable[[int, int], Number]) -> None:
        self._run = run
        self._logits = logits
        positions, tokens = run.trace.config.n_positions, run.trace.config.vocab_size
        ways = {
            "tempered": self._tempered,
            "tempered_probabilities": self._share_before,
            "top_k_logits": self._top_k_logits,
            "top_p_logits": self._top_p_logits,
            "probabilities": self._share_after,
            "cumulative": self._cumulative,
        }
        self.nodes: dict[str, ValueNode] = {name: Computed((positions, tokens), way) for name, way in ways.items()}
        self.nodes["tempered_probabilities.total"] = Computed((positions,), self._total_before)
        self.nodes["probabilities.total"] = Computed((positions,), self._total_after)
        self.nodes[DRAWN] = Computed((positions,), self._drawn)
        for name, node in self.nodes.items():
            node.name = name

    def values(self, name: str, position: int) -> Any:
        """The number of that name at a position, or its numbers by token; None while the logits are not computed."""
        chances = self._run.draws.chances_shown(position)
        if chances is None:
            return None
        if name == DRAWN:
            step = self._run.draws.step_after(position)
            return None if step is None else step.token
        if name == "cumulative":
            return dict(zip(chances.order, chances.cumulative))
        field, _, total = name.partition(".")
        return sum(_exponentials(chances, field)) if total else getattr(chances, field)

    def _at(self, position: int) -> tuple[Distribution, Sampling]:
        """The distribution that the token after a position is drawn from, and its settings."""
        chances = self._run.draws.chances_shown(position)
        assert chances
        return chances, self._run.draws.settings_shown(position)[0]

    def _tempered(self, read: Read, position: int, token: int) -> Made:
        _, settings = self._at(position)
        logit = self._logits(position, token)
        if settings.temperature == 0:  # greedy: nothing is divided
            return _made([Part(ITSELF, (logit,))])
        return _made([Part(QUOTIENT, (logit, KnownNumber(settings.temperature, "temperature")))])

    def _share_before(self, read: Read, position: int, token: int) -> Made:
        return self._share("tempered_probabilities", position, token, self._tempered_score(position, token))

    def _share_after(self, read: Read, position: int, token: int) -> Made:
        """The probability after the cuts; a token that stayed keeps its score."""
        chances, _ = self._at(position)
        if chances.top_k_logits[token] == -math.inf:
            return _made([Part(DROPPED, (self.nodes["top_k_logits"].at(position, token),))])
        if chances.top_p_logits[token] == -math.inf:
            return _made([Part(DROPPED, (self.nodes["top_p_logits"].at(position, token),))])
        return self._share("probabilities", position, token, self._tempered_score(position, token))

    def _tempered_score(self, position: int, token: int) -> Number:
        return self.nodes["tempered"].at(position, token)

    def _share(self, field: str, position: int, token: int, score: Number) -> Made:
        chances, _ = self._at(position)
        top = self._tempered_score(position, chances.order[0])
        part = Part(SHARE, (score, top, self.nodes[f"{field}.total"].at(position)))
        scores: Vector = getattr(chances, _SCORES[field])
        return Made(softmax_row, (part,), lambda read: softmax_row(scores)[token])

    def _total_before(self, read: Read, position: int) -> Made:
        return self._total(position, "tempered_probabilities", range(len(self._at(position)[0].logits)))

    def _total_after(self, read: Read, position: int) -> Made:
        return self._total(position, "probabilities", sorted(self._at(position)[0].order))

    def _total(self, position: int, field: str, tokens: Sequence[int]) -> Made:
        """A sum over so many tokens that neither its parts nor their scores are looked up one by one."""
        chances, _ = self._at(position)
        top, all_values = self._tempered_score(position, chances.order[0]), _exponentials(chances, field)
        values = [all_values[token] for token in tokens]

        def part(token: int) -> Part:
            return Part(EXPONENTIAL, (self._tempered_score(position, token), top))

        return Made(softmax_row, Lazy(part, tokens), lambda read: sum(values), values)

    def _top_k_logits(self, read: Read, position: int, token: int) -> Made:
        chances, settings = self._at(position)
        score = self._tempered_score(position, token)
        if settings.temperature == 0:
            return _made([Part(FAVOURITE if chances.top_k_logits[token] > -math.inf else OTHERS, (score,))])
        kept = [token for token, left in enumerate(chances.top_k_logits) if left > -math.inf]
        if len(kept) == len(chances.tempered):
            return _made([Part(ITSELF, (score,))])
        last = self._tempered_score(position, min(kept, key=lambda token: chances.tempered[token]))
        return _made([Part(KEPT if chances.top_k_logits[token] > -math.inf else CUT, (score, last))])

    def _top_p_logits(self, read: Read, position: int, token: int) -> Made:
        chances, settings = self._at(position)
        score = self.nodes["top_k_logits"].at(position, token)
        if settings.top_p == 1 or chances.top_k_logits[token] == -math.inf:
            return _made([Part(ITSELF, (score,))])
        before = KnownNumber(_reached_before(chances, token), "reached by the likelier ones")
        fate = WITHIN if chances.top_p_logits[token] > -math.inf else BEYOND
        return _made([Part(fate, (score, before, KnownNumber(settings.top_p, "top-p")))])

    def _cumulative(self, read: Read, position: int, token: int) -> Made:
        order = list(self._at(position)[0].order)
        up_to = order[: order.index(token) + 1] if token in order else []
        parts = [Part(ITSELF, (self.nodes["probabilities"].at(position, other),)) for other in up_to]
        # one after the other: `sum` rounds less from Python 3.12 on
        return Made(
            sampling.distribution, parts, lambda read: reduce(operator.add, [read(p.operands[0]) for p in parts])
        )

    def _drawn(self, read: Read, position: int) -> Made:
        step = self._run.draws.step_after(position)
        if step is None:  # within the prompt: typed, not drawn
            return _made([])
        reached = self.nodes["cumulative"].at(position, step.token)
        falls_on = How(
            lambda reached, number: draw(step.distribution, number),
            "the first token whose running sum, {}, exceeds the random number {}",
        )
        return Made(
            draw, (Part(falls_on, (reached, KnownNumber(step.number, "random number"))),), lambda read: step.token
        )


def _made(parts: list[Part]) -> Made:
    return Made(sampling.distribution, tuple(parts), lambda read: sum_of(parts, read))


def _exponentials(chances: Distribution, field: str) -> list[float]:
    """The numbers that the softmax of that name adds up."""
    scores: Vector = getattr(chances, _SCORES[field])
    top = max(scores)
    return [math.exp(score - top) for score in scores]


def _reached_before(chances: Distribution, token: int) -> float:
    """The sum of the probabilities of all likelier tokens that top-k left."""
    shares = softmax_row(chances.top_k_logits)
    ranked = sorted(range(len(shares)), key=lambda other: -chances.logits[other])
    reached = 0.0
    for other in ranked[: ranked.index(token)]:
        reached += shares[other]
    return reached
