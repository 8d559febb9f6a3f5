"""A check: some functions of the model, what they are compared with, and on which inputs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from explorer.verify.inputs import Inputs
from explorer.verify.rounding import Rounding, Torch

Results = tuple[Any, ...]

SUMS = "order of sums"


@dataclass(frozen=True)
class Check:
    """`run(ops, *arguments)` gives one result for each of the names; so do `numpy` and `torch`, without ops.

    A reference may lack a result: None. Where `numpy` is None the reference is `run` with `explorer.engine.array_ops`.

    How far our program may be off is `run` with a `Rounding`, or `bound(ops, *arguments)` where running does not show
    it. How far a reference may be off is the same, unless it is put together otherwise: `reference(ops, *arguments)` is
    its order of operations in the model's own, and `kernels` the rounding of PyTorch's functions for them.
    `independent` says how errors add up: see `explorer.verify.rounding`.
    """

    names: tuple[str, ...]
    why: tuple[str, ...]
    run: Callable[..., Results]
    cases: Callable[[Inputs], Iterable[tuple[Any, ...]]]
    numpy: Callable[..., Results] | None = None
    torch: Callable[..., Results] | None = None
    bound: Callable[..., Results] | None = None
    reference: Callable[..., Results] | None = None
    kernels: type[Rounding] = Torch
    independent: bool = False
    arithmetic: bool = True  # `run` computes with the operations that it is given
