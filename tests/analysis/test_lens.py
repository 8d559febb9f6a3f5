"""The lens cell by cell, from which layer on an answer stays, and the loss."""

import math
from dataclasses import astuple

import pytest

from explorer.analysis import lens
from explorer.analysis.errors import AnalysisError
from explorer.analysis.lens import LensCell
from explorer.engine.engines import NUMPY, on_engine
from explorer.runs import running
from explorer.runs.trace import LiveRun
from gpt import GPT, StopRun
from tests.helpers.models import counting, never, on_arrays, recorded, small_model, traced

IDS = [3, 1, 4, 1, 5]


def test_the_rows_go_through_the_model_in_its_order() -> None:
    assert [(row.name, row.layer, row.title) for row in lens.rows(2)] == [
        ("blocks.0.hook_resid_pre", None, "embeddings"),
        ("blocks.0.hook_resid_mid", 0, "block 0 attention"),
        ("blocks.0.hook_resid_post", 0, "block 0 MLP"),
        ("blocks.1.hook_resid_mid", 1, "block 1 attention"),
        ("blocks.1.hook_resid_post", 1, "block 1 MLP"),
    ]


@pytest.mark.parametrize("engine", ["python", NUMPY])
def test_a_cell(engine: str) -> None:
    model = on_engine(small_model(), engine)
    run = traced(model, IDS)
    name, position = "blocks.0.hook_resid_mid", 3
    assert lens.cell(run, name, position) is None
    found = lens.compute(run, name, position, never)
    assert found
    (logits,) = model.read_out([run.values[name][position]])
    total = sum(math.exp(value) for value in logits)
    chances = [math.exp(value) / total for value in logits]
    assert found.token == chances.index(max(chances))
    assert found.probability == pytest.approx(max(chances))
    assert found.entropy == pytest.approx(-sum(p * math.log2(p) for p in chances))
    assert found.answer == lens.answer(run, position)
    assert found.answer_probability == pytest.approx(chances[found.answer])
    assert found.answer_rank == sorted(chances, reverse=True).index(chances[found.answer]) + 1
    assert lens.cell(run, name, position) == found, "it is kept"
    assert (name, position) not in run.derived, "the logits are not: a grid of them would fill the memory"


def test_the_last_row_is_the_model_itself_and_costs_nothing() -> None:
    run = traced(small_model(), IDS)
    found = lens.cell(run, run.last_residual, 4)
    assert found
    assert (found.token, found.answer_rank) == (lens.answer(run, 4), 1)


def test_a_lens_that_the_walk_has_looked_through_is_used() -> None:
    run = traced(small_model(), IDS)
    name = "blocks.1.hook_resid_mid"
    assert running.look_through_lens(run, name, 2, never)
    assert lens.cell(run, name, 2) == lens.compute(run, name, 2, never)
    assert (name, 2) in run.derived, "and left where it is"


def test_another_answer() -> None:
    run = traced(small_model(), IDS)
    own, other = (lens.compute(run, "blocks.0.hook_resid_post", 4, never, answer) for answer in (None, 7))
    assert own
    assert other
    assert other.answer == 7
    assert (other.token, other.entropy) == (own.token, own.entropy)
    assert lens.cell(run, "blocks.0.hook_resid_post", 4) == own, "each is kept by itself"


def test_cells_come_in_the_order_asked_for_until_cancelled() -> None:
    run = traced(small_model(), IDS)
    order = [("blocks.1.hook_resid_mid", 4), ("blocks.0.hook_resid_pre", 0), ("blocks.0.hook_resid_mid", 2)]
    asked = []

    def after_two() -> bool:
        asked.append(True)
        return len(done) == 2

    done: list[LensCell] = []
    for found in lens.fill(run, order, after_two):
        done.append(found)
    assert [(found.name, found.position) for found in done] == order[:2]
    assert len(list(lens.fill(run, order, never))) == 3


def test_a_cancelled_cell_is_not_there() -> None:
    run = traced(small_model(), IDS)
    assert lens.compute(run, "blocks.0.hook_resid_pre", 0, lambda: True) is None
    assert lens.cell(run, "blocks.0.hook_resid_pre", 0) is None


def test_what_is_not_computed_yet_has_no_cell() -> None:
    model = small_model()
    run = LiveRun(model, IDS)

    def half(name: str, value: object) -> None:
        run.record(name, value)
        if name == "blocks.0.hook_resid_post":
            raise StopRun

    with pytest.raises(StopRun):
        model.forward(IDS, hook=half)
    assert lens.compute(run, "blocks.0.hook_resid_mid", 0, never) is None
    with pytest.raises(AnalysisError, match="not computed"):
        lens.answer(run, 0)
    with pytest.raises(AnalysisError, match="no position 9: this run has 0 to 4"):
        lens.answer(run, 9)


def test_a_recorded_run_has_no_lens_but_a_loss() -> None:
    run = recorded(small_model(), IDS)
    with pytest.raises(AnalysisError, match="without its model"):
        lens.compute(run, "blocks.0.hook_resid_mid", 0, never)
    assert lens.compute(run, run.last_residual, 0, never), "its lens is the recorded logits"
    assert lens.loss(run) == lens.loss(traced(small_model(), IDS))


def column(*ranks: int | None) -> list[LensCell | None]:
    return [None if rank is None else LensCell("", 0, 0, 0.0, 0.0, 0, rank, 0.0, 0.0) for rank in ranks]


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ((3, 1, 1), 1),
        ((1, 2, 1), 2),
        ((1, 1, 1), 0),
        ((1, 1, 2), 3),
        ((None, 2, 1), 2),
        ((2, None, 1), None),
        ((None, 1, 1), None),
        ((), None),
    ],
)
def test_from_where_on_the_answer_stays(ranks: tuple[int | None, ...], expected: int | None) -> None:
    assert lens.settled(column(*ranks)) == expected


def test_surprise_and_loss() -> None:
    run = traced(small_model(), IDS)
    assert lens.surprise(run, 0) is None, "nothing predicts the first token"
    expected = []
    for position, token in enumerate(IDS[1:], 1):
        logits = run.values["logits"][position - 1]
        chance = math.exp(logits[token]) / sum(map(math.exp, logits))
        expected.append(-math.log2(chance))
    assert lens.surprises(run)[1:] == pytest.approx(expected)
    loss = lens.loss(run)
    assert loss
    assert loss.tokens == 4
    assert loss.bits == pytest.approx(sum(expected) / 4)
    assert loss.nats == pytest.approx(loss.bits * math.log(2))
    assert loss.perplexity == pytest.approx(2**loss.bits)


def test_one_token_has_no_loss_nor_has_a_run_under_way() -> None:
    assert lens.loss(traced(small_model(), [3])) is None
    run = traced(small_model(), IDS).first(3)
    run.ids = IDS
    assert lens.surprise(run, 3) is not None, "the logits before it are there"
    assert lens.surprise(run, 4) is None
    assert lens.loss(run) is None


def test_huge_logits_overflow_nothing() -> None:
    found = lens.measure("x", 0, [1e6, -1e6, 0.0], 1)
    assert (found.probability, found.entropy, found.answer_rank) == (1.0, 0.0, 3)
    assert lens.log_sum_exp([1e6, 1e6]) == pytest.approx(1e6 + math.log(2))


def test_many_are_read_out_in_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    model = on_arrays()
    run, alone = traced(model, IDS), traced(small_model(), IDS)
    order = [(row.name, position) for position in range(5) for row in lens.rows(2)]
    asked: list[int] = []
    monkeypatch.setattr(GPT, "read_out", counting(GPT.read_out, asked))
    found = list(lens.fill(run, order, never))
    assert asked == [20], "all at once, and the last row not at all"
    monkeypatch.undo()
    for cell, (name, position) in zip(found, order, strict=True):
        expected = lens.compute(alone, name, position, never)
        assert expected
        assert astuple(cell)[:1] == astuple(expected)[:1] == (name,)
        assert astuple(cell)[1:] == pytest.approx(astuple(expected)[1:], rel=1e-9, abs=1e-9)
        assert cell == lens.cell(run, name, position)


def test_what_is_asked_for_next_is_read_out_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    run = traced(on_arrays(), IDS)
    places = [("blocks.0.hook_resid_mid", position) for position in range(5)]
    asked: list[int] = []
    monkeypatch.setattr(GPT, "read_out", counting(GPT.read_out, asked))
    for place in places:
        assert lens.compute(run, *place, never, ahead=lambda: places)
    assert asked == [5]
    assert lens.compute(run, "blocks.1.hook_resid_mid", 0, lambda: True, ahead=lambda: places) is None


def test_measures_of_infinite_logits_are_no_numbers() -> None:
    run = traced(on_arrays(), IDS)
    run.values["logits"] = run.values["logits"].copy()
    run.values["logits"][2, 4] = math.inf
    found = lens.compute(run, run.last_residual, 2, never)
    assert found
    assert found.token == 4
    assert math.isnan(found.probability)
    assert math.isnan(found.entropy)
