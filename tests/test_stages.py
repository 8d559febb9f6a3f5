"""The walk: what every stage says of itself is true of the model."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import gpt
from explorer.paint.number import source
from explorer.stages import Stage, walk
from gpt import GPTConfig, activation_shapes
from tests.helpers.models import CONFIGS, SMALL

CHECKED: dict[str, dict[str, Any]] = CONFIGS | {
    "GPT-2 small": {},
    "deep": SMALL | {"n_layer": 48},
    "gelu_pytorch_tanh": SMALL | {"activation_function": "gelu_pytorch_tanh"},
    "swish": SMALL | {"activation_function": "swish"},
}


@pytest.fixture(params=CHECKED.values(), ids=CHECKED)
def config(request: pytest.FixtureRequest) -> GPTConfig:
    return GPTConfig.from_dict(request.param)


@pytest.fixture
def stages(config: GPTConfig) -> tuple[Stage, ...]:
    return walk(config)


def test_no_two_stages_have_one_id(stages: tuple[Stage, ...]) -> None:
    ids = [stage.id for stage in stages]
    assert len(set(ids)) == len(ids)
    assert len({stage.place for stage in stages}) == len(ids), "no two have one name"


def test_every_activation_is_shown_or_part_of_what_is(config: GPTConfig, stages: tuple[Stage, ...]) -> None:
    names = {name for name, _ in activation_shapes(config)}
    shown = {part.activation for stage in stages for part in stage.parts}
    assert shown <= names
    assert {stage.residual for stage in stages if stage.residual} <= names
    statistics = {name for name in names if re.search(r"hook_(mean|var|scale)$", name)}  # they stand above their norm
    assert shown == names - statistics


def test_the_stages_come_in_the_order_of_computation(config: GPTConfig, stages: tuple[Stage, ...]) -> None:
    order = [name for name, _ in activation_shapes(config)]
    places = [order.index(stage.parts[-1].activation) for stage in stages if stage.parts]
    assert places == sorted(places)
    assert len(set(places)) == len(places) - 2  # probabilities and draw show the logits too
    for stage in stages:
        parts = [order.index(part.activation) for part in stage.parts]
        assert parts == sorted(parts)
        if stage.residual and parts:  # the stream is never ahead of the stage
            assert order.index(stage.residual) <= parts[-1]


def test_the_residual_stream_of_a_stage_is_the_last_one_that_was_computed(
    config: GPTConfig, stages: tuple[Stage, ...]
) -> None:
    order = [name for name, _ in activation_shapes(config)]
    streams = [name for name in order if "resid" in name and not re.match(r"blocks\.[1-9]\d*\.hook_resid_pre", name)]
    for stage in stages:
        if stage.id not in ("tokens", "embed", "pos_embed"):
            so_far = order[: order.index(stage.parts[-1].activation) + 1]
            assert stage.residual == [name for name in streams if name in so_far][-1], stage.id


def test_every_function_is_one_of_gpt_and_its_source_is_found(stages: tuple[Stage, ...]) -> None:
    home = Path(inspect.getfile(gpt)).parent
    for stage in stages:
        assert stage.function.__module__.startswith("gpt.")
        assert inspect.getsource(stage.function)
        file, _, rest = source(stage.function).partition(":")
        line, _, name = rest.partition(" ")
        assert (home.parent / file).read_text().splitlines()[int(line) - 1].lstrip().startswith("return ")
        lines, first = inspect.getsourcelines(stage.function)
        assert f"def {name}(" in "".join(lines)
        assert first < int(line) < first + len(lines)


def test_sentences_are_one_sentence_and_short(stages: tuple[Stage, ...]) -> None:
    for stage in stages:
        assert re.findall(r"[.!?](?=\s|$)", stage.sentence) == ["."], stage.sentence
        assert stage.sentence.endswith(".")
        assert stage.sentence[0].isupper()
        assert len(stage.sentence) <= 100, stage.sentence
        assert len(stage.formula) <= 60, stage.formula
        assert "\n" not in stage.sentence + stage.formula


def test_the_formula_names_the_number_that_scores_are_divided_by(config: GPTConfig, stages: tuple[Stage, ...]) -> None:
    scaled = [stage for stage in stages if stage.title == "scaled"]
    assert [stage.layer for stage in scaled] == list(range(config.n_layer))
    for stage in scaled:
        divisor = float(stage.formula.rpartition("/ ")[2])
        assert stage.layer is not None
        assert divisor == pytest.approx(config.score_divisor(stage.layer), rel=1e-3)
        assert ("√" in stage.sentence) == config.scale_attn_weights
        by_layer = re.search(r"(\d+) \(this block, counted from 1\)", stage.sentence)
        assert (by_layer is not None) == config.scale_attn_by_inverse_layer_idx
        assert by_layer is None or int(by_layer[1]) == stage.layer + 1


def test_the_activation_and_the_neurons_are_the_checkpoints(config: GPTConfig, stages: tuple[Stage, ...]) -> None:
    for stage in stages:
        if stage.id.endswith(".pre"):
            assert f" {config.mlp_width} neurons " in stage.sentence
        if stage.id.endswith(".activation"):
            assert stage.function is gpt.ops.ACTIVATIONS[config.activation_function]
            assert stage.title == config.activation_function.split("_")[0]


def test_the_logits_name_their_head_and_their_number(config: GPTConfig, stages: tuple[Stage, ...]) -> None:
    (logits,) = [stage for stage in stages if stage.id == "logits"]
    assert ("wte" in logits.formula) == config.tie_word_embeddings
    assert f" {config.vocab_size} tokens " in logits.sentence
