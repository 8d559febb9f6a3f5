"""Checkpoints become weights: which tensors there must be, which way round they go, what is drawn at random."""

from typing import Any

import numpy as np
import pytest

from gpt import GPT, GPTConfig, RandomTensors, WeightError, check_shapes, load_weights, tensor_shapes
from gpt.weights import BlockWeights
from tests.helpers.numpy_gpt2 import Source, random_tensors

GIVEN = {"vocab_size": 13, "n_positions": 9, "n_embd": 6, "n_layer": 2, "n_head": 3, "n_inner": 5}
CONFIG = GPTConfig.from_dict(GIVEN)
UNTIED = GPTConfig.from_dict(GIVEN | {"tie_word_embeddings": False})


@pytest.mark.parametrize("given", [GIVEN, GIVEN | {"tie_word_embeddings": False}, GIVEN | {"n_inner": None}])
def test_the_tensors_are_those_of_a_checkpoint(given: dict[str, Any]) -> None:
    checkpoint = {name: tensor.shape for name, tensor in random_tensors(given, 0).items()}
    config = GPTConfig.from_dict(given)
    assert tensor_shapes(config) == checkpoint
    check_shapes(config, checkpoint)


# What is wrong with a checkpoint is said by name


def refusal(config: GPTConfig, changes: dict[str, tuple[int, ...] | None]) -> str:
    """The message about a checkpoint with those changes: a shape, or None for a tensor left out."""
    found = tensor_shapes(config) | changes
    with pytest.raises(WeightError) as caught:
        check_shapes(config, {name: shape for name, shape in found.items() if shape is not None})
    return str(caught.value)


def test_one_missing_tensor_is_named_with_its_shape() -> None:
    message = refusal(CONFIG, {"h.1.mlp.c_fc.weight": None})
    assert message.startswith("1 tensor is missing: h.1.mlp.c_fc.weight [6, 5].")


def test_of_many_missing_tensors_three_are_named() -> None:
    message = refusal(CONFIG, {name: None for name in tensor_shapes(CONFIG) if name.startswith("h.1.")})
    assert message.startswith("12 tensors are missing: h.1.ln_1.weight [6], h.1.ln_1.bias [6], ")
    assert "and 9 more" in message
    assert "and" not in refusal(CONFIG, dict.fromkeys(["ln_f.weight", "ln_f.bias", "wpe.weight"])).split("Is")[0]


def test_an_untied_head_must_be_there_and_a_tied_one_must_not() -> None:
    assert "lm_head.weight [13, 6]" in refusal(UNTIED, {"lm_head.weight": None})
    assert "1 tensor is not part of a GPT-2" in refusal(CONFIG, {"lm_head.weight": (13, 6)})


def test_extra_tensors_are_named() -> None:
    message = refusal(CONFIG, {f"h.{layer}.ln_1.weight": (6,) for layer in range(2, 7)})
    assert message.startswith("5 tensors are not part of a GPT-2")
    assert "h.2.ln_1.weight, h.3.ln_1.weight, h.4.ln_1.weight and 2 more" in message


@pytest.mark.parametrize("shape", [(5, 6), (6,), (6, 5, 1), ()])
def test_a_tensor_of_another_shape_is_named_with_both(shape: tuple[int, ...]) -> None:
    message = refusal(CONFIG, {"h.0.mlp.c_fc.weight": shape})
    assert message == f"h.0.mlp.c_fc.weight has shape {list(shape)}; config.json asks for [6, 5]."


# Loading


def rows_of(block: BlockWeights, layer: int) -> dict[str, object]:
    """The weights of a block under the names they have in a checkpoint."""
    prefix, rows = f"h.{layer}.", {}
    for name, layer_norm in (("ln_1", block.ln_1), ("ln_2", block.ln_2)):
        rows |= {f"{prefix}{name}.weight": layer_norm.gamma, f"{prefix}{name}.bias": layer_norm.beta}
    for name, linear in (
        ("attn.c_attn", block.attn_qkv),
        ("attn.c_proj", block.attn_out),
        ("mlp.c_fc", block.mlp_in),
        ("mlp.c_proj", block.mlp_out),
    ):
        rows |= {f"{prefix}{name}.weight": linear.weight, f"{prefix}{name}.bias": linear.bias}
    return rows


def test_every_number_arrives_in_its_place_and_conv1d_is_turned_round() -> None:
    tensors = random_tensors(GIVEN | {"tie_word_embeddings": False}, 3)
    weights = load_weights(UNTIED, Source(tensors))
    loaded = {
        "wte.weight": weights.token_embedding,
        "wpe.weight": weights.position_embedding,
        "ln_f.weight": weights.ln_final.gamma,
        "ln_f.bias": weights.ln_final.beta,
        "lm_head.weight": weights.unembedding,
    }
    for layer, block in enumerate(weights.blocks):
        loaded |= rows_of(block, layer)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        conv1d = name.startswith("h.") and tensor.ndim == 2
        np.testing.assert_array_equal(loaded[name], tensor.T if conv1d else tensor, err_msg=name)


def test_a_tied_head_is_the_embedding_itself() -> None:
    weights = load_weights(CONFIG, Source(random_tensors(GIVEN, 3)))
    assert weights.unembedding is weights.token_embedding


def test_each_tensor_is_read_once() -> None:
    read = []

    class Counting(Source):
        def vector(self, name: str) -> Any:
            read.append(name)
            return super().vector(name)

        def matrix(self, name: str, *, transpose: bool = False) -> Any:
            read.append(name)
            return super().matrix(name, transpose=transpose)

    load_weights(CONFIG, Counting(random_tensors(GIVEN, 3)))
    assert sorted(read) == sorted(tensor_shapes(CONFIG))


def test_progress_counts_up_to_all() -> None:
    told: list[tuple[int, int]] = []
    load_weights(CONFIG, Source(random_tensors(GIVEN, 3)), lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


# Random weights


def test_random_weights_are_those_of_an_untrained_gpt2() -> None:
    config = GPTConfig(vocab_size=500, n_positions=40, n_embd=60, n_layer=1, n_head=2)
    weights = load_weights(config, RandomTensors(config, seed=1))
    matrix = np.array(weights.blocks[0].mlp_in.weight)
    assert matrix.shape == (240, 60)
    assert np.mean(matrix) == pytest.approx(0, abs=0.02 / np.sqrt(matrix.size) * 4)
    assert np.std(matrix) == pytest.approx(0.02, rel=0.05)
    assert weights.blocks[0].ln_1.gamma == weights.ln_final.gamma == [1.0] * 60
    assert weights.blocks[0].ln_1.beta == weights.blocks[0].attn_out.bias == [0.0] * 60


def test_a_spread_widens_gains_and_biases_too() -> None:
    config = GPTConfig(vocab_size=50, n_positions=40, n_embd=600, n_layer=1, n_head=2, n_inner=3)
    weights = load_weights(config, RandomTensors(config, seed=1, spread=0.3))
    for values, centre in (
        (weights.ln_final.gamma, 1.0),
        (weights.blocks[0].ln_2.gamma, 1.0),
        (weights.ln_final.beta, 0.0),
        (weights.blocks[0].attn_out.bias, 0.0),
        (weights.token_embedding[0], 0.0),
    ):
        assert np.mean(values) == pytest.approx(centre, abs=0.06)
        assert np.std(values) == pytest.approx(0.3, rel=0.15)


def test_a_seed_gives_the_same_weights_again() -> None:
    one, same, other = (load_weights(CONFIG, RandomTensors(CONFIG, seed, 0.3)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert np.isfinite(GPT(CONFIG, one).forward([1, 2, 3]).logits).all()
