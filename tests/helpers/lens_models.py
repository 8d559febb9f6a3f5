"""The same checkpoint in TransformerLens, in float64, without a download.

Version 4 wraps the modules of transformers (TransformerBridge); until version 3 it is a model of its own
(HookedTransformer).
"""

import importlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from explorer.loading.checkpoints import open_checkpoint
from explorer.loading.places import embedded
from explorer.runs.trace import LiveRun
from tests.helpers.checkpoint_builder import CONFIG, write_tokenizer
from tests.helpers.models import traced

MAJOR = int(version("transformer-lens").split(".")[0])
OTHER_SIZES = {
    **CONFIG,
    "n_positions": 32,
    "n_embd": 24,
    "n_layer": 3,
    "n_head": 3,
    "n_inner": 30,
    "activation_function": "gelu",
    "layer_norm_epsilon": 0.03,
    "scale_attn_by_inverse_layer_idx": True,
    "tie_word_embeddings": False,
    "bos_token_id": None,
    "eos_token_id": None,
}
PROMPT, OTHER = "Tom and Lily went to the park. Tom said to", "Ben and Mia went to the park. Ben said to"


# The same checkpoint, theirs


def theirs(directory: Path, processed: bool) -> Any:
    """TransformerLens' model, with its default processing of the weights or with none."""
    model = GPT2LMHeadModel.from_pretrained(directory, attn_implementation="eager").double().eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)  # since 3 they process in float32
        made = bridge(model, processed) if MAJOR >= 4 else hooked(model, processed)
    made.set_use_attn_result(True)
    return made.requires_grad_(False)


def bridge(model: Any, processed: bool) -> Any:
    sources = importlib.import_module("transformer_lens.model_bridge.sources")
    made = sources.build_bridge_from_module(model, "GPT2LMHeadModel", hf_config=model.config)
    made.enable_compatibility_mode(disable_warnings=True, no_processing=not processed)
    return made


def hooked(model: Any, processed: bool) -> Any:
    package = importlib.import_module("transformer_lens")
    conversions = importlib.import_module("transformer_lens.pretrained.weight_conversions")
    sizes = model.config
    config = package.HookedTransformerConfig(
        d_model=sizes.n_embd,
        d_head=sizes.n_embd // sizes.n_head,
        n_heads=sizes.n_head,
        d_mlp=sizes.n_inner or 4 * sizes.n_embd,
        n_layers=sizes.n_layer,
        n_ctx=sizes.n_positions,
        d_vocab=sizes.vocab_size,
        eps=sizes.layer_norm_epsilon,
        act_fn=sizes.activation_function,
        scale_attn_by_inverse_layer_idx=sizes.scale_attn_by_inverse_layer_idx,
        normalization_type="LNPre" if processed else "LN",
        default_prepend_bos=False,
        dtype=torch.float64,
        device="cpu",
        init_weights=False,
    )
    made = package.HookedTransformer(config)
    steps = ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases")
    weights = conversions.convert_gpt2_weights(model, config)
    made.load_and_process_state_dict(weights, **dict.fromkeys(steps, processed))
    return made


@dataclass
class Pair:
    """Two runs of one checkpoint, ours and theirs: of a prompt, and of another of the same length."""

    base: LiveRun
    source: LiveRun
    model: Any
    processed: Any
    directory: Path

    def run(self, hooks: Any = (), ids: list[int] | None = None, model: Any = None) -> tuple[Any, Any]:
        """Their logits [T, V] and their cache, which has a batch axis."""
        model = model or self.model
        with torch.no_grad(), model.hooks(fwd_hooks=list(hooks)):
            logits, cache = model.run_with_cache(torch.tensor([ids or self.base.ids]))
        return logits[0], cache

    @property
    def last(self) -> int:
        return len(self.base.ids) - 1

    @property
    def layers(self) -> range:
        return range(self.base.config.n_layer)


def write_random(directory: Path) -> None:
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**OTHER_SIZES))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.1, 0.3)
    model.save_pretrained(directory)
    write_tokenizer(directory)


def same(found: Any, expected: Any, name: str = "", close: float = 1e-9) -> None:
    """Equal in shape, and in value to so much of the largest; what is masked away need only be far below."""
    ours, others = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert ours.shape == others.shape, name
    seen = np.isfinite(ours)
    assert (ours[~seen] == -np.inf).all(), name
    assert (others[~seen] < -1e30).all(), name
    np.testing.assert_allclose(ours[seen], others[seen], rtol=0, atol=close * np.abs(others[seen]).max(), err_msg=name)


def same_checkpoint(name: str, directory: Path) -> Pair:
    """The embedded model, or one of other sizes, written into that directory, on both sides."""
    if name == "embedded":
        directory, checkpoint = embedded(), open_checkpoint(embedded())
        ids, other = checkpoint.tokenizer.encode(PROMPT), checkpoint.tokenizer.encode(OTHER)
    else:
        ids, other = [200, 3, 3, 77, 261, 0, 12, 3, 150, 9], [5, 9, 200, 17, 3, 88, 41, 7, 9, 3]
        write_random(directory)
    model = open_checkpoint(directory).load()
    return Pair(traced(model, ids), traced(model, other), theirs(directory, False), theirs(directory, True), directory)
