"""No correct arithmetic is ever reported: sums in every order, fused multiply-add or not, on hostile numbers."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest

from explorer.verify.check import Check
from explorer.verify.compare import Component
from explorer.verify.inputs import Inputs
from explorer.verify.nested import as_arrays, as_lists
from explorer.verify.parts import PARTS
from explorer.verify.rounding import Kernels, Pair, Rounding
from explorer.verify.runner import CHECKS, NUMPY, bounds_of, run_checks
from explorer.verify.whole import WHOLE
from gpt import ops
from tests.helpers.adversary import Adversary, Fused, adversaries, biases, hostile
from tests.helpers.verified import VARIANTS

SIZES = (1, 3, 12, 40)


def cases(seed: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The name of a function of `gpt.ops`, and arguments for it."""
    draw = np.random.default_rng(seed)
    for n in SIZES:
        shifts = biases(draw, 3)
        for x in hostile(draw, 2, n).values():
            weights = draw.normal(size=(3, n))
            mean = x.mean(-1, keepdims=True)
            yield "matmul_transposed", (x, weights)
            yield "matmul", (x, weights.T)
            yield "mean", (x,)
            yield "variance", (x, mean)
            yield "softmax", (x[None],)
            yield from (("linear", (x, weights, shift)) for shift in shifts.values())
            yield "linear", (x, np.ones((3, n)), np.ones(3))  # every product is lost in the bias, or none
            yield from (("add_all", (x.reshape(2, n, 1), shift[:1])) for shift in shifts.values())
            yield "scale_and_shift", (x, weights[0], weights[1])
            for activation in ("gelu_new", "gelu", "silu", "tanh", "relu"):
                yield "activate", (x, activation)


def compared(name: str, arguments: tuple[Any, ...], ours: Any, theirs: Any, pair: Pair) -> Component:
    component = Component(name, NUMPY, "why")
    lists = as_lists(arguments)
    bounds = (getattr(program, name)(*arguments) for program in (pair.ours, pair.theirs))
    component.add(getattr(ours, name)(*lists), getattr(theirs, name)(*lists), pair.tolerance(*bounds))
    return component


def worst(kind: type[Adversary], rounding: Rounding, seed: int) -> dict[str, float]:
    """Of every function the largest share of the tolerance that was needed; AssertionError where one was reported."""
    used: dict[str, float] = {}
    pair = Pair(Rounding(), rounding)
    for count, (name, arguments) in enumerate(cases(seed)):
        for ours, theirs in zip(chain([ops], adversaries(seed=count)), adversaries(kind, seed=seed)):
            found = compared(name, arguments, ours, theirs, pair)
            assert found.passed, (name, found.note, vars(ours), vars(theirs))
            used[name] = max(used.get(name, 0.0), found.used)
    return used


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_no_order_of_a_sum_is_reported(seed: int) -> None:
    """Thousands of cases; and the tolerance is of the size of what can happen."""
    used = worst(Adversary, Rounding(), seed)
    assert min(used[name] for name in ("linear", "add_all", "matmul", "variance", "scale_and_shift")) > 0.1


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_no_fused_kernel_is_reported(seed: int) -> None:
    used = worst(Fused, Kernels(), seed)
    assert min(used[name] for name in ("linear", "add_all", "scale_and_shift")) > 0.1


# The whole cascade, with one arithmetic in our place and another in the reference's


def instead(check: Check, ours: Any, theirs: Any) -> Check:
    """The check with other arithmetics, the second in the reference's order of operations."""

    def run(arithmetic: Any, *arguments: Any) -> Any:
        return check.run(ours if arithmetic is ops else arithmetic, *arguments)

    def reference(*arguments: Any) -> Any:
        return (check.reference or check.run)(theirs, *as_lists(arguments))

    return replace(check, run=run, numpy=reference, bound=check.bound or check.run)


def reported(ours: Any, theirs: Any, seed: int, spreads: tuple[float, ...] = (0.4, 1e-6)) -> list[str]:
    checks = [instead(check, ours, theirs) for check in CHECKS]
    found = run_checks(Inputs(seed, None, VARIANTS, spreads), torch=False, checks=checks)
    return [f"{component.name}: {component.note}" for component in found if not component.passed]


PAIRS = list(zip(adversaries(), list(adversaries(seed=1))[::-1]))


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=[] if n in (3, 16) else [pytest.mark.exhaustive]) for n in range(len(PAIRS))],
)
def test_the_cascade_reports_no_order_of_sums(number: int) -> None:
    assert reported(*PAIRS[number], seed=number) == []


@pytest.mark.parametrize(
    "order", ["random", *(pytest.param(o, marks=pytest.mark.exhaustive) for o in ("in order", "lanes"))]
)
def test_no_model_of_fused_kernels_is_reported(order: str) -> None:
    """In place of PyTorch: embeddings, norms, attention, MLP, block, read-out, and the logits of the whole."""
    inputs, fused = Inputs(2, None, VARIANTS, (0.4, 1e-6)), Fused(order, fused=True, bias_first=True)
    for check in (*PARTS, WHOLE[0]):
        pair = Pair(Rounding(independent=check.independent), Kernels(independent=check.independent))
        components = [Component(name, NUMPY, "why") for name in check.names]
        for arguments in check.cases(inputs):
            lists, arrays = as_lists(arguments), as_arrays(arguments)
            ours, theirs = check.run(ops, *lists), (check.reference or check.run)(fused, *lists)
            bounds = zip(check.run(pair.ours, *arrays), bounds_of(check, pair, arrays))
            for component, a, b, (bound, other) in zip(components, ours, theirs, bounds, strict=True):
                if component.name != "every activation":
                    component.add(a, b, pair.tolerance(bound, other))
        assert [f"{found.name}: {found.note}" for found in components if found.failures] == []
