"""Checkpoints that other programs laid out, and directories that hold something else."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.engine.engines import NUMPY, PYTHON, on_engine
from explorer.errors import CheckpointError, TokenizerError
from explorer.loading.catalogue import listing, namesake
from explorer.loading.checkpoints import Checkpoint, open_checkpoint
from explorer.loading.places import embedded
from tests.helpers.checkpoint_builder import (
    VOCABULARY,
    weights,
    write_checkpoint,
    write_config,
    write_tokenizer,
)

Tensors = dict[str, np.ndarray]
IDS = [200, 3, 77]
MATRICES = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def logits(checkpoint: Checkpoint) -> Any:
    return checkpoint.load().forward(IDS).logits


def prefixed(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda stored: {prefix + name: value for name, value in stored.items()}


def head_alone(stored: Tensors) -> Tensors:
    return {"lm_head.weight" if name == "wte.weight" else name: value for name, value in stored.items()}


def turned(stored: Tensors) -> Tensors:
    return {name: value.T.copy() if name.endswith(MATRICES) else value for name, value in stored.items()}


def with_heads(stored: Tensors) -> Tensors:
    return stored | {"v_head.summary.weight": np.ones((1, 8), np.float32), "lm_head.bias": np.ones(262, np.float32)}


def as_is(stored: Tensors) -> Tensors:
    return stored


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        (as_is, []),
        (prefixed("transformer."), []),
        (head_alone, []),
        (prefixed("_orig_mod."), ["the prefix _orig_mod. is taken off"]),
        (prefixed("module._orig_mod.transformer."), ["the prefix module._orig_mod.transformer. is taken off"]),
        (turned, ["the matrices are stored as [outputs, inputs], and are read the other way round"]),
        (with_heads, ["the language model is run; a head beside it (lm_head.bias, v_head.summary.weight) is left out"]),
    ],
    ids=["as is", "transformer.", "head alone", "compiled", "prefixes", "turned", "other heads"],
)
def test_the_same_model_in_another_layout(
    tmp_path: Path, change: Callable[[Tensors], Tensors], notes: list[str]
) -> None:
    expected = logits(open_checkpoint(write_checkpoint(tmp_path / "plain")))
    checkpoint = open_checkpoint(write_checkpoint(tmp_path / "other", change(weights())))
    assert logits(checkpoint) == expected
    assert len(checkpoint.notes) == len(notes)
    for note, said in zip(checkpoint.notes, notes):
        assert note.startswith(f"{tmp_path}/other/model.safetensors: ")
        assert said in note


def test_no_biases_are_zeros(tmp_path: Path) -> None:
    without = {name: value for name, value in weights().items() if not name.endswith(".bias")}
    zeros = {name: value * name.endswith(".weight") for name, value in weights().items()}
    checkpoint = open_checkpoint(write_checkpoint(tmp_path / "without", without))
    assert "the model has no biases: they are taken for zeros" in checkpoint.notes[0]
    assert logits(checkpoint) == logits(open_checkpoint(write_checkpoint(tmp_path / "zeros", zeros)))


def test_matrices_of_which_only_some_are_turned_are_refused(tmp_path: Path) -> None:
    stored = weights()
    stored["h.1.mlp.c_fc.weight"] = stored["h.1.mlp.c_fc.weight"].T.copy()
    with pytest.raises(CheckpointError, match=r"h\.1\.mlp\.c_fc\.weight has shape \[32, 8\]; config.json asks for"):
        open_checkpoint(write_checkpoint(tmp_path, stored))


def test_general_names_and_a_list_of_end_tokens(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    plain = open_checkpoint(tmp_path).config
    general = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 8}
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 262, "eos_token_id": [3, 4]} | general))
    found = open_checkpoint(tmp_path).config
    assert found.end_tokens == (3, 4)
    assert (found.n_embd, found.n_layer, found.n_head, found.n_positions) == (8, 2, 2, 8)
    assert found.parameters == plain.parameters


@pytest.mark.parametrize(
    ("given", "ends"), [({"eos_token_id": [5, 6]}, (5, 6)), ({"eos_token_id": 7}, (7,)), ({"bos_token_id": 1}, ())]
)
def test_generation_config_is_in_force(tmp_path: Path, given: dict[str, Any], ends: tuple[int, ...]) -> None:
    write_checkpoint(tmp_path, eos_token_id=3)
    assert open_checkpoint(tmp_path).config.end_tokens == (3,)
    (tmp_path / "generation_config.json").write_text(json.dumps(given))
    assert open_checkpoint(tmp_path).config.end_tokens == ends


@pytest.mark.parametrize("text", ["{", "[]", '{"eos_token_id": "x"}', '{"eos_token_id": 1, "eos_token_id": 2}'])
def test_generation_config_that_is_malformed(tmp_path: Path, text: str) -> None:
    write_checkpoint(tmp_path)
    (tmp_path / "generation_config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"generation_config\.json: "):
        open_checkpoint(tmp_path)


# Tokens without a row in the model


def test_an_added_token_that_the_model_was_not_resized_for(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, vocab_size=261)
    (tmp_path / "special_tokens_map.json").write_text('{"pad_token": "<pad>"}')
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.notes == (
        f"{tmp_path}: the model has no row for 1 added token, and cannot run a text with it: <pad> (261).",
    )
    assert checkpoint.tokenizer.encode("in<pad>") == [VOCABULARY["in"], 261]


def test_without_a_tokenizer_for_ids_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    (tmp_path / "vocab.json").unlink()
    with pytest.raises(TokenizerError, match="With --ids no tokenizer is needed"):
        open_checkpoint(tmp_path)
    checkpoint = open_checkpoint(tmp_path, ids_alone=True)
    assert "Tokens are shown by their ids" in checkpoint.notes[0]
    assert len(logits(checkpoint)) == 3


# Other things than a GPT-2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["model.ckpt.index", "model.ckpt.data-00000-of-00001", "checkpoint"],
            "these are TensorFlow's files, as OpenAI",
        ),
        (["ckpt.pt"], "ckpt.pt: this is a checkpoint of nanoGPT; this is a Python pickle"),
        (["adapter_config.json", "adapter_model.safetensors"], "adapter_config.json: this is an adapter (PEFT, LoRA)"),
        (["checkpoint-500/", "checkpoint-1500/"], "checkpoint-1500: the model is in this folder"),
        (["tf_model.h5"], "tf_model.h5: these are weights for TensorFlow"),
        (["flax_model.msgpack"], "flax_model.msgpack: these are weights for Flax"),
        (["model.fp16.safetensors"], "model.fp16.safetensors: this is a variant of the weights. Rename it"),
        (["model-00001-of-00002.safetensors"], "model.safetensors.index.json, which lists the parts, is missing"),
        (["weights.safetensors"], "weights.safetensors: weights are looked for in model.safetensors"),
        (["gpt2.gguf"], "gpt2.gguf: weights of this kind are not read"),
        (["pytorch_model.bin"], "pytorch_model.bin: this is a Python pickle"),
    ],
)
@pytest.mark.parametrize("with_config", [True, False], ids=["config.json", "no config.json"])
def test_named_by_what_it_is(tmp_path: Path, names: list[str], said: str, with_config: bool) -> None:
    if with_config:
        write_config(tmp_path)
    write_tokenizer(tmp_path)
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_bytes(b"")
    if not with_config and names == ["pytorch_model.bin"]:
        said = "config.json: this file is missing"
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(tmp_path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))


def test_a_folder_with_the_name_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("gpt2", "stories", "mine"):
        assert namesake(name) == []
        (tmp_path / name).mkdir()
    assert namesake("gpt2") == ["the folder gpt2 is opened. The model of the hub is --model openai-community/gpt2."]
    assert "Without --model it is the embedded model" in namesake("stories")[0]
    for name in ("gpt2", "stories"):
        assert name not in {entry.name for entry in listing()}, "which would open the folder"
    assert {"openai-community/gpt2", str(embedded())} <= {entry.name for entry in listing()}
    assert namesake("mine") == namesake("./gpt2") == namesake(None) == []


# Numbers at the edge of what can be computed


def scaled(factor: float, part: str = "") -> Tensors:
    return {name: value.astype(np.float64) * (factor if part in name else 1) for name, value in weights().items()}


@pytest.mark.parametrize(
    ("stored", "config"),
    [
        (scaled(1), {"layer_norm_epsilon": 0.0}),
        (scaled(1), {"layer_norm_epsilon": 1e300}),
        (scaled(1e25, "c_attn"), {}),
        (scaled(1e38, "c_fc"), {}),
        (scaled(1e30), {}),
    ],
    ids=["epsilon 0", "huge epsilon", "queries", "neurons", "everything"],
)
def test_the_engines_agree_where_float32_ends(tmp_path: Path, stored: Tensors, config: dict[str, Any]) -> None:
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, stored, **config))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = checkpoint.load(engine=PYTHON)
        expected = np.asarray(plain.forward(IDS).logits)
        assert np.isfinite(expected).all()
        scale = np.abs(expected).max()
        for other in (checkpoint.load(engine=NUMPY), on_engine(plain, NUMPY)):
            np.testing.assert_allclose(np.asarray(other.forward(IDS).logits), expected, rtol=0, atol=1e-4 * scale)
