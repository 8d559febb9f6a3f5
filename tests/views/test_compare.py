"""Compare: before and after the edits, two prompts, and what every picture shows of them."""

import math
from typing import Any

import pytest

from explorer.analysis.compare import ALIGNED, END, compare, difference, kl
from explorer.analysis.difference import Difference
from explorer.analysis.errors import AnalysisError
from explorer.edits import Add, Cut, Patch, Zero, where
from explorer.errors import EditError
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import predictions
from explorer.paint.spans import length
from explorer.runs import running
from explorer.views.compare.picture import ALIGNMENT
from explorer.views.compare.view import CompareView
from explorer.views.view import View
from explorer.walk.edit_choices import CONTRAST, OTHER, edit_kinds, places, read_edit
from explorer.walk.on_screen import value_under_cursor, wanted_lenses
from explorer.walk.opening import ask_why
from explorer.walk.session import Session
from gpt import InputError, Sampling
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import Bytes, embedded, never, small_model, start
from tests.helpers.pilot import computed, opened, press, text, until

MODEL = small_model(seed=2, vocab_size=256, n_positions=24)
SIZES = [(80, 24), *exhaustive((120, 36))]
STORY = "Tom and Lily went to the park. Tom said to"


@pytest.fixture
def session() -> Session:
    """A session with an edit in force."""
    session = start(MODEL, Bytes(), "little")
    session.edit(lambda edits: edits.add(where.head(0, 1), Zero(), None))
    assert running.complete(session.trace, never)
    return session


def worked(session: Session) -> CompareView:
    view = CompareView(session)
    view.follow(76, 22)
    while view.wanted():
        list(view.work())
    return view


def said(lines: list[Any]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def shown(view: View, cells: int = 76, height: int = 22) -> str:
    return said(view.lines(cells, height))


def test_without_a_second_run_it_says_how_to_get_one() -> None:
    view = worked(start(MODEL, Bytes(), "little"))
    assert "There is only one run" in shown(view)
    assert "enter: type another prompt to compare with" in shown(view)
    assert [view.works(f"look.{key}") for key in ("enter", "leave", "left", "down", "mode")] == [
        True,
        True,
        *[False] * 3,
    ]
    with pytest.raises(AnalysisError, match="only one run"):
        view.next_mode()


def test_before_and_after_an_edit(session: Session) -> None:
    view = worked(session)
    pair = session.what_if.pair
    assert pair
    assert pair.a is session.what_if.base
    assert pair.b is session.trace
    state = view.state()
    assert state
    found = state.known
    for position, apart in found.items():
        expected = compare(pair.a, pair.b, position)
        assert apart.kl == expected.kl
        assert apart.changes == expected.changes[:16]
    assert sorted(found) == list(range(6))
    assert f"{found[5].kl:.3f} bits" in shown(view)
    view.move(0, -2)
    assert session.position == 3
    assert f"{found[3].kl:.3f} bits" in shown(view)


def test_every_picture_shows_a_b_or_their_difference(session: Session) -> None:
    view, run, base = worked(session), session.trace, session.what_if.base
    assert view.mode == 1, "the edited run is B"
    view.next_mode()
    apart = session.what_if.difference
    assert apart
    assert session.what_if.showing == "B − A"
    for index, stage in enumerate(session.cursor.stages):
        session.cursor.go_to_stage(index)
        for size in ((20, 6), (60, 20), (100, 40)):
            lines = picture(session, *size)
            assert all(length(line) <= size[0] for line in lines), stage.id
        assert number_under_cursor(session, 80, 2)
        assert predictions(session, 30, 24)
        cell = session.cell()
        if cell:
            a, b = apart.both(cell.name, cell.index)
            assert value_under_cursor(session) == (0.0 if a == b else b - a)
            assert "B − A" in said(number_under_cursor(session, 100, 2))
    assert not ask_why(session), "a difference is nobody's result"
    assert wanted_lenses(session) == []
    view.next_mode()
    assert session.trace is base
    assert "A (without the edits)" in session.what_if.showing
    view.next_mode()
    assert session.trace is run
    assert not session.what_if.showing


def test_a_difference_has_every_value_of_the_two_runs(session: Session) -> None:
    pair = session.what_if.pair
    assert pair
    apart = Difference(pair)
    for name, axes in apart.axes.items():
        for head in range(3 if "H" in axes else 1):
            assert apart.matrix(name, head) == difference(pair.a, pair.b, name, head), name


def test_what_is_masked_in_both_runs_is_no_difference(session: Session) -> None:
    session.edit(lambda edits: edits.add(where.edge(MODEL.config, 4, 2, 0, 0), Cut(), 6))
    assert running.complete(session.trace, never)
    pair = session.what_if.pair
    assert pair
    apart = Difference(pair)
    masked = apart.heads("blocks.0.attn.hook_attn_scores")[0]
    assert masked[2][4] == 0
    assert masked[4][2] == -math.inf
    session.show(apart)
    session.cursor.go_to_value("blocks.0.attn.hook_attn_scores")
    assert "−∞" in said(picture(session, 80, 24))
    session.cursor.go_to_value("blocks.0.attn.hook_pattern")
    assert "−" in said(picture(session, 80, 24))


def test_two_prompts_are_aligned_at_the_end() -> None:
    session = start(MODEL, Bytes(), "little")
    view = CompareView(session)
    view.take("a brittle")
    view = worked(session)
    other = session.what_if.other
    assert other
    assert other.trace.complete == 9
    state = view.state()
    assert state
    found = state.known
    assert sorted(found) == [3, 4, 5, 6, 7, 8]
    assert "“a brittle”" in shown(view)
    assert "the first 3 of B alone" in shown(view)
    assert (state.first, state.row) == (0, state.scene.position)
    view.next_mode()
    session.cursor.go_to_position(1)
    before = view.state()
    assert before
    assert (before.first, before.row) == (3, 0), "it has no partner: the nearest row"
    view.mode = 0
    session.show(None)
    assert view.mode == 0
    session.cursor.go_to_position(4)
    view.next_mode()
    assert (session.text, session.ids, session.position) == ("a brittle", other.trace.ids, 7)
    assert session.written.piece_at(0)
    view.next_mode()
    assert (session.text, len(session.ids), session.position) == ("little", 6, 4)
    session.cursor.go_to_value("blocks.1.attn.hook_pattern")
    assert picture(session, 60, 20)
    view.take("")
    assert session.what_if.other is None
    assert (session.text, session.trace.ids) == ("little", list(b"little"))


def test_two_prompts_are_aligned_at_the_beginning_if_that_is_chosen() -> None:
    session = start(MODEL, Bytes(), "a brittle")
    view = CompareView(session)
    view.take("a bat")
    view = worked(session)
    other = session.what_if.other
    assert other
    view.move(1, 0)
    view = worked(session)
    assert "the last 4 of A alone" in shown(view)
    state = view.state()
    assert state
    found = state.known
    assert sorted(found) == [0, 1, 2, 3, 4]
    for position, apart in found.items():
        before, after = session.trace.logits(position), other.trace.logits(position)
        assert before
        assert after
        assert apart.kl == kl(before, after)
    session.cursor.go_to_position(3)
    view.next_mode()
    assert (session.text, session.position) == ("a bat", 3)
    view.next_mode()
    apart = session.what_if.difference
    assert apart
    assert (apart.ids, session.position) == (other.trace.ids, 3)
    name = "blocks.1.attn.hook_pattern"
    rows, theirs = session.what_if.run.matrix(name, 2), other.trace.matrix(name, 2)
    assert apart.heads(name)[2] == [[b - a for a, b in zip(*pair)] for pair in zip(rows, theirs)]
    view.move(-1, 0)
    apart = session.what_if.difference
    assert apart
    assert apart.at("hook_embed", (0, 0)) == other.trace.at("hook_embed", (0, 0)) - session.what_if.run.at(
        "hook_embed", (4, 0)
    ), "the picture goes with it"


@pytest.mark.parametrize("at", ALIGNED)
@pytest.mark.parametrize("text", ["a bat", "such a brittle"])
def test_all_that_is_taken_from_the_other_run_is_aligned_as_compare_aligns_it(text: str, at: str) -> None:
    """Values put in, the direction to the other run, and what the sweep puts in: one partner for a position."""
    session = start(MODEL, Bytes(), "a brittle")
    CompareView(session).take(text)
    worked(session)
    session.what_if.aligned = at
    other = session.what_if.other
    assert other
    shift = len(text) - 9 if at == END else 0
    session.cursor.go_to_value("blocks.0.hook_resid_post")
    for position in range(9):
        session.cursor.go_to_position(position)
        place = next(each for each in places(session) if each.at and each.places[0].index == ((position,),))
        (contrast,) = [way for way in edit_kinds(session, place) if way.id == CONTRAST]
        partner = position + shift
        if not 0 <= partner < len(text):
            assert "has no counterpart" in contrast.hint
            with pytest.raises(EditError, match="no counterpart"):
                read_edit(session, place, CONTRAST, "1", "")
            with pytest.raises(EditError, match=r"no position|no counterpart"):
                session.edit(lambda edits: edits.add(place, read_edit(session, place, OTHER, "", ""), 9))  # noqa: B023
            continue
        assert f"takes from {text[partner] if text[partner] != ' ' else '·'}" in contrast.hint
        assert f"aligned at the {at}" in contrast.hint
        direction = read_edit(session, place, CONTRAST, "1", "")
        theirs = other.trace.matrix("blocks.0.hook_resid_post")[partner]
        ours = session.what_if.base.matrix("blocks.0.hook_resid_post")[position]
        assert isinstance(direction, Add)
        assert list(direction.direction) == [b - a for a, b in zip(ours, theirs)]
        session.edit(lambda edits: edits.add(place, read_edit(session, place, OTHER, "", ""), 9))  # noqa: B023
        assert running.complete(session.trace, never)
        assert session.trace.matrix("blocks.0.hook_resid_post")[position] == theirs
        session.edit(lambda edits: edits.undo())


def test_values_of_the_other_run_can_be_put_in(session: Session) -> None:
    view = CompareView(session)
    view.take("battle")
    worked(session)
    session.cursor.go_to_value("blocks.1.attn.hook_z")
    place = places(session)[0]
    assert OTHER in [way.id for way in edit_kinds(session, place)]
    what = read_edit(session, place, OTHER, "", "")
    assert isinstance(what, Patch)
    session.edit(lambda edits: edits.add(place, what, 6))
    assert running.complete(session.trace, never)
    other = session.what_if.other
    assert other
    assert session.trace.matrix("blocks.1.attn.hook_z", 0) == other.trace.matrix("blocks.1.attn.hook_z", 0)


def test_a_prompt_that_cannot_be_run_is_said(session: Session) -> None:
    view = CompareView(session)
    with pytest.raises(InputError, match="too many"):
        view.take("far too long " * 4)
    assert session.what_if.other is None


def test_what_goes_on_goes_on_with_the_run_itself(session: Session) -> None:
    run = session.trace
    session.show(session.what_if.base)
    assert session.take_token()
    assert session.what_if.shown is None
    assert session.ids[:6] == run.ids
    assert session.untake_token()
    session.show(session.what_if.base)
    session.submit("another")
    assert session.what_if.shown is None


@pytest.mark.parametrize("size", [(20, 8), (40, 12), (76, 15), (120, 40)], ids=str)
def test_it_stays_within_its_pane(session: Session, size: tuple[int, int]) -> None:
    view = CompareView(session)
    for _ in (1, 2):
        lines = view.lines(*size)
        assert all(length(line) <= size[0] for line in lines)
        view = worked(session)


# On the screen


def story() -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_what_the_edit_did_to_the_story(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=STORY) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        screen.editing.edit(lambda edits: edits.add(where.head(3, 3), Zero(), None))
        await computed(pilot)
        await press(pilot, "6")
        view: Any = screen.view
        await until(pilot, lambda: view.wanted() is None)
        await until(pilot, lambda: "73.0%   21.7% ▼  51.3" in "\n".join(text(screen, "view")))
        assert "KL(A ‖ B) = 0.922 bits" in "\n".join(text(screen, "view"))
        assert "shows B" in str(screen.query_one("#view").border_subtitle) or "show B" in str(
            screen.query_one("#view").border_subtitle
        )
        await press(pilot, "v", "escape", *["right"] * 4)
        assert "B − A" in text(screen, "header")[0]
        assert "B − A" in str(screen.query_one("#picture").border_title)
        await press(pilot, "enter")
        assert here.why is None
        await press(pilot, "escape")
        assert not here.what_if.showing
        assert "head 3.3 zeroed" in text(screen, "header")[0]


async def test_another_prompt_is_asked_for_and_computed() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        await press(pilot, "6")
        assert "There is only one run" in "\n".join(text(screen, "view"))
        await press(pilot, "v")
        assert any("only one run" in notice.message for notice in screen.app._notifications)
        await press(pilot, "enter", *["backspace"] * 3, "i", "s", "enter")
        view: Any = screen.view
        await until(pilot, lambda: here.what_if.other and view.wanted() is None)
        assert here.what_if.other
        assert here.what_if.other.text.endswith("there is") or here.what_if.other.text == "is"
        await until(pilot, lambda: "token A" in "\n".join(text(screen, "view")))
        await press(pilot, "v")
        assert "B (" in text(screen, "header")[0]
        await press(pilot, "2")
        assert not here.what_if.showing, "the other views look at the run itself"


def test_a_click_aligns_two_prompts_there_and_one_on_a_token_goes_to_it() -> None:
    session = start(MODEL, Bytes(), "a little longer")
    view = worked(session)
    view.take("little")
    view = worked(session)
    spans = [span.action for line in view.lines(76, 22) for span in line if span.action]
    aligning = [action[1:] for action in dict.fromkeys(spans) if action[:2] == ("view", ALIGNMENT)]
    assert [number for _, number in aligning] == [0, 1]
    for numbers in reversed(aligning):
        view.click(*numbers)
        assert session.what_if.aligned == ALIGNED[numbers[1]]
    tokens = [action[1:] for action in dict.fromkeys(spans) if action[0] == "view" and action[1] != ALIGNMENT]
    for numbers in tokens:
        view.click(*numbers)
        assert session.position == numbers[1]
    assert len(tokens) > 2
