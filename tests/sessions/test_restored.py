"""A session that is saved and opened again shows the same numbers, to the last bit."""

import random

import pytest

from explorer.engine.engines import on_engine
from tests.helpers.exhaustive import exhaustive
from tests.helpers.random_sessions import Wanderer
from tests.helpers.saved_sessions import check_comes_back, session_of, weights_of_a_file

MODEL = weights_of_a_file()
ENGINES = {engine: on_engine(MODEL, engine) for engine in ("python", "numpy")}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [*range(6), *exhaustive(*range(6, 60))])
def test_random_sessions_come_back_to_the_last_bit(engine: str, seed: int) -> None:
    dice = random.Random(seed)
    walked = Wanderer(session_of(ENGINES[engine]), dice)
    walked.wander(dice.randint(3, 14))
    check_comes_back(walked, ENGINES["python"])
