"""Circuits on the screen: their numbers are those of the analysis, which TransformerLens' hold elsewhere."""

from typing import Any

import numpy as np
import pytest

import explorer as gx
from explorer.analysis.circuits import Circuits, Composition
from explorer.views.circuits.picture import ends
from explorer.views.circuits.state import Asked, Ends, Matches, Show
from explorer.views.circuits.view import CircuitsView
from explorer.walk.session import Session
from tests.helpers.looking import (
    PROMPT,
    SIZES,
    ask,
    check_everywhere,
    check_fits,
    hostile,
    many,
    settle,
    text_of,
    without_weights,
)
from tests.helpers.looking import story as shared
from tests.helpers.models import embedded, embedded_on_arrays, start


@pytest.fixture(scope="module")
def session() -> Session:
    return start(embedded_on_arrays(), embedded()[1].tokenizer, shared().text)


@pytest.fixture(scope="module")
def circuits() -> Circuits:
    return gx.load().circuits


def asked(session: Session, **chosen: Any) -> CircuitsView:
    view = CircuitsView(session)
    ask(view, **{"head": "5.2", **chosen})
    settle(view)
    return view


def test_what_it_promotes_and_matches(session: Session, circuits: Circuits) -> None:
    token = session.tokenizer.encode(" Lily")[0]
    view = asked(session, token=" Lily")
    found = view.state().found
    assert isinstance(found, Ends)
    values = circuits.promoted(5, 2, token)
    order = np.argsort(-values, kind="stable")
    assert [each for each, _ in found.most] == order[:40].tolist()
    assert {each for each, _ in found.least} == set(order[-40:].tolist())
    np.testing.assert_allclose([value for _, value in found.most], values[order[:40]], atol=1e-6)
    lines = "\n".join(text_of(view.lines(78, 16)))
    assert "head 5.2 attending to ·Lily" in lines
    assert session.label(int(order[0])) in lines
    found = asked(session, show=int(Show.MATCHES), token=" Lily").state().found
    assert isinstance(found, Matches)
    for mine, values in (
        (found.by_query, circuits.matched(5, 2, token)),
        (found.by_key, circuits.matched_by(5, 2, token)),
    ):
        np.testing.assert_allclose([value for _, value in mine.most], sorted(values)[:-41:-1], atol=1e-6)
        np.testing.assert_allclose([value for _, value in mine.least], sorted(values)[:40], atol=1e-6)


def test_positions_singular_vectors_and_composition(session: Session, circuits: Circuits) -> None:
    found = asked(session, show=int(Show.POSITIONS)).state().found
    np.testing.assert_allclose(found, circuits.matched_positions(5, 2, 11), atol=1e-6)
    view = asked(session, show=int(Show.DIRECTIONS), circuit=1)
    strengths = [direction.strength for direction in view.state().directions]
    np.testing.assert_allclose(strengths, circuits.strengths(5, 2, view.asked.circuit)[: len(strengths)], rtol=1e-6)
    for kind in Composition:
        found = asked(session, show=int(Show.COMPOSITION), kind=list(Composition).index(kind)).state().found
        np.testing.assert_allclose(found, circuits.composition(kind)[:, :, 5, 2], atol=1e-6)


def test_both_copying_scores(session: Session, circuits: Circuits) -> None:
    view = asked(session)
    run = gx.load().run(PROMPT)
    session.cursor.go_to_position(2)
    for layer, head in ((5, 2), (3, 3), (0, 0)):
        view.click(0, layer, head)
        state = view.state()
        assert state.copying[layer, head] == pytest.approx(circuits.copying(layer, head), abs=1e-6)
        assert state.copy_scores == tuple(gx.copy_score(run, layer, head, [place]) for place in range(11))
        here = gx.copy_score(run, layer, head, [2])
        assert f"copy score at ·Lily {here:.0f}, over this prompt" in text_of(view.about(78))[1]


def test_the_ends_of_a_ranking() -> None:
    assert ends([0.0, 3.0, -1.0, 2.0], 2) == Ends(((1, 3.0), (3, 2.0)), ((2, -1.0), (0, 0.0)))
    assert ends([1.0], 2) == Ends(((0, 1.0),), ((0, 1.0),))


def test_enter_opens_the_heads_pattern() -> None:
    view = asked(start(embedded()[0], embedded()[1].tokenizer, PROMPT), head="3.1")
    assert view.enter()
    cursor = view.session.cursor
    assert (cursor.head, view.session.stage.layer) == (1, 3)
    assert cursor.part
    assert cursor.part.activation == "blocks.3.attn.hook_pattern"


def test_it_fits_everywhere() -> None:
    check_everywhere(CircuitsView(hostile(5, n_layer=3)))
    for session in (*many(), without_weights()):
        view = CircuitsView(session)
        for show in Show:
            view.mode = int(show)
            for circuit in (Asked(), Asked(token=3)):
                view.asked = circuit
                for size in SIZES:
                    check_fits(settle(view), *size)
