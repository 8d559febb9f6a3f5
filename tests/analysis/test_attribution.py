"""The sum adds up: at every level, in both conventions, on both engines, and says so where it does not."""

from itertools import product
from typing import Any

import pytest

from explorer.analysis.attribution import IN_WORDS, Convention, Level, attribute
from explorer.analysis.errors import AnalysisError
from explorer.engine.engines import NUMPY, on_engine
from explorer.runs.trace import LiveRun
from gpt import activation_shapes
from tests.helpers.models import CONFIGS, recorded, small_model, traced

IDS = [3, 1, 4, 1, 5]


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_contributions_add_up(config: dict[str, Any], level: Level, convention: Convention) -> None:
    run = traced(small_model(**config), IDS)
    for position, token, versus in ((4, 2, None), (2, 0, 7), (0, 3, None)):
        found = attribute(run, position, token, versus, level, convention)
        assert found.gap == pytest.approx(0, abs=1e-12)
        assert found.sum == pytest.approx(found.logit, abs=1e-12)


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("level", Level)
def test_numpy_finds_the_same(level: Level, convention: Convention) -> None:
    model = small_model()
    ours, theirs = (
        attribute(traced(on_engine(model, engine), IDS), 4, 2, None, level, convention) for engine in ("python", NUMPY)
    )
    assert [part.label for part in ours.contributions] == [part.label for part in theirs.contributions]
    assert [part.value for part in theirs.contributions] == pytest.approx(
        [part.value for part in ours.contributions], abs=1e-5
    )
    assert abs(theirs.gap) < 1e-4
    assert all(type(part.value) is float for part in theirs.contributions), "to be written as JSON"


def labels(level: Level, convention: Convention) -> list[str]:
    run = traced(small_model(n_layer=1, n_head=2, n_inner=3), [3, 1])
    return [part.label for part in attribute(run, 1, 2, None, level, convention).contributions]


def test_every_bias_has_its_line() -> None:
    embeddings, plain = ["token embedding", "position embedding"], Convention.PLAIN
    assert labels(Level.COMPONENT, plain) == [
        *embeddings,
        "block 0 attention",
        "block 0 value biases",
        "block 0 attention bias",
        "block 0 MLP",
        "block 0 MLP bias",
        "ln_final beta",
    ]
    assert labels(Level.HEAD, plain)[2:4] == ["head 0.0", "head 0.1"]
    assert labels(Level.POSITION, plain)[2:4] == ["head 0.0 from position 0", "head 0.0 from position 1"]
    assert labels(Level.NEURON, plain)[5:] == [
        *(f"neuron 0.{n}" for n in range(3)),
        "block 0 MLP bias",
        "ln_final beta",
    ]


def test_transformer_lens_keeps_biases_where_it_folds_them() -> None:
    embeddings, lens = ["token embedding", "position embedding"], Convention.TRANSFORMER_LENS
    assert labels(Level.COMPONENT, lens) == [*embeddings, "block 0 attention", "block 0 MLP", "b_U"]
    assert labels(Level.HEAD, lens) == [
        *embeddings,
        "head 0.0",
        "head 0.1",
        "block 0 attention biases",
        "block 0 MLP",
        "b_U",
    ]
    assert set(IN_WORDS) == set(Convention)


def test_levels_refine_each_other() -> None:
    run = traced(small_model(), IDS)
    by = {level: attribute(run, 4, 2, 6, level) for level in Level}

    def of(level: Level, **places: int) -> float:
        chosen = [
            part.value
            for part in by[level].contributions
            if part.kind != "bias" and all(getattr(part, name) == place for name, place in places.items())
        ]
        return sum(chosen)

    for layer in range(2):
        attention = [part for part in by[Level.COMPONENT].contributions if part.label == f"block {layer} attention"]
        heads = [part.value for part in by[Level.HEAD].contributions if part.kind == "head" and part.layer == layer]
        assert attention[0].value == pytest.approx(sum(heads))
        for head in range(3):
            assert of(Level.HEAD, layer=layer, head=head) == pytest.approx(of(Level.POSITION, layer=layer, head=head))


def test_the_largest_come_first_whatever_their_sign() -> None:
    sizes = [abs(part.value) for part in attribute(traced(small_model(), IDS), 4, 2).ranked()]
    assert sizes == sorted(sizes, reverse=True)


def test_the_difference_of_two_tokens_is_the_difference_of_their_attributions() -> None:
    run = traced(small_model(), IDS)
    for convention in Convention:
        both = attribute(run, 4, 2, 6, Level.HEAD, convention)
        each = [attribute(run, 4, token, None, Level.HEAD, convention) for token in (2, 6)]
        for part, one, other in zip(both.contributions, each[0].contributions, each[1].contributions):
            assert part.value == pytest.approx(one.value - other.value)


def test_an_edit_that_is_no_part_shows_as_the_gap() -> None:
    """Steering: a vector added to the residual stream, of which no part of the model knows."""
    model, run = small_model(), LiveRun(small_model(), IDS)

    def steer(name: str, value: Any) -> Any:
        if name == "blocks.1.hook_resid_pre":
            value = [[x + 0.5 * (i % 2) for i, x in enumerate(row)] for row in value]
        run.record(name, value)
        return value

    model.forward(IDS, hook=steer)
    assert abs(attribute(run, 4, 2).gap) > 1e-3


def test_a_head_that_was_silenced_contributes_what_it_took_away() -> None:
    """A zeroed z still adds up: the value biases it would have moved are counted once and taken back by the head."""
    model, run = small_model(), LiveRun(small_model(), IDS)

    def silence(name: str, value: Any) -> Any:
        if name == "blocks.1.attn.hook_z":
            value = [[[0.0] * len(rows[0]), *rows[1:]] for rows in value]
        run.record(name, value)
        return value

    model.forward(IDS, hook=silence)
    for level in (Level.COMPONENT, Level.HEAD):
        assert attribute(run, 4, 2, None, level).gap == pytest.approx(0, abs=1e-12)


def test_what_cannot_be_answered() -> None:
    run = traced(small_model(), IDS)
    with pytest.raises(AnalysisError, match="no position 5: this run has 0 to 4"):
        attribute(run, 5, 2)
    with pytest.raises(AnalysisError, match="no token 11: ids go from 0 to 10"):
        attribute(run, 4, 11)
    with pytest.raises(AnalysisError, match="no token -1"):
        attribute(run, 4, 2, -1)
    with pytest.raises(AnalysisError, match="without its model"):
        attribute(recorded(small_model(), IDS), 4, 2)
    cut = run.first(3)
    cut.ids = IDS
    with pytest.raises(AnalysisError, match="hook_scale is known for 3 of the 5 positions"):
        attribute(cut, 4, 2)


def test_a_part_is_named_by_the_activation_that_it_is_or_goes_into() -> None:
    model = small_model()
    names = {name for name, _ in activation_shapes(model.config)}
    for convention, level in product(Convention, Level):
        for part in attribute(traced(model, IDS), 4, 2, level=level, convention=convention).contributions:
            assert (part.name in names) == (part.kind in ("embedding", "attention", "mlp", "bias")), part.label
