"""The whole forward pass against NumPy, activation by activation; the cache, the hooks, the ways in and out."""

import copy
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gpt import (
    GPT,
    Cache,
    GPTConfig,
    HookError,
    InputError,
    Output,
    StopRun,
    activation_shapes,
    load_weights,
)
from gpt.attention import KeysValues
from gpt.hooks import Hook
from tests.helpers.numpy_gpt2 import Run, Source, Tensors, random_tensors

SMALL = {"vocab_size": 13, "n_positions": 9, "n_embd": 6, "n_layer": 2, "n_head": 3}
CONFIGS: dict[str, dict[str, Any]] = {
    "small": SMALL,
    "one layer": SMALL | {"n_layer": 1},
    "one head": SMALL | {"n_head": 1},
    "heads of width 1": SMALL | {"n_head": 6},
    "width 1": SMALL | {"n_embd": 1, "n_head": 1},
    "n_inner": SMALL | {"n_inner": 5},
    "unscaled": SMALL | {"scale_attn_weights": False},
    "by inverse layer": SMALL | {"scale_attn_by_inverse_layer_idx": True, "n_layer": 3},
    "unscaled, by inverse layer": SMALL | {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True},
    "untied": SMALL | {"tie_word_embeddings": False},
    "epsilon": SMALL | {"layer_norm_epsilon": 0.3},
    "epsilon 0": SMALL | {"layer_norm_epsilon": 0},
    "larger": SMALL | {"n_embd": 32, "n_head": 4, "n_layer": 3, "vocab_size": 70, "n_positions": 20},
} | {
    name: SMALL | {"activation_function": name}
    for name in ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh")
}
IDS = [3, 1, 4, 1, 5, 12, 0]


class Recorder:
    """A hook that watches: the values it was handed, and copies of them as they were at that moment."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self.copies: dict[str, Any] = {}
        self.names: list[str] = []

    def __call__(self, name: str, value: Any) -> None:
        self.names.append(name)
        self.seen[name] = value
        self.copies[name] = copy.deepcopy(value)


def build(config: dict[str, Any], seed: int = 0) -> tuple[GPT, Tensors]:
    tensors = random_tensors(config, seed)
    parsed = GPTConfig.from_dict(config)
    return GPT(parsed, load_weights(parsed, Source(tensors))), tensors


@pytest.fixture(scope="module")
def model() -> GPT:
    return build(SMALL)[0]


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    return random_tensors(SMALL, 0)


def compare(found: dict[str, Any], expected: dict[str, np.ndarray]) -> None:
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


# Every activation


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_activation_equals_numpys(config: dict[str, Any], seed: int) -> None:
    model, tensors = build(config, seed)
    recorder = Recorder()
    output = model.forward(IDS, hook=recorder, head_results=True)
    expected = Run(config, tensors, IDS).seen
    assert recorder.seen.keys() == expected.keys()
    compare(recorder.seen | {"logits": output.logits}, expected)


@pytest.mark.parametrize("head_results", [False, True])
@pytest.mark.parametrize("cached", [0, 3])
def test_names_order_and_shapes_are_those_announced(model: GPT, head_results: bool, cached: int) -> None:
    cache = model.forward(IDS[:cached]).cache if cached else None
    recorder = Recorder()
    model.forward(IDS[cached:], cache, hook=recorder, head_results=head_results)
    announced = dict(activation_shapes(model.config, head_results))
    assert recorder.names == list(announced)
    sizes = {"T": len(IDS) - cached, "S": len(IDS), "d": 6, "H": 3, "e": 2, "m": 24, "V": 13, "1": 1}
    for name, letters in announced.items():
        assert np.shape(recorder.seen[name]) == tuple(sizes[letter] for letter in letters), name


def test_what_the_heads_write_adds_up(model: GPT) -> None:
    whole, by_head = Recorder(), Recorder()
    model.forward(IDS, hook=whole)
    model.forward(IDS, hook=by_head, head_results=True)
    assert not any("hook_result" in name for name in whole.names)
    for layer, weights in enumerate(model.weights.blocks):
        results = np.array(by_head.seen[f"blocks.{layer}.attn.hook_result"])
        written = results.sum(axis=1) + weights.attn_out.bias
        np.testing.assert_allclose(whole.seen[f"blocks.{layer}.hook_attn_out"], written, rtol=0, atol=1e-12)


def test_arrays_of_float32_run_like_lists_of_the_same_numbers() -> None:
    config, tensors = GPTConfig.from_dict(SMALL), random_tensors(SMALL, 5)
    as_arrays = load_weights(config, Source(tensors, lambda row: array("f", row)))
    as_lists = load_weights(config, Source(tensors, lambda row: list(array("f", row))))
    assert isinstance(as_arrays.blocks[0].attn_qkv.weight[0], array)
    assert GPT(config, as_arrays).forward(IDS) == GPT(config, as_lists).forward(IDS)


def test_a_run_leaves_what_was_recorded_as_it_was(model: GPT) -> None:
    recorder = Recorder()
    output = model.forward(IDS, hook=recorder, head_results=True)
    logits = copy.deepcopy(output.logits)
    model.forward([2, 7], output.cache)
    model.forward_from(1, recorder.seen["blocks.1.hook_resid_pre"])
    assert recorder.seen == recorder.copies
    assert output.logits == logits


# The cache


@pytest.mark.parametrize("chunks", [[1] * 7, [3, 4], [6, 1], [1, 5, 1]], ids=str)
@pytest.mark.parametrize("config", [CONFIGS["small"], CONFIGS["larger"]], ids=["small", "larger"])
def test_in_chunks_the_numbers_are_the_same_to_the_last_bit(config: dict[str, Any], chunks: list[int]) -> None:
    model, _ = build(config)
    whole = Recorder()
    expected = model.forward(IDS, hook=whole)
    cache: Cache | None = None
    logits, residuals, start = [], [], 0
    for length in chunks:
        part = Recorder()
        output = model.forward(IDS[start : start + length], cache, hook=part)
        logits += output.logits
        residuals += part.seen["blocks.1.hook_resid_post"]
        cache, start = output.cache, start + length
    assert logits == expected.logits
    assert residuals == whole.seen["blocks.1.hook_resid_post"]
    assert cache == expected.cache


def test_one_cache_can_be_continued_in_many_ways(model: GPT) -> None:
    start = model.forward(IDS[:4]).cache
    before = copy.deepcopy(start)
    first = model.forward([7], start).logits
    model.forward([8, 9], start)
    assert start == before
    assert model.forward([7], start).logits == first == model.forward([*IDS[:4], 7]).logits[-1:]


def test_only_the_last_position(model: GPT) -> None:
    everything, last = model.forward(IDS), model.forward(IDS, last_only=True)
    assert last.logits == everything.logits[-1:]
    assert last.cache == everything.cache


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_run_can_begin_at_any_block(model: GPT, layer: int) -> None:
    recorder = Recorder()
    start = model.forward(IDS[:3])
    whole = model.forward(IDS[3:], start.cache, hook=recorder)
    last = model.config.n_layer - 1
    residual = recorder.seen[f"blocks.{min(layer, last)}.hook_resid_{'pre' if layer <= last else 'post'}"]

    def rest(**options: Any) -> Output:
        return model.forward_from(layer, residual, whole.cache[:layer] + start.cache[layer:], **options)

    again = Recorder()
    assert rest(hook=again) == whole
    assert again.names == recorder.names[len(recorder.names) - len(again.names) :]
    assert all(again.seen[name] == recorder.seen[name] for name in again.names)
    assert rest(last_only=True).logits == whole.logits[-1:]


def test_the_read_out_is_the_logit_lens(model: GPT, tensors: Tensors) -> None:
    recorder = Recorder()
    model.forward(IDS, hook=recorder)
    x = np.array(recorder.seen["blocks.0.hook_resid_mid"])
    normalized = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    expected = (normalized * tensors["ln_f.weight"] + tensors["ln_f.bias"]) @ tensors["wte.weight"].T
    np.testing.assert_allclose(model.read_out(x.tolist()), expected, rtol=1e-9, atol=1e-9)


# Hooks


def replacing(name: str, new: Any, recorder: Recorder) -> Hook:
    """A hook that records every value, and at `name` puts another in its place."""

    def hook(at: str, value: Any) -> Any:
        recorder(at, value)
        return new if at == name else None

    return hook


@pytest.mark.parametrize("name", [name for name, _ in activation_shapes(GPTConfig.from_dict(SMALL), head_results=True)])
def test_a_replaced_value_is_what_everything_after_it_is_computed_from(model: GPT, tensors: Tensors, name: str) -> None:
    usual, changed = Recorder(), Recorder()
    model.forward(IDS, hook=usual, head_results=True)
    random = np.random.default_rng(7)
    new = random.uniform(0.1, 1.1, np.shape(usual.seen[name]))
    output = model.forward(IDS, hook=replacing(name, new.tolist(), changed), head_results=True)

    expected = Run(SMALL, tensors, IDS, {name: new}).seen
    compare({at: value for at, value in changed.seen.items() if at != name}, expected)
    np.testing.assert_allclose(output.logits, expected["logits"], rtol=1e-9, atol=1e-9)
    assert output.logits != usual.seen["logits"]
    before = changed.names[: changed.names.index(name) + 1]
    assert all(changed.seen[at] == usual.seen[at] for at in before)


def test_a_replaced_key_is_remembered(model: GPT) -> None:
    name, new = "blocks.1.attn.hook_k", np.full((3, 3, 2), 0.25).tolist()
    cache = model.forward(IDS[:3], hook=lambda at, value: new if at == name else None).cache
    assert cache[1].keys == new
    assert model.forward([5], cache).logits != model.forward([5], model.forward(IDS[:3]).cache).logits


@pytest.mark.parametrize(
    "wrong",
    [0.5, [], [[1.0] * 6], [[1.0] * 5] * 7, [[[1.0] * 6] * 7], [[1.0] * 6] * 6 + [[1.0] * 5], np.zeros((7, 5)), "x"],
    ids=["number", "empty", "rows", "columns", "axes", "ragged", "array", "text"],
)
def test_a_value_of_another_shape_is_refused(model: GPT, wrong: Any) -> None:
    with pytest.raises(HookError, match="the hook"):
        model.forward(IDS, hook=lambda name, _: wrong if name == "blocks.1.hook_attn_out" else None)


def test_the_refusal_names_the_place_and_both_shapes(model: GPT) -> None:
    with pytest.raises(HookError) as caught:
        model.forward(IDS, hook=lambda name, _: [[1.0]] if name == "blocks.1.ln2.hook_out" else None)
    assert all(part in str(caught.value) for part in ("blocks.1.ln2.hook_out", "(1, 1)", "(7, 6)"))


@pytest.mark.parametrize("name", ["hook_embed", "blocks.1.attn.hook_pattern", "logits"])
def test_a_stopped_run_goes_no_further_and_harms_nothing(model: GPT, name: str) -> None:
    start = model.forward(IDS[:3]).cache
    expected = model.forward(IDS[3:], start).logits
    names = []

    def stop(at: str, value: Any) -> None:
        names.append(at)
        if at == name:
            raise StopRun

    with pytest.raises(StopRun):
        model.forward(IDS[3:], start, hook=stop)
    everything = [at for at, _ in activation_shapes(model.config)]
    assert names == everything[: everything.index(name) + 1]
    assert model.forward(IDS[3:], start).logits == expected


# What cannot be run


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "at least one"),
        ([1] * 10, "10 tokens"),
        ([1, 13], "no token 13"),
        ([-1, 1], "no token -1"),
        (["a"], "no token 'a'"),
    ],
)
def test_ids_that_do_not_fit_are_refused(model: GPT, ids: Sequence[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.forward(ids)


def test_the_context_can_be_filled_but_no_more(model: GPT, tensors: Tensors) -> None:
    ids = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    full = model.forward(ids)
    np.testing.assert_allclose(full.logits, Run(SMALL, tensors, ids).seen["logits"], rtol=1e-9, atol=1e-9)
    with pytest.raises(InputError, match="10 tokens"):
        model.forward([1], full.cache)


@pytest.mark.parametrize("layer", [-1, 3])
def test_there_are_only_so_many_blocks_to_begin_at(model: GPT, layer: int) -> None:
    with pytest.raises(InputError, match=f"no block {layer}"):
        model.forward_from(layer, [[0.0] * 6])


@pytest.mark.parametrize(("rows", "message"), [(0, "at least one"), (10, "10 tokens")])
def test_a_residual_stream_must_fit_the_context_too(model: GPT, rows: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.forward_from(0, [[0.5] * 6] * rows)


def test_without_the_earlier_blocks_no_run_can_go_on(model: GPT) -> None:
    assert model.forward_from(1, [[0.5] * 6]).cache is None
    assert model.forward_from(0, [[0.5] * 6]).cache is not None


def test_a_cache_is_one_record_of_keys_and_values_for_each_block(model: GPT) -> None:
    recorder = Recorder()
    cache = model.forward(IDS, hook=recorder).cache
    expected = (recorder.seen[f"blocks.{layer}.attn.hook_k"] for layer in range(2))
    assert [block.keys for block in cache] == list(expected)
    assert all(isinstance(block, KeysValues) for block in cache)
