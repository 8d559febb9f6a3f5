"""The tour in docs/tours.md is a tour: it is read, and every claim in it holds."""

import re
from pathlib import Path

from explorer.teaching import facts, tour_file
from explorer.teaching.checking import problems
from explorer.teaching.playing import reply
from explorer.teaching.spots import LOOKS
from explorer.teaching.tours import ANSWERS
from explorer.walk.session import Session
from tests.helpers.models import embedded

DOCUMENT = (Path(__file__).parents[2] / "docs" / "tours.md").read_text(encoding="utf-8")


def open_session(name: str) -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer)


def test_the_example_is_a_tour_whose_claims_hold() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    tour = tour_file.parse(example, "example", "docs/tours.md")
    assert [str(problem) for problem in problems(tour, open_session)] == []
    assert sum(len(stop.claims) for stop in tour.stops) == 3
    assert tour.stops[1].question


def test_everything_that_a_file_may_say_is_documented() -> None:
    for word in (*tour_file._STOP, *tour_file._TOUR, *tour_file._SPOT, *tour_file._QUESTION, *LOOKS[1:], *ANSWERS):
        assert f"`{word}`" in DOCUMENT or f"[{word}" in DOCUMENT or f".{word}]" in DOCUMENT, word


def test_functions_that_are_named_exist() -> None:
    named = re.findall(r"`(\w+)\(", DOCUMENT)
    assert len(named) > 10
    assert set(named) <= set(facts.functions())


def test_the_examples_question_is_answered() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    stop = tour_file.parse(example, "example", "docs/tours.md").stops[1]
    assert stop.question
    from explorer.teaching.checking import Runs

    session = Runs(open_session).at(stop)
    held = [reply(stop.question, str(position), session).holds for position in range(len(session.ids))]
    assert held.count(True) == 1
