"""Directories that hold something else than a GPT-2 in safetensors: what it is, and what to do with it."""

import re
from collections.abc import Iterable
from pathlib import Path

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"

_SAVE = "GPT2LMHeadModel.from_pretrained({}).save_pretrained(NEW)"
_PICKLE = (
    "this is a Python pickle, and reading one can run any program that is hidden in it, so GPT Explorer does not. "
)

Found = tuple[str, str]
"""A file's name, and what is to be said of it."""


def no_weights(directory: Path) -> str:
    """The message for a directory without weights that can be read."""
    found = named(path.name for path in directory.iterdir())
    if found:
        name, said = found
        return f"{directory / name}: {said}"
    return f"{directory}: there are no weights: neither {SINGLE} nor {INDEX}. Download one of them too."


def no_config(directory: Path) -> str:
    """The message for a directory without a config.json."""
    names = {path.name for path in directory.iterdir()}
    found = None if names & {SINGLE, INDEX, "pytorch_model.bin"} else named(names)
    if found:
        name, said = found
        return f"{directory / name}: {said}"
    return f"{directory / 'config.json'}: this file is missing; it says how large the model is. Download it too."


def named(listed: Iterable[str]) -> Found | None:
    """The first kind that the names in a directory tell of, and the file that does."""
    names = sorted(listed)
    kinds = (_adapter, _nanogpt, _safetensors, _checkpoints, _pickled, _tensorflow, _flax)
    return next((found for kind in kinds if (found := kind(names))), None)


def _first(names: list[str], pattern: str) -> str | None:
    return next((name for name in names if re.fullmatch(pattern, name)), None)


def _adapter(names: list[str]) -> Found | None:
    name = _first(names, r"adapter_config\.json|adapter_model\.(safetensors|bin)")
    if name is None:
        return None
    return (
        name,
        "this is an adapter (PEFT, LoRA): the changes of a model, not the model. Merge the two where peft is: "
        "AutoPeftModelForCausalLM.from_pretrained(DIR).merge_and_unload().save_pretrained(NEW), and name NEW.",
    )


def _nanogpt(names: list[str]) -> Found | None:
    name = _first(names, r"ckpt\.pt")
    if name is None:
        return None
    return (
        name,
        f"this is a checkpoint of nanoGPT; {_PICKLE}If you trust it, load it with torch, and write its "
        f'"model" to {SINGLE} with safetensors.torch.save_file, without lm_head.weight, which is wte.weight again: '
        "other names and shapes may stay. Beside it belong a config.json like GPT-2's, with this model's sizes, and "
        "the tokenizer.",
    )


def _pickled(names: list[str]) -> Found | None:
    name = _first(names, r"pytorch_model.*\.bin") or _first(names, r".*\.(pt|pth|ckpt|pkl)")
    if name is None:
        return None
    return (
        name,
        f"{_PICKLE}Take a copy of the model that has {SINGLE}; or, if you trust the file, convert it: "
        f"{_SAVE.format('...')} in transformers.",
    )


def _tensorflow(names: list[str]) -> Found | None:
    if name := _first(names, r".*\.ckpt.*\.(index|meta|data-\d+-of-\d+)"):
        return (
            name,
            "these are TensorFlow's files, as OpenAI published GPT-2. The same weights are on the hub: --model gpt2 "
            "(gpt2-medium, gpt2-large, gpt2-xl). Weights of your own are converted by transformers before version 5: "
            "python -m transformers.models.gpt2.convert_gpt2_original_tf_checkpoint_to_pytorch.",
        )
    name = _first(names, r"tf_model.*\.h5")
    if name is None:
        return None
    return (
        name,
        f"these are weights for TensorFlow. Convert them with transformers before version 5: "
        f"{_SAVE.format('DIR, from_tf=True')}, and name NEW.",
    )


def _flax(names: list[str]) -> Found | None:
    name = _first(names, r"flax_model.*\.msgpack")
    if name:
        return (
            name,
            f"these are weights for Flax. Convert them with transformers before version 5: "
            f"{_SAVE.format('DIR, from_flax=True')}, and name NEW.",
        )
    name = _first(names, r".*\.(gguf|ggml|onnx|ot|mlmodel|tflite)")
    if name is None:
        return None
    return (name, f"weights of this kind are not read. Use a copy of the model that has {SINGLE}.")


def _safetensors(names: list[str]) -> Found | None:
    if name := _first(names, r"model-\d+-of-\d+\.safetensors"):
        return name, f"this is a part of the weights, and {INDEX}, which lists the parts, is missing. Download it too."
    if name := _first(names, r"model\..+\.safetensors"):
        return name, f"this is a variant of the weights. Rename it to {SINGLE}, or download that."
    name = _first(names, r".*\.safetensors")
    if name is None:
        return None
    return (name, f"weights are looked for in {SINGLE}. If these are the model's, rename the file to that.")


def _checkpoints(names: list[str]) -> Found | None:
    steps = [name for name in names if re.fullmatch(r"checkpoint-\d{1,15}", name)]
    if not steps:
        return None
    last = max(steps, key=lambda name: int(name.removeprefix("checkpoint-")))
    return last, "the model is in this folder, one of those that a training run leaves: name it in place of the other."
