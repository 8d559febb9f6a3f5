"""The sweep: every head, MLP and position edited in turn, while keys are answered."""

import threading
from typing import Any

import pytest
from textual.widgets import Input

from explorer.edits import Edit, Patch, Zero, edited, where
from explorer.edits.metric import PROBABILITY
from explorer.paint.spans import length
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.views.sweep import view as sweep_view
from explorer.views.sweep.view import SweepView
from explorer.views.view import View
from explorer.walk.session import Session
from explorer.walk.what_if import OtherRun
from gpt import Sampling
from gpt.ops import softmax_row
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


def test_its_effects_are_those_of_the_edits() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = swept(session)
    found = view.state()
    assert found
    assert found.metrics[0].kind == PROBABILITY
    assert len(found.effects) == 2 * 3 + 2 + 2 * 3
    token, base = found.metrics[0].token, session.trace.logits(2)
    places = {
        "heads": where.head(1, 2),
        "mlps": where.mlp(1),
        "positions": where.activation("blocks.1.hook_resid_pre", 2),
    }
    for over, place in places.items():
        session.edit(lambda edits, place=place: edits.add(place, Zero(), 3))  # type: ignore[misc]
        assert running.complete(session.trace, never)
        changed = session.trace.logits(2)
        assert changed
        assert base
        cell = {"heads": (1, 2), "mlps": (1, 0), "positions": (1, 2)}[over]
        effect = softmax_row(changed)[token] - softmax_row(base)[token]
        assert found.effects[over, cell][0] == pytest.approx(effect, abs=1e-5), over
        session.edit(lambda edits: edits.undo())


def test_it_is_kept_and_taken_up_where_it_was_left() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = SweepView(session)
    work = view.work()
    for _ in range(3):
        next(work)
    work.close()
    found = view.state()
    assert found
    first = dict(found.effects)
    assert len(first) == 2, "after the run that they depart from"
    while view.wanted():
        list(view.work())
    found = view.state()
    assert found
    assert {place: found.effects[place] for place in first} == first
    session.edit(lambda edits: edits.add(where.head(0, 0), Zero(), None))
    assert view.wanted() is None, "the edited run is not computed yet"
    assert running.complete(session.trace, never)
    assert view.wanted()
    session.edit(lambda edits: edits.undo())
    assert view.wanted() is None, "what was found without the edits is still there"


def test_it_is_of_the_edited_run() -> None:
    session = start(MODEL, Bytes(), "cat")
    session.edit(lambda edits: edits.add(where.head(0, 0), Zero(), None))
    assert running.complete(session.trace, never)
    view = swept(session)
    found = view.state()
    assert found
    assert all(abs(effect) < 1e-6 for effect in found.effects["heads", (0, 0)]), "it is zero already"
    both = edited(session.trace, [found.plans["heads"].edit((1, 1))])
    assert running.complete(both, never)
    changed, before = both.logits(2), session.trace.logits(2)
    assert changed
    assert before
    token = found.metrics[0].token
    effect = softmax_row(changed)[token] - softmax_row(before)[token]
    assert found.effects["heads", (1, 1)][0] == pytest.approx(effect, abs=1e-5)


def other_run(session: Session, text: str) -> Trace:
    """Another prompt's run, as Compare holds it; not computed yet."""
    other = OtherRun(text, LiveRun(session.model, list(text.encode())))
    session.what_if.other = other
    return other.trace


def test_positions_are_patched_from_the_other_run() -> None:
    session = start(MODEL, Bytes(), "cat")
    state = swept(session).state()
    assert state
    zeroed = state.effects
    other = other_run(session, "dog")
    view = swept(session)
    found = view.state()
    assert found
    assert "heads, MLPs zeroed; positions patched from “dog”" in shown(view)
    token, before = found.metrics[0].token, session.trace.logits(2)
    assert before
    for cell in ((0, 1), (1, 2)):
        edit = Edit(where.activation(f"blocks.{cell[0]}.hook_resid_pre", cell[1]), Patch(other))
        both = edited(session.trace, [edit])
        assert running.complete(both, never)
        changed = both.logits(2)
        assert changed
        effect = softmax_row(changed)[token] - softmax_row(before)[token]
        assert found.effects["positions", cell][0] == pytest.approx(effect, abs=1e-5)
        assert found.effects["positions", cell] != zeroed["positions", cell]
    same = {place: effects for place, effects in zeroed.items() if place[0] != "positions"}
    assert {place: found.effects[place] for place in same} == same, "heads and MLPs are zeroed all the same"
    view.click(1, 1, 2)
    assert "t entering block 1 patched: " in shown(view)
    assert view.enter()
    assert running.complete(session.trace, never)
    assert session.trace.matrix("blocks.1.hook_resid_pre")[2] == other.matrix("blocks.1.hook_resid_pre")[2]
    assert session.what_if.lines(session.labels()) == ["residual entering block 1 at t: from “dog”"]


def test_another_run_is_another_sweep_of_the_positions_only() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = swept(session)
    other_run(session, "dog")
    assert view.wanted()
    assert len(list(view.work())) == 2 * 3
    assert view.wanted() is None
    session.what_if.other = None
    assert view.wanted() is None, "what was found with zeros is still there"
    assert "other run" not in shown(view)


def test_from_a_shorter_run_positions_are_patched_as_compare_aligns_it() -> None:
    session = start(MODEL, Bytes(), "fish")
    other = other_run(session, "cat")
    for at, alone in (("end", 0), ("beginning", 3)):
        session.what_if.aligned = at
        view = swept(session)
        assert f"positions patched, aligned at the {at}" in shown(view, 120)
        view.click(1, 0, alone)
        assert f"{'fish'[alone]} has no counterpart in the other run" in shown(view)
        view.click(1, 1, 2)
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
    view = SweepView(session)
    work = view.work()
    for _ in range(40):
        for mode in range(3):
            view.mode = mode
            lines = view.lines(*size)
            assert all(length(line) <= size[0] for line in lines)
            assert len(lines) <= max(size[1], 8)
        view.move(1, 1)
        next(work, None)
    view.move(-1000000, 0)
    view.move(0, -10)
    assert view._at() == 0
    for _ in range(20):
        view.move(0, -1)
    assert (view._section, view._row) == (0, 0)


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
    assert "colours heads −" in shown(swept(view.session))


def test_the_list_of_a_block_uses_the_lines_there_are() -> None:
    view = swept(start(MODEL, Bytes(), "what goes up must come"))
    state = view.state()
    assert state
    lines = text_of(view.lines(118, 40))
    listed = [line for line in lines if line.rsplit("block", 1)[-1].count("█")]
    assert len(lines) <= 40
    assert len([line for line in lines if "more" in line]) == 0, "there is room for all"
    assert len(listed) > 2 * state.rows
    few = text_of(view.lines(118, 18))
    rest = next(line for line in few if " more " in line)
    assert "at most" in rest
    assert not {"+", "−"} & set(rest.split(" more ")[1]), "a size has no sign"


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
        await click(pilot, "view", ("view", 0, 5, 0))
        await press(pilot, "down")
        await until(pilot, lambda: "positions patched from “Tom and" in "\n".join(text(screen, "view")))
        await press(pilot, "right", "right")
        assert "·Lily entering block 0 patched: ·Lily 73.0% → " in text_of(view.about(78))[0]
        await press(pilot, "enter")
        await computed(pilot)
        assert "✎ residual entering" in text(screen, "header")[0] or "edited: residual" in text(screen, "header")[0]
        assert here.what_if.lines(here.labels())[0].startswith("residual entering block 0 at ·Lily: from “Tom and Anna")


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
        assert (view._row, view.mode) == (1, 1)
        assert "0 of" in "\n".join(text(screen, "view"))
        await press(pilot, "escape")
        assert screen.view is None
        await until(pilot, lambda: not any(w.group == "view" and w.is_running for w in screen.workers))
        assert view.wanted(), "it was ended"
        gate.set()
        await press(pilot, "w")
        await until(pilot, lambda: view.wanted() is None)
