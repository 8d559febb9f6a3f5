"""The session: prompts, tokens, draws and what is under the cursor, without a terminal."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.edits import Zero, where
from explorer.errors import EditError
from explorer.runs import running
from explorer.runs.trace import RecordedRun
from explorer.stages import Kind
from explorer.tokenizer.tokenizer import Tokenizer
from explorer.walk.on_screen import progress, shape_in_words, value_under_cursor, wanted_lenses
from explorer.walk.session import Session
from gpt import GPT, InputError, Sampling, SamplingError, generate
from tests.helpers.checkpoint_builder import write_tokenizer
from tests.helpers.models import Bytes, Words, counting, embedded, finish, full_run, never, small_model, start

MODEL = small_model(seed=2, vocab_size=256, n_positions=16)
ENDING = small_model(seed=2, vocab_size=256, n_positions=16, eos_token_id=0)
SAMPLINGS = [Sampling(0), Sampling(0.7, 20, 0.9), Sampling(1.3), Sampling(1.0, None, 0.5)]


@pytest.fixture
def session() -> Session:
    return start(MODEL, Bytes(), "little")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """For how many positions the model is asked, run by run."""
    asked: list[int] = []
    monkeypatch.setattr(GPT, "forward", counting(GPT.forward, asked))
    return asked


def test_a_prompt_is_cut_into_tokens_and_the_last_one_is_shown(session: Session) -> None:
    assert session.ids == list(b"little")
    assert session.labels() == list("little")
    assert (session.text, session.prompt_length, session.position) == ("little", 6, 5)
    assert not session.computing
    assert progress(session) == 1


def test_before_the_first_prompt_there_is_nothing_to_say() -> None:
    session = Session(MODEL, Bytes())
    assert session.ids == []
    assert not session.computing
    assert not session.draws.ended
    assert wanted_lenses(session) == []
    assert not session.untake_token()
    assert not session.take_token()


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "empty"), ("seventeen letters", "17 tokens are too many: this model sees 16 at most")],
)
def test_a_prompt_that_cannot_be_run_changes_nothing(session: Session, text: str, message: str) -> None:
    session.take_token()
    before = (session.text, list(session.ids), session.written.pieces, session.prompt_length, dict(session.draws.made))
    trace = session.trace
    with pytest.raises(InputError, match=message):
        session.submit(text)
    assert (session.text, session.ids, session.written.pieces, session.prompt_length, session.draws.made) == before
    assert session.trace is trace


def test_the_same_prompt_again_changes_nothing(session: Session) -> None:
    session.take_token()
    trace, steps = session.trace, session.draws.made
    session.submit(session.text)
    assert session.trace is trace
    assert session.draws.made is steps
    assert session.prompt_length == 6


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("little girl", [5]),  # grown at its end
        ("little", []),  # as it was
        ("lit", []),  # shorter
        ("litter", [2]),  # changed at its end
        ("lattle", [5]),  # changed in the middle
        ("Little", [6]),  # changed at its beginning
    ],
)
def test_what_two_prompts_share_is_not_computed_again(
    session: Session, asked: list[int], text: str, positions: list[int]
) -> None:
    session.submit(text)
    assert running.complete(session.trace, never)
    assert asked == positions
    assert session.position == len(text) - 1
    expected = full_run(MODEL, list(text.encode()))
    for name, value in expected.items():
        assert np.array_equal(session.trace.values[name], value), name


def test_of_a_prompt_that_was_not_computed_nothing_is_reused(asked: list[int]) -> None:
    session = Session(MODEL, Bytes())
    session.submit("little")
    assert not running.complete(session.trace, lambda: True)
    session.submit("little girl")
    assert session.computing
    assert progress(session) == 0
    finish(session)
    assert asked == [6, 11]


def test_each_drawn_token_runs_one_position(session: Session, asked: list[int]) -> None:
    for _ in range(3):
        assert session.take_token()
        assert not session.take_token()  # it is not known yet
        finish(session)
    assert asked == [1, 1, 1]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("seed", [0, 42])
def test_the_tokens_taken_are_those_that_generate_gives(sampling: Sampling, seed: int) -> None:
    session = start(MODEL, Bytes(), "little", sampling=sampling, seed=seed)
    expected = list(generate(MODEL, list(b"little"), 8, sampling, seed))
    for step in expected:
        due = session.draws.step_after(session.position)
        assert session.take_token()
        assert due == step
        assert session.draws.made[len(session.ids) - 1].step == step
        finish(session)
    assert session.ids == [*b"little", *(step.token for step in expected)]
    assert session.text == Bytes().decode(session.ids)
    assert session.prompt_length == 6


def test_a_token_taken_back_is_taken_again(session: Session) -> None:
    before = (list(session.ids), session.text, dict(session.draws.made))
    assert not session.untake_token()  # those that were typed stay
    assert session.take_token()
    taken = (list(session.ids), session.text, dict(session.draws.made))
    assert session.untake_token()
    assert (session.ids, session.text, session.draws.made) == before
    assert not session.computing
    assert session.position == 5
    assert session.take_token()
    assert (session.ids, session.text, session.draws.made) == taken


def test_the_step_after_a_position(session: Session) -> None:
    assert [session.draws.step_after(position) for position in range(5)] == [None] * 5
    assert [session.draws.number(position) for position in range(5)] == [None] * 5
    numbers = random.Random(session.draws.seed)
    first, second = numbers.random(), numbers.random()
    due = session.draws.step_after(5)
    assert due
    assert due.number == session.draws.number(5) == first
    session.take_token()
    assert {position: drawn.step for position, drawn in session.draws.made.items()} == {6: due}
    assert session.draws.step_after(5) == due
    assert session.draws.step_after(6) is None  # its logits are not known yet
    assert session.draws.number(6) == second
    finish(session)
    following = session.draws.step_after(6)
    assert following
    assert following.number == second


def test_other_settings_do_not_change_what_was_drawn(session: Session) -> None:
    session.take_token()
    finish(session)
    drawn, ids = session.draws.made[6].step, list(session.ids)
    due = session.draws.step_after(6)
    session.draws.sampling = replace(session.draws.sampling, temperature=0.1, top_k=3)
    session.draws.seed = 99
    assert session.ids == ids
    assert session.draws.step_after(5) is drawn
    other = session.draws.step_after(6)
    assert other
    assert other != due
    assert len(other.distribution.order) == 3
    assert session.draws.sampling == Sampling(0.1, 3)


def test_settings_out_of_range_are_refused(session: Session) -> None:
    with pytest.raises(SamplingError):
        session.draws.sampling = replace(session.draws.sampling, temperature=-1)
    assert session.draws.sampling == Sampling()


def test_a_full_context_says_so() -> None:
    session = start(MODEL, Bytes(), "sixteen letters!"[:15])
    assert session.take_token()
    finish(session)
    with pytest.raises(InputError, match="context is full: this model sees 16 tokens"):
        session.take_token()
    assert len(session.ids) == 16


def test_the_end_of_text_ends_it() -> None:
    session = start(ENDING, Bytes(), "end\x00")
    assert not session.draws.ended  # it was typed, not drawn
    session = start(ENDING, Bytes(), "end")
    chances = session.draws.chances(2)
    assert chances
    while not session.draws.ended:  # until a seed draws it, which is one of so many tokens
        session.untake_token()
        session.draws.seed += 1
        session.take_token()
    assert session.ids[-1] == ENDING.config.eos_token_id
    session.untake_token()
    assert not session.draws.ended


def test_the_chances_follow_the_settings(session: Session) -> None:
    logits = np.array(session.trace.values["logits"][5])
    for temperature in (1.0, 0.5, 1.0, 2.0):
        session.draws.sampling = replace(session.draws.sampling, temperature=temperature)
        weights = np.exp((logits - logits.max()) / temperature)
        chances = session.draws.chances(5)
        assert chances
        np.testing.assert_allclose(chances.probabilities, weights / weights.sum(), rtol=1e-9)
    assert session.draws.chances(5) is session.draws.chances(5)
    assert session.draws.chances(6) is None


def everywhere(session: Session) -> Iterator[None]:
    """Every stage, part and head."""
    for index, stage in enumerate(session.cursor.stages):
        session.cursor.go_to_stage(index)
        for part in range(max(1, len(stage.parts))):
            session.cursor.go_to_part(part)
            for head in range(session.model.config.n_head):
                session.cursor.go_to_head(head)
                yield


@given(st.integers(0, 5), st.integers(0, 300))
def test_the_cell_is_the_recorded_value(position: int, column: int) -> None:
    session = start(MODEL, Bytes(), "little")
    for _ in everywhere(session):
        session.cursor.go_to_position(position)
        session.cursor.go_to_column(column)
        cell, kind = session.cell(), session.stage.kind
        if kind is Kind.MERGES:
            assert cell is None
            continue
        assert cell
        if kind in (Kind.LOGITS, Kind.LEDGER, Kind.DRAW):
            logits = np.array(session.trace.values["logits"][position])
            token = np.argsort(-logits, kind="stable")[min(column, 255)]
            shares = np.exp(logits - logits.max())
            expected = logits if kind is Kind.LOGITS else shares / shares.sum()
            assert cell.index == (position, token)
            assert value_under_cursor(session) == pytest.approx(expected[token], rel=1e-12)
        else:
            value = np.array(session.trace.values[cell.name])
            axes = {"H": session.cursor.head, "T": position}
            last = min(column, value.shape[-1] - 1)
            assert cell.index == (*(axes[axis] for axis in session.cursor.axes[:-1]), last)
            assert value_under_cursor(session) == value[cell.index]
            assert session.cursor.part
            assert cell.name == session.cursor.part.activation


def test_a_number_that_is_not_computed_has_no_value(session: Session) -> None:
    session.submit("little girl")
    for _ in everywhere(session):
        session.cursor.go_to_position(7)
        assert value_under_cursor(session) is None
        assert session.trace.computed(session.stage, session.position) == (session.cell() is None)
        assert session.trace.computed(session.stage, 5)


def test_the_cell_of_a_drawn_token_is_what_it_was_drawn_with(session: Session) -> None:
    """The ledger of a token that was drawn shows the distribution it was drawn from; so does the number below it."""
    before = (session.draws.sampling, session.draws.seed)
    session.take_token()
    finish(session)
    session.draws.sampling = replace(session.draws.sampling, temperature=0.2, top_k=2)
    session.draws.seed = 5
    assert session.draws.settings_shown(5) == before
    assert session.draws.settings_shown(6) == (Sampling(0.2, 2), 5)
    session.cursor.go_to_position(5)
    drawn = session.draws.made[6].step.distribution
    for index, stage in enumerate(session.cursor.stages):
        if stage.kind in (Kind.LEDGER, Kind.DRAW):
            session.cursor.go_to_stage(index)
            for column in (0, 7):
                session.cursor.go_to_column(column)
                cell = session.cell()
                assert cell
                assert value_under_cursor(session) == drawn.probabilities[cell.index[-1]]


def test_the_shape_in_words_is_the_shape_of_what_is_shown(session: Session) -> None:
    session.cursor.go_to_stage(0)
    assert shape_in_words(session) == ""
    for _ in everywhere(session):
        if session.cursor.part:
            name = session.cursor.part.activation
            assert shape_in_words(session) == f"{name} {list(np.array(session.trace.values[name]).shape)}"


def test_the_lenses_wanted_are_the_streams_around_the_stage() -> None:
    session = Session(MODEL, Bytes())
    session.submit("little")
    for _ in everywhere(session):
        assert wanted_lenses(session) == []  # nothing is computed that they could look at
    assert running.complete(session.trace, never)
    seen = set()
    for _ in everywhere(session):
        wanted = wanted_lenses(session)
        names = {session.stage.residual, session.cursor.residual_before} - {None, session.trace.last_residual}
        assert set(wanted) == {(name, 5) for name in names if (name, 5) not in seen}
        finish(session)
        seen |= set(wanted)
        assert wanted_lenses(session) == []
    assert len(seen) == 2 + 2 * MODEL.config.n_layer - 1  # the end of the last block is read out anyhow


def test_a_piece_of_several_tokens_stands_at_each_of_them() -> None:
    session = start(MODEL, Bytes(), "a wée on")
    session.take_token()
    texts = [
        piece.text if (piece := session.written.piece_at(position)) else None for position in range(len(session.ids))
    ]
    assert texts == ["a "] * 2 + ["wée "] * 5 + ["on"] * 2 + [None]
    assert session.written.piece_at(2) is session.written.piece_at(6)
    assert session.written.piece_at(99) is None


def test_labels_are_visible() -> None:
    session = start(small_model(vocab_size=3), Words([b"\x1b[2J", b" it\n", b"\xff"]), "0 1 2")
    assert session.labels() == ["␛[2J", "·it⏎", "‹ff›"]


def test_the_likeliest_come_first(session: Session) -> None:
    for position in range(6):
        logits = session.trace.values["logits"][position]
        assert session.trace.order(position) == np.argsort(-np.array(logits), kind="stable").tolist()
    assert session.trace.order(6) == []


@given(st.data())
def test_whatever_is_typed_and_drawn_it_is_one_run(data: st.DataObject) -> None:
    """Any series of moves leaves a trace that equals the run of its tokens."""
    session = start(MODEL, Bytes(), "a")
    moves: dict[str, Callable[[], Any]] = {
        "type": lambda: session.submit(data.draw(st.text("ab", min_size=1, max_size=8))),
        "draw": lambda: len(session.ids) < 12 and session.take_token(),
        "take back": session.untake_token,
        "stop": lambda: running.complete(session.trace, iter([False] * 9 + [True] * 99).__next__),
        "finish": lambda: finish(session),
    }
    for move in data.draw(st.lists(st.sampled_from(sorted(moves)), max_size=12)):
        moves[move]()
        assert session.cursor.length == len(session.ids)
        assert session.cursor.position < len(session.ids)
        assert set(session.draws.made) == set(range(session.prompt_length, len(session.ids)))
        assert session.text == Bytes().decode(session.ids)
    finish(session)
    for name, value in full_run(MODEL, session.ids).items():
        assert np.array_equal(session.trace.values[name], value), name


def test_the_embedded_model_goes_on_as_generate_says() -> None:
    model, checkpoint = embedded()
    prompt, sampling = "Once upon a time", Sampling(0.8, 40)
    session = start(model, checkpoint.tokenizer, prompt, sampling=sampling, seed=1)
    assert [piece.text for piece in session.written.pieces] == ["Once", " upon", " a", " time"]
    expected = [step.token for step in generate(model, session.ids[:], 3, sampling, 1)]
    for token in expected:
        assert session.take_token()
        assert session.ids[-1] == token
        finish(session)
    assert session.text.startswith(prompt)
    assert checkpoint.tokenizer.decode(session.ids) == session.text
    assert math.isclose(sum(session.draws.made[len(session.ids) - 1].step.distribution.probabilities), 1)


def test_what_is_shown_is_told_apart_from_what_is_run() -> None:
    session = start(MODEL, Bytes(), "abcdef")
    assert session.take_token()
    finish(session)
    run, written = session.run, session.written
    other = start(MODEL, Bytes(), "xyz").run
    session.show(other, "xyz")
    assert session.trace is other
    assert session.run is run
    assert (session.text, session.ids, session.prompt_length) == ("xyz", list(b"xyz"), 3)
    assert not session.draws.made
    session.show(None)
    assert session.trace is session.run is run
    assert session.written is written
    with pytest.raises(AttributeError):
        session.trace = other  # type: ignore[misc,assignment]


@pytest.mark.parametrize(
    ("move", "ids"),
    [
        (lambda session: session.take_token(7), b"abc\x05\x07"),
        (lambda session: session.untake_token(), b"abc"),
        (lambda session: session.submit("ab"), b"ab"),
        (lambda session: session.edit(lambda edits: edits.add(where.mlp(0), Zero(), 4)), b"abc\x05"),
        (lambda session: session.compute_with(MODEL), b"abc\x05"),
        (lambda session: session.compare_with(start(MODEL, Bytes(), "x"), "itself"), b"abc\x05"),
    ],
    ids=["take", "take back", "submit", "edit", "engine", "compare"],
)
def test_what_changes_the_run_goes_back_to_it_from_what_is_shown_in_its_place(
    move: Callable[[Session], object], ids: bytes
) -> None:
    session = start(MODEL, Bytes(), "abc")
    session.take_token(5)
    finish(session)
    session.show(start(MODEL, Bytes(), "uvwxyz").run, "uvwxyz")
    move(session)
    assert session.trace is session.run
    assert session.ids == list(ids)


def test_a_recorded_run_has_no_model() -> None:
    live = start(MODEL, Bytes(), "abcdef")
    run = RecordedRun(live.config, live.ids, live.run.values)
    session = Session(run, Bytes())
    session.begin(run, "abcdef")
    assert session.recorded
    assert not live.recorded
    assert session.model is None
    assert session.trace.ranking("logits", 5) == live.trace.ranking("logits", 5)
    for change in (session.take_token, lambda: session.submit("another")):
        with pytest.raises(InputError, match="This is a recorded run"):
            change()
    with pytest.raises(EditError, match="recorded run"):
        session.edit(lambda edits: edits.add(where.mlp(0), Zero(), 6))


def test_the_cursor_starts_on_the_largest_of_the_row_until_it_is_moved() -> None:
    session = start(MODEL, Bytes(), "abcdabcd")
    cursor = session.cursor
    for position in (0, 3, 7):
        cursor.go_to_position(position)
        for index, stage in enumerate(cursor.stages):
            cursor.go_to_stage(index)
            for head in range(cursor.config.n_head):
                cursor.go_to_head(head)
                if not stage.parts or cursor.axes == "TV":
                    assert cursor.column == 0
                    continue
                assert cursor.part
                row = session.trace.matrix(cursor.part.activation, head)[position]
                if cursor.axes == "HTS":  # later keys are masked: none of them is the largest weight
                    assert row[cursor.column] == max(row[: position + 1])
                    assert cursor.column <= position
                elif cursor.part.activation.endswith("mlp.hook_pre"):
                    assert row[cursor.column] == max(row)
                else:
                    assert abs(row[cursor.column]) == max(map(abs, row))
    cursor.go_to_value("blocks.1.hook_resid_post")
    cursor.go_to_position(3)
    column = cursor.column
    cursor.move_position(1, straight=True)
    assert (cursor.position, cursor.column) == (4, column), "in a picture the cursor moves straight down"
    cursor.go_to_value("blocks.1.attn.hook_pattern")
    cursor.go_to_column(0)
    cursor.go_to_position(5)
    cursor.move_head(1)
    assert cursor.column == 0, "the user has chosen a column"
    session.submit("abcd")
    finish(session)
    row = session.trace.matrix("blocks.1.attn.hook_pattern", cursor.head)[3]
    assert row[cursor.column] == max(row), "another prompt, another row"


def test_the_prompt_stays_as_it_was_typed(tmp_path: Path) -> None:
    """Where the tokenizer adds a token to every text: submitted again, the text must not get it twice."""
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"add_bos_token": true}')
    tokenizer = Tokenizer.from_directory(tmp_path)
    here = start(small_model(vocab_size=262, n_positions=12), tokenizer, "in the")
    before = list(here.ids)
    assert before[0] == tokenizer.special["<|endoftext|>"]
    assert here.take_token()
    drawn = tokenizer.decode([here.ids[-1]])
    assert here.text == f"in the{drawn}"
    finish(here)
    assert here.untake_token()
    assert (here.text, here.ids) == ("in the", before)
