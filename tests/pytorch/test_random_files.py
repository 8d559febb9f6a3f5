"""Tokenizers and checkpoints drawn at random, in every layout that files come in: what transformers makes of them."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from explorer.errors import TokenizerError  # noqa: E402
from explorer.tokenizer.tokenizer import Tokenizer  # noqa: E402
from tests.helpers.checkpoint_builder import write_config  # noqa: E402
from tests.helpers.exhaustive import exhaustive  # noqa: E402
from tests.helpers.random_tokenizers import (  # noqa: E402
    sample_texts,
    write_tokenizer_json,
    write_vocabulary_files,
)
from tests.helpers.transformers_models import IDS, opened, random_model, same_logits, same_text, save  # noqa: E402

# Tokenizers


@pytest.mark.parametrize("write", [write_tokenizer_json, write_vocabulary_files])
@pytest.mark.parametrize("seed", [*range(1000, 1012), *exhaustive(*range(1012, 1300))])
def test_tokenizers(tmp_path: Path, write: Any, seed: int) -> None:
    """The ids, the pieces' ids and the text again are those of AutoTokenizer."""
    write_config(tmp_path)
    write(tmp_path, seed)
    theirs, ours = AutoTokenizer.from_pretrained(tmp_path), Tokenizer.from_directory(tmp_path)
    for text in sample_texts(seed):
        try:
            found = ours.encode(text)
        except TokenizerError as error:  # the library panics on a few texts
            found = None
            said = str(error)
        if found is None:
            assert "cannot be cut into tokens" in said
            with pytest.raises(BaseException, match=r"bad split|char boundary"):
                theirs(text)
            continue
        expected = theirs(text)["input_ids"]
        assert found == expected, text
        assert [id for piece in ours.pieces(text) for id in piece.ids] == expected
        assert ours.decode(expected) == theirs.decode(expected, clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("name", ["GPT2Tokenizer", "GPT2TokenizerFast", None])
def test_gpt2s_own_class_with_its_own_steps(tmp_path: Path, name: str | None) -> None:
    """A tokenizer.json as transformers writes it, and one that adds a token: the class rebuilds the same steps."""
    write_config(tmp_path)
    write_vocabulary_files(tmp_path, seed=3)
    AutoTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path / "saved")
    write_config(tmp_path / "saved")
    config = json.loads((tmp_path / "saved/tokenizer_config.json").read_text())
    (tmp_path / "saved/tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": name}))
    theirs, ours = AutoTokenizer.from_pretrained(tmp_path / "saved"), Tokenizer.from_directory(tmp_path / "saved")
    for text in sample_texts(3):
        assert ours.encode(text) == theirs(text)["input_ids"]


# Checkpoints

_MATRICES = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
Tensors = dict[str, torch.Tensor]


def _without_biases(tensors: Tensors) -> Tensors:
    return {name: value for name, value in tensors.items() if not name.endswith(".bias")}


def _turned(tensors: Tensors) -> Tensors:
    return {name: value.T if name.endswith(_MATRICES) else value for name, value in tensors.items()}


def _with_other_heads(tensors: Tensors) -> Tensors:
    heads = {"v_head.summary.weight": torch.ones(1, 24), "multiple_choice_head.summary.bias": torch.ones(1)}
    return tensors | heads


def _head_alone(tensors: Tensors) -> Tensors:
    """As safetensors' save_model writes tied weights: under one of their names."""
    rest = {name: value for name, value in tensors.items() if not name.endswith("wte.weight")}
    table = next(value for name, value in tensors.items() if name.endswith("wte.weight"))
    return rest | {"lm_head.weight": table}


def _rewritten(chance: random.Random, tensors: Tensors, tied: bool, biases: bool) -> Tensors:
    if not biases:
        tensors = _without_biases(tensors)
    if tied and chance.random() < 0.4:
        tensors = _head_alone(tensors)
    for change in (_turned, _with_other_heads):
        if chance.random() < 0.4:
            tensors = change(tensors)
    prefix = chance.choice(["", "", "_orig_mod.", "module.", "module._orig_mod.", "model."])
    plain = chance.random() < 0.3
    return {prefix + (name.removeprefix("transformer.") if plain else name): value for name, value in tensors.items()}


def _config(chance: random.Random, config: dict[str, Any], ends: Any) -> dict[str, Any]:
    config = {name: value for name, value in config.items() if name != "eos_token_id"} | {"eos_token_id": ends}
    general = {
        "n_embd": "hidden_size",
        "n_layer": "num_hidden_layers",
        "n_head": "num_attention_heads",
        "n_positions": "max_position_embeddings",
    }
    if chance.random() < 0.4:
        config = {general.get(name, name): value for name, value in config.items()}
    return config


@pytest.mark.parametrize("seed", [*range(12), *exhaustive(*range(12, 312))])
def test_checkpoints(tmp_path: Path, seed: int) -> None:
    """Logits at every position, and the greedy text up to its end tokens, of a model written in a random way."""
    chance = random.Random(seed)
    tied, biases = chance.random() < 0.7, chance.random() < 0.7
    model = random_model(
        n_layer=chance.randint(1, 3),
        n_head=chance.choice([1, 2, 3, 8]),
        n_inner=chance.choice([None, 7, 48, 24]),
        activation_function=chance.choice(["gelu_new", "gelu", "relu", "silu", "tanh"]),
        layer_norm_epsilon=chance.choice([1e-5, 1e-12, 0.0, 3.0]),
        scale_attn_weights=chance.random() < 0.8,
        scale_attn_by_inverse_layer_idx=chance.random() < 0.2,
        tie_word_embeddings=tied,
    )
    if not biases:
        for name, weight in model.named_parameters():
            if name.endswith(".bias"):
                torch.nn.init.zeros_(weight)
    save(model, tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = _rewritten(chance, load_file(file), tied, biases)
    save_file({name: value.contiguous() for name, value in tensors.items()}, file)
    ends = chance.choice([None, 3, [3, 77, 150], list(range(0, 262, 5))])
    stored = json.loads((tmp_path / "config.json").read_text())
    in_generation = chance.random() < 0.5
    (tmp_path / "config.json").write_text(json.dumps(_config(chance, stored, 9 if in_generation else ends)))
    generation = tmp_path / "generation_config.json"
    if in_generation:
        generation.write_text(json.dumps({"eos_token_id": ends}))
    else:
        generation.unlink(missing_ok=True)

    checkpoint, ours = opened(tmp_path)
    assert set(checkpoint.config.end_tokens) == set(ends if isinstance(ends, list) else [ends] if ends else [])
    same_logits(ours, model, IDS)
    model.generation_config.eos_token_id = ends
    same_text(ours, model, IDS)
    said = " ".join(checkpoint.notes)
    assert ("no biases" in said) is not biases
    assert ("v_head" in said) is any("v_head" in name for name in tensors)
    assert ("other way round" in said) is any(
        name.endswith("attn.c_attn.weight") and value.shape == (72, 24) for name, value in tensors.items()
    )
