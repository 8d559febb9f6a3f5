"""Neurons that fire and write, and what they promote."""

import math

import pytest

from explorer.analysis import neurons
from explorer.analysis.errors import AnalysisError
from explorer.engine.engines import NUMPY, on_engine
from tests.helpers.models import never, recorded, small_model, traced

IDS = [3, 1, 4, 1, 5]


@pytest.mark.parametrize("engine", ["python", NUMPY])
def test_fired_and_wrote(engine: str) -> None:
    run = traced(on_engine(small_model(), engine), IDS)
    posts = [run.matrix(f"blocks.{layer}.mlp.hook_post")[4] for layer in range(2)]
    flat = sorted((value for row in posts for value in row), reverse=True)
    fired = neurons.fired(run, 4, top=6)
    assert [neuron.activation for neuron in fired] == flat[:6]
    for neuron in [*fired, *neurons.wrote(run, 4, top=6)]:
        assert neuron.activation == posts[neuron.layer][neuron.index]
        out = [float(row[neuron.index]) for row in run.model.weights.blocks[neuron.layer].mlp_out.weight]
        assert neuron.written == pytest.approx(abs(neuron.activation) * math.hypot(*out))
    every = neurons.wrote(run, 4, layer=1, top=1000)
    assert len(every) == run.config.mlp_width
    assert [neuron.written for neuron in every] == sorted((neuron.written or 0 for neuron in every), reverse=True)


def test_one_neuron_over_the_prompt() -> None:
    run = traced(small_model(), IDS)
    assert neurons.activations(run, 1, 5) == [row[5] for row in run.values["blocks.1.mlp.hook_post"]]


@pytest.mark.parametrize("engine", ["python", NUMPY])
def test_what_it_promotes_is_what_the_logits_gain(engine: str) -> None:
    """A little more of the neuron's vector before the final layer norm, with the scale as it was."""
    model = small_model()
    run = traced(model, IDS)
    weights, neuron = model.weights, 7
    out = [row[neuron] for row in weights.blocks[1].mlp_out.weight]
    mean = sum(out) / len(out)
    added = [
        sum((value - mean) * gamma * u for value, gamma, u in zip(out, weights.ln_final.gamma, row))
        for row in weights.unembedding
    ]
    expected = [value - sum(added) / len(added) for value in added]
    run = traced(on_engine(model, engine), IDS)
    assert neurons.effect_on_logits(run, 1, neuron) == pytest.approx(expected, abs=1e-5)
    found = neurons.effects(run, 1, neuron, top=3)
    order = sorted(range(len(expected)), key=lambda token: -expected[token])
    assert [effect.token for effect in found.promoted] == order[:3]
    assert [effect.token for effect in found.suppressed] == order[::-1][:3]
    assert found.promoted[0].value > 0 > found.suppressed[0].value
    assert "gamma" in neurons.PROMOTES
    assert neurons.known_effects(run, 1, neuron) is None
    assert not neurons.find_effects(run, 1, neuron, lambda: True)
    assert neurons.find_effects(run, 1, neuron, never)
    assert neurons.known_effects(run, 1, neuron) == neurons.effects(run, 1, neuron)


def test_a_recorded_run_knows_what_fired_but_not_what_was_written() -> None:
    run = recorded(small_model(), IDS)
    assert [neuron.written for neuron in neurons.fired(run, 2, top=2)] == [None, None]
    assert len(neurons.activations(run, 0, 0)) == 5
    for ask in (lambda: neurons.wrote(run, 2), lambda: neurons.effects(run, 0, 0)):
        with pytest.raises(AnalysisError, match="without its model"):
            ask()


def test_what_is_not_there() -> None:
    run = traced(small_model(), IDS)
    with pytest.raises(AnalysisError, match="no block 2: this model has 0 to 1"):
        neurons.fired(run, 0, layer=2)
    with pytest.raises(AnalysisError, match="no neuron 24: each block has 0 to 23"):
        neurons.activations(run, 0, 24)
    with pytest.raises(AnalysisError, match="no position 9"):
        neurons.wrote(run, 9)
