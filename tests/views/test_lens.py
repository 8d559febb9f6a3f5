"""The view of the lens: what is in its cells and on top of them, in which order it is filled in, and its keys."""

from dataclasses import replace
from math import log2
from typing import Any

import pytest

from explorer.analysis import lens
from explorer.analysis.errors import AnalysisError
from explorer.runs.trace import RecordedRun
from explorer.screen.panes.number import NumberPane
from explorer.terminal.text import width
from explorer.views.lens.cell import short
from explorer.views.lens.table import table
from explorer.views.lens.view import LensView
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.looking import SIZES, text_of
from tests.helpers.models import HOSTILE, Bytes, Words, embedded, finish, never, small_model, start
from tests.helpers.pilot import click, computed, opened, press, text, until
from tests.helpers.styles import check_style

PROMPT = "Tom and Lily went to the park. Tom said to"
LAST = 12  # the last row of a model with six blocks


@pytest.fixture
def story() -> Session:
    model, checkpoint = embedded()
    return start(model, checkpoint.tokenizer, "Tom and Lily went to")


@pytest.fixture(scope="module")
def whole() -> Session:
    """All columns that are ever asked for are known."""
    model, checkpoint = embedded()
    session = start(model, checkpoint.tokenizer, PROMPT)
    worked(session, (110, 40))
    return session


def worked(session: Session, size: tuple[int, int] = (56, 24)) -> LensView:
    """The view with all its work done, as the screen does it: draw, work, draw."""
    view = LensView(session)
    work(view, size)
    return view


def work(view: LensView, size: tuple[int, int] = (56, 24)) -> None:
    for _ in range(2):
        view.follow(*size)
        for _ in view.work():
            pass


def written(view: LensView, size: tuple[int, int] = (56, 24)) -> list[str]:
    """The picture, and what is said of the cursor."""
    return ["".join(span.text for span in line) for line in (*view.lines(*size), *view.about(size[0]))]


def check(view: LensView, cells: int, height: int) -> None:
    lines = view.lines(cells, height)
    assert 0 < len(lines) <= height
    session = view.session
    for line in lines:
        assert sum(width(span.text) for span in line) <= cells, "".join(span.text for span in line)
        for span in line:
            check_style(span.style)
            assert span.text.isprintable(), span.text
            if span.action and span.action[0] == "view":
                _, row, position = span.action
                assert 0 <= row < len(view.rows)
                assert 0 <= position < len(session.ids)


# What it shows


def test_every_cell_is_what_the_lens_says_there(whole: Session) -> None:
    view = worked(whole, (110, 40))
    shown = {
        span.action: span
        for line in view.lines(110, 40)
        for span in line
        if span.action and span.action[0] == "view" and span.text.strip("▎ ") and not span.text.strip().endswith("mlp")
    }
    for row, place in enumerate(lens.rows(6)):
        for position in range(11):
            expected = lens.cell(whole.trace, place.name, position)
            assert expected
            assert view.cell(row, position) == expected
            label = whole.label(expected.token)
            assert shown["view", row, position].text.strip(" []")[:5].split()[0] in (
                label[:5],
                short(place)[:5].split()[0],
            )


def test_the_first_line_says_since_when_it_knew(whole: Session) -> None:
    view = worked(whole)
    column = [view.cell(row, 10) for row in range(13)]
    since = lens.settled(column)
    assert since is not None
    assert view.rows[since].title == "block 5 attention"
    assert written(view)[0] == "after ·to it says ·Lily, since block 5 attention"


def test_a_line_runs_along_the_cells_in_which_the_answer_stays(whole: Session) -> None:
    view = worked(whole, (110, 40))
    marked = {span.action for line in view.lines(110, 40) for span in line if span.text == "▎" and span.action}
    for position in range(11):
        since = view.state().settled(position)
        assert since is not None
        assert {row for _, row, column in marked if column == position} == set(range(since, 13))


def test_the_loss_of_the_whole_is_on_top(whole: Session) -> None:
    found = lens.loss(whole.trace)
    assert found
    line = written(worked(whole))[1]
    assert line == f"loss {found.bits:.2f} bits a token · perplexity {found.perplexity:.1f} · {found.nats:.3f} nats"


def test_every_token_is_coloured_by_how_much_it_surprised(whole: Session) -> None:
    whole.cursor.go_to_position(10)
    view = worked(whole, (110, 40))
    names, bits = view.lines(110, 40)[2:4]
    styles = {span.action[1]: span.style for span in names if span.action}
    for position in range(1, 10):
        amount = lens.surprise(whole.trace, position)
        assert amount is not None
        assert styles[position] == f"share:{round(16 * min(1, amount / log2(4096)))}"
        assert f"{amount:.1f}" in "".join(span.text for span in bits)
    amount = lens.surprise(whole.trace, 10)
    assert amount is not None
    assert (styles[0], styles[10]) == ("chip", f"share:{round(16 * min(1, amount / log2(4096)))}!"), (
        "marked, not painted"
    )


def test_the_colour_is_the_probability_the_entropy_or_the_rank(whole: Session) -> None:
    view = worked(whole, (110, 40))
    view.click(4, 10)
    found = view.cell(5, 3)
    assert found
    expected = {
        0: round(16 * found.probability**0.5),
        1: round(16 * (1 - found.entropy / 12)),
        2: round(16 * (1 - log2(found.answer_rank) / 12)),
    }
    for mode, words in enumerate(("probability", "entropy", "rank of the answer")):
        assert view.mode == mode
        lines = view.lines(110, 40)
        styles = [span.style for line in lines for span in line if span.action == ("view", 5, 3)]
        assert styles[0] == f"share:{expected[mode]}"
        assert any(words in line for line in text_of(lines))
        assert words in view.modes[mode]
        view.next_mode()


def test_a_wide_cell_holds_the_number_of_its_colour() -> None:
    model, checkpoint = embedded()
    view = worked(start(model, checkpoint.tokenizer, "Tom and"), (94, 24))
    found = view.cell(LAST, 1)
    assert found
    for mode, number in enumerate((f"{found.probability:.1%}", f"{found.entropy:.1f}", "1")):
        view.mode = mode
        (line,) = (line for line in written(view, (94, 24)) if line.strip().startswith("5 mlp"))
        assert line.split("▎")[1].endswith(f"{number}]")


def test_the_cell_under_the_cursor_is_printed_in_full(whole: Session) -> None:
    view = worked(whole, (94, 24))
    view.click(4, 10)
    found = view.cell(4, 10)
    assert found
    shown = "\n".join(written(view, (94, 24)))
    says = f"{whole.label(found.token)} {found.probability:.1%} · entropy {found.entropy:.2f} bits"
    assert f"after block 1 MLP at ·to (10): {says}" in shown
    assert f"the answer ·Lily: rank {found.answer_rank} of 4096, {found.answer_probability:.1%}, logit" in shown
    logits = lens.read(whole.trace, view.rows[4].name, 10, never)
    assert logits
    assert found.answer_logit == logits[found.answer]


@pytest.mark.parametrize("size", [(78, 16), (110, 40)])
def test_the_most_likely_are_listed(whole: Session, size: tuple[int, int]) -> None:
    view = worked(whole, size)
    view.click(4, 10)
    work(view, size)
    logits = lens.read(whole.trace, view.rows[4].name, 10, never)
    assert logits
    best = sorted(range(len(logits)), key=lambda token: -logits[token])[:24]
    assert [likely.token for likely in view.state().likely] == best
    shown = "\n".join(written(view, size))
    for token in best[:11]:
        assert whole.label(token) in shown


def test_the_first_token_is_predicted_by_nothing() -> None:
    view = worked(start(small_model(vocab_size=256, n_positions=64), Bytes(), "a"))
    assert written(view)[1] == "no loss: nothing predicts a first token"
    assert "since" in written(view)[0]


# In which order it is filled in


def test_the_column_of_the_cursor_comes_first_and_what_is_not_visible_not_at_all(story: Session) -> None:
    story.cursor.go_to_position(2)
    view = LensView(story)
    view.follow(50, 24)
    assert len(view.columns) == 3
    seen: list[tuple[int, int]] = []
    for _ in view.work():
        known = [(row, column) for column in range(6) for row in range(13) if known_there(view, row, column)]
        seen += [place for place in known if place not in seen]
    first = [column for _, column in seen[:13]]
    assert set(first) <= {2} | {column for row, column in seen if row == LAST}
    assert {column for row, column in seen if row < LAST} == set(view.columns)


def known_there(view: LensView, row: int, column: int) -> bool:
    return view.cell(row, column) is not None


def test_work_ends_when_something_else_is_wanted(story: Session) -> None:
    view = LensView(story)
    view.follow(56, 24)
    steps = view.work()
    next(steps)
    next(steps)
    view.move(-1, 0)
    assert len(list(steps)) <= 1


def test_while_it_looks_it_says_so(story: Session) -> None:
    view = LensView(story)
    known = set(story.trace.derived)
    assert "computing …" in written(view)[0]
    assert set(story.trace.derived) == known, "drawing computes nothing"
    steps = view.work()
    next(steps)
    next(steps)
    assert "looking for where it began" in written(view)[0]
    assert "…" in "".join(written(view))


def test_an_error_is_said_and_gone_with_the_next_run(story: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> None:
        raise AnalysisError("there is nothing to read.")

    monkeypatch.setattr("explorer.views.lens.view.read", fails)
    view = worked(story)
    assert written(view)[0] == "there is nothing to read."
    monkeypatch.undo()
    story.submit("The sun")
    finish(story)
    work(view)
    assert "since" in written(view)[0]


def test_what_was_begun_for_another_prompt_is_not_shown_for_this_one(story: Session) -> None:
    view = LensView(story)
    view.follow(56, 24)
    steps = view.work()
    for _ in range(3):
        next(steps)
    story.submit("The sun")
    finish(story)
    assert len(list(steps)) <= 1
    assert view.cell(LAST, 1) is None
    work(view)
    assert view.cell(LAST, 1) == lens.cell(story.trace, story.trace.last_residual, 1)


def test_before_it_is_computed_it_says_so() -> None:
    session = Session(small_model(vocab_size=256, n_positions=64), Bytes())
    session.submit("ab")
    view = LensView(session)
    assert view.wanted() is None
    assert "computing …" in written(view)[0]
    assert written(view)[1] == "loss: computing …"
    session.stopped = True
    assert "stopped · r goes on" in written(view)[0]
    finish(session)
    work(view)
    assert "since" in written(view)[0]


def test_a_longer_run_is_read_again() -> None:
    session = start(small_model(vocab_size=256, n_positions=64), Bytes(), "abc", sampling=Sampling(1.0))
    view = worked(session)
    before = view.wanted()
    assert session.take_token()
    finish(session)
    assert view.wanted() != before
    work(view)
    assert "since" in written(view)[0]


# Its layout


def small(tokens: str = "to be") -> LensView:
    """Five rows: the embeddings, and the halves of two blocks."""
    return worked(start(small_model(vocab_size=256, n_positions=64), Bytes(), tokens))


def test_the_mouse_over_what_is_not_there_any_more_tells_nothing() -> None:
    view = small()
    end = len(view.session.ids) - 1
    assert view.about_choice((4, end), 80)
    assert view.about_choice((5, end), 80) == view.about_choice((4, end + 1), 80) == []


@pytest.mark.parametrize("since", range(5))
def test_the_first_line_counts_the_rows_in_which_it_knew(since: int) -> None:
    state = small().state()
    end = state.scene.position
    ranks = {(row, end): replace(state.cells[row, end], answer_rank=1 if row >= since else 2) for row in range(5)}
    first = text_of(table(replace(state, cells=ranks), 100, 20))[0]
    name = state.rows[since].title if since else "embeddings"
    assert first.endswith(f"since {name} ({COUNTED[since]} 5 rows)")


COUNTED = ["all", "the last 4 of", "the last 3 of", "the last 2 of", "only the last of"]


@pytest.mark.parametrize("height", range(9, 20))
def test_the_list_stands_below_where_five_lines_are_left_and_else_beside(height: int) -> None:
    """Below the answer and the loss, the tokens, five rows, and the colours."""
    view = small()
    for cells in range(40, 70, 3):
        lines = written(view, (cells, height))
        beside = [line for line in lines[1:7] if "it would say" in line]
        below = [line for line in lines[8:] if line.startswith("it would say")]
        wide = cells - 9 - 18 - 4 * 7 >= 29 or (height < 8 + 5 and cells - 9 - 18 >= 29)
        assert (len(beside), len(below)) == ((1, 0) if wide else (0, height >= 8 + 5)), cells


@pytest.mark.parametrize(("longest", "size"), [(3, 18), (10, 18), (14, 22), (18, 26), (19, 26), (40, 26)])
def test_the_chosen_column_has_room_for_its_tokens_and_a_number(longest: int, size: int) -> None:
    """Eight cells for the number, a mark and blanks; a token takes ten at the least and eighteen at the most."""
    view = worked(start(small_model(vocab_size=26), Words([b"x" * longest] * 26), "3 1 4"), (116, 26))
    for row in range(5):
        (line,) = [line for line in view.lines(116, 26) if line and line[0].action == ("view", row, 2)]
        assert sum(width(span.text) for span in line if span.action == ("view", row, 2)) == 9 + size


# Choosing


def test_the_row_follows_the_walk(story: Session) -> None:
    view = LensView(story)
    view.follow(56, 24)
    assert view.row == LAST, "before there is a residual stream, the end"
    story.cursor.go_to_value("blocks.2.hook_resid_mid")
    view.follow(56, 24)
    assert view.rows[view.row].name == "blocks.2.hook_resid_mid"
    view.move(0, 1)
    view.follow(56, 24)
    assert view.rows[view.row].name == "blocks.2.hook_resid_post", "down is the model's way"


def test_arrows_move_the_walks_position_too(story: Session) -> None:
    view = LensView(story)
    view.move(-1, 0)
    assert story.position == len(story.ids) - 2
    view.move(-1_000_000, 0)
    assert story.position == 0
    view.move(1_000_000, -10)
    assert (story.position, view.row) == (len(story.ids) - 1, 2)
    view.move(0, -10)
    assert view.row == 0
    view.move(0, 1_000)
    assert view.row == LAST


@pytest.mark.parametrize("row", range(13))
def test_enter_goes_to_what_is_read_there(story: Session, row: int) -> None:
    view = LensView(story)
    view.click(row, 1)
    assert view.enter()
    assert story.cursor.part
    assert story.cursor.part.activation == view.rows[row].name
    assert story.stage.residual == view.rows[row].name
    assert story.position == 1


# Every size and model


def hostile(tokens: int) -> Session:
    model = small_model(seed=5, vocab_size=len(HOSTILE), n_positions=64, n_embd=12, n_layer=2)
    ids = [(7 * place + 3) % len(HOSTILE) for place in range(tokens)]
    return start(model, Words(HOSTILE), " ".join(map(str, ids)))


SESSIONS = {
    "one token": lambda: hostile(1),
    "hostile": lambda: hostile(8),
    "sixty tokens": lambda: hostile(60),
    "one layer, one head": lambda: start(small_model(vocab_size=256, n_layer=1, n_head=1), Bytes(), "to be"),
    "48 layers": lambda: start(small_model(vocab_size=256, n_layer=48), Bytes(), "to be"),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_it_fits_everywhere(name: str) -> None:
    session = SESSIONS[name]()
    view = LensView(session)
    end, top = len(session.ids) - 1, len(view.rows) - 1
    for size in SIZES:
        for row, position in [(0, 0), (top // 2, end // 2), (top, end)]:
            view.click(row, position)
            check(view, *size)
            work(view, size)
            for mode in range(3):
                view.mode = mode
                check(view, *size)
                shown = {span.action for line in view.lines(*size) for span in line}
                assert ("view", row, position) in shown, "the chosen cell is on the screen"


def test_a_recorded_run_says_what_it_cannot_show(story: Session) -> None:
    trace = RecordedRun(story.config, story.ids, story.run.values)
    shown = Session(trace, story.tokenizer)
    shown.begin(trace, story.text)
    view = worked(shown)
    lines = written(view)
    assert lines[0].startswith("after ·to it says ")
    assert lines[1].rstrip() == "a recorded run has no weights to look inside with"
    assert view.cell(LAST, 4) == lens.cell(story.trace, story.trace.last_residual, 4)
    view.move(0, -3)
    work(view)
    assert "needs the model" in "\n".join(written(view))
    trace.values = {name: value for name, value in trace.values.items() if name != "logits"}
    assert "its logits were not recorded" in written(LensView(shown))[0]


def test_numbers_that_are_none_end_in_words() -> None:
    session = start(small_model(vocab_size=256, n_positions=64), Bytes(), "ab")
    view = LensView(session)
    session.trace.values["blocks.0.hook_resid_mid"] = [[float("nan")] * 6] * 2
    work(view)
    check(view, 56, 24)


# On the screen


def played() -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_from_the_table_to_the_stage_where_it_knew(size: tuple[int, int]) -> None:
    async with opened(played(), size, prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "2")
        await until(pilot, lambda: "since block 5 attention" in text(screen, "view")[0])
        assert screen.view
        assert text_of(screen.view.about(78))[0].startswith("after block 5 MLP at ·to (10): ·Lily 73.0%")
        await press(pilot, "up", "enter")
        assert screen.view is None
        assert screen.session
        assert screen.session.stage.residual == "blocks.5.hook_resid_mid"


async def test_a_click_chooses_a_cell_and_v_another_colour() -> None:
    async with opened(played(), (120, 36), prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "2")
        await click(pilot, "view", ("view", 6, 8))
        assert isinstance(screen.view, LensView)
        assert screen.session
        assert (screen.view.row, screen.session.position) == (6, 8)
        view = screen.view
        await until(pilot, lambda: text_of(view.about(78))[0].startswith("after block 2 MLP at ·Tom: "))
        await press(pilot, "v")
        assert screen.query_one("#view").border_subtitle == "entropy"


async def test_the_mouse_over_a_cell_tells_what_it_would_say() -> None:
    async with opened(played(), (120, 36), prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "2")
        view = screen.view
        assert isinstance(view, LensView)
        await until(pilot, lambda: view.cell(5, 3))
        chosen = view.row, view.session.position
        screen.query_one(NumberPane).point_at(("view", 5, 3), "view")
        await until(pilot, lambda: text(screen, "number")[0].startswith("› after block 2 attention at "))
        assert (view.row, view.session.position) == chosen
        screen.query_one(NumberPane).point_at(None, "view")
        await until(pilot, lambda: text(screen, "number")[0].startswith("after block 5 MLP at "))
