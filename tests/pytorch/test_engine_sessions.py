"""Sessions on PyTorch: everything that the screen can do, saved, and computed again to the last bit."""

import random
from dataclasses import replace

import pytest

from explorer.engine.engines import on_engine
from explorer.sessions.reading import parse
from explorer.sessions.restore import restore
from explorer.sessions.snapshot import OnScreen, saved
from explorer.sessions.writing import written
from explorer.teaching.spots import complete
from explorer.walk.session import Session
from gpt import GPT
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded
from tests.helpers.pilot import SAMPLING, tiny
from tests.helpers.random_sessions import Wanderer, numbers, seen

pytest.importorskip("torch")

ENGINES = ("torch cpu float32", "torch cpu bfloat16", "torch cpu float64")


def model() -> GPT:
    return on_engine(on_engine(tiny(n_embd=24), "numpy"), "python")  # weights of 32 bits, as in a file


def session_on(engine: str, seed: int = 1) -> Session:
    return Session(on_engine(model(), engine), embedded()[1].tokenizer, SAMPLING, seed)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [*range(3), *exhaustive(*range(3, 60))])
def test_random_sessions_come_back_to_the_last_bit(engine: str, seed: int) -> None:
    dice = random.Random(seed)
    walked = Wanderer(session_on(engine), dice, (engine, "python", "numpy"))
    walked.wander(dice.randint(3, 14))
    text = written(saved(walked.session, "tiny", OnScreen(walked.views, walked.opened)))
    back = restore(parse(text, "file.toml"), session_on("python"), "tiny")
    assert back.notes == []
    assert numbers(back.session) == numbers(walked.session)
    views = {name: view for name, view in walked.views.items() if view.session is walked.session}
    assert seen(back.session, back.views, back.opened) == seen(walked.session, views, walked.opened)
    again = saved(back.session, "tiny", OnScreen(back.views, back.opened))
    assert replace(again, time="") == replace(parse(text, ""), time=""), "and saved again it is the same file"
    for session in (walked.session, back.session):  # both go on alike
        session.edit(lambda edits: None)
        complete(session)
        session.take_token()
        complete(session)
    assert numbers(back.session) == numbers(walked.session)
