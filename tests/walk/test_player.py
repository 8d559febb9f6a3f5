"""Playing: stage after stage, token after token, never ahead of what is computed."""

import pytest

from explorer.runs import running
from explorer.walk.player import PACES, Player
from explorer.walk.session import Session
from gpt import InputError
from tests.helpers.models import Bytes, finish, never, small_model, start

MODEL = small_model(seed=2, vocab_size=256, n_positions=8, n_layer=1)


@pytest.fixture
def player() -> Player:
    return Player()


@pytest.fixture
def session() -> Session:
    return start(MODEL, Bytes(), "abc")


def ending(session: Session) -> Session:
    """The same with a last token that ends the text."""
    session.take_token()
    finish(session)
    eos = session.ids[-1]
    model = small_model(seed=2, vocab_size=256, n_positions=8, n_layer=1, eos_token_id=eos)
    ended = start(model, Bytes(), "abc")
    assert ended.take_token()
    finish(ended)
    assert ended.draws.ended
    return ended


def test_the_pace_stays_among_the_paces(player: Player) -> None:
    assert player.pace in PACES
    for by, expected in ((100, PACES[-1]), (-100, PACES[0]), (1, PACES[1])):
        player.change_pace(by)
        assert player.pace == expected
    assert list(PACES) == sorted(PACES)


def test_it_walks_every_stage_of_every_position_and_then_draws(player: Player, session: Session) -> None:
    cursor = session.cursor
    cursor.go_to_stage(0)
    cursor.go_to_position(1)
    seen = [(cursor.position, cursor.stage_index)]
    while not player.next_stage(session):
        seen.append((cursor.position, cursor.stage_index))
    stages = range(len(cursor.stages))
    assert seen == [(position, stage) for position in (1, 2) for stage in stages]
    assert len(session.ids) == 4
    assert (cursor.position, cursor.stage_index) == (3, 0)


def test_it_waits_for_what_is_not_computed(player: Player) -> None:
    session = Session(MODEL, Bytes())
    session.submit("abc")
    assert not player.next_stage(session)
    assert session.stage.id == "tokens"
    trace = session.trace
    running.complete(trace, lambda: trace.positions("blocks.0.attn.hook_pattern") == 3)
    for _ in range(40):
        player.next_stage(session)
    assert session.stage.id == "blocks.0.pattern"
    finish(session)
    player.next_stage(session)
    assert session.stage.id == "blocks.0.z"


def test_it_does_not_draw_while_something_computes(player: Player, session: Session) -> None:
    session.take_token()
    session.cursor.go_to_position(2)
    session.cursor.go_to_stage(10_000)
    assert not player.next_stage(session)
    assert (session.position, session.stage.id) == (3, "tokens")
    session.cursor.go_to_stage(10_000)
    assert not player.next_stage(session)
    assert len(session.ids) == 4
    assert session.stage.id == "draw"


def test_it_stops_where_the_text_has_ended(player: Player, session: Session) -> None:
    session = ending(session)
    player.playing, player.left_to_draw = True, 0
    session.cursor.go_to_stage(10_000)
    assert not player.next_stage(session)
    assert not player.playing
    player.left_to_draw = 5
    assert not player.draw(session)
    assert player.left_to_draw == 0
    assert len(session.ids) == 4


def test_it_draws_as_many_as_were_asked_for(player: Player, session: Session) -> None:
    player.left_to_draw = 3
    drawn = 0
    for _ in range(10):
        if player.draw(session):
            drawn += 1
            assert not player.draw(session)  # the next one is not known yet
            assert running.complete(session.trace, never)
    assert drawn == 3
    assert len(session.ids) == 6
    assert player.left_to_draw == 0


def test_a_full_context_is_said(player: Player, session: Session) -> None:
    player.left_to_draw = 99
    while len(session.ids) < 8:
        assert player.draw(session)
        finish(session)
    with pytest.raises(InputError, match="context is full"):
        player.draw(session)
    assert len(session.ids) == 8
    session.cursor.go_to_stage(10_000)
    with pytest.raises(InputError, match="context is full"):
        player.next_stage(session)


def test_stop_forgets_what_was_asked_for(player: Player, session: Session) -> None:
    player.playing, player.left_to_draw = True, 7
    player.stop()
    assert not player.playing
    assert not player.draw(session)
    assert len(session.ids) == 3
