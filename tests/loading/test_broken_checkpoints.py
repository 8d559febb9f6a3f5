"""Model directories that are incomplete, damaged, or of something else: each refused with what is wrong, and where."""

import json
import math
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from explorer.errors import CheckpointError
from explorer.loading.checkpoints import open_checkpoint
from gpt import GPTError
from tests.helpers.checkpoint_builder import (
    VOCABULARY,
    weights,
    write_checkpoint,
    write_config,
    write_raw,
    write_shards,
    write_tokenizer,
)


def refusal(path: Path, *parts: str) -> str:
    """The message with which opening or loading it is refused; it contains each of the parts."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path).load()
    message = str(caught.value)
    for part in parts:
        assert part in message
    return message


# Directories that are no model


def test_no_such_directory(tmp_path: Path) -> None:
    refusal(tmp_path / "nowhere", f"{tmp_path}/nowhere: there is no such directory. Name one")
    refusal(Path("nul\0byte"), "there is no such directory")


def test_a_file(tmp_path: Path) -> None:
    file = write_checkpoint(tmp_path) / "model.safetensors"
    refusal(file, f"{file}: this is a file. Name the directory it is in: {tmp_path}")


def test_no_config(tmp_path: Path) -> None:
    (write_checkpoint(tmp_path) / "config.json").unlink()
    refusal(tmp_path, f"{tmp_path}/config.json: this file is missing")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "this is not JSON"),
        (b"{", "this is not JSON"),
        (b"\xff\xfe\xfd", "this is not JSON"),
        (b"[" * 100_000, "this is not JSON"),
        (b"[]", "this must be a JSON object"),
        (b'{"n_head": 5}', "n_embd is 768 and n_head is 5"),
        (b'{"model_type": "llama"}', "model_type is 'llama'"),
        (b'{"n_layer": -1}', "n_layer is -1"),
    ],
)
def test_config_that_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    (write_checkpoint(tmp_path) / "config.json").write_bytes(text)
    refusal(tmp_path, f"{tmp_path}/config.json: {said}")


def test_no_weights(tmp_path: Path) -> None:
    (write_checkpoint(tmp_path) / "model.safetensors").unlink()
    refusal(tmp_path, f"{tmp_path}: there are no weights: neither model.safetensors nor model.safetensors.index.json")


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    (write_checkpoint(tmp_path) / "model.safetensors").unlink()
    (tmp_path / "training_args.bin").write_bytes(b"")
    refusal(tmp_path, "there are no weights")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    refusal(tmp_path, f"{tmp_path}/pytorch_model.bin: this is a Python pickle", "run any program", "convert it")


def test_tokenizer_with_more_tokens_than_the_model(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, vocab_size=261)
    open_checkpoint(tmp_path)
    write_tokenizer(tmp_path, {**VOCABULARY, "new": 261})
    refusal(tmp_path, "token 'new' has the id 261", "none above 260", "vocab_size in config.json is 261")


# Weights that do not fit config.json


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_inner": 16}, "h.0.mlp.c_fc.weight has shape [8, 32]; config.json asks for [8, 16]"),
        ({"n_positions": 9}, "wpe.weight has shape [8, 8]; config.json asks for [9, 8]"),
        ({"n_layer": 3}, "block 2 (h.2.ln_1.weight and the rest) is missing: config.json asks for 3 (n_layer), 2 are"),
        ({"n_layer": 10**12}, "block 2 (h.2.ln_1.weight and the rest) is missing"),
        ({"n_layer": 1}, "12 tensors are not part of a GPT-2 with this config.json: h.1."),
        ({"tie_word_embeddings": False}, "lm_head.weight [262, 8] is missing, and config.json says"),
    ],
)
def test_config_of_another_model(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    write_checkpoint(tmp_path)
    write_config(tmp_path, **changes)
    message = refusal(tmp_path, f"{tmp_path}/model.safetensors: ", said)
    assert message.endswith(("Use the config.json that came with these weights.", "Set that to true if it is."))


def test_missing_extra_and_misshapen_tensors(tmp_path: Path) -> None:
    stored = weights()
    for name in stored:
        others = {other: value for other, value in stored.items() if other != name}
        write_checkpoint(tmp_path, others)
        refusal(tmp_path, f"{name} {list(stored[name].shape)}")
        write_checkpoint(tmp_path, others | {name: np.zeros((3, *stored[name].shape), np.float32)})
        refusal(tmp_path, f"{name} has shape {[3, *stored[name].shape]}", f"asks for {list(stored[name].shape)}")
    write_checkpoint(tmp_path, stored | {"h.0.adapter.weight": np.zeros(3, np.float32)})
    refusal(tmp_path, "1 tensor is not part of a GPT-2 with this config.json: h.0.adapter.weight")
    write_checkpoint(tmp_path, stored | {"lm_head.weight": np.zeros((9, 8), np.float32)})
    refusal(tmp_path, "lm_head.weight has shape [9, 8]; config.json asks for [262, 8]")


def test_tensor_with_and_without_prefix(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, weights() | {"transformer.wte.weight": weights()["wte.weight"]})
    refusal(tmp_path, "wte.weight is there twice, as ", "wte.weight and as ", "transformer.wte.weight")


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.bool_])
def test_types_that_are_no_weights(tmp_path: Path, dtype: type) -> None:
    stored = weights()
    stored["h.1.mlp.c_fc.weight"] = stored["h.1.mlp.c_fc.weight"].astype(dtype)
    name = {np.int8: "I8", np.int64: "I64", np.bool_: "BOOL"}[dtype]
    write_checkpoint(tmp_path, stored)
    refusal(tmp_path, f"{tmp_path}/model.safetensors: h.1.mlp.c_fc.weight is stored as {name}; F64, F32, F16, BF16 can")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_that_are_not_finite(tmp_path: Path, value: float, dtype: type) -> None:
    stored = {name: tensor.astype(dtype) for name, tensor in weights().items()}
    for name, tensor in stored.items():
        damaged = tensor.copy()
        damaged.flat[-1] = value
        checkpoint = open_checkpoint(write_checkpoint(tmp_path, stored | {name: damaged}))
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load()
        last = [size - 1 for size in tensor.shape]
        assert f"{tmp_path}/model.safetensors: {name} must hold finite numbers; 1 of {tensor.size} are not" in str(
            caught.value
        )
        assert f"the first at {last}: {value}." in str(caught.value)


def test_bf16_that_is_not_finite(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    raw = {name: ("BF16", value.shape, b"\0\0" * value.size) for name, value in weights().items()}
    raw["ln_f.bias"] = ("BF16", (8,), struct.pack("<8H", 0, 0, 0, 0x7F80, 0x7FC0, 0, 0, 0))
    write_raw(tmp_path / "model.safetensors", raw)
    refusal(tmp_path, "ln_f.bias must hold finite numbers; 2 of 8 are not, the first at [3]: inf")


# Damaged files


def test_file_cut_off_anywhere(tmp_path: Path) -> None:
    file = write_checkpoint(tmp_path) / "model.safetensors"
    whole = file.read_bytes()
    for size in (0, 1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        refusal(tmp_path, f"{file}: this is no complete safetensors file ({size:,} bytes)", "Download it again.")
    file.write_bytes(whole + b"\0")
    refusal(tmp_path, f"{file}: this is no complete safetensors file")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.integers(0, 3000), byte=st.integers(0, 255))
def test_any_changed_byte_gives_a_model_or_a_refusal(tmp_path: Path, place: int, byte: int) -> None:
    file = tmp_path / "model.safetensors"
    if not (tmp_path / "config.json").exists():
        write_checkpoint(tmp_path)
        shutil.copy(file, tmp_path / "whole")
    content = bytearray((tmp_path / "whole").read_bytes())
    content[place] = byte
    file.write_bytes(content)
    try:
        open_checkpoint(tmp_path).load().forward([1])
    except GPTError as error:
        said = str(error)
    else:
        said = str(file)
    assert str(file) in said


def test_file_that_changed_after_it_was_opened(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(write_checkpoint(tmp_path))
    file = tmp_path / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-5000])
    with pytest.raises(CheckpointError, match="this is no complete safetensors file"):
        checkpoint.load()
    file.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load()


def test_git_lfs_pointer(tmp_path: Path) -> None:
    file = write_checkpoint(tmp_path) / "model.safetensors"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 497774208\n")
    refusal(tmp_path, f"{file}: this is a Git LFS pointer", "`git lfs pull`")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    for name in ("config.json", "model.safetensors", "vocab.json", "merges.txt"):
        (tmp_path / name).chmod(0)
        with pytest.raises(GPTError, match=f"{name}: this file cannot be read"):
            open_checkpoint(tmp_path)
        (tmp_path / name).chmod(0o644)


# Broken shards


def sharded(directory: Path) -> dict[str, str]:
    stored = weights()
    names = list(stored)
    write_checkpoint(directory)
    return write_shards(
        directory, {name: stored[name] for name in names[:9]}, {name: stored[name] for name in names[9:]}
    )


def test_shard_missing_or_damaged(tmp_path: Path) -> None:
    files = sharded(tmp_path)
    second = tmp_path / files["ln_f.bias"]
    second.write_bytes(second.read_bytes()[:-1])
    refusal(tmp_path, f"{second}: this is no complete safetensors file")
    second.unlink()
    refusal(tmp_path, f"{second}: this file is missing", "h.0.ln_2.bias", "Download it too.")


def test_shard_without_a_tensor_the_index_promises(tmp_path: Path) -> None:
    files = sharded(tmp_path)
    second = tmp_path / files["ln_f.bias"]
    save_file({name: value for name, value in load_file(second).items() if name != "ln_f.bias"}, second)
    refusal(tmp_path, f"{second}: ln_f.bias is not in it")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "this is not JSON"),
        ("[]", "weight_map must be an object"),
        ("{}", "weight_map must be an object"),
        ('{"weight_map": []}', "weight_map must be an object"),
        ('{"weight_map": {}}', "weight_map must be an object"),
        ('{"weight_map": {"a": 1}}', "a is said to be in 1"),
        ('{"weight_map": {"a": "../a"}}', "a is said to be in '../a'"),
        ('{"weight_map": {"a": ""}}', "a is said to be in ''"),
        (json.dumps({"weight_map": {"a": "b" * 300}}), "a is said to be in 'bbb"),
        (json.dumps({"weight_map": {"a": "\ud800" * 100}}), "a is said to be in "),
        ('{"weight_map": {"a": "."}}', "a is said to be in '.'"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "a is said to be in '/etc/passwd'"),
        ('{"weight_map": {"a": "b", "a": "c"}}', "'a' is in it twice"),
    ],
)
def test_index_that_is_malformed(tmp_path: Path, text: str, said: str) -> None:
    sharded(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(text)
    refusal(tmp_path, f"{index}: {said}")


def test_index_that_leaves_a_tensor_out(tmp_path: Path) -> None:
    files = sharded(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: file for name, file in files.items() if name != "wpe.weight"}}))
    refusal(tmp_path, f"{index}: 1 tensor is missing: wpe.weight [8, 8]")
