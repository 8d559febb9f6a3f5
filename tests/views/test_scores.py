"""Why a head looks there, on the screen: the table is that of `score_parts`, adds up, and has doors."""

import numpy as np
import pytest

from explorer.analysis.score_parts import score_parts
from explorer.errors import EditError
from explorer.views.scores.state import ScoreState
from explorer.views.scores.view import ScoresView, read_head
from explorer.walk.session import Session
from tests.helpers.looking import (
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


def story() -> Session:
    return start(embedded_on_arrays(), embedded()[1].tokenizer, shared().text)


def asked(head: str, key: int = 0) -> tuple[ScoresView, ScoreState]:
    view = ScoresView(story())
    ask(view, head=head, key=key)
    settle(view)
    state = view.state()
    assert state
    return view, state


@pytest.mark.parametrize("key", [0, 2, 8])
def test_its_numbers_are_those_of_the_analysis_and_add_up(key: int) -> None:
    view, state = asked("5.2", key + 1)
    found = score_parts(view.session.run, 5, 2, 10, key)  # type: ignore[arg-type]
    table = np.array(found.values)
    rows, columns = len(found.rows), len(found.columns)
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            writer, reader = state.writer(row), state.reader(column)
            assert writer
            assert reader
            i, j = found.rows.index(writer), found.columns.index(reader)
            assert state.totals[row][column] == table[i, j] == state.value(row, column)
    assert state.totals[0][0] == pytest.approx(found.score, abs=1e-3)
    np.testing.assert_allclose(state.totals[0][0], table.sum())
    np.testing.assert_allclose(sorted(row[0] for row in state.totals[1:]), sorted(table.sum(axis=1)))
    np.testing.assert_allclose(sorted(state.totals[0][1:]), sorted(table.sum(axis=0)))
    pattern = view.session.run.matrix("blocks.5.attn.hook_pattern", 2)[10][key]
    assert f"with {pattern:.1%}: score q·k" in text_of(view.lines(78, 16))[0]


def test_without_a_choice_the_key_is_where_it_looks_most() -> None:
    _, state = asked("5.2")
    assert state.parts.key == max(range(11), key=state.weights.__getitem__)


def test_enter_goes_to_what_wrote_either_side() -> None:
    view, state = asked("5.2", 3)
    place = next(row for row in range(1, len(state.rows) + 1) if "head 3.3" in str(state.writer(row)))
    view.click(0, place, 1)
    assert "query: head 3.3" in text_of(view.about(78))[0]
    assert view.enter()
    cursor = view.session.cursor
    assert (cursor.head, cursor.position, view.session.stage.layer) == (3, 10, 3)
    view, state = asked("5.2", 3)
    view.next_mode()
    place = next(column for column in range(1, len(state.columns) + 1) if "token emb" in str(state.reader(column)))
    view.click(0, 1, place)
    assert view.enter()
    assert view.session.cursor.position == 2
    view.click(0, 0, 0)
    assert not view.enter(), "a sum has no single place"


def test_heads_are_read() -> None:
    session = story()
    assert read_head(session, " 5.2 ") == (5, 2)
    for wrong, said in (("5", "names no head"), ("a.b", "names no head"), ("9.0", "no head 9.0"), ("0.6", "no head")):
        with pytest.raises(EditError, match=said):
            read_head(session, wrong)


def test_it_fits_everywhere() -> None:
    check_everywhere(ScoresView(hostile(5, n_layer=3)))
    for session in (*many(), without_weights()):
        for size in SIZES:
            check_fits(settle(ScoresView(session)), *size)
