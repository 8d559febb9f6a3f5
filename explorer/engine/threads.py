"""The threads that NumPy's BLAS and PyTorch multiply with: on small matrices one alone is the quickest.

Who has set their number (`OPENBLAS_NUM_THREADS` and the like) keeps it.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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


def chosen_by_user() -> bool:
    """Whether the environment says how many threads there are to be."""
    return any(os.environ.get(name) for name in SETTINGS)


def one_is_quickest(config: GPTConfig) -> bool:
    """Whether a model is so small that several threads wait for one another longer than they compute."""
    return config.parameters <= PYTHON_UP_TO and not chosen_by_user()


class _OneThread:
    """One thread for as long as anybody has asked for it; then as many as there were before the first did."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._askers = 0
        self._limit: Any = None  # the limit in force, which knows what was there before
        self.settled = False

    def ask(self) -> None:
        with self._guard:
            if not self._askers:
                from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

                self._limit = threadpool_limits(limits=1, user_api="blas")
            self._askers += 1

    def leave(self) -> None:
        with self._guard:
            self._askers -= 1
            if not self._askers:
                self._limit.restore_original_limits()


_one = _OneThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread meanwhile, in whichever threads of Python."""
    _one.ask()
    try:
        yield
    finally:
        _one.leave()


@contextmanager
def few_threads(model: GPT) -> Iterator[None]:
    """One thread while a small model runs on arrays; as many as there were afterwards."""
    if not on_arrays(model) or not one_is_quickest(model.config):
        yield
        return
    with one_thread(), _one_of_torch() if engine_of(model) == TORCH else nullcontext():
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
    wanted = one_is_quickest(config)
    if wanted and not _one.settled:
        _one.ask()
    elif _one.settled and not wanted:
        _one.leave()
    _one.settled = wanted
    if wanted and engine == TORCH:
        import torch

        torch.set_num_threads(1)
