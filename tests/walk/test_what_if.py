"""Edits in the session and on the screen, from the cursor to the changed answer and back."""

from dataclasses import replace
from typing import Any

import pytest

from explorer.edits import Mean, Scale, Set, Zero, between, edited, where
from explorer.edits.where import Where
from explorer.errors import EditError
from explorer.paint.header import header
from explorer.paint.predictions import predictions
from explorer.paint.terms import verdict
from explorer.runs import running
from explorer.runs.cells import parse
from explorer.runs.trace import LiveRun, Trace
from explorer.screen.widgets.canvas import Canvas
from explorer.walk.edit_choices import BETWEEN, CONTRAST, edit_kinds, places, read_edit
from explorer.walk.session import Session
from explorer.walk.what_if import OtherRun, toggle_all
from gpt import GPT, Sampling
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import Bytes, counting, embedded, never, small_model, start
from tests.helpers.pilot import Gate, computed, opened, press, text, tiny, until
from tests.helpers.pilot import session as small_session

MODEL = small_model(seed=2, vocab_size=256, n_positions=24)
SIZES = [(80, 24), *exhaustive((120, 36))]
STORY = "Tom and Lily went to the park. Tom said to"


@pytest.fixture
def session() -> Session:
    return start(MODEL, Bytes(), "little cat")


def settle(session: Session) -> None:
    """Compute all that is missing, as the screen's thread does."""
    while session.computing:
        for run in session.what_if.missing:
            assert running.complete(run, never)
        if session.what_if.waiting:
            session.edit(lambda edits: None)
    for run in session.what_if.missing:
        assert running.complete(run, never)


def said(lines: list[Any]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def test_an_edit_takes_the_place_of_the_run_and_shares_what_lies_upstream(session: Session) -> None:
    base = session.trace
    session.edit(lambda edits: edits.add(where.head(1, 2), Zero(), len(session.ids)))
    assert session.trace is not base
    assert session.what_if.base is base
    assert session.computing
    assert session.trace.values["blocks.0.hook_resid_post"] is base.values["blocks.0.hook_resid_post"]
    settle(session)
    assert session.trace.matrix("blocks.1.attn.hook_z", 2) == [[0.0, 0.0]] * len(session.ids)
    assert session.trace.logits(3) != base.logits(3)
    session.edit(lambda edits: edits.undo())
    assert session.trace is base
    assert not session.computing, "the run without edits is there already"


def test_switching_off_and_on_computes_nothing_again(session: Session) -> None:
    session.edit(lambda edits: edits.add(where.mlp(0), Scale(2), None))
    settle(session)
    changed = session.trace
    session.edit(toggle_all)
    assert session.trace is session.what_if.base
    session.edit(toggle_all)
    assert session.trace is changed
    assert not session.computing


def test_generation_goes_on_with_the_edits(session: Session) -> None:
    session.edit(lambda edits: edits.add(where.head(0, 1), Zero(), None))
    settle(session)
    for _ in range(3):
        assert session.take_token()
        settle(session)
    whole = start(MODEL, Bytes(), session.text) if session.text.isascii() else None
    base = session.what_if.base
    assert base.ids == session.ids
    assert base.complete == len(base.ids)
    alone = edited(base, session.what_if.edits.active)
    assert running.complete(alone, never)
    assert alone.logits(len(alone.ids) - 1) == session.trace.logits(len(session.ids) - 1)
    assert whole is None or whole.trace.ids == session.ids
    assert session.untake_token()
    assert session.what_if.edited
    assert not session.computing


def test_a_new_prompt_keeps_the_edits(session: Session) -> None:
    session.edit(lambda edits: edits.add(where.mlp(1), Mean(), None))
    session.edit(lambda edits: edits.add(where.head(0, 0, 9), Zero(), len(session.ids)))
    settle(session)
    session.submit("a dog")
    assert session.computing
    assert session.what_if.waiting, "the mean is not known yet"
    settle(session)
    assert session.what_if.edited
    rows = session.trace.matrix("blocks.1.hook_mlp_out")
    assert rows[0] == rows[-1]
    assert "(no such position yet)" in session.what_if.lines(session.labels())[1]


def test_an_edit_before_the_run_is_computed_waits_for_it() -> None:
    session = Session(MODEL, Bytes())
    session.submit("little")
    session.edit(lambda edits: edits.add(where.mlp(1), Mean(), None))
    assert session.what_if.waiting
    settle(session)
    assert session.what_if.edited
    assert not session.what_if.waiting


def test_a_change_is_called_an_edit_however_small_if_rounding_is_smaller(session: Session) -> None:
    stream = parse("blocks.1.hook_resid_post[3,2]")

    def reason() -> str:
        return said(verdict(session, session.provenance.explain(stream, unrolled=True), 80))

    session.edit(lambda edits: edits.add(where.activation("blocks.1.hook_resid_post", 3), Scale(1 + 1e-9), None))
    settle(session)
    assert "an edit changed it after it was computed" in reason()
    session.edit(lambda edits: edits.undo())
    assert "edit" not in reason()


def test_what_cannot_be_run_changes_nothing(session: Session) -> None:
    session.edit(lambda edits: edits.add(where.head(0, 0), Zero(), None))
    settle(session)
    run, entries = session.trace, session.what_if.edits.entries
    with pytest.raises(EditError, match="no head 9"):
        session.edit(lambda edits: edits.add(where.head(0, 9), Zero(), None))
    assert session.trace is run
    assert session.what_if.edits.entries == entries


def test_a_run_that_leads_to_no_numbers_switches_its_last_edit_off(session: Session) -> None:
    session.edit(lambda edits: edits.add(where.head(0, 0), Zero(), None))
    session.edit(lambda edits: edits.add(where.activation("blocks.0.ln1.hook_scale"), Set(0), None))
    with pytest.raises(EditError, match="infinite or undefined numbers"):
        settle(session)
    assert session.what_if.give_up(session.prompt_length) == session.what_if.edits.entries[1].edit
    settle(session)
    assert [entry.on for entry in session.what_if.edits] == [True, False]


def test_the_other_engine_makes_the_edits_too(session: Session) -> None:
    from explorer.engine.engines import NUMPY, on_engine

    session.edit(lambda edits: edits.add(where.head(1, 0), Zero(), None))
    settle(session)
    before = session.compute_with(on_engine(MODEL, NUMPY))
    settle(session)
    assert session.what_if.edited
    assert session.trace.logits(2) == pytest.approx(before.logits(2), abs=1e-4)


def test_it_is_said_what_is_edited(session: Session) -> None:
    assert "edited" not in said(header(session, "tiny", "", 120))
    session.edit(lambda edits: edits.add(where.head(1, 2), Zero(), None))
    settle(session)
    assert "edited: head 1.2 zeroed" in said(header(session, "tiny", "computed", 120))
    narrow = said(header(session, "tiny", "computed", 80))
    assert "head 1.2 zeroed" in narrow
    assert narrow.endswith("seed 0"), "how tokens are drawn keeps its place"
    shown = said(predictions(session, 30, 24)).split("at the end")[1]
    assert "▲▼ by edits" in shown
    assert "▲" in shown.replace("▲▼", "")
    session.edit(lambda edits: edits.add(where.head(1, 1), Zero(), None))
    assert "2 edits" in said(header(session, "tiny", "computed", 120))


def test_what_the_answer_was_stays_in_the_list_when_it_is_lost() -> None:
    model, checkpoint = embedded()
    session = start(model, checkpoint.tokenizer, "Tom and Lily")
    first = session.trace.order(session.position)[0]
    session.edit(lambda edits: edits.add(where.activation("logits", session.position, first), Set(-9), None))
    settle(session)
    lines = said(predictions(session, 30, 24)).split("at the end")[1].splitlines()
    assert session.label(first) in lines[-1]
    assert "▼" in lines[-1]


# What is suggested


def test_every_suggestion_at_every_stage_can_be_made_in_every_way() -> None:
    session = start(small_model(seed=1, vocab_size=256, n_positions=24), Bytes(), "abc")
    for index, stage in enumerate(session.cursor.stages):
        session.cursor.go_to_stage(index)
        for part in range(len(stage.parts)):
            session.cursor.go_to_part(part)
            for column in (0, 2):
                session.cursor.go_to_column(column)
                found = places(session)
                assert found, stage.id
                for place in found:
                    for way in edit_kinds(session, place):
                        what = read_edit(session, place, way.id, way.amount, "b / c" if way.tokens > 1 else "b")
                        session.edit(lambda edits, place=place, what=what: edits.add(place, what, 3))  # type: ignore[misc]
                        session.edit(lambda edits: edits.undo())
    session.cursor.go_to_stage(0)
    assert places(session) == []


def test_the_likeliest_suggestion_comes_first() -> None:
    session = start(MODEL, Bytes(), "abc")
    firsts = {}
    for index, stage in enumerate(session.cursor.stages[1:], 1):
        session.cursor.go_to_stage(index)
        firsts[stage.id] = places(session)[0].title
    assert firsts["blocks.1.pattern"] == "head 1.0"
    assert places(session)[0].title.startswith("logit of ")
    assert firsts["blocks.1.z"] == firsts["blocks.1.out"] == "head 1.0"
    assert firsts["blocks.0.mlp_out"] == "MLP 0"
    row = session.trace.matrix("blocks.0.mlp.hook_post")[session.position]
    most = max(range(len(row)), key=lambda neuron: abs(row[neuron]))
    assert firsts["blocks.0.activation"].endswith(f"neuron {most} at every position"), "where the cursor starts"
    session.cursor.go_to_stage(9)
    assert [place.title for place in places(session)[:3]] == ["head 0.0", "block 0", "every block"]
    session.cursor.go_to_position(0)
    session.cursor.go_to_column(2)
    assert places(session)[0].edge is None, "a later token cannot be read: there is no edge to cut"


@pytest.mark.parametrize(
    ("way", "amount", "token", "message"),
    [
        ("scale", "two", "", "x is 'two': it must be a number"),
        ("set", "nan", "", "must be a number"),
        ("towards", "1", "ab", "is several tokens"),
        ("towards", "1", "", "no token is named"),
        ("between", "1", "a", "is not two tokens: type them with / between"),
        ("between", "1", "a / ", "no token is named"),
        ("between", "1", "a / bc", "is several tokens"),
        ("between", "1", "a / a", "are the same"),
        ("between", "x", "a / b", "must be a number"),
        ("contrast", "1", "", "choose a position"),
    ],
)
def test_what_cannot_be_read_is_said(session: Session, way: str, amount: str, token: str, message: str) -> None:
    with pytest.raises(EditError, match=message):
        read_edit(session, where.block(0), way, amount, token)


@pytest.mark.parametrize("typed", ["a / b", "a/b", "a  /  b"])
def test_steering_from_one_token_to_another(session: Session, typed: str) -> None:
    place = replace(where.activation("blocks.1.hook_resid_post", 3), at=(3,))
    what = read_edit(session, place, BETWEEN, "2.5", typed)
    assert what == between(MODEL, ord("a"), ord("b"), ("a", "b"), 2.5)
    base = session.trace.matrix("blocks.1.hook_resid_post")
    session.edit(lambda edits: edits.add(place, what, len(session.ids)))
    settle(session)
    rows = MODEL.weights.unembedding
    expected = [x + 2.5 * (one - other) for x, one, other in zip(base[3], rows[ord("a")], rows[ord("b")])]
    assert session.trace.matrix("blocks.1.hook_resid_post")[3] == expected
    assert "+2.5 × (a − b)" in session.what_if.lines(session.labels())[0]


def test_a_stroke_can_be_one_of_the_two_tokens(session: Session) -> None:
    for typed, ids in (("/ / b", "/b"), ("a / /", "a/")):
        what = read_edit(session, where.activation("hook_embed"), BETWEEN, "1", typed)
        assert what == between(MODEL, ord(ids[0]), ord(ids[1]), (ids[0], ids[1]))


def holding(session: Session, text: str) -> Trace:
    """Hold the run of another prompt against this one's, as Compare does."""
    trace = LiveRun(session.model, list(text.encode()))
    assert running.complete(trace, never)
    session.what_if.other = OtherRun(text, trace)
    return trace


def towards_other(session: Session) -> Where:
    """The residual at the cursor, to which the difference to the other run is offered."""
    session.cursor.go_to_value("blocks.1.hook_resid_mid")
    (place, *_) = (place for place in places(session) if CONTRAST in [way.id for way in edit_kinds(session, place)])
    return place


@pytest.mark.parametrize(("text", "partner"), [("nimble fish", 8), ("big dog", 4)])
def test_once_the_difference_to_the_other_run_is_that_run(session: Session, text: str, partner: int) -> None:
    name, other = "blocks.1.hook_resid_mid", holding(session, text)
    session.cursor.go_to_position(7)
    place, before = towards_other(session), session.trace.matrix(name)[7]
    for amount in ("1", "0.5"):
        what = read_edit(session, place, CONTRAST, amount, "")
        session.edit(lambda edits, what=what: edits.add(place, what, len(session.ids)))  # type: ignore[misc]
        settle(session)
        share = float(amount)
        expected = [x + share * (y - x) for x, y in zip(before, other.matrix(name)[partner])]
        assert session.trace.matrix(name)[7] == pytest.approx(expected, rel=1e-12)
        assert f"{share:+g} × (“{text}” − this run)" in session.what_if.lines(session.labels())[0]
        session.edit(lambda edits: edits.undo())


def test_it_is_not_offered_where_there_is_no_other_run_and_says_what_is_missing(session: Session) -> None:
    offered = {way.id for way in edit_kinds(session, replace(where.activation("hook_embed", 1), at=(1,)))}
    assert CONTRAST not in offered
    other = holding(session, "cat")
    place = replace(towards_other(session), at=(2,))
    with pytest.raises(EditError, match="“cat” is too short"):
        read_edit(session, place, CONTRAST, "1", "")
    session.what_if.other = OtherRun("cat", LiveRun(MODEL, other.ids))
    with pytest.raises(EditError, match="is not computed yet"):
        read_edit(session, place, CONTRAST, "1", "")


# On the screen


def story() -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_zeroing_the_head_that_remembers_the_name(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=STORY) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        while here.stage.id != "blocks.3.z":
            await press(pilot, "right")
        await press(pilot, "h", "h", "h", "x")
        dialog = pilot.app.screen
        assert dialog.query_one("#what-if").region.height <= size[1]
        await press(pilot, "enter", "enter")
        await computed(pilot)
        assert pilot.app.screen is screen
        assert "head 3.3 zeroed" in text(screen, "header")[0]
        assert "edited" in str(screen.query_one("#picture").border_title)
        wide = screen.query_one("#next").display
        end = "\n".join(text(screen, "next")).split("at the end")[1] if wide else text(screen, "rail")[0]
        assert ("▼51." if wide else "▲28.") in end
        assert (" 21.7%" if wide else "·the 44.0%") in end
        lily = here.tokenizer.encode(" Lily")[0]
        before, after = here.what_if.answer_before(here.position), here.what_if.answer(here.position)
        assert before
        assert after
        assert before.probabilities[lily] == pytest.approx(0.730, abs=5e-4)
        assert after.probabilities[lily] == pytest.approx(0.217, abs=5e-4)
        await press(pilot, "X")
        assert "zeroed" not in text(screen, "header")[0]
        assert not here.computing
        await press(pilot, "X", "z")
        assert not here.what_if.edited
        assert len(here.what_if.edits) == 0


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_steering_away_from_the_name(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=STORY) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        holding_story = LiveRun(here.model, here.tokenizer.encode(STORY.replace("Lily", "Anna")))
        here.what_if.other = OtherRun("another", holding_story)
        here.cursor.go_to_value("blocks.5.hook_resid_post")
        await press(pilot, "x")
        dialog: Any = pilot.app.screen
        row = [place.title for place in places(here)].index("block 5 · + residual (MLP), after")
        await press(pilot, *["down"] * row, "enter")
        await press(pilot, *["down"] * [way.id for way in dialog._ways].index(BETWEEN))
        assert dialog.query_one("#way").max_scroll_y == 0, "all that can be done is in sight"
        assert "A / B: adds x × (A − B)" in str(dialog.query_one("#hint").render())
        answer = here.label(here.trace.order(here.position)[0])
        assert answer == "·Lily"
        assert dialog.query_one("#token").value.endswith(f" / {answer}")
        await press(pilot, "enter", "enter")
        await computed(pilot)
        assert pilot.app.screen is screen
        assert here.label(here.trace.order(here.position)[0]) != answer


async def test_edits_are_listed_switched_off_removed_and_undone() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, *["right"] * 9, "x", "enter", "enter")
        await computed(pilot)
        assert here.stage.id == "blocks.0.pattern"
        await press(pilot, "right", "x", "enter", "down", "enter", "backspace", "3", "enter")
        await computed(pilot)
        assert [entry.edit.what for entry in here.what_if.edits][1] == Scale(3)
        assert "2 edits" in text(screen, "header")[0]
        await press(pilot, "x", "tab", "tab")
        assert pilot.app.screen.query_one("#stack").has_focus
        await press(pilot, "space")
        assert [entry.on for entry in here.what_if.edits] == [False, True]
        await press(pilot, "enter")
        assert [entry.on for entry in here.what_if.edits] == [True, True], "enter does the same, and closes nothing"
        await press(pilot, "space", "down", "backspace")
        assert len(here.what_if.edits) == 1
        assert not here.what_if.edited
        await press(pilot, "u")
        assert len(here.what_if.edits) == 0
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_bad_input_is_said_under_the_field_and_nothing_is_lost() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "right", "x", "enter", "down", "enter", "z", "enter")
        dialog: Any = pilot.app.screen
        assert "must be a number" in str(dialog.query_one("#problem").render())
        assert dialog.query_one("#amount").value == "z"
        assert len(here.what_if.edits) == 0
        await press(pilot, "backspace", "3", "enter")
        await computed(pilot)
        assert here.what_if.edited


async def test_an_edit_that_leads_to_no_numbers_is_said_and_switched_off() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        screen.editing.edit(lambda edits: edits.add(where.activation("blocks.1.ln2.hook_scale"), Set(0), None))
        await until(pilot, lambda: screen.app._notifications)
        await computed(pilot)
        assert any("infinite or undefined numbers" in notice.message for notice in screen.app._notifications)
        assert not here.what_if.edited


async def test_the_answer_comes_before_the_rest_and_keys_are_answered() -> None:
    gate = Gate(tiny())
    async with opened(small_session(gate.model), wait=False) as (pilot, screen):
        here = screen.session
        assert here
        gate.open.set()
        await computed(pilot)
        gate.open.clear()
        gate.reached.clear()
        screen.editing.edit(lambda edits: edits.add(where.mlp(0), Zero(), None))
        await until(pilot, gate.reached.is_set)
        await press(pilot, "right")
        assert here.cursor.stage_index == 1
        assert "at the end" in "\n".join(text(screen, "next"))
        gate.open.set()
        await computed(pilot)
        assert here.what_if.edited


async def test_drawing_goes_on_with_the_edits_and_a_new_prompt_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        screen.editing.edit(lambda edits: edits.add(where.head(1, 0), Zero(), None))
        await computed(pilot)
        asked: list[int] = []
        monkeypatch.setattr(GPT, "forward", counting(GPT.forward, asked))
        await press(pilot, "n")
        await computed(pilot)
        await until(pilot, lambda: not here.what_if.missing)
        assert asked == [1, 1], "one token of the run, and of the run without edits"
        assert here.trace.matrix("blocks.1.attn.hook_z")[-1] == [0.0, 0.0]
        await press(pilot, "slash", *" x", "enter")
        await computed(pilot)
        assert here.what_if.edited
        assert here.trace.matrix("blocks.1.attn.hook_z") == [[0.0, 0.0]] * len(here.ids)


async def test_a_click_on_the_mark_lists_the_edits() -> None:
    async with opened() as (pilot, screen):
        screen.editing.edit(lambda edits: edits.add(where.head(1, 0), Zero(), None))
        await computed(pilot)
        header_line = screen.query_one("#header", Canvas).lines[0]
        assert any(span.action == ("edits",) for span in header_line)
        from tests.helpers.pilot import click

        await click(pilot, "header", ("edits",))
        assert pilot.app.screen.query("#what-if")


async def test_many_edits_and_a_message_fit_on_the_smallest_screen() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        here = screen.session
        assert here
        for number in range(6):
            place = where.head(number % 2, number // 2)
            screen.editing.edit(lambda edits, place=place: edits.add(place, Scale(2), None))  # type: ignore[misc]
        await computed(pilot)
        await press(pilot, "right", "x", "enter", "down", "enter", "z", "enter")
        dialog = pilot.app.screen
        stack = dialog.query_one("#stack")
        assert stack.region.bottom < dialog.query_one("#what-if").region.bottom <= 24
        assert dialog.query_one("#problem").region.height
