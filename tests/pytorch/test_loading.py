"""Checkpoints written by transformers, over every variant of the architecture: the same logits, the same text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_model  # noqa: E402
from transformers import AutoTokenizer, GPT2Config, GPT2DoubleHeadsModel, GPT2LMHeadModel, GPT2Model  # noqa: E402

from explorer.errors import CheckpointError  # noqa: E402
from explorer.loading.checkpoints import open_checkpoint  # noqa: E402
from explorer.loading.places import embedded  # noqa: E402
from tests.helpers.checkpoint_builder import write_tokenizer  # noqa: E402
from tests.helpers.transformers_models import IDS, SMALL, opened, random_model, rewrite, same_logits, same_text, save  # noqa: E402

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one head": {"n_head": 1},
    "heads of width 1": {"n_head": 24},
    "one block": {"n_layer": 1},
    "five blocks": {"n_layer": 5},
    "wide": {"n_embd": 60, "n_head": 4},
    "narrow MLP": {"n_inner": 7},
    "wide MLP": {"n_inner": 150},
    "gelu": {"activation_function": "gelu"},
    "relu": {"activation_function": "relu"},
    "silu": {"activation_function": "silu"},
    "tanh": {"activation_function": "tanh"},
    "epsilon": {"layer_norm_epsilon": 0.03},
    "unscaled": {"scale_attn_weights": False},
    "scaled by layer": {"scale_attn_by_inverse_layer_idx": True},
    "scaled by layer alone": {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True},
    "reordered": {"reorder_and_upcast_attn": True},
    "untied": {"tie_word_embeddings": False},
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_variants(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = random_model(**changes)
    checkpoint, ours = opened(save(model, tmp_path))
    assert checkpoint.config.parameters == model.num_parameters()
    same_logits(ours, model, IDS)
    same_text(ours, model, IDS)


@pytest.mark.parametrize("changes", [{}, {"scale_attn_by_inverse_layer_idx": True}], ids=["plain", "scaled by layer"])
def test_cached_is_uncached(tmp_path: Path, changes: dict[str, Any]) -> None:
    _, ours = opened(save(random_model(**changes), tmp_path))
    expected = ours.forward(IDS).logits
    for first in (1, 4, len(IDS) - 1):
        before = ours.forward(IDS[:first])
        after = ours.forward(IDS[first:], before.cache)
        np.testing.assert_allclose([*before.logits, *after.logits], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("compact", [False, True], ids=["lists", "arrays"])
def test_types_of_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, compact: bool) -> None:
    monkeypatch.setattr("explorer.loading.checkpoints.LISTS_UP_TO", 0 if compact else 10**9)
    model = random_model().to(getattr(torch, dtype))
    _, ours = opened(save(model, tmp_path))
    assert next(iter(load_file(tmp_path / "model.safetensors").values())).dtype == getattr(torch, dtype)
    same_logits(ours, model, IDS)


def test_shards(tmp_path: Path) -> None:
    model = random_model(tie_word_embeddings=False)
    _, ours = opened(save(model, tmp_path, max_shard_size="20KB"))
    assert len(list(tmp_path.glob("*.safetensors"))) > 3
    same_logits(ours, model, IDS)


def test_without_prefix(tmp_path: Path) -> None:
    model = random_model()
    save(model, tmp_path / "prefixed")
    GPT2Model.from_pretrained(tmp_path / "prefixed").save_pretrained(tmp_path / "plain")
    write_tokenizer(tmp_path / "plain")
    assert "wte.weight" in load_file(tmp_path / "plain/model.safetensors")
    same_logits(opened(tmp_path / "plain")[1], model, IDS)


def test_masks(tmp_path: Path) -> None:
    model = random_model()
    masks = {"attn.bias": torch.ones(1, 1, 64, 64, dtype=torch.bool).tril(), "attn.masked_bias": torch.tensor(-1e4)}
    rewrite(save(model, tmp_path), lambda stored: stored | {f"transformer.h.1.{k}": mask for k, mask in masks.items()})
    same_logits(opened(tmp_path)[1], model, IDS)


def test_head_that_is_stored_though_tied(tmp_path: Path) -> None:
    model = random_model()
    rewrite(save(model, tmp_path), lambda stored: stored | {"lm_head.weight": stored["transformer.wte.weight"].clone()})
    checkpoint, ours = opened(tmp_path)
    assert checkpoint.config.tie_word_embeddings
    same_logits(ours, model, IDS)


def test_head_that_differs_though_said_to_be_tied(tmp_path: Path) -> None:
    model = random_model(tie_word_embeddings=False)
    save(model, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    checkpoint, ours = opened(tmp_path)
    assert not checkpoint.config.tie_word_embeddings
    same_logits(ours, model, IDS)


def test_tied_weights_as_safetensors_saves_them(tmp_path: Path) -> None:
    """Its `save_model` writes what is tied under one name: here lm_head.weight, and no wte.weight."""
    model = random_model()
    save(model, tmp_path)
    save_model(model, str(tmp_path / "model.safetensors"))
    assert "transformer.wte.weight" not in load_file(tmp_path / "model.safetensors")
    checkpoint, ours = opened(tmp_path)
    assert checkpoint.config.tie_word_embeddings
    same_logits(ours, model, IDS)


def test_double_heads(tmp_path: Path) -> None:
    theirs = GPT2DoubleHeadsModel(GPT2Config(**SMALL)).eval()
    theirs.save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    checkpoint, ours = opened(tmp_path)
    assert "multiple_choice_head" in checkpoint.notes[0]
    with torch.no_grad():
        expected = theirs.double()(torch.tensor([IDS])).logits[0]
    np.testing.assert_allclose(ours.forward(IDS).logits, expected, rtol=0, atol=1e-9)


def test_pickle_is_refused(tmp_path: Path) -> None:
    save(random_model(), tmp_path)
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="Python pickle"):
        open_checkpoint(tmp_path)


def test_embedded_model() -> None:
    checkpoint, ours = opened(embedded())
    theirs = GPT2LMHeadModel.from_pretrained(embedded())
    prompt = "Tom and Lily went to the park. Tom said to"
    ids = checkpoint.tokenizer.encode(prompt)
    assert ids == AutoTokenizer.from_pretrained(embedded())(prompt)["input_ids"]
    same_logits(ours, theirs, ids)
    same_text(ours, theirs, ids, 50)


def test_python_alone_says_what_transformers_says() -> None:
    """`python -m gpt` under -S -I, on the embedded model: greedy text is that of `generate` in transformers."""
    from tests.helpers.alone import PROMPT, alone

    theirs = GPT2LMHeadModel.from_pretrained(embedded()).double().eval()
    names = AutoTokenizer.from_pretrained(embedded())
    ids = names(PROMPT, return_tensors="pt").input_ids
    expected = theirs.generate(ids, max_new_tokens=16, do_sample=False, pad_token_id=0, attention_mask=ids * 0 + 1)
    assert (
        alone(str(embedded()), PROMPT, "--temperature", "0", "--max-new-tokens", "16")
        == names.decode(expected[0]) + "\n"
    )
