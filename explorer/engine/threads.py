"""The threads of the library that NumPy multiplies with: on small matrices one alone is the quickest."""

from collections.abc import Iterator
from contextlib import contextmanager

from explorer.engine.engines import NUMPY, PYTHON_UP_TO, engine_of
from gpt import GPT


@contextmanager
def few_threads(model: GPT) -> Iterator[None]:
    """One thread while a small model runs on NumPy: several wait for one another longer than they compute."""
    if engine_of(model) != NUMPY or model.config.parameters > PYTHON_UP_TO:
        yield
        return
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1, user_api="blas"):
        yield
