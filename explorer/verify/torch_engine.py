"""The PyTorch engine against plain Python: the whole model on a text, in float32 and in bfloat16, on the processor.

In float64 the cascade compares it, function by function (`explorer.verify.runner`).
"""

from typing import Any

import numpy as np

from explorer.engine.engines import rows_of
from explorer.engine.on_torch import on_torch
from explorer.engine.weights import map_weights
from explorer.verify.compare import Component
from explorer.verify.inputs import Own
from explorer.verify.rounding import SINGLE, Brain, Pair, Rounding, Torch, uncertain
from gpt import GPT, ops
from gpt.ops import Arithmetic
from gpt.weights import Weights

PROGRAMS: dict[str, Rounding] = {"float32": Torch(SINGLE, independent=True), "bfloat16": Brain(independent=True)}


def against_engine(own: Own) -> list[Component]:
    """Logits and every activation of the prompt, in each precision below float64."""
    return [component for dtype, program in PROGRAMS.items() for component in _in(dtype, program, own)]


def _in(dtype: str, program: Rounding, own: Own) -> list[Component]:
    """Both run with the weights as that precision has them."""
    config, against = own.model.config, f"engine torch {dtype}"
    logits, activations = (Component(name, against, dtype) for name in ("logits", "every activation"))
    model = on_torch(GPT(config, own.model.arrays), "cpu", dtype)
    arrays = map_weights(model.weights, lambda values: np.asarray(values, dtype=np.float64))
    pair = Pair(Rounding(independent=True), program)
    ours = _seen(own, map_weights(arrays, rows_of(config)), ops)
    theirs = _seen(own, model.weights, model.ops)
    bounds = [_seen(own, arrays, each) for each in (pair.ours, pair.theirs)]
    for name, value in ours.items():
        allowed = pair.tolerance(*(uncertain(bound[name]) for bound in bounds))
        (logits if name == "logits" else activations).add(value, theirs[name], allowed)
    return [logits, activations]


def _seen(own: Own, weights: Weights, arithmetic: Arithmetic) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        GPT(own.model.config, weights, arithmetic).forward(own.prompt, hook=seen.__setitem__)
    return seen
