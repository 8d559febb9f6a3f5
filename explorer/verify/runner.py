"""Runs the checks, and gathers what they found, component by component."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from explorer.engine import array_ops
from explorer.verify.check import Check
from explorer.verify.compare import Component
from explorer.verify.inputs import Inputs
from explorer.verify.nested import as_arrays, as_lists, as_tensors
from explorer.verify.operations import OPERATIONS
from explorer.verify.parts import PARTS
from explorer.verify.rounding import Pair, Rounding, Torch, Uncertain, uncertain
from explorer.verify.whole import WHOLE
from gpt import ops

NUMPY, TORCH, ENGINE = "NumPy", "PyTorch", "engine torch float64"
CHECKS: tuple[Check, ...] = (*OPERATIONS, *PARTS, *WHOLE)

Tell = Callable[[str], None]


def run_checks(
    inputs: Inputs, torch: bool, tell: Tell = lambda name: None, checks: Iterable[Check] = CHECKS
) -> list[Component]:
    """Every check against NumPy and then, where it is installed, against PyTorch and the engine that runs on it."""
    against: dict[str, list[Component]] = {NUMPY: [], TORCH: [], ENGINE: []}
    with _one_thread() if torch else nullcontext():
        for check in checks:
            tell(check.names[-1])
            for reference, components in _run(check, inputs, torch).items():
                against[reference].extend(component for component in components if component.of or component.failures)
    return [component for components in against.values() for component in components]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Most of the tensors are tiny: handing them to threads takes longer than computing them."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run(check: Check, inputs: Inputs, torch: bool) -> dict[str, list[Component]]:
    references = [NUMPY] + [TORCH] * bool(torch and check.torch) + [ENGINE] * bool(torch and check.arithmetic)
    found = {
        against: [Component(name, against, why) for name, why in zip(check.names, check.why)] for against in references
    }
    try:
        with np.errstate(all="ignore"):
            for arguments in check.cases(inputs):
                _compare(check, arguments, found)
    except Exception as error:  # whatever a broken function raises is a finding
        for components in found.values():
            for component in components:
                component.fail(f"{type(error).__name__}: {error}")
    return found


def _compare(check: Check, arguments: tuple[Any, ...], found: Mapping[str, list[Component]]) -> None:
    arrays = as_arrays(arguments)
    ours = check.run(ops, *as_lists(arguments))
    plain = Rounding(independent=check.independent)
    bounds = (check.bound or check.run)(plain, *arrays)
    for against, components in found.items():
        pair = Pair(plain, _rounding(check, against))
        theirs = _reference(check, against, arguments)
        for component, *compared in zip(
            components, ours, theirs, bounds, bounds_of(check, pair, arrays, against), strict=True
        ):
            if compared[1] is not None:
                _add(component, pair, *compared)


def _rounding(check: Check, against: str) -> Rounding:
    if against == NUMPY:
        return Rounding(independent=check.independent)
    return (check.kernels if against == TORCH else Torch)(independent=check.independent)


def bounds_of(check: Check, pair: Pair, arrays: tuple[Any, ...], against: str = NUMPY) -> tuple[Any, ...]:
    """How far the reference may be off, in its own order of operations; an engine's is the model's."""
    if against == ENGINE:
        return (check.bound or check.run)(pair.theirs, *arrays)
    return (check.reference or check.bound or check.run)(pair.theirs, *arrays)


def _reference(check: Check, against: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    if against == TORCH:
        assert check.torch
        return check.torch(*as_tensors(arguments))
    arrays = as_arrays(arguments)
    if against == ENGINE:
        import torch

        from explorer.engine.on_torch import TorchOps

        return check.run(TorchOps(torch.device("cpu"), torch.float64), *arrays)
    return check.numpy(*arrays) if check.numpy else check.run(array_ops, *arrays)


def _add(component: Component, pair: Pair, ours: Any, theirs: Any, our_bound: Any, their_bound: Any) -> None:
    """Compare two results; of recordings, which hold values by name, each value."""
    if not isinstance(ours, dict):
        component.add(ours, theirs, pair.tolerance(_one(our_bound), _one(their_bound)))
        return
    for name, value in ours.items():
        before = len(component.failures)
        component.add(value, theirs[name], pair.tolerance(_one(our_bound[name]), _one(their_bound[name])))
        component.failures[before:] = [f"{name}{failure}" for failure in component.failures[before:]]


def _one(bound: Any) -> Uncertain:
    return Rounding().stack([_one(part) for part in bound]) if isinstance(bound, list) else uncertain(bound)
