"""The sweep: every head, MLP and position edited in turn, while keys are answered."""

import math
import threading
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from explorer.edits import Edit, Mean, Patch, Scale, What, Zero, edited, where
from explorer.edits.sweep import SITES
from explorer.edits.where import Where
from explorer.errors import EditError
from explorer.paint.spans import length
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.views.sweep import view as sweep_view
from explorer.views.sweep.layout import OFFERED
from explorer.views.sweep.picture import ranked, table
from explorer.views.sweep.state import SweepState
from explorer.views.sweep.view import SweepView
from explorer.views.view import View
from explorer.walk.session import Session
from explorer.walk.what_if import OtherRun
from gpt import Sampling
from gpt.ops import softmax_row
from tests.helpers import looking
from tests.helpers.exhaustive import exhaustive
from tests.helpers.looking import text_of
from tests.helpers.models import Bytes, embedded, never, small_model, start
from tests.helpers.pilot import click, computed, opened, press, text, until

MODEL = small_model(seed=2, vocab_size=256, n_positions=24)
SIZES = [(80, 24), *exhaustive((120, 36))]
STORY = "Tom and Lily went to the park. Tom said to"


def swept(session: Session) -> SweepView:
    view = SweepView(session)
    while view.wanted():
        for _ in view.work():
            pass
    return view


def shown(view: View, cells: int = 78, height: int = 20) -> str:
    """The picture, and what is said of the cursor."""
    return "\n".join(text_of([*view.lines(cells, height), *view.about(cells)]))


def figures(view: View) -> dict[tuple[int, ...], str]:
    """What is written in the cells, by row and column."""
    spans = [span for line in view.lines(78, 20) for span in line if span.action and span.action[:2] == ("view", 0)]
    return {span.action[2:]: span.text.strip(" []") for span in spans if span.action and span.text.strip(" []")}


def ask(view: SweepView, **chosen: Any) -> SweepView:
    """Choose in the dialog: an option by its number, or a text."""
    looking.ask(view, **chosen)
    return view


def worked(view: SweepView) -> SweepState:
    """Everything that it knows when its work is done."""
    while view.wanted():
        for _ in view.work():
            pass
    found = view.state()
    assert found
    return found


def by_hand(session: Session, place: Where, what: What) -> tuple[float, float]:
    """The probability of the answer, and its logit less the runner-up's, in the run with that edit."""
    before = session.run.logits(len(session.ids) - 1)
    assert before
    order = sorted(range(len(before)), key=lambda token: -before[token])
    both = edited(session.run, [Edit(place, what)])
    assert running.complete(both, never)
    after = both.logits(len(session.ids) - 1)
    assert after
    return softmax_row(after)[order[0]], after[order[0]] - after[order[1]]


@pytest.mark.parametrize("by_position", [0, 1], ids=["at once", "by position"])
@pytest.mark.parametrize("site", OFFERED)
def test_its_numbers_are_those_of_the_edits(site: str, by_position: int) -> None:
    session = start(MODEL, Bytes(), "cat")
    view = ask(SweepView(session), site=OFFERED.index(site), positions=by_position, done=2, factor="-0.5", block="1")
    found = worked(view)
    units = {"head": 3, "neuron": MODEL.config.mlp_width}.get(SITES[site].unit, 1)
    blocks = 1 if site == "neurons" else 2
    assert len(found.measured) == blocks * units * (3 if by_position else 1) == found.count
    name = SITES[site].activation.format(1)
    at = 2 if by_position else None
    index = (at,) if units == 1 else (1, at) if site == "pattern" else (at, 1)
    cell = (1, *([1] if units > 1 else []), *([2] if by_position else []))
    expected = by_hand(session, where.activation(name, *index), Scale(-0.5))
    assert found.measured[cell][:2] == pytest.approx(expected, abs=1e-5)
    row, column = found.layout.at(cell)
    assert found.layout.cell(row, column) == cell
    view.click(0, row, column)
    assert found.in_words(cell) in shown(view)
    assert view.enter()
    assert running.complete(session.run, never)
    logits = session.run.logits(2)
    assert logits
    assert max(softmax_row(logits)) >= expected[0] - 1e-5


@pytest.mark.parametrize(("done", "what"), [(0, Zero()), (1, Mean()), (2, Scale(3))], ids=["zero", "mean", "scale"])
def test_every_edit_is_made_as_it_is_called(done: int, what: What) -> None:
    session = start(MODEL, Bytes(), "cat")
    found = worked(ask(SweepView(session), done=done, factor="3"))
    assert found.measured[0, 2][:2] == pytest.approx(by_hand(session, where.head(0, 2), what), abs=1e-5)


def test_any_two_tokens_are_measured() -> None:
    session = start(MODEL, Bytes(), "cat")
    found = worked(ask(SweepView(session), measure=1, token="q", versus="z"))
    both = edited(session.run, [Edit(where.head(1, 1), Zero())])
    assert running.complete(both, never)
    logits, before = both.logits(2), session.run.logits(2)
    assert logits
    assert before
    q, z = ord("q"), ord("z")
    row, column = found.layout.at((1, 1))
    lead = logits[q] - logits[z] - (before[q] - before[z])
    assert found.value(row, column) == pytest.approx(lead, abs=1e-4)
    assert "logit of q less that of z" in shown(ask(SweepView(session), measure=1, token="q", versus="z"))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"token": "three"}, "several tokens"),
        ({"token": "q", "versus": "q"}, "the same"),
        ({"site": OFFERED.index("neurons"), "block": "7"}, "no block"),
        ({"done": 2, "factor": "x"}, "must be a number"),
        ({"done": 3}, "no other run"),
        ({"measure": 3}, "between two runs"),
        ({"site": OFFERED.index("pattern"), "done": 1}, "no mean"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_asked_is_said_and_changes_nothing(chosen: dict[str, Any], said: str) -> None:
    view = SweepView(start(MODEL, Bytes(), "cat"))
    before = view.asked
    with pytest.raises(EditError, match=said):
        ask(view, **chosen)
    assert view.asked == before


def test_it_is_kept_and_taken_up_where_it_was_left() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = SweepView(session)
    work = view.work()
    for _ in range(3):
        next(work)
    work.close()
    found = view.state()
    assert found
    first = dict(found.measured)
    assert len(first) == 2, "after the run that they depart from"
    found = worked(view)
    assert {place: found.measured[place] for place in first} == first
    session.edit(lambda edits: edits.add(where.head(0, 0), Zero(), None))
    assert view.wanted() is None, "the edited run is not computed yet"
    assert running.complete(session.trace, never)
    assert view.wanted()
    session.edit(lambda edits: edits.undo())
    assert view.wanted() is None, "what was found without the edits is still there"
    ask(view, done=1)
    assert view.wanted()
    worked(view)
    ask(view, done=0)
    assert view.wanted() is None, "and what was found with another choice"


def test_it_is_of_the_edited_run() -> None:
    session = start(MODEL, Bytes(), "cat")
    session.edit(lambda edits: edits.add(where.head(0, 0), Zero(), None))
    assert running.complete(session.trace, never)
    found = worked(SweepView(session))
    assert found.value(0, 0) == pytest.approx(0, abs=1e-6), "it is zero already"
    assert found.measured[1, 1][:2] == pytest.approx(by_hand(session, where.head(1, 1), Zero()), abs=1e-5)


def other_run(session: Session, text: str) -> Trace:
    """Another prompt's run, as Compare holds it; not computed yet."""
    other = OtherRun(text, LiveRun(session.model, list(text.encode())))
    session.what_if.other = other
    return other.trace


BEFORE = OFFERED.index("resid_pre")


def test_positions_are_patched_from_the_other_run() -> None:
    session = start(MODEL, Bytes(), "cat")
    other = other_run(session, "dog")
    view = ask(SweepView(session), site=BEFORE, positions=1, done=3)
    found = worked(view)
    assert "from “dog”" in shown(view)
    for cell in ((0, 1), (1, 2)):
        place = where.activation(f"blocks.{cell[0]}.hook_resid_pre", cell[1])
        assert found.measured[cell][:2] == pytest.approx(by_hand(session, place, Patch(other)), abs=1e-5)
    view.click(0, 1, 2)
    assert "residual before block 1 at t patched: " in shown(view)
    assert view.enter()
    assert running.complete(session.trace, never)
    assert session.trace.matrix("blocks.1.hook_resid_pre")[2] == other.matrix("blocks.1.hook_resid_pre")[2]
    assert session.what_if.lines(session.labels()) == ["residual before block 1 at t: from “dog”"]


def test_normalised_is_0_as_in_the_other_run_and_1_as_in_this_one() -> None:
    session = start(MODEL, Bytes(), "cat")
    other_run(session, "dog")
    view = ask(SweepView(session), site=OFFERED.index("resid_post"), done=3, measure=3)
    found = worked(view)
    assert found.value(1, 0) == pytest.approx(0, abs=1e-4), "all of the last residual stream"
    assert figures(view)[1, 0] == "0.00"
    view = ask(view, positions=1)
    found = worked(view)
    assert found.value(1, 0) == pytest.approx(1, abs=1e-4), "the first position's end is read by nobody"
    assert figures(view)[1, 0] == "1.00"
    assert "1: as here, 0: as in the other run" in shown(view)
    far = [abs(value - 1) for value, _ in ranked(found, 99)]
    assert far == sorted(far, reverse=True), "what is farthest from nothing comes first"
    session.what_if.other = None
    view.follow(78, 20)
    assert "no other run" in shown(view)
    assert view.wanted() is None


@pytest.mark.parametrize(
    ("mode", "value", "text"),
    [
        (0, 0.01234, "+1.2"),
        (0, -0.5, "−50.0"),
        (0, 0.0004, "0.0"),
        (1, 0.01234, "+0.01"),
        (1, -0.0004, "0.00"),
        (2, 0.25, "+0.25"),
        (3, 1.0, "1.00"),
        (3, -0.126, "−0.13"),
        (3, -0.004, "0.00"),
        (3, math.nan, "none"),
    ],
)
def test_a_number_is_written_in_percentage_points_in_logits_in_bits_or_as_a_share(
    mode: int, value: float, text: str
) -> None:
    found = SweepView(start(MODEL, Bytes(), "cat")).state()
    assert found
    assert table(replace(found, mode=mode)).text(value) == text


def test_from_a_shorter_run_positions_are_patched_as_compare_aligns_it() -> None:
    session = start(MODEL, Bytes(), "fish")
    other = other_run(session, "cat")
    for at, alone in (("end", 0), ("beginning", 3)):
        session.what_if.aligned = at
        view = ask(SweepView(session), site=BEFORE, positions=1, done=3)
        worked(view)
        assert f"aligned at the {at}" in shown(view, 120)
        view.click(0, 0, alone)
        assert f"{'fish'[alone]} has no counterpart in the other run" in shown(view)
        view.click(0, 1, 2)
        assert view.enter()
        assert running.complete(session.trace, never)
        shift = -1 if at == "end" else 0
        name = "blocks.1.hook_resid_pre"
        assert session.trace.matrix(name)[2] == other.matrix(name)[2 + shift]
        session.edit(lambda edits: edits.undo())


def test_it_can_be_cancelled() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = SweepView(session)
    asked: list[int] = []
    list(view.work(lambda: len(asked) > 30 or asked.append(1) is not None))
    assert view.wanted()


@pytest.mark.parametrize("model", [MODEL, small_model(seed=1, vocab_size=256, n_positions=64, n_layer=9, n_head=1)])
@pytest.mark.parametrize("size", [(20, 6), (40, 12), (76, 15), (120, 40)], ids=str)
@pytest.mark.parametrize("other", ["", "a little dog sat", "another cat"])
def test_it_stays_within_its_pane(model: Any, size: tuple[int, int], other: str) -> None:
    session = start(model, Bytes(), "a little cat sat")
    if other:
        other_run(session, other)
    for site, positions in (("z", 0), ("z", 1), ("neurons", 0), ("resid_mid", 1), ("mlp_out", 0)):
        view = ask(SweepView(session), site=OFFERED.index(site), positions=positions, done=3 if other else 0)
        work = view.work()
        for _ in range(15):
            for mode in range(len(view.modes)):
                view.mode = mode
                lines = view.lines(*size)
                assert all(length(line) <= size[0] for line in lines)
                assert len(lines) <= max(size[1], 8)
                assert all(length(line) <= size[0] for line in view.about(size[0]))
            view.move(1, 1)
            next(work, None)
        view.move(-1000000, -1000000)
        assert (view.row, view.column) == (0, 0)


def test_every_measure_is_said() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = swept(session)
    assert "probability of" in shown(view)
    assert "NumPy float32" in shown(view)
    view.next_mode()
    assert "logit of" in shown(view)
    view.next_mode()
    assert "KL(before ‖ edited), bits" in shown(view)
    assert "zeroed: " in shown(view)


def test_before_anything_is_found_there_is_no_scale() -> None:
    view = SweepView(start(MODEL, Bytes(), "cat"))
    assert "colours" not in shown(view)
    assert "·: not computed yet" in shown(view)
    assert "colours −" in shown(swept(view.session))


def test_before_the_run_is_computed_there_is_nothing_to_sweep() -> None:
    session = Session(MODEL, Bytes())
    session.submit("cat")
    view = SweepView(session)
    assert view.wanted() is None
    assert list(view.work()) == []
    assert not view.enter()
    assert "not computed yet" in shown(view)


# On the screen


def story() -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_sweep_finds_the_head_and_enter_zeroes_it(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=STORY) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "w")
        view = screen.view
        assert isinstance(view, SweepView)
        await until(pilot, lambda: "head 3.3 −51.3" in "\n".join(text(screen, "view")))
        await click(pilot, "view", ("view", 0, 3, 3))
        assert "head 3.3 zeroed: ·Lily 73.0% → 21.7%" in text_of(view.about(78))[0]
        await press(pilot, "left", "right", "enter")
        await computed(pilot)
        assert screen.view is None
        assert "head 3.3 zeroed" in text(screen, "header")[0]
        if size[0] > 100:
            assert "21.7% ▼51.3" in "\n".join(text(screen, "next"))
        await press(pilot, "z", "w")
        assert screen.view is view, "it is kept"
        assert "−51.3" in "\n".join(text(screen, "view"))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_position_is_patched_from_the_prompt_that_compare_was_given(size: tuple[int, int]) -> None:
    async with opened(story(), size, prompt=STORY) as (pilot, screen):
        await computed(pilot)
        here = screen.session
        assert here
        await press(pilot, "6", "enter")
        pilot.app.screen.query_one(Input).value = STORY.replace("Lily", "Anna").replace("park", "lake")
        await press(pilot, "enter", "w")
        view: Any = screen.view
        await until(pilot, lambda: isinstance(view, SweepView) and view.wanted() is None)
        await press(pilot, "d", *["right"] * BEFORE, "down", "right", "down", *["right"] * 3, "enter")
        await until(pilot, lambda: view.asked.done == "patch" and view.wanted() is None)
        assert "from “Tom and" in "\n".join(text(screen, "view"))
        await click(pilot, "view", ("view", 0, 0, 2))
        assert "residual before block 0 at ·Lily patched: " in text_of(view.about(78))[0]
        await press(pilot, "enter")
        await computed(pilot)
        assert "✎ residual before" in text(screen, "header")[0] or "edited: residual" in text(screen, "header")[0]
        assert here.what_if.lines(here.labels())[0].startswith("residual before block 0 at ·Lily: from “Tom and Anna")


async def test_keys_are_answered_while_it_runs_and_escape_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, reached = threading.Event(), threading.Event()
    answers = sweep_view.answers

    def slow(base: Any, stacks: Any, cancelled: Any) -> Any:
        reached.set()
        while not gate.wait(0.01):
            if cancelled():
                return
        yield from answers(base, stacks, cancelled)

    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        monkeypatch.setattr(sweep_view, "answers", slow)
        await press(pilot, "w")
        await until(pilot, reached.is_set)
        view: Any = screen.view
        await press(pilot, "down", "v")
        assert (view.row, view.mode) == (1, 1)
        assert "0 of" in "\n".join(text(screen, "view"))
        await press(pilot, "escape")
        assert screen.view is None
        await until(pilot, lambda: not any(w.group == "view" and w.is_running for w in screen.workers))
        assert view.wanted(), "it was ended"
        gate.set()
        await press(pilot, "w")
        await until(pilot, lambda: view.wanted() is None)
