"""The checks of the whole model: a forward pass, the cache, sampling and generation."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from explorer.engine import array_ops
from explorer.verify import formulas
from explorer.verify.check import SUMS, Check, Results
from explorer.verify.inputs import Inputs
from explorer.verify.parts import formula, in_torch
from explorer.verify.rounding import Kernels, Uncertain, uncertain
from gpt import GPT, GPTConfig, Sampling, Weights, distribution, generate
from gpt.model import Cache

Cases = Iterator[tuple[Any, ...]]

LIBRARY = "exp, tanh, sums"


# A forward pass


def _forward(ops: Any, ids: Sequence[int], weights: Weights, config: GPTConfig) -> Results:
    return (GPT(config, weights, ops).forward(ids).logits,)


def _recorded(ops: Any, ids: Sequence[int], weights: Weights, config: GPTConfig) -> Results:
    """The logits, and every activation by name."""
    seen: dict[str, Any] = {}
    logits = GPT(config, weights, ops).forward(ids, hook=seen.__setitem__, head_results=True).logits
    return logits, seen


def _recorded_once(ops: Any, *arguments: Any) -> Results:
    """A reference's order: the logits of a pass that does not sum by head."""
    return (*_forward(ops, *arguments), _recorded(ops, *arguments)[1])


def _recorded_numpy(ids: Sequence[int], weights: Weights, config: GPTConfig) -> Results:
    """The logits by the formulas; the activations from the other engine, in which each has the same name."""
    return formulas.forward(ids, weights, config), _recorded(array_ops, ids, weights, config)[1]


def _recorded_torch(*arguments: Any) -> Results:
    """The logits alone."""
    return (*in_torch("forward")(*arguments), None)


def _runs(inputs: Inputs) -> Cases:
    for model in inputs.models:
        for ids in inputs.prompts(model.config):
            yield ids, model, model.config
    if own := inputs.own:
        yield own.prompt, own.model, own.model.config


# With the cache: in pieces it must be what it is in one


def _cached(ops: Any, ids: Sequence[int], split: int, weights: Weights, config: GPTConfig) -> Results:
    model = GPT(config, weights, ops)
    begun = model.forward(ids[:split])
    return ([*begun.logits, *model.forward(ids[split:], begun.cache).logits],)


def _uncached(ops: Any, ids: Sequence[int], split: int, weights: Weights, config: GPTConfig) -> Results:
    return _forward(ops, ids, weights, config)


def _without_split(reference: Callable[..., Results]) -> Callable[..., Results]:
    return lambda ids, split, weights, config: reference(ids, weights, config)


def _splits(inputs: Inputs) -> Cases:
    for model in inputs.models:
        length = model.config.n_positions
        for split in (1, length // 2, length - 1):
            yield inputs.ids(model.config, length), split, model, model.config
    if inputs.own and len(inputs.own.prompt) > 1:
        ids = inputs.own.prompt[:6]
        yield ids, len(ids) // 2, inputs.own.model, inputs.own.model.config


_LAST = 2  # positions at the full context that plain Python runs; NumPy ran those before them


def _last(ops: Any, ids: Sequence[int], cache: Cache, weights: Weights, config: GPTConfig) -> Results:
    return (GPT(config, weights, ops).forward(ids[-_LAST:], cache).logits,)


def _last_uncached(ops: Any, ids: Sequence[int], cache: Cache, weights: Weights, config: GPTConfig) -> Results:
    return (_forward(ops, ids, weights, config)[0][-_LAST:],)


def _last_of(reference: Callable[..., Results]) -> Callable[..., Results]:
    return lambda ids, cache, weights, config: (reference(ids, weights, config)[0][-_LAST:],)


def _full(inputs: Inputs) -> Cases:
    """The full context of the own model, and of a small one."""
    if (own := inputs.own) and own.model.config.n_positions > _LAST:
        yield own.full_ids, own.cache_before(_LAST), own.model, own.model.config
    for model in inputs.models[:1]:
        ids = inputs.ids(model.config, model.config.n_positions)
        cache = GPT(model.config, model.arrays, array_ops).forward(ids[:-_LAST]).cache
        yield ids, cache, model, model.config


# Sampling and generation

_SAMPLINGS = (
    Sampling(),
    Sampling(0.0),
    Sampling(0.7, 5),
    Sampling(2.5, None, 0.8),
    Sampling(0.8, 12, 0.5),
    Sampling(1.0, 1, 0.1),
)


def _distribution(ops: Any, logits: Any, sampling: Sampling) -> Results:
    found = distribution(logits, sampling)
    return (
        found.tempered_probabilities,
        found.top_k_logits,
        found.top_p_logits,
        found.probabilities,
        found.order,
        found.cumulative,
    )


def _distribution_bound(ops: Any, logits: Any, sampling: Sampling) -> Results:
    """Dropping tokens is no arithmetic; the softmaxes are, and the running sum of n probabilities has n roundings."""
    _, _, left, _, order, reached = formulas.distribution(logits, sampling)
    first = ops.softmax(logits / (sampling.temperature or 1))
    last = ops.softmax(left)
    running = Uncertain(reached, np.cumsum(last.error[order]) + len(order) * ops.unit * reached)
    return first, uncertain(left), uncertain(left), last, uncertain(order), running


def _logits(inputs: Inputs) -> Cases:
    for size in (1, 7, 300):
        for sampling in _SAMPLINGS:
            yield inputs.normal(size) * 4 - 30, sampling
    if own := inputs.own:
        for sampling in _SAMPLINGS:
            yield own.seen["logits"][-1], sampling


def _generated(
    ops: Any, ids: Sequence[int], weights: Weights, config: GPTConfig, count: int, sampling: Sampling, seed: int
) -> Results:
    return ([step.token for step in generate(GPT(config, weights, ops), ids, count, sampling, seed)],)


def _no_tolerance(ops: Any, *arguments: Any) -> Results:
    """Tokens are whole numbers: they are the same or they are not."""
    return (0.0,)


def _prompts(sampling: Sampling) -> Callable[[Inputs], Cases]:
    def cases(inputs: Inputs) -> Cases:
        for model in inputs.models:
            length = model.config.n_positions  # to the end of the context
            yield inputs.ids(model.config, length // 2), model, model.config, length, sampling, inputs.seed
        if own := inputs.own:
            yield own.prompt[:4], own.model, own.model.config, own.positions // 2, sampling, inputs.seed

    return cases


def _generation(name: str, sampling: Sampling) -> Check:
    references = formula("generate"), in_torch("generate")
    return Check((name,), ("",), _generated, _prompts(sampling), *references, bound=_no_tolerance)


_SAMPLING = {
    "sampling: temperature": "exp, sums",
    "sampling: top-k": "",
    "sampling: top-p": "",
    "sampling: renormalised": "exp, sums",
    "sampling: order": "",
    "sampling: running sum": SUMS,
}

WHOLE = (
    Check(
        ("forward pass", "every activation"),
        (LIBRARY, LIBRARY),
        _recorded,
        _runs,
        _recorded_numpy,
        _recorded_torch,
        reference=_recorded_once,
        kernels=Kernels,
        independent=True,
    ),
    Check(
        ("cached decoding",),
        (LIBRARY,),
        _cached,
        _splits,
        _without_split(formula("forward")),
        _without_split(in_torch("forward")),
        _uncached,
        kernels=Kernels,
        independent=True,
    ),
    Check(
        ("cached, full context",),
        (LIBRARY,),
        _last,
        _full,
        _last_of(formula("forward")),
        _last_of(in_torch("forward")),
        _last_uncached,
        kernels=Kernels,
        independent=True,
    ),
    Check(
        tuple(_SAMPLING),
        tuple(_SAMPLING.values()),
        _distribution,
        _logits,
        formula("distribution"),
        in_torch("distribution"),
        _distribution_bound,
        arithmetic=False,
    ),
    _generation("generation, greedy", Sampling(0.0)),
    _generation("generation, sampled", Sampling(0.9, 20, 0.95)),
)
