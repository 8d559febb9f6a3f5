"""`config.json`: what is read from it, and what is refused, by name."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt import ConfigError, GPTConfig, tensor_shapes

# As published with the model "gpt2", Hugging Face's training and pipeline settings included.
GPT2_SMALL = """{
  "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256,
  "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
  "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
  "resid_pdrop": 0.1, "summary_activation": null, "summary_first_dropout": 0.1, "summary_proj_to_labels": true,
  "summary_type": "cls_index", "summary_use_proj": true,
  "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "vocab_size": 50257
}"""


def read(**given: Any) -> GPTConfig:
    return GPTConfig.from_json(json.dumps({"model_type": "gpt2", **given}))


def test_gpt2_small() -> None:
    config = GPTConfig.from_json(GPT2_SMALL)
    assert config == GPTConfig(eos_token_id=50256)
    assert (config.n_layer, config.n_head, config.head_width, config.mlp_width) == (12, 12, 64, 3072)
    assert config.parameters == 124_439_808  # as Hugging Face counts them
    assert GPTConfig.from_json(GPT2_SMALL.encode()) == config


@pytest.mark.parametrize(
    ("layers", "heads", "width", "parameters"),
    [(24, 16, 1024, 354_823_168), (36, 20, 1280, 774_030_080), (48, 25, 1600, 1_557_611_200)],
)
def test_the_larger_gpt2s_have_the_parameters_that_are_published(
    layers: int, heads: int, width: int, parameters: int
) -> None:
    assert read(n_layer=layers, n_head=heads, n_embd=width).parameters == parameters


@pytest.mark.parametrize(
    "given", [{}, {"n_inner": 5}, {"tie_word_embeddings": False}, {"n_layer": 3, "vocab_size": 7, "n_positions": 11}]
)
def test_parameters_are_those_of_the_tensors(given: dict[str, Any]) -> None:
    config = read(**{"n_embd": 8, "n_head": 2, "n_layer": 2} | given)
    shapes = tensor_shapes(config).values()
    assert config.parameters == sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes)


def test_every_setting_is_read() -> None:
    given = {
        "vocab_size": 11,
        "n_positions": 12,
        "n_embd": 14,
        "n_layer": 3,
        "n_head": 7,
        "n_inner": 9,
        "activation_function": "silu",
        "layer_norm_epsilon": 0.5,
        "scale_attn_weights": False,
        "scale_attn_by_inverse_layer_idx": True,
        "tie_word_embeddings": False,
        "eos_token_id": 3,
    }
    config = read(**given)
    assert {name: getattr(config, name) for name in given} == given
    assert (config.head_width, config.mlp_width) == (2, 9)


@pytest.mark.parametrize(
    ("flags", "divisors"),
    [
        ({}, [4.0, 4.0, 4.0]),
        ({"scale_attn_weights": False}, [1.0, 1.0, 1.0]),
        ({"scale_attn_by_inverse_layer_idx": True}, [4.0, 8.0, 12.0]),
        ({"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True}, [1.0, 2.0, 3.0]),
    ],
)
def test_what_scores_are_divided_by(flags: dict[str, bool], divisors: list[float]) -> None:
    config = read(n_embd=32, n_head=2, n_layer=3, **flags)
    assert [config.score_divisor(layer) for layer in range(3)] == divisors


@pytest.mark.parametrize(("ids", "ends"), [([5, 6], (5, 6)), ([5], (5,)), ([], ()), (None, ()), (4, (4,))])
def test_every_end_token_counts(ids: object, ends: tuple[int, ...]) -> None:
    assert read(eos_token_id=ids).end_tokens == ends


GENERAL = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 8, "max_position_embeddings": 77}


def test_the_general_names_of_the_sizes() -> None:
    """Those that transformers' GPT2Config maps (its `attribute_map`)."""
    config = GPTConfig.from_dict(GENERAL)
    assert (config.n_embd, config.n_layer, config.n_head, config.n_positions) == (96, 3, 8, 77)
    assert GPTConfig.from_dict(GENERAL | {"n_embd": 96}) == config
    with pytest.raises(ConfigError, match="n_embd is 768 and hidden_size is 96"):
        GPTConfig.from_dict(GENERAL | {"n_embd": 768})


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="'n_layer' is in it twice"):
        GPTConfig.from_json('{"n_layer": 12, "n_head": 12, "n_layer": 6}')


# What is refused: every message names the setting and what it was


@pytest.mark.parametrize(
    "architectures", [None, [], ["GPT2LMHeadModel"], "GPT2Model", ["Other", "GPT2Model"], ["GPT2DoubleHeadsModel"]]
)
def test_language_models_are_read(architectures: object) -> None:
    assert read(architectures=architectures) == GPTConfig()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"model_type": "bert"}, ["model_type", "bert"]),
        ({"model_type": None}, ["model_type", "None"]),
        ({"architectures": ["GPT2ForSequenceClassification"]}, ["GPT2ForSequenceClassification"]),
        ({"architectures": "GPT2ForSequenceClassification"}, ["GPT2ForSequenceClassification"]),
        ({"architectures": 5}, ["architecture", "5"]),
        ({"add_cross_attention": True}, ["add_cross_attention"]),
        ({"quantization_config": {"quant_method": "gptq"}}, ["quantization_config"]),
        ({"activation_function": "mish"}, ["activation_function", "mish", "gelu_new"]),
        ({"activation_function": None}, ["activation_function", "None"]),
        ({"activation_function": ["relu"]}, ["activation_function", "relu"]),
        ({"n_embd": 10, "n_head": 3}, ["n_embd", "10", "n_head", "3"]),
        ({"layer_norm_epsilon": -1e-5}, ["layer_norm_epsilon", "-1e-05"]),
        ({"layer_norm_epsilon": "1e-5"}, ["layer_norm_epsilon", "'1e-5'"]),
        ({"layer_norm_epsilon": True}, ["layer_norm_epsilon", "True"]),
        ({"layer_norm_epsilon": float("nan")}, ["layer_norm_epsilon", "nan"]),
        ({"layer_norm_epsilon": float("inf")}, ["layer_norm_epsilon", "inf"]),
        ({"layer_norm_epsilon": 10**400}, ["layer_norm_epsilon", "zero or more"]),
        ({"tie_word_embeddings": "yes"}, ["tie_word_embeddings", "'yes'"]),
        ({"scale_attn_weights": 1}, ["scale_attn_weights", "1"]),
        ({"scale_attn_by_inverse_layer_idx": None}, ["scale_attn_by_inverse_layer_idx", "None"]),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(given: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**given)
    assert all(word in str(caught.value) for word in named), caught.value


@pytest.mark.parametrize("name", ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner"])
@pytest.mark.parametrize("value", [0, -1, True, "12", 12.0, [12], float("inf")], ids=repr)
def test_counts_are_whole_and_positive(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**{name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "not json", b"\xff\xfe{", '{"n_embd": 1' + "0" * 5000 + "}", "[" * 100_000])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ConfigError, match="not JSON"):
        GPTConfig.from_json(text)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"gpt2"'])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="JSON object"):
        GPTConfig.from_json(text)


KEYS = [
    *GPTConfig.__dataclass_fields__,
    "model_type",
    "architectures",
    "add_cross_attention",
    "quantization_config",
]
leaves = st.none() | st.booleans() | st.integers(-3, 100) | st.floats() | st.sampled_from(["gpt2", "relu", ""])
anything = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.just("key"), leaves)


@given(st.dictionaries(st.sampled_from(KEYS), anything, max_size=4))
@settings(max_examples=200)
def test_whatever_the_file_holds_it_is_read_or_refused(given: dict[str, Any]) -> None:
    try:
        config = GPTConfig.from_json(json.dumps(given))
    except ConfigError:
        return
    assert config.parameters == sum(
        shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in tensor_shapes(config).values()
    )


@pytest.mark.parametrize("end", [True, "<|endoftext|>", 1.5])
def test_the_end_of_text_is_a_token_id(end: object) -> None:
    with pytest.raises(ConfigError, match="eos_token_id"):
        GPTConfig.from_dict({"eos_token_id": end})
