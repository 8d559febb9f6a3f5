"""The threads that NumPy's BLAS and PyTorch multiply with: on small matrices one alone is the quickest.

Who has set their number (`OPENBLAS_NUM_THREADS` and the like) keeps it.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from explorer.engine.engines import NUMPY, PYTHON_UP_TO, TORCH, engine_of, on_arrays
from gpt import GPT, GPTConfig

SETTINGS = (
    "BLIS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""The variables of the environment by which people choose."""


def one_is_quickest(config: GPTConfig) -> bool:
    """Whether a model is so small that several threads wait for one another longer than they compute."""
    return config.parameters <= PYTHON_UP_TO and not any(os.environ.get(name) for name in SETTINGS)


_limits: list[Any] = []  # the limit in force, which knows what was there before


@contextmanager
def few_threads(model: GPT) -> Iterator[None]:
    """One thread while a small model runs on arrays; as many as there were afterwards."""
    if not on_arrays(model) or not one_is_quickest(model.config):
        yield
        return
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
        if engine_of(model) == TORCH:
            stack.enter_context(_one_of_torch())
        yield


@contextmanager
def _one_of_torch() -> Iterator[None]:
    """One thread of PyTorch's; as many as there were afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def settle(config: GPTConfig, engine: str = NUMPY) -> None:
    """The same for good: for the program, which has the process to itself and computes in several threads of its own.

    It sweeps with NumPy where the model runs in plain Python.
    """
    from threadpoolctl import threadpool_limits

    if one_is_quickest(config):
        if not _limits:
            _limits.append(threadpool_limits(limits=1, user_api="blas"))
        if engine == TORCH:
            import torch

            torch.set_num_threads(1)
    elif _limits:
        _limits.pop().restore_original_limits()
