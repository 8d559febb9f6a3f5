"""Opening and loading model directories: every layout that checkpoints have, and every way to break one."""

import shutil
import struct
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import explorer
from explorer.errors import CheckpointError
from explorer.loading import checkpoints
from explorer.loading.checkpoints import Checkpoint, open_checkpoint
from explorer.loading.places import embedded, find_model
from gpt import Sampling, Weights, generate
from tests.helpers.checkpoint_builder import (
    VOCABULARY,
    weights,
    write_checkpoint,
    write_raw,
    write_shards,
)


def same(found: Weights, stored: dict[str, np.ndarray]) -> None:
    """Every number of the weights is the stored one, matrices the other way round."""
    expected = {name: value.astype(np.float64) for name, value in stored.items()}
    np.testing.assert_array_equal(found.token_embedding, expected["wte.weight"])
    np.testing.assert_array_equal(found.position_embedding, expected["wpe.weight"])
    norms, linears = {"ln_f": found.ln_final}, {}
    for layer, block in enumerate(found.blocks):
        norms |= {f"h.{layer}.ln_1": block.ln_1, f"h.{layer}.ln_2": block.ln_2}
        linears |= {f"h.{layer}.attn.c_attn": block.attn_qkv, f"h.{layer}.attn.c_proj": block.attn_out}
        linears |= {f"h.{layer}.mlp.c_fc": block.mlp_in, f"h.{layer}.mlp.c_proj": block.mlp_out}
    for name, norm in norms.items():
        np.testing.assert_array_equal(norm.gamma, expected[f"{name}.weight"])
        np.testing.assert_array_equal(norm.beta, expected[f"{name}.bias"])
    for name, linear in linears.items():
        np.testing.assert_array_equal(linear.weight, expected[f"{name}.weight"].T)
        np.testing.assert_array_equal(linear.bias, expected[f"{name}.bias"])
    np.testing.assert_array_equal(found.unembedding, expected.get("lm_head.weight", expected["wte.weight"]))


def load(directory: Path) -> Weights:
    return open_checkpoint(directory).load().weights


# The embedded model


def test_embedded_model_tells_its_story() -> None:
    checkpoint = open_checkpoint()
    assert checkpoint.name == "stories"
    assert checkpoint.config.parameters == 3_505_152
    model = checkpoint.load()
    stored = load_file(embedded() / "model.safetensors")
    same(model.weights, {name.removeprefix("transformer."): value for name, value in stored.items()})
    ids = checkpoint.tokenizer.encode("Once upon a time")
    steps = generate(model, ids, 8, Sampling(temperature=0))
    assert checkpoint.tokenizer.decode([step.token for step in steps]) == ", there was a little girl named Lily"


def test_embedded_model_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer, "__file__", str(tmp_path / "explorer" / "__init__.py"))
    with pytest.raises(CheckpointError, match=r"missing\. Install GPT Explorer again, or name a directory"):
        embedded()
    outside, inside = write_checkpoint(tmp_path / "assets/stories"), tmp_path / "explorer/assets/stories"
    assert embedded() == outside
    shutil.copytree(outside, inside)
    assert embedded() == inside


def test_reads_without_torch_and_without_a_screen() -> None:
    code = (
        "import sys; from explorer.loading.checkpoints import open_checkpoint; open_checkpoint().load();"
        "print(sorted({'torch', 'textual', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Layouts


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_types_of_numbers(tmp_path: Path, dtype: type) -> None:
    stored = {name: value.astype(dtype) for name, value in weights().items()}
    found = load(write_checkpoint(tmp_path, stored))
    same(found, stored)
    assert type(found.blocks[0].mlp_in.weight[0]) is list


def test_bf16_is_the_upper_half_of_a_float32(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    raw = {name: ("BF16", value.shape, b"\0\0" * value.size) for name, value in weights().items()}
    # IEEE 754: sign, 8 bits of exponent, 7 of fraction
    numbers = {0x3F80: 1.0, 0xC020: -2.5, 0x4049: 3.140625, 0x0001: 2.0**-133, 0x7F7F: 255 * 2.0**120, 0x8000: 0.0}
    raw["ln_f.bias"] = ("BF16", (8,), struct.pack("<8H", *numbers, 0, 0))
    write_raw(tmp_path / "model.safetensors", raw)
    assert load(tmp_path).ln_final.beta == [*numbers.values(), 0.0, 0.0]


@pytest.mark.parametrize(("dtype", "typecode"), [(np.float16, "f"), (np.float32, "f"), (np.float64, "d")])
def test_large_models_are_kept_in_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: type, typecode: str
) -> None:
    stored = {name: value.astype(dtype) for name, value in weights().items()}
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, stored))
    monkeypatch.setattr(checkpoints, "LISTS_UP_TO", checkpoint.config.parameters)
    in_lists = checkpoint.load()
    monkeypatch.setattr(checkpoints, "LISTS_UP_TO", checkpoint.config.parameters - 1)
    in_arrays = checkpoint.load()
    same(in_arrays.weights, stored)
    for matrix in (in_arrays.weights.token_embedding, in_arrays.weights.blocks[1].attn_qkv.weight):
        assert all(isinstance(row, array) and row.typecode == typecode for row in matrix)
    assert in_lists.forward([1, 2, 3]).logits == in_arrays.forward([1, 2, 3]).logits


def test_prefix_and_masks(tmp_path: Path) -> None:
    stored = weights()
    prefixed = {f"transformer.{name}": value for name, value in stored.items()}
    for layer in (0, 1):
        prefixed[f"transformer.h.{layer}.attn.bias"] = np.tril(np.ones((1, 1, 8, 8), np.uint8))
        prefixed[f"transformer.h.{layer}.attn.masked_bias"] = np.array(-1e4, np.float32)
    same(load(write_checkpoint(tmp_path, prefixed)), stored)


def test_shards(tmp_path: Path) -> None:
    stored = weights()
    names = list(stored)
    write_checkpoint(tmp_path)
    write_shards(tmp_path, *({name: stored[name] for name in names[place::3]} for place in range(3)))
    same(load(tmp_path), stored)


def test_one_file_comes_before_an_index(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    write_shards(tmp_path, weights(seed=1))
    stored = weights(seed=2)
    save_file(stored, tmp_path / "model.safetensors")
    same(load(tmp_path), stored)


def test_head_of_its_own(tmp_path: Path) -> None:
    stored = weights()
    tied = stored["wte.weight"]
    other = tied.copy()
    other[-1, -1] += 1
    for says_tied, head, is_tied in (
        (True, tied, True),
        (True, other, False),
        (False, tied, False),
        (False, other, False),
    ):
        stored["lm_head.weight"] = head
        checkpoint = open_checkpoint(write_checkpoint(tmp_path, stored, tie_word_embeddings=says_tied))
        assert checkpoint.config.tie_word_embeddings is is_tied
        found = checkpoint.load().weights
        same(found, stored)
        assert (found.unembedding is found.token_embedding) is is_tied


def test_vocabulary_smaller_than_the_embedding(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, vocab_size=300))
    assert checkpoint.tokenizer.n_vocab == 261
    assert checkpoint.tokenizer.decode([VOCABULARY["the"], 299]) == "the<id 299>"


def test_progress(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    open_checkpoint(write_checkpoint(tmp_path)).load(lambda done, of: calls.append((done, of)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write_checkpoint(tmp_path / "tiny")
    (tmp_path / "link").symlink_to(directory)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (directory, str(directory), ".", "~/tiny", tmp_path / "link"):
        assert find_model(path).resolve() == directory
        assert open_checkpoint(path).name == "tiny"


def test_checkpoint_is_a_value(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(write_checkpoint(tmp_path / "tiny"))
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.path == tmp_path / "tiny"
    with pytest.raises(AttributeError):
        checkpoint.name = "other"  # type: ignore[misc]


# Arrays, which lie in the file


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_arrays_are_the_file_itself_where_it_has_their_precision(tmp_path: Path, dtype: type[np.floating]) -> None:
    stored = {name: value.astype(dtype) for name, value in weights().items()}
    write_checkpoint(tmp_path)
    save_file(stored, tmp_path / "model.safetensors")
    loaded = open_checkpoint(tmp_path).load(engine="numpy").weights
    same(loaded, {name: value.astype(np.float32) for name, value in stored.items()})
    qkv: Any = loaded.blocks[0].attn_qkv.weight
    assert qkv.T.flags.c_contiguous, "as it lies, and not turned round"
    assert qkv.flags.writeable == (dtype is not np.float32), "mapped to be read alone"


def test_a_number_that_is_none_is_found_in_a_mapped_file(tmp_path: Path) -> None:
    stored = weights()
    stored["h.0.mlp.c_fc.weight"][2, 3] = np.nan
    write_checkpoint(tmp_path)
    save_file(stored, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"c_fc.weight must hold finite numbers; 1 of .* the first at \[2, 3\]"):
        open_checkpoint(tmp_path).load(engine="numpy")
