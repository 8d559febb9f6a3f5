"""Random models that transformers makes and writes, and checks that ours gives the same; PyTorch is needed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from explorer.loading.checkpoints import Checkpoint, open_checkpoint
from gpt import GPT, Sampling, generate
from tests.helpers.checkpoint_builder import CONFIG, write_tokenizer

IDS = [200, 3, 3, 77, 261, 0, 12, 3, 150, 9]
SMALL = {**CONFIG, "n_positions": 64, "n_embd": 24, "n_head": 3, "bos_token_id": None, "eos_token_id": None}


def random_model(**changes: Any) -> GPT2LMHeadModel:
    """A GPT-2 in which no weight is zero or one, and none is small enough to be without effect."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**{**SMALL, **changes})).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.1, 0.3)
    return model


def save(model: GPT2LMHeadModel, directory: Path, **options: Any) -> Path:
    """Write the model and a tokenizer for it into a directory."""
    model.save_pretrained(directory, **options)
    write_tokenizer(directory)
    return directory


def rewrite(directory: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    """Change the tensors that are stored in a directory."""
    file = directory / "model.safetensors"
    save_file({name: value.contiguous() for name, value in change(load_file(file)).items()}, file)


def same_logits(ours: GPT, theirs: GPT2LMHeadModel, ids: list[int]) -> None:
    """At every position, with all the digits that float64 leaves."""
    with torch.no_grad():
        expected = theirs.double().eval()(torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(ours.forward(ids).logits, expected, rtol=0, atol=1e-9)


def same_text(ours: GPT, theirs: GPT2LMHeadModel, ids: list[int], count: int = 50) -> None:
    """The greedy continuation, which runs through the cache."""
    expected = (
        theirs.double()
        .eval()
        .generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )
    )
    steps = generate(ours, ids, count, Sampling(temperature=0))
    assert [step.token for step in steps] == expected[0, len(ids) :].tolist()


def opened(directory: Path) -> tuple[Checkpoint, GPT]:
    """A directory as the explorer opens it, and its model."""
    checkpoint = open_checkpoint(directory)
    return checkpoint, checkpoint.load()
