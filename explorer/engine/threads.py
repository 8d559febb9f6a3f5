"""The threads of the library that NumPy multiplies with: on small matrices one alone is the quickest.

Who has set their number (`OPENBLAS_NUM_THREADS` and the like) keeps it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from explorer.engine.engines import NUMPY, PYTHON_UP_TO, engine_of
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
    """One thread while a small model runs on NumPy; as many as there were afterwards."""
    if engine_of(model) != NUMPY or not one_is_quickest(model.config):
        yield
        return
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def settle(config: GPTConfig) -> None:
    """The same for good: for the program, which has the process to itself and computes in several threads of its own.

    It sweeps with NumPy whatever the model runs on.
    """
    from threadpoolctl import threadpool_limits

    if one_is_quickest(config):
        if not _limits:
            _limits.append(threadpool_limits(limits=1, user_api="blas"))
    elif _limits:
        _limits.pop().restore_original_limits()
