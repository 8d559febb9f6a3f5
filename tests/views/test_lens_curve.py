"""One token's way through the layers, in the lens: which one, its numbers, and how it is drawn."""

from dataclasses import replace

import pytest

from explorer.analysis import lens
from explorer.views.lens.curve import curve as curve_of
from explorer.views.lens.state import CURVE
from explorer.views.lens.view import LensView
from gpt import InputError
from tests.helpers.looking import SIZES, at_the_last_token, check_fits, hostile, settle, shown, story, text_of
from tests.helpers.models import never


def curve() -> LensView:
    view = at_the_last_token(LensView, story())
    view.mode = CURVE
    settle(view)
    return view


def test_it_follows_the_answer_with_probability_rank_and_logit() -> None:
    view = curve()
    lines = shown(view, 196, 50).splitlines()
    assert lines[1].startswith("·Lily through the layers: its probability after every part, at ·to (10)")
    prob, rank, logit = (
        next(line.split()[1:] for line in lines if line.startswith(name)) for name in ("  prob.", "   rank", "  logit")
    )
    for row, place in enumerate(view.rows):
        logits = lens.read(view.session.trace, place.name, 10, never)
        assert logits
        found = lens.measure(place.name, 10, logits, view.session.trace.order(10)[0])
        assert prob[row] in (f"{found.answer_probability:.1%}", "<0.1%")
        assert int(rank[row]) == 1 + sum(value > found.answer_logit for value in logits)
        assert float(logit[row].replace("−", "-")) == pytest.approx(logits[found.answer], abs=0.0501)
    names = next(line for line in lines if "embed" in line)
    assert names.index("embed") < names.index("0 attn") < names.index("[5 MLP]"), "left to right, the model's way"


@pytest.mark.parametrize("logit", [-99.94, 99.94, 99.96, 100.0, -100.4, 1234.5, 0.04])
def test_a_logit_is_whole_in_the_narrowest_column_that_has_numbers(logit: float) -> None:
    """Six cells, of which one is a blank: with a decimal up to a hundred, then without."""
    view = at_the_last_token(LensView, hostile(3))
    view.mode = CURVE
    state = settle(view).state()
    state = replace(state, way=[cell and replace(cell, answer_logit=logit) for cell in state.way])
    (line,) = [line for line in text_of(curve_of(state, 8 + 6 * len(view.rows), 20)) if line.startswith("  logit")]
    shown = {float(word.replace("−", "-")) for word in line.split()[1:]}
    assert shown == {round(logit, 1 if abs(logit) < 99.95 else 0)}


@pytest.mark.parametrize("height", range(3, 26))
def test_it_takes_all_lines_up_to_sixteen_of_columns(height: int) -> None:
    view = at_the_last_token(LensView, hostile(3))
    view.mode = CURVE
    lines = text_of(curve_of(settle(view).state(), 80, height))
    title, names, numbers = 1, 1, 3 if height >= 9 else 0
    columns = sum("│" in line for line in lines)
    assert columns == min(16, height - title - names - numbers)
    assert len(lines) == title + columns + names + numbers
    assert lines[title + columns].split()[0] == "embed"


def test_where_all_probabilities_are_zero_the_axis_goes_no_further() -> None:
    view = at_the_last_token(LensView, hostile(3))
    view.mode = CURVE
    state = settle(view).state()
    state = replace(state, way=[cell and replace(cell, answer_probability=0.0) for cell in state.way])
    lines = text_of(curve_of(state, 80, 20))
    assert any("│" in line for line in lines)
    assert not any("100" in line or "█" in line for line in lines)


def test_all_tokens_that_are_the_likeliest_somewhere_and_five_of_the_end_can_be_chosen() -> None:
    view = at_the_last_token(LensView, hostile(9))
    view.mode = CURVE
    order = view.session.trace.order(8)
    cells = [view.cell(row, 8) for row in range(5)]
    expected = {cell.token for cell in cells if cell} | {*order[:5]}
    found = []
    for _ in range(12):
        found.append(view.followed())
        view.move(0, 1)
    assert set(found) == expected
    assert found[0] == order[0]
    assert found.index(found[-1]) == len(expected) - 1, "each of them once, then the last one stays"


def test_up_and_down_choose_another_token_left_and_right_a_part() -> None:
    view = curve()
    answer = view.followed()
    view.move(-3, 0)
    assert view.row == 9
    assert view.session.position == 10, "the token of the prompt stays"
    view.move(0, 1)
    settle(view)
    other = view.followed()
    assert other != answer
    assert other in {found.token for found in (view.cell(row, 10) for row in range(13)) if found}
    found = lens.compute(view.session.trace, view.rows[9].name, 10, never, other)
    assert found
    about = text_of(view.about(120))[1]
    assert f"{view.session.label(found.answer)}: rank {found.answer_rank} of 4096" in about
    view.move(0, -5)
    assert view.followed() == answer


def test_a_token_can_be_typed() -> None:
    view = curve()
    assert view.asks
    assert view.begins_with() == " Lily"
    view.take(" ball")
    settle(view)
    (token,) = view.session.tokenizer.encode(" ball")
    assert view.followed() == token
    assert "·ball through the layers" in shown(view, 78, 16)
    assert all(cell and cell.answer == token for cell in view.state().way)
    with pytest.raises(InputError, match="tokens to this model"):
        view.take(" ball and more")
    view.take("")
    assert "·Lily through the layers" in shown(view, 78, 16)
    view.mode = 0
    assert not view.asks


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_its_largest_and_the_chosen_part_can_be_read(size: tuple[int, int]) -> None:
    view = curve()
    check_fits(view, *size)
    lines = text_of(view.lines(*size))
    cells = [view.cell(row, 10) for row in range(13)]
    most = max(found.answer_probability for found in cells if found)
    assert any(f"{most:.1%}" in line for line in lines)
    chosen = cells[view.row]
    assert chosen
    assert f"rank {chosen.answer_rank} of 4096, {chosen.answer_probability:.1%}" in text_of(view.about(size[0]))[1]


def test_of_many_layers_a_stretch_with_the_chosen_part_is_drawn() -> None:
    view = LensView(hostile(3, n_layer=48))
    view.mode = CURVE
    settle(view)
    for row in (0, 50, 96):
        view.row = row
        for size in SIZES:
            check_fits(view, *size)
            lines = text_of(view.lines(*size))
            assert any("▲" in line or "[" in line for line in lines), "where we are"
    assert "← " in "\n".join(text_of(view.lines(58, 11)))


def test_down_is_the_models_way_in_the_table() -> None:
    view = at_the_last_token(LensView, story())
    lines = text_of(view.lines(78, 16))
    names = [line[:9].split() for line in lines]
    assert names.index(["embed"]) < names.index(["0", "attn"]) < names.index(["5", "mlp"])
