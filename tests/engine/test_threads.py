"""The threads of the library that multiplies: one for small models, and what the user has set is left alone."""

from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from explorer.engine import threads
from explorer.engine.engines import NUMPY, on_engine
from gpt import GPTConfig
from tests.helpers.models import small_model

SMALL, LARGE = small_model().config, GPTConfig()


def in_use() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of the user's, and two threads."""
    for name in threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "_one", threads._OneThread())
    with threadpool_limits(limits=2, user_api="blas"):
        if in_use() != {2}:
            pytest.skip("the library that multiplies has one thread here")
        yield


def test_a_small_model_has_one_while_it_runs() -> None:
    with threads.few_threads(on_engine(small_model(), NUMPY)):
        assert in_use() == {1}
    assert in_use() == {2}
    with threads.few_threads(small_model()):
        assert in_use() == {2}, "plain Python multiplies by itself"


def test_the_program_settles_by_the_size_of_the_model() -> None:
    for config, wanted in ((LARGE, 2), (SMALL, 1), (SMALL, 1), (LARGE, 2), (SMALL, 1)):
        threads.settle(config)
        assert in_use() == {wanted}


@pytest.mark.parametrize("name", threads.SETTINGS)
def test_the_users_own_setting_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "2")
    threads.settle(SMALL)
    assert in_use() == {2}
    with threads.few_threads(on_engine(small_model(), NUMPY)):
        assert in_use() == {2}
