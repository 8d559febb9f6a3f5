"""Other programs that run the same checkpoint, where they are installed: transformers, and TransformerLens."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from explorer.errors import UsageError

TRANSFORMERS, LENS = "transformers", "transformer-lens"
NAMES = (TRANSFORMERS, LENS)


def asked(names: str | None) -> tuple[list[str], list[str]]:
    """The peers to run, and a line for each that is not installed; UsageError for a name that is none of them."""
    wanted = [name.strip() for name in names.split(",")] if names else list(NAMES)
    if unknown := [name for name in wanted if name not in NAMES]:
        raise UsageError(f"there is no {unknown[0]!r} to compare with: there are {', '.join(NAMES)}.")
    there = [name for name in wanted if find_spec("torch") and find_spec(name.replace("-", "_"))]
    missing = [f"{name} is not installed: it is left out." for name in wanted if name not in there]
    return there, missing


def named(name: str) -> str:
    """The name with its version: "transformers 5.16.0"."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return name


def transformers_model(directory: Path) -> Any:
    """GPT2LMHeadModel of that directory, in float32."""
    import torch
    import transformers

    library: Any = transformers  # not typed throughout
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    theirs = library.GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32)
    return theirs.eval().requires_grad_(False)  # not torch.set_grad_enabled: that would hold for the whole process


def lens_model(theirs: Any) -> Any:
    """TransformerLens' model of the same weights, not processed: a bridge from its version 4 on."""
    import importlib

    if int(version(LENS).split(".")[0]) >= 4:
        sources = importlib.import_module("transformer_lens.model_bridge.sources")
        made = sources.build_bridge_from_module(theirs, "GPT2LMHeadModel", hf_config=theirs.config)
        made.enable_compatibility_mode(disable_warnings=True, no_processing=True)
        return made.requires_grad_(False)
    package = importlib.import_module("transformer_lens")
    conversions = importlib.import_module("transformer_lens.pretrained.weight_conversions")
    sizes = theirs.config
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
        normalization_type="LN",
        default_prepend_bos=False,
        device="cpu",
        init_weights=False,
    )
    made = package.HookedTransformer(config)
    steps = ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases")
    weights = conversions.convert_gpt2_weights(theirs, config)
    made.load_and_process_state_dict(weights, **dict.fromkeys(steps, False))
    return made.requires_grad_(False)
