"""In every view, at every size and with every length of prompt: the largest number of what is chosen, and its label."""

from functools import cache

import pytest

from explorer.analysis import lens, neurons
from explorer.analysis.flow import Edge
from explorer.analysis.heads import head_scores
from explorer.terminal.text import token_at
from explorer.views.attribution.view import AttributionView
from explorer.views.compare.view import CompareView
from explorer.views.flow.view import FlowView
from explorer.views.heads.chosen import share
from explorer.views.heads.view import HeadsView
from explorer.views.lens.view import LensView
from explorer.views.neurons.view import NeuronsView
from explorer.views.sweep.state import Asked
from explorer.views.sweep.view import SweepView
from explorer.views.view import View
from explorer.walk.session import Session
from tests.helpers.exhaustive import exhaustive
from tests.helpers.looking import SIZES, check_fits, settle, text_of
from tests.helpers.models import Bytes, embedded, embedded_on_arrays, never, small_model, start

WIDE = SIZES[1:]  # with all of the width
LENGTHS = [1, 11, 27, *exhaustive(8, 60, 250)]
TEXT = "Tom and Lily went to the park. Tom said to Lily that he had a big red ball, and they played with it all day. "


@cache
def session(tokens: int) -> Session:
    """The embedded model with a prompt of so many tokens, at its last one."""
    _, checkpoint = embedded()
    text = checkpoint.tokenizer.decode(checkpoint.tokenizer.encode(TEXT * (1 + tokens // 20))[:tokens])
    here = start(embedded_on_arrays(), checkpoint.tokenizer, text)
    here.cursor.go_to_stage(0)
    here.cursor.go_to_position(len(here.ids) - 1)
    return here


def drawn(view: View, size: tuple[int, int]) -> list[str]:
    settle(view)
    check_fits(view, *size)
    for _ in range(2):
        view.follow(*size)
        list(view.work())
    return text_of(view.lines(*size))


def said(lines: list[str], label: str, figure: str) -> bool:
    """Whether a line has that label and that figure, side by side in this order."""
    return any(f"{label} " in line and figure in line.split(f"{label} ", 1)[1] for line in lines)


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("size", WIDE, ids=str)
def test_the_heads_show_where_the_chosen_one_looks_most(tokens: int, size: tuple[int, int]) -> None:
    here = session(tokens)
    view = HeadsView(here)
    settle(view)
    labels = [here.label(token) for token in here.ids]
    for layer, head in ((0, 0), (3, 1), (5, 5)):
        view.click(layer, head)
        row = here.trace.matrix(f"blocks.{layer}.attn.hook_pattern", head)[here.position]
        most = max(range(len(row)), key=lambda at: row[at])
        lines = drawn(view, size)
        assert said(lines, token_at(most, labels), share(row[most])), lines
        assert f": {row[most]:.1%}" in text_of(view.about(size[0]))[1]


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("size", WIDE, ids=str)
def test_the_lens_shows_what_the_chosen_cell_would_say(tokens: int, size: tuple[int, int]) -> None:
    here = session(tokens)
    view = LensView(here)
    for row in (0, 6, 12):
        view.click(row, here.position)
        found = lens.compute(here.trace, view.rows[row].name, here.position, never)
        assert found
        lines = drawn(view, size)
        figure = f"{found.probability:.1%}"
        assert said(lines, here.label(found.token), figure), lines
        assert "others: " in "\n".join(lines), "how much is left for the other tokens"
        assert f"{here.label(found.token)} {figure}" in text_of(view.about(size[0]))[0]


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("size", WIDE, ids=str)
@pytest.mark.parametrize("mode", [1, *exhaustive(0, 2, 3, 4)])
def test_the_attribution_shows_the_largest_term_wherever_its_cursor_is(
    tokens: int, size: tuple[int, int], mode: int
) -> None:
    view = AttributionView(session(tokens))
    view.mode = mode
    settle(view)
    for down in (0, 7, 10**6):
        view.move(0, down)
        lines = drawn(view, size)
        first = view.found().ranked[0]
        figure = f"{abs(first.value):.4f}"
        assert any(figure in line and (first.source is not None or f"{first.label} " in line) for line in lines), lines
        assert any("▶ " in line for line in lines)
        chosen = view.found().ranked[min(view.row, len(view.found().ranked) - 1)]
        assert f" {abs(chosen.value):.6f} logits" in text_of(view.about(120))[0]


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("size", WIDE, ids=str)
def test_the_neurons_show_the_largest_and_where_it_fires_most(tokens: int, size: tuple[int, int]) -> None:
    here = session(tokens)
    view = NeuronsView(here)
    settle(view)
    for down in (0, 20):
        view.move(0, down)
        lines = drawn(view, size)
        first, chosen = view.listed()[0], view.chosen()
        assert chosen
        assert said(lines, f"{first.layer}.{first.index}", f"+{first.activation:.3f}"), lines
        values = neurons.activations(here.trace, chosen.layer, chosen.index)
        most = max(range(len(values)), key=lambda at: abs(values[at]))
        figure = f"{values[most]:+.2f}".replace("-", "−")
        assert said(lines, here.label(here.ids[most]), figure), lines


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("size", WIDE, ids=str)
def test_the_flow_says_its_strongest_way_or_edge(tokens: int, size: tuple[int, int]) -> None:
    here = session(tokens)
    view = FlowView(here)
    view.next_mode()
    lines = drawn(view, size)
    labels = [here.label(token) for token in here.ids]
    first = view.found().paths[0]
    assert said(lines, f"{first.share:.1%} ", token_at(first.source, labels)), lines
    assert text_of(view.about(size[0]))[1] == f"{first.share:.2%} of the last state"
    view.next_mode()
    drawn(view, size)
    if isinstance(edge := view.chosen(), Edge):
        assert text_of(view.about(size[0]))[1].startswith(f"{edge.share:.2%} of the last state")


@pytest.mark.parametrize("tokens", [1, 8, 27])
@pytest.mark.parametrize("heads", [3, 12])
def test_the_sweep_shows_the_largest_effect_and_begins_on_it(tokens: int, heads: int) -> None:
    model = small_model(vocab_size=256, n_positions=64, n_embd=2 * heads, n_head=heads)
    here = start(model, Bytes(), "what goes up must come down"[:tokens])
    view, labels = SweepView(here), [here.label(token) for token in here.ids]
    settle(view)
    state = view.state()
    assert state
    effects = {cell: found[0] - state.baseline[0] for cell, found in state.measured.items()}
    most = max(effects, key=lambda cell: abs(effects[cell]))
    for size in WIDE:
        lines = drawn(view, size)
        in_place = said(lines, f"block {most[0]}", f"[{points(effects[most])}]")
        assert in_place or said(lines, f"head {most[1]}", points(effects[most])), lines
    assert state.chosen == most
    view.asked = Asked("resid_pre", by_position=True)
    settle(view)
    view.click(0, 1, 0)
    state = view.state()
    assert state
    row = {cell[1]: found[0] - state.baseline[0] for cell, found in state.measured.items() if cell[0] == 1}
    best = max(row, key=lambda at: abs(row[at]))
    for size in WIDE:
        lines = drawn(view, size)
        in_place = said(lines, "block 1", points(row[best])) and any(
            f" {labels[best]} " in f"{line} " for line in lines
        )
        assert in_place or said(lines, token_at(best, labels), points(row[best])), lines


def points(effect: float) -> str:
    return f"{100 * effect:+.1f}".replace("-", "−")


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_compare_shows_the_largest_change(size: tuple[int, int]) -> None:
    here = session(11)
    view = CompareView(here)
    view.take(TEXT.replace("Lily", "Anna").split(" Lily")[0][:42])
    try:
        settle(view)
        lines = drawn(view, size)
        state = view.state()
        assert state
        change = state.known[state.positions[1]].changes[0]
        assert said(lines, here.label(change.token), f"{abs(change.points):.1f}"), lines
        assert f"{abs(change.points):.1f} percentage points" in text_of(view.about(size[0]))[1]
    finally:
        view.take("")


def test_the_scores_of_a_head_are_read_too() -> None:
    here = session(27)
    view = HeadsView(here)
    settle(view)
    view.click(3, 1)
    found = next(head_scores(here.trace, 3, [1]))
    lines = drawn(view, (78, 16))
    for behaviour, score in found.scores.items():
        if score.value is not None:
            assert said(lines, behaviour.words, f"{score.value:.2f}"[1:] if score.value < 0.995 else "1.0"), behaviour
