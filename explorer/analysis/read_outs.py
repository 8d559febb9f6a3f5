"""The lens in a few products: residual states of many places, read out and measured together, on arrays.

A product reads the whole unembedding once, for one state as for a hundred: so many cost little more than one.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from explorer.engine.engines import as_numpy
from explorer.runs.running import interruptible
from explorer.runs.trace import LiveRun
from gpt import StopRun

Place = tuple[str, int]
"""A residual stream by its name, and a position."""


Measures = tuple[int, float, float, int, int, float, float]
"""The rest of a LensCell: token, probability, entropy; answer, its rank, probability and logit."""


def read_out_together(
    trace: LiveRun, places: Sequence[Place], cancelled: Callable[[], bool]
) -> dict[Place, Any] | None:  # [V] each
    """The logits that the lens gives at each of these places, as arrays; None if it was cancelled."""
    found: dict[Place, Any] = {}
    for name, position in places:
        if name == trace.last_residual:  # its lens is what the model says
            found[name, position] = as_numpy(trace.values["logits"][position])
        elif (name, position) in trace.derived:
            found[name, position] = np.asarray(trace.derived[name, position])
    missing = [place for place in places if place not in found]
    if missing:
        states = trace.ops.stack([trace.values[name][position] for name, position in missing])
        try:
            logits = as_numpy(interruptible(trace.model, cancelled).read_out(states))
        except StopRun:
            return None
        found |= zip(missing, logits)
    return found


def measured(logits: Any, answer: int) -> Measures:  # [V]
    """The measures of one place's logits, worked out in float64."""
    with np.errstate(all="ignore"):  # of infinite logits nothing can be said: the measures are NaN
        token = int(logits.argmax())
        apart = logits.astype(np.float64)
        apart -= apart[token]
        exps = np.exp(apart)
        total = exps.sum()
        apart[exps == 0] = 0  # 0 · log 0 is 0
        entropy = (np.log(total) - exps @ apart / total) / np.log(2)
        rank = 1 + int(np.count_nonzero(logits > logits[answer]))
        probability, of_answer = float(1 / total), float(exps[answer] / total)
    return token, probability, max(float(entropy), 0.0), answer, rank, of_answer, float(logits[answer])


def log_sum_exp(logits: Any) -> float:  # [V]
    """log Σ exp(logit), worked out in float64."""
    with np.errstate(all="ignore"):
        apart = logits.astype(np.float64)
        largest = apart.max()
        return float(largest + np.log(np.exp(apart - largest).sum()))


def kl(before: Any, after: Any) -> float:  # [V], [V]
    """KL(before ‖ after) in bits, worked out in float64."""
    before, after = (as_numpy(logits).astype(np.float64) for logits in (before, after))
    with np.errstate(all="ignore"):
        log_a, log_b = before - log_sum_exp(before), after - log_sum_exp(after)
        terms = np.exp(log_a) * (log_a - log_b)
    nats = float(terms[log_a != -np.inf].sum())  # 0 · log 0 is 0
    return max(0.0, nats / math.log(2))  # rounding may make it slightly negative
