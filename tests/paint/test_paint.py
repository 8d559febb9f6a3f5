"""Every painter at every stage and size: within its lines and cells, nothing that commands a terminal, known styles."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from explorer.analysis import lens
from explorer.paint.header import header
from explorer.paint.map import map_of, rail
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import predictions, way
from explorer.paint.spans import Line, bar, length, page, window, wrapped
from explorer.paint.tokens import TokenRow, tokens
from explorer.runs import running
from explorer.walk.on_screen import wanted_way
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.exhaustive import exhaustive
from tests.helpers.looking import text_of
from tests.helpers.models import HOSTILE, Words, finish, never, small_model, start
from tests.helpers.styles import WORDS, check_style

SIZES = [(49, 15), (56, 24), (110, 40)]  # of the picture at 80x24, 120x36, 160x48
MODEL = small_model(seed=5, vocab_size=len(HOSTILE), n_positions=64, n_embd=12, n_layer=2)
LENGTHS = {"one token": 1, "short": 5, "long": 60}

ACTIONS = {"stage": 1, "position": 1, "head": 1, "part": 1, "cell": 2, "settings": 0, "overview": 0, "predicted": 1}
ACTIONS |= {"column": 1, "steps": 0}
ACTIONS |= {"term": 2, "trail": 1, "bos": 0}


@cache
def session_of(length: str) -> Session:
    """A sequence in which every hostile token comes up, the last one drawn; with the lenses of every stage."""
    ids = [(7 * place + 3) % len(HOSTILE) for place in range(LENGTHS[length])]
    session = start(MODEL, Words(HOSTILE), " ".join(map(str, ids)), sampling=Sampling(0.9, 15, 0.95))
    assert session.take_token()
    finish(session)
    for position in {0, len(ids) - 1, len(ids)}:
        for index in range(len(session.cursor.stages)):
            session.cursor.go_to_position(position)
            session.cursor.go_to_stage(index)
            finish(session)
    return session


def everywhere(session: Session) -> Iterator[None]:
    """The first, the last typed and the drawn token; every stage and part; every head where there are some."""
    cursor = session.cursor
    for position in {0, len(session.ids) - 2, len(session.ids) - 1}:
        cursor.go_to_position(position)
        for index, stage in enumerate(cursor.stages):
            cursor.go_to_stage(index)
            for part in range(max(1, len(stage.parts))):
                cursor.go_to_part(part)
                for head in range(session.model.config.n_head if "H" in cursor.axes else 1):
                    cursor.go_to_head(head)
                    cursor.go_to_column(3 * head + position)
                    yield


def check(lines: list[Line], cells: int, height: int, session: Session) -> None:
    assert len(lines) <= height
    for line in lines:
        text = "".join(span.text for span in line)
        assert sum(cell_len(span.text) for span in line) <= cells, (session.stage.id, text)
        bad = {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me"}
        assert not bad, text
        for span in line:
            check_style(span.style)
            if span.action:
                check_action(span.action, session)


def check_action(action: tuple[Any, ...], session: Session) -> None:
    """It leads to a place that there is."""
    name, *arguments = action
    assert name not in ("term", "trail"), "only where a number is open"
    assert len(arguments) == ACTIONS[name], action
    cursor = session.cursor
    ends = {
        "stage": [len(cursor.stages)],
        "position": [len(session.ids)],
        "head": [cursor.config.n_head],
        "part": [len(session.stage.parts)],
        "cell": [len(session.ids), cursor.columns],
        "settings": [],
        "bos": [],
        "overview": [],
        "steps": [],
        "column": [cursor.columns],
        "predicted": [cursor.config.vocab_size],
    }
    assert all(0 <= place < end for place, end in zip(arguments, ends[name])), action


@pytest.mark.parametrize("halves", [True, False], ids=["halves", "whole"])
@pytest.mark.parametrize("size", [*SIZES[:2], *exhaustive(SIZES[2])], ids=str)
@pytest.mark.parametrize("length", LENGTHS)
def test_pictures_stay_within_their_pane(length: str, size: tuple[int, int], halves: bool) -> None:
    session = session_of(length)
    for _ in everywhere(session):
        check(picture(session, *size, halves, accompanied=True), *size, session)
        if session.stage.id.endswith(("raw", "scaled", "masked", "pattern")):
            session.cursor.toggle_overview()
            check(picture(session, *size, halves), *size, session)
            session.cursor.toggle_steps()
            check(picture(session, *size, halves), *size, session)
            session.cursor.toggle_steps()


@pytest.mark.parametrize("stage", ["embed", "blocks.1.resid_mid", "blocks.1.pattern", "blocks.1.activation"])
def test_the_formula_stands_below_where_three_lines_are_left_to_the_numbers(stage: str) -> None:
    session = session_of("short")
    session.cursor.go_to_stage([each.id for each in session.cursor.stages].index(stage))
    for cells in (49, 110):
        high = text_of(picture(session, cells, 16))
        below = len(high) - next(row for row, line in enumerate(high) if session.stage.formula[:20] in line)
        above = 1 if len(session.stage.parts) > 1 or "H" in session.cursor.axes else 0
        for height in range(1, 17):
            shown = any(session.stage.formula[:20] in line for line in text_of(picture(session, cells, height)))
            assert shown == (height >= above + 3 + 1 + below), height


@given(st.integers(30, 150), st.integers(6, 55), st.data())
@settings(max_examples=150)
def test_pictures_of_any_size_do(cells: int, height: int, data: st.DataObject) -> None:
    session = session_of(data.draw(st.sampled_from(sorted(LENGTHS))))
    cursor = session.cursor
    cursor.go_to_stage(data.draw(st.integers(0, len(cursor.stages) - 1)))
    cursor.go_to_position(data.draw(st.integers(0, 60)))
    cursor.go_to_column(data.draw(st.integers(0, 60)))
    cursor.overview, cursor.steps = data.draw(st.booleans()), data.draw(st.booleans())
    shown = picture(session, cells, height, data.draw(st.booleans()), data.draw(st.booleans()))
    check(shown, cells, height, session)
    cursor.overview = cursor.steps = False


@pytest.mark.parametrize("length", LENGTHS)
def test_the_other_panes_stay_within_theirs(length: str) -> None:
    session = session_of(length)
    for _ in everywhere(session):
        for cells, height in ((23, 15), (30, 24)):
            check(predictions(session, cells, height), cells, height, session)
        for cells, height in ((76, 2), (116, 2), (156, 2)):
            check(number_under_cursor(session, cells, height), cells, height, session)
        for height in (10, 24):
            check(map_of(session, 20, height), 20, height, session)
        check(rail(session, 76), 76, 1, session)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_row_of_tokens_stays_within_its_lines(length: str) -> None:
    session = session_of(length)
    for position in (None, *range(len(session.ids))):
        row = TokenRow(session.ids, session.labels(), position, session.prompt_length)
        for cells, height in ((80, 1), (80, 2), (120, 2), (30, 2)):
            lines = tokens(row, cells, height)
            check(lines, cells, height, session)
            shown = [span.action[1] for span in lines[0] if span.action]
            assert shown == list(range(shown[0], shown[-1] + 1))
            assert (len(session.ids) - 1 if position is None else position) in shown
            lit = [span.action for span in lines[0] if span.style == "here"]
            assert lit == ([] if position is None else [("position", position)])
            drawn = [place for place in shown if place >= session.prompt_length and place != position]
            assert [span.action[1] for span in lines[0] if span.action and span.style == "drawn"] == drawn
    assert tokens(TokenRow([], [], None, 0), 80, 2)[0]


def test_the_row_of_tokens_shows_all_that_fit_and_counts_the_others_at_every_width() -> None:
    """A chip " t23 " takes five cells and one beside it; at each end two stay free, or five for a count such as ←12."""
    labels = [f"t{place}" for place in range(10, 34)]
    chips = len(labels) * 6
    for position in (0, 12, 23):
        row = TokenRow([*range(24)], labels, position, 24)
        for cells in range(20, chips + 20):
            texts, _ = tokens(row, cells, 2)
            shown = [span.action[1] for span in texts if span.action]
            assert len(shown) == (24 if cells >= chips + 4 else min(24, (cells - 8) // 6)), cells
            said = text_of([texts])[0]
            assert length(texts) <= cells
            assert said.startswith(f"←{shown[0]} " if shown[0] else " ")
            assert said.endswith(f"{23 - shown[-1]}→" if shown[-1] < 23 else "t33")


@pytest.mark.parametrize("cells", [80, 120, 160])
@pytest.mark.parametrize("name", ["stories", "\x1b[31m[bold]" + "a-very-long-name" * 12, "漢字" * 40])
def test_the_header_stays_on_its_line(name: str, cells: int) -> None:
    session = session_of("short")
    for status in ("", "computed in 0.12 s", "a status that is far too long to fit " * 5):
        check(header(session, name, status, cells), cells, 1, session)
        check(header(None, name, status, cells), cells, 1, session)
    text = "".join(span.text for span in header(session, "stories", "computing", 120)[0])
    assert re.search(r"stories.*computing.*T 0.9  top-k 15  top-p 0.95  seed 0 *$", text)


@pytest.mark.parametrize(("layers", "heads"), [pytest.param(48, 25, marks=pytest.mark.exhaustive), (12, 12)])
def test_deep_models_fit_too(layers: int, heads: int) -> None:
    """As deep as GPT-2 xl."""
    model = small_model(n_layer=layers, n_head=heads, n_embd=heads, n_inner=2, vocab_size=len(HOSTILE))
    session = start(model, Words(HOSTILE), "8 9 19 4")
    for index in range(len(session.cursor.stages)):
        session.cursor.go_to_stage(index)
        session.cursor.go_to_head(index)
        check(rail(session, 76), 76, 1, session)
        lines = map_of(session, 20, 30)
        check(lines, 20, 30, session)
        assert sum(span.style == "here" for line in lines for span in line) == 1
        assert sum(span.style == "here" for span in rail(session, 76)[0]) == 1
        if index < 30:
            check(picture(session, 49, 15), 49, 15, session)


def test_what_is_not_computed_is_said() -> None:
    session = Session(MODEL, Words(HOSTILE))
    session.submit("8 9 19 4")
    trace = session.trace
    for until in ("hook_embed", "blocks.0.attn.hook_attn_scores_raw", "blocks.1.mlp.hook_pre"):
        assert not running.complete(trace, lambda name=until: trace.positions(name) == 4)  # type: ignore[misc]
        for _ in everywhere(session):
            lines = picture(session, 56, 24)
            check(lines, 56, 24, session)
            said = any("Not computed" in span.text for line in lines for span in line)
            assert said == (not session.trace.computed(session.stage, session.position))
            check(predictions(session, 30, 24), 30, 24, session)
            check(number_under_cursor(session, 76, 2), 76, 2, session)
            check(map_of(session, 20, 24), 20, 24, session)


def test_while_a_token_is_added_the_earlier_rows_stay() -> None:
    session = start(MODEL, Words(HOSTILE), "8 9 19 4")
    session.take_token()
    session.cursor.go_to_position(1)
    trace = session.trace
    assert not running.complete(trace, lambda: trace.positions("blocks.0.attn.hook_pattern") == 5)
    for index in range(len(session.cursor.stages)):
        session.cursor.go_to_stage(index)
        session.cursor.go_to_column(4)  # of attention the key that comes
        for overview in (True, False):
            session.cursor.overview = overview
            check(picture(session, 56, 24), 56, 24, session)
        check(predictions(session, 30, 24), 30, 24, session)


def test_the_stylesheet_knows_every_word_and_no_other() -> None:
    from explorer.screen.widgets.canvas import STYLES  # the one place where Textual's side is asked

    assert set(STYLES) == WORDS


@given(st.integers(0, 99), st.integers(1, 100), st.integers(1, 120))
def test_a_window_and_a_page_hold_what_you_stand_on(current: int, count: int, room: int) -> None:
    current = min(current, count - 1)
    for first, last in (window(current, count, room), page(current, count, room)):
        assert 0 <= first <= current < last <= count
        assert last - first == min(room, count)


@given(st.floats(0, 1), st.integers(0, 40))
def test_a_bar_is_as_long_as_its_share(share: float, cells: int) -> None:
    drawn = bar(share, cells)
    eighths = sum(" ▏▎▍▌▋▊▉█".index(character) for character in drawn)
    assert eighths == pytest.approx(share * cells * 8, abs=0.51)
    assert len(drawn) <= cells


@given(st.text(st.sampled_from("ab 漢"), max_size=60), st.integers(8, 40))
def test_wrapped_text_keeps_its_words(text: str, cells: int) -> None:
    lines = [span.text for line in wrapped(text, cells) for span in line]
    assert all(cell_len(line) <= cells for line in lines)
    if all(cell_len(word) <= cells for word in text.split()):
        assert " ".join(lines).split() == text.split()


@pytest.mark.parametrize("layers", [1, 6, 12, 24])
def test_the_answers_way_stays_within_its_line(layers: int) -> None:
    model = small_model(vocab_size=len(HOSTILE), n_layer=layers, spread=0.1)
    session = start(model, Words(HOSTILE), "3 1 4")
    list(lens.fill(session.run, wanted_way(session), never))
    for cells in range(12, 70):
        line = way(session, cells)
        assert length(line) <= cells
        steps = sum(character in "▁▂▃▄▅▆▇█" for span in line for character in span.text)
        assert steps == 2 * layers + 1 or (cells < 2 * layers + 16 and steps > cells // 3), cells
