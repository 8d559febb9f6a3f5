"""A session that is saved, opened again from its text, and held against the one that was walked."""

from dataclasses import replace

from explorer.engine.engines import on_engine
from explorer.sessions.reading import parse
from explorer.sessions.restore import restore
from explorer.sessions.snapshot import OnScreen, saved
from explorer.sessions.writing import written
from explorer.teaching.spots import complete
from explorer.walk.session import Session
from gpt import GPT
from tests.helpers.models import embedded
from tests.helpers.pilot import SAMPLING, tiny
from tests.helpers.random_sessions import Wanderer, numbers, seen


def weights_of_a_file() -> GPT:
    """A small model in plain Python whose weights have 32 bits, as in a file."""
    return on_engine(on_engine(tiny(n_embd=24), "numpy"), "python")


def session_of(model: GPT, seed: int = 1) -> Session:
    return Session(model, embedded()[1].tokenizer, SAMPLING, seed)


def check_comes_back(walked: Wanderer, model: GPT) -> None:
    """The same numbers to the last bit by way of its text, on a model that is opened anew; then both go on alike."""
    text = written(saved(walked.session, "tiny", OnScreen(walked.views, walked.opened)))
    back = restore(parse(text, "file.toml"), session_of(model), "tiny")
    assert back.notes == []
    assert numbers(back.session) == numbers(walked.session)
    views = {name: view for name, view in walked.views.items() if view.session is walked.session}
    assert seen(back.session, back.views, back.opened) == seen(walked.session, views, walked.opened)
    again = saved(back.session, "tiny", OnScreen(back.views, back.opened))
    assert replace(again, time="") == replace(parse(text, ""), time=""), "and saved again it is the same file"
    for session in (walked.session, back.session):
        session.edit(lambda edits: None)
        complete(session)
        session.take_token()
        complete(session)
    assert numbers(back.session) == numbers(walked.session)
