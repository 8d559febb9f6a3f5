"""A session that is saved and opened again shows the same numbers, to the last bit."""

import random
from dataclasses import replace

import pytest

from explorer.engine.engines import on_engine
from explorer.sessions.reading import parse
from explorer.sessions.restore import Restored, restore
from explorer.sessions.snapshot import OnScreen, saved
from explorer.sessions.writing import written
from explorer.teaching.spots import complete
from explorer.walk.session import Session
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded
from tests.helpers.pilot import SAMPLING, tiny
from tests.helpers.random_sessions import Wanderer, numbers, seen

MODEL = on_engine(on_engine(tiny(n_embd=24), "numpy"), "python")  # weights of 32 bits, as in a file
ENGINES = {engine: on_engine(MODEL, engine) for engine in ("python", "numpy")}


def session_on(engine: str, seed: int = 1) -> Session:
    return Session(ENGINES[engine], embedded()[1].tokenizer, SAMPLING, seed)


def opened_again(walked: Wanderer) -> tuple[str, Restored]:
    """The session by way of its text, on a model that is opened anew."""
    text = written(saved(walked.session, "tiny", OnScreen(walked.views, walked.opened)))
    again = parse(text, "file.toml")
    return text, restore(again, session_on("python"), "tiny")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [*range(6), *exhaustive(*range(6, 60))])
def test_random_sessions_come_back_to_the_last_bit(engine: str, seed: int) -> None:
    dice = random.Random(seed)
    walked = Wanderer(session_on(engine), dice)
    walked.wander(dice.randint(3, 14))
    text, back = opened_again(walked)
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
