"""Pieces of work beside each other: their results come in order, and nothing goes on when nobody waits any more."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from explorer.edits import Edit, Zero, where
from explorer.edits.batch import answers
from explorer.engine import abreast, cores, threads
from explorer.engine.abreast import in_order
from explorer.errors import EditError
from gpt import GPTConfig
from tests.helpers.models import never, on_arrays, small_model, traced

Cancelled = Callable[[], bool]
IDS = [3, 1, 4, 1, 5, 9, 2]


@pytest.fixture(autouse=True)
def _as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the user's, and no model is too small for threads."""
    for name in threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(abreast, "one_is_quickest", lambda config: False)
    monkeypatch.setenv(cores.VARIABLE, "3")


def test_results_come_in_the_order_of_the_pieces() -> None:
    model, later = on_arrays(), threading.Event()

    def work(piece: int, cancelled: Cancelled) -> tuple[int, int]:
        if piece == 0:
            assert later.wait(30), "the others run meanwhile"
        if piece == 2:
            later.set()
        return piece, threading.get_ident()

    found = list(in_order(model, work, range(20), never))
    assert [piece for piece, _ in found] == list(range(20))
    assert threading.get_ident() not in {thread for _, thread in found}


def test_only_as_many_pieces_are_made_as_are_soon_worked_on() -> None:
    made: list[int] = []

    def pieces() -> Iterator[int]:
        for piece in range(100):
            made.append(piece)
            yield piece

    results = in_order(on_arrays(), lambda piece, cancelled: piece, pieces(), never)
    assert next(results) == 0
    assert made == [0, 1, 2, 3]
    results.close()


def test_who_leaves_ends_the_work() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(piece: int, cancelled: Cancelled) -> int:
        if piece:
            begun.set()
            while not cancelled():
                pass
            ended.set()
        return piece

    before = threading.active_count()
    results = in_order(on_arrays(), work, range(2), never)
    assert next(results) == 0
    assert begun.wait(30)
    results.close()
    assert ended.is_set()
    assert threading.active_count() == before


def test_an_error_comes_in_its_turn() -> None:
    def work(piece: int, cancelled: Cancelled) -> int:
        if piece == 3:
            raise EditError("no numbers")
        return piece

    results = in_order(on_arrays(), work, range(9), never)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(EditError, match="no numbers"):
        next(results)


def test_one_after_the_other_where_threads_do_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(piece: int, cancelled: Cancelled) -> int:
        return threading.get_ident()

    own = {threading.get_ident()}
    assert set(in_order(small_model(), work, range(3), never)) == own, "plain Python"
    assert set(in_order(None, work, range(3), never)) == own
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert set(in_order(on_arrays(), work, range(3), never)) == own, "the user has chosen"
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(abreast, "one_is_quickest", threads.one_is_quickest)
    assert set(in_order(on_arrays(), work, range(3), never)) == own, "a small model"


def in_use() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_each_multiplies_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_one", threads._OneThread())
    with threadpool_limits(limits=2, user_api="blas"):
        if in_use() != {2}:
            pytest.skip("the library that multiplies has one thread here")
        first, second = (in_order(on_arrays(), lambda piece, cancelled: in_use(), range(9), never) for _ in range(2))
        assert next(first) == {1}
        assert next(second) == {1}
        first.close()
        assert next(second) == {1}, "as long as anybody computes so"
        second.close()
        assert in_use() == {2}


@pytest.mark.parametrize("count", ["1", "2", "5"])
def test_an_answer_does_not_depend_on_how_many_there_are(count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = traced(on_arrays(n_layer=3), IDS)
    stacks = [[Edit(where.head(layer, head), Zero())] for layer in range(3) for head in range(3)]

    def found() -> list[Any]:
        return [row.tobytes() for row in map(np.asarray, answers(base, stacks))]

    wanted = found()
    monkeypatch.setenv(cores.VARIABLE, count)
    assert found() == wanted
    assert not list(answers(base, stacks, lambda: True))


def test_large_is_more_than_the_embedded_model() -> None:
    assert threads.one_is_quickest(small_model().config)
    assert not threads.one_is_quickest(GPTConfig())
