"""Sessions on PyTorch: everything that the screen can do, saved, and computed again to the last bit."""

import random

import pytest

from explorer.engine.engines import on_engine
from tests.helpers.exhaustive import exhaustive
from tests.helpers.random_sessions import Wanderer
from tests.helpers.saved_sessions import check_comes_back, session_of, weights_of_a_file

pytest.importorskip("torch")

ENGINES = ("torch cpu float32", "torch cpu bfloat16", "torch cpu float64")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [*range(3), *exhaustive(*range(3, 60))])
def test_random_sessions_come_back_to_the_last_bit(engine: str, seed: int) -> None:
    dice = random.Random(seed)
    walked = Wanderer(session_of(on_engine(weights_of_a_file(), engine)), dice, (engine, "python", "numpy"))
    walked.wander(dice.randint(3, 14))
    check_comes_back(walked, weights_of_a_file())
