"""Patching on the screen: its numbers are those of `explorer`, the library; and its dialog."""

from typing import Any

import numpy as np
import pytest

import explorer as gx
from explorer.errors import EditError
from explorer.views.patching.choices import SITES
from explorer.views.patching.state import PatchingState, Way
from explorer.views.patching.view import PatchingView
from explorer.walk.session import Session
from gpt import InputError
from tests.helpers.looking import SIZES, ask, check_everywhere, check_fits, overflowed, settle, text_of, without_weights
from tests.helpers.models import Bytes, embedded, embedded_on_arrays, small_model, start

MODEL = small_model(seed=2, vocab_size=256, n_positions=24)
A, B = "Tom and Lily went to the park. Tom said to", "Tom and Lily went to the park. Lily said to"


def patched(**chosen: Any) -> PatchingView:
    """The view of two prompts of the embedded model."""
    view = PatchingView(start(embedded_on_arrays(), embedded()[1].tokenizer, A))
    ask(view, **{"prompt": B, **chosen})
    settle(view)
    return view


def table(view: PatchingView) -> np.ndarray:
    """All numbers of the picture."""
    state = known(view)
    rows, columns = state.layout.shape
    return np.array([[state.value(row, column) for column in range(columns)] for row in range(rows)], dtype=float)


def known(view: PatchingView) -> PatchingState:
    state = view.state()
    assert state
    return state


@pytest.fixture(scope="module")
def runs() -> tuple[Any, Any]:
    model = gx.load()
    return model.run(A), model.run(B)


@pytest.mark.parametrize("way", [Way.RESTORE, Way.CORRUPT])
@pytest.mark.parametrize(("site", "by_position"), [("z", 0), ("resid_pre", 1), ("mlp_out", 0), ("attn_out", 1)])
def test_its_numbers_are_those_of_the_library(runs: tuple[Any, Any], way: Way, site: str, by_position: int) -> None:
    clean, corrupted = runs
    view = patched(way=int(way), site=SITES.index(site), positions=by_position)
    lead, noising = gx.logit_difference(" Lily", " Tom"), way is Way.CORRUPT
    expected = clean.patching(corrupted, site, lead, by_position=bool(by_position), noising=noising).values
    np.testing.assert_allclose(table(view), expected.reshape(table(view).shape), atol=1e-4)
    assert (known(view).clean, known(view).corrupted) == pytest.approx(
        (clean.measure(lead), corrupted.measure(lead)), abs=1e-4
    )


@pytest.mark.parametrize("follow", [0, 1])
@pytest.mark.parametrize("to", ["5.2.q", "5.2.k 5.2.v", "logits"])
def test_paths_are_those_of_the_library(runs: tuple[Any, Any], to: str, follow: int) -> None:
    clean, corrupted = runs
    view = patched(way=int(Way.PATH), to=to, mlps=follow)
    lead = gx.logit_difference(" Lily", " Tom")
    for layer, head in ((3, 3), (1, 4), (2, 0)):
        sender = gx.head(layer, head).patch(corrupted)
        expected = clean.path(sender, to.split(), mlps_follow=bool(follow)).measure(lead)
        assert known(view).leads[layer, head] == pytest.approx(expected, abs=1e-4)
    late = known(view).value(5, 0)
    assert late is not None
    assert np.isnan(late) == (to != "logits"), "it writes after they are computed"
    if to != "logits":
        view.click(0, 5, 0)
        assert "writes after the " in text_of(view.about(110))[0]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_both_prompts_stand_token_above_token(size: tuple[int, int]) -> None:
    view = patched()
    lines = text_of(view.lines(*size))
    clean = next(line for line in lines if line.startswith("clean"))
    corrupted = next(line for line in lines if line.startswith("corrupted"))
    assert clean.index("·Tom") == corrupted.rindex("·Lily")
    check_fits(view, *size)


def test_enter_makes_the_edit_or_goes_to_what_is_put_in() -> None:
    view = patched(way=int(Way.CORRUPT))
    session = view.session
    view.click(0, 3, 3)
    assert "head 3.3 as corrupted: lead +4.79 → " in text_of(view.about(110))[0]
    assert view.enter()
    assert session.what_if.lines(session.labels()) == [f"head 3.3: from “{B}”"]
    view = patched(site=SITES.index("q"), positions=1)
    view.click(0, 3 * 6 + 1, 8)
    assert view.enter()
    cursor = view.session.cursor
    assert (cursor.head, cursor.position) == (1, 8)
    assert "blocks.3.attn.hook_q" in [part.activation for part in view.session.stage.parts]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"prompt": "Tom"}, "token must stand above token"),
        ({"prompt": A}, "the clean prompt"),
        ({"to": "5.2"}, "no receiver"),
        ({"to": "5.9.q"}, "no head 5.9"),
        ({"to": "logits 5.2.q"}, "name them alone"),
        ({"token": "Lily", "versus": "Lily"}, "the same"),
    ],
)
def test_what_cannot_be_patched_is_said(chosen: dict[str, Any], said: str) -> None:
    view = PatchingView(start(embedded_on_arrays(), embedded()[1].tokenizer, A))
    with pytest.raises((EditError, InputError), match=said):
        ask(view, **chosen)


def test_before_there_is_another_prompt_it_asks_for_one() -> None:
    session = start(MODEL, Bytes(), "cat")
    view = PatchingView(session)
    assert view.asks
    assert view.wanted() is None
    assert "type the corrupted one" in "\n".join(text_of(view.lines(78, 12)))
    assert view.works("look.enter")
    assert not view.works("look.down")
    view.take("dog")
    assert not view.asks
    settle(view)
    assert view.works("look.down")
    session.submit("horses")
    assert "3 tokens" in " ".join(text_of(view.lines(60, 12))) or "3:" in " ".join(text_of(view.lines(60, 12)))


def test_the_same_answer_has_no_scale() -> None:
    view = PatchingView(start(MODEL, Bytes(), "cat"))
    ask(view, prompt="dog")
    settle(view)
    state = known(view)
    assert state.metric
    if state.metric.token != state.metric.versus:
        ask(view, versus=view.session.label(state.metric.token), token="")
        settle(view)
    assert "choose two tokens" in " ".join(text_of(view.lines(60, 12)))


@pytest.mark.parametrize("here", [without_weights, overflowed])
def test_runs_without_a_model_or_numbers(here: Any) -> None:
    view = PatchingView(here())
    for size in SIZES:
        check_fits(view, *size)


def test_it_fits_everywhere() -> None:
    session: Session = start(MODEL, Bytes(), "a cat sat")
    view = PatchingView(session)
    view.take("a dog sat")
    check_everywhere(view)
    for site in range(len(SITES)):
        ask(view, site=site, positions=1, way=0)
        for size in SIZES:
            check_fits(settle(view), *size)
