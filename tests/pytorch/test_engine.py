"""PyTorch as the third engine: the same forward pass, on a device; what it computes is looked at when somebody asks."""

import gc
import random
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from explorer.analysis import lens  # noqa: E402
from explorer.edits import Edits, edited  # noqa: E402
from explorer.edits.metric import KL, PROBABILITY, Metric  # noqa: E402
from explorer.edits.path_patching import PathPatch, receiver  # noqa: E402
from explorer.edits.sweep import Sweep  # noqa: E402
from explorer.engine import engines, on_torch  # noqa: E402
from explorer.engine.engines import NUMPY, PYTHON, TORCH, engine_in_full, engine_of, in_words, on_engine  # noqa: E402
from explorer.engine.on_torch import OnDevice, TorchOps, device_of  # noqa: E402
from explorer.engine.threads import SETTINGS, few_threads  # noqa: E402
from explorer.errors import EngineError  # noqa: E402
from explorer.loading.checkpoints import open_checkpoint  # noqa: E402
from explorer.runs import running  # noqa: E402
from explorer.runs.packing import run_together  # noqa: E402
from explorer.runs.trace import LiveRun  # noqa: E402
from explorer.teaching import edit_words  # noqa: E402
from gpt import GPT, HookError, Sampling, generate  # noqa: E402
from tests.helpers.models import CONFIGS, full_run, never, small_model, traced  # noqa: E402

IDS = [3, 1, 4, 1, 5, 9, 2]
CLOSE = {"float64": 1e-11, "float32": 2e-4}
BFLOAT16 = 2.0**-8


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of what came to the processor, one look after the other."""
    found: list[tuple[int, ...]] = []
    bring = on_torch.to_processor

    def counted(tensor: Any) -> Any:
        found.append(tuple(tensor.shape))
        return bring(tensor)

    monkeypatch.setattr(on_torch, "to_processor", counted)
    return found


def on_torch_in(dtype: str, **config: Any) -> GPT:
    return on_engine(small_model(**config), f"torch cpu {dtype}")


def close(found: Any, wanted: Any, dtype: str = "float64", name: str = "") -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=0, atol=CLOSE[dtype], err_msg=name)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_activation_is_that_of_plain_python(config: dict[str, Any], dtype: str) -> None:
    plain = small_model(**config)
    ours, theirs = full_run(plain, IDS), full_run(on_engine(plain, f"torch cpu {dtype}"), IDS)
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert value.dtype == dtype, name
        close(value, ours[name], dtype, name)


def test_the_engine_and_its_device_have_words() -> None:
    model = on_torch_in("bfloat16")
    assert engine_of(model) == TORCH
    assert in_words(model) == "PyTorch bfloat16 on cpu"
    assert str(engine_in_full(model)) == "torch cpu bfloat16"
    assert on_engine(model, TORCH) is model, "it is on that engine already"
    assert on_engine(model, "torch cpu bfloat16") is model
    assert in_words(on_engine(model, "torch float64")) == "PyTorch float64 on cpu"


def test_nothing_is_looked_at_before_somebody_asks(looks: list[tuple[int, ...]]) -> None:
    model = on_torch_in("bfloat16")
    looks.clear()
    run = traced(model, IDS[:4])
    run.ids = list(IDS)
    assert running.complete(run, never), "with a cache"
    list(run_together(model, [IDS, IDS[:2]]))
    branch = run.branch(1, 2, lambda name, value, first: value)
    assert running.complete(branch, never)
    assert looks == []
    value = run.values["blocks.0.attn.hook_z"]
    float(value[0][1][1])
    assert looks == [tuple(value.shape)], "a part of it brings the whole"
    value[3], value.tolist(), np.asarray(value), list(value)
    assert looks == [tuple(value.shape)], "and only once"


def test_a_generated_token_brings_the_logits_of_one_position(looks: list[tuple[int, ...]]) -> None:
    model = on_torch_in("float32")
    looks.clear()
    drawn = [step.token for step in generate(model, IDS, 2, Sampling(0.0))]
    assert set(looks) == {(1, model.config.vocab_size)}
    assert drawn == [step.token for step in generate(on_engine(model, PYTHON), IDS, 2, Sampling(0.0))]


def test_bfloat16_arrives_as_the_numbers_that_ran() -> None:
    plain = small_model()
    model = on_engine(plain, "torch cpu bfloat16")
    rounded = torch.tensor(plain.weights.token_embedding).bfloat16().double().tolist()
    assert np.asarray(model.weights.token_embedding).tolist() == rounded
    assert np.asarray(model.weights.token_embedding).dtype == np.float32
    run = traced(model, IDS)
    assert np.asarray(run.values["hook_embed"]).tolist() == [rounded[id] for id in IDS]
    sums = np.asarray(run.values["hook_embed"]) + np.asarray(run.values["hook_pos_embed"])
    wanted = torch.tensor(sums).bfloat16().float().numpy()
    np.testing.assert_array_equal(np.asarray(run.values["blocks.0.hook_resid_pre"]), wanted)
    for name, value in full_run(plain, IDS).items():  # each is off by a few roundings of numbers of its size
        found, size = np.asarray(run.values.get(name, value)), np.abs(np.asarray(value))
        largest = size[np.isfinite(size)].max()
        np.testing.assert_allclose(found, np.asarray(value), rtol=0, atol=40 * BFLOAT16 * largest, err_msg=name)


def test_the_other_engines_get_the_weights_back_as_they_were() -> None:
    arrays = on_engine(small_model(), NUMPY)
    model = on_engine(arrays, "torch cpu bfloat16")
    for engine in (PYTHON, NUMPY, "torch cpu float32"):
        back = on_engine(model, engine)
        np.testing.assert_array_equal(np.asarray(back.weights.unembedding), np.asarray(arrays.weights.unembedding))
        assert back.weights.unembedding is back.weights.token_embedding, "a tied head stays one"


def test_weights_of_a_file_are_used_where_they_lie() -> None:
    checkpoint = open_checkpoint()
    model = checkpoint.load(engine="torch cpu float32")
    (name,) = [name for name in checkpoint.tensors.shapes if name.endswith("h.1.mlp.c_fc.weight")]
    mine: Any = model.weights.blocks[1].mlp_in.weight
    file = checkpoint.tensors.mapped(name)
    stored = file.dtype == np.float32
    assert np.array_equal(np.asarray(mine), file.T)
    if stored:
        assert np.shares_memory(np.asarray(mine), torch.from_numpy(np.asarray(mine)).numpy())
    assert not np.asarray(mine).flags.writeable


# Hooks


GIVEN: dict[str, Callable[[Any], Any]] = {
    "an array of NumPy": lambda value: np.asarray(value) * 2,
    "a list": lambda value: (np.asarray(value) * 2).tolist(),
    "an array backwards in memory": lambda value: (np.asarray(value) * 2)[::-1].copy()[::-1],
    "arithmetic of what was given": lambda value: value * 2,
    "a tensor": lambda value: value.tensor * 2,
    "a tensor of another precision, with a gradient": lambda value: (value.tensor * 2).double().requires_grad_(),
    "a list of rows": lambda value: [row * 2 for row in value],
}


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", ["blocks.0.attn.hook_v", "blocks.1.hook_resid_pre", "blocks.0.attn.hook_pattern"])
@pytest.mark.parametrize("given", GIVEN)
def test_a_hook_may_give_back_any_kind_of_numbers(given: str, name: str, dtype: str) -> None:
    plain = small_model()

    def doubled(at: str, value: Any) -> Any:
        return GIVEN[given](value) if at == name else None

    def in_lists(at: str, value: Any) -> Any:
        return (np.asarray(value) * 2).tolist() if at == name else None

    wanted = plain.forward(IDS, hook=in_lists).logits
    found: Any = on_engine(plain, f"torch cpu {dtype}").forward(IDS, hook=doubled).logits
    assert found.dtype == dtype
    assert not found.tensor.requires_grad
    close(found, wanted, dtype)


def test_a_value_of_another_shape_is_refused_as_ever() -> None:
    with pytest.raises(HookError, match=r"shape \(1, 2\), not \(7, 6\)"):
        on_torch_in("float32").forward(IDS, hook=lambda name, value: torch.ones(1, 2))


# An array on a device is as good as one of NumPy


def random_index(dice: random.Random, shape: tuple[int, ...]) -> Any:
    """Numbers, slices, an ellipsis, lists: what NumPy takes."""
    kinds: list[Callable[[int], Any]] = [
        lambda size: dice.randrange(-size, size),
        lambda size: slice(dice.randrange(-size, size), dice.choice((None, dice.randrange(-size, size)))),
        lambda size: slice(None, None, dice.choice((1, 2, -1, -2))),
        lambda size: np.int64(dice.randrange(size)),
        lambda size: [dice.randrange(size) for _ in range(2)],
    ]
    parts = tuple(dice.choice(kinds)(size) for size in shape[: dice.randint(1, len(shape))])
    if sum(isinstance(part, list) for part in parts) > 1:
        return 0
    return dice.choice((parts, (*parts[:-1], Ellipsis), parts[0]))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("seed", range(40))
def test_its_parts_are_those_that_numpy_would_give(seed: int, dtype: str) -> None:
    dice = random.Random(seed)
    tensor = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(seed)).to(getattr(torch, dtype))
    value: Any = OnDevice(tensor)
    whole = tensor.double().numpy()
    for _ in range(3):  # a part of a part of a part, looked at before or not
        if dice.random() < 0.3:
            value.tolist()
        if not whole.ndim or 0 in whole.shape:
            break
        index = random_index(dice, whole.shape)
        value, whole = value[index], whole[index]
        assert np.shape(value) == whole.shape
        if whole.ndim:
            assert len(value) == len(whole)
    np.testing.assert_array_equal(np.asarray(value, dtype=np.float64), whole)


def test_it_does_what_an_array_does() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    value, array = OnDevice(tensor), tensor.numpy()
    for function in (
        lambda x: x + 1,
        lambda x: 2 * x - x,
        lambda x: np.ones((1, 2)) @ x,
        lambda x: x.T @ x,
        lambda x: np.concatenate([x, x]),
        lambda x: np.where(x > 2, x, 0),
        lambda x: x.argmax(axis=1),
        lambda x: x.astype(np.float64),
        lambda x: np.sqrt(x),
        lambda x: np.array([row for row in x]),  # noqa: C416 - it is iterated
        lambda x: abs(x[1]).max(),
    ):
        np.testing.assert_array_equal(np.asarray(function(value)), function(array))  # type: ignore[no-untyped-call]
    assert (value.shape, value.ndim, len(value), value.dtype) == ((2, 3), 2, 2, np.float32)
    assert (float(value[1, 2]), int(value[1, 2]), bool(value[0, 0])) == (5.0, 5, False)
    assert value.copy().flags.writeable
    assert not np.asarray(value).flags.writeable, "values are never changed in place"
    assert repr(value) == "<[2, 3] of torch.float32 on cpu>"
    assert not hasattr(value, "_nothing")


# Edits, sweeps, batches, the lens: the same as on NumPy

EDITS = (
    "head 1.2: zero",
    "MLP 0 at 2: mean",
    "1.1:6-2: cut",
    "neuron 1.4: set 3",
    "blocks.1.hook_resid_post[3,*]: scale 2",
    "blocks.0.attn.hook_pattern[1,4,2]: set 0.3",
)


@pytest.fixture(scope="module")
def pair() -> tuple[LiveRun, LiveRun]:
    """A run on NumPy and one on PyTorch, both in float64."""
    return traced(on_engine(small_model(), "numpy float64"), IDS), traced(on_torch_in("float64"), IDS)


def with_edits(base: LiveRun, *words: str) -> LiveRun:
    edits = Edits(base.config)
    edit_words.add_all(words, edits, len(base.ids))
    run = edited(base, edits.active)
    assert running.complete(run, never)
    return run


@pytest.mark.parametrize("words", [(each,) for each in EDITS] + [EDITS])
def test_edits(pair: tuple[LiveRun, LiveRun], words: tuple[str, ...]) -> None:
    wanted, found = (with_edits(run, *words) for run in pair)
    for name, value in wanted.values.items():
        close(found.values[name], value, name=name)
        assert isinstance(found.values[name], OnDevice), "an edited value goes on on the device"


@pytest.mark.parametrize("words", [("blocks.1.hook_resid_post[3,*]: set 0.1",), ("blocks.0.mlp.hook_post: scale 1.3",)])
def test_an_edited_value_is_recorded_as_it_ran(words: tuple[str, ...]) -> None:
    run = with_edits(traced(on_torch_in("bfloat16"), IDS), *words)
    value: Any = np.asarray(run.values[words[0].partition("[")[0].partition(":")[0]])
    np.testing.assert_array_equal(value, torch.tensor(value).bfloat16().float().numpy())


@pytest.mark.parametrize("over", ["heads", "mlps", "positions", "neurons"])
def test_sweeps(pair: tuple[LiveRun, LiveRun], over: str) -> None:
    wanted, found = (
        dict(
            Sweep(
                run, Metric(KL), over, by_position=over == "heads", layers=[1] if over == "neurons" else None
            ).results()
        )
        for run in pair
    )
    assert list(wanted) == list(found)
    close(list(found.values()), list(wanted.values()))


def test_path_patching(pair: tuple[LiveRun, LiveRun]) -> None:
    def logits(base: LiveRun) -> Any:
        edits = Edits(base.config)
        edit_words.add_all(["head 0.1: zero"], edits, len(base.ids))
        return PathPatch(base, edits.active[0], [receiver("1.2.q"), receiver("mlp1")]).logits()

    close(logits(pair[1]), logits(pair[0]))


def test_the_lens(pair: tuple[LiveRun, LiveRun]) -> None:
    def cells(run: LiveRun) -> list[tuple[float, ...]]:
        places = [(row.name, position) for row in lens.rows(run.config.n_layer) for position in range(len(run.ids))]
        return [
            (cell.token, cell.probability, cell.entropy, cell.answer_rank, cell.answer_logit)
            for cell in lens.fill(run, places, never)
        ]

    close(cells(pair[1]), cells(pair[0]))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_many_prompts_together_are_each_alone(dtype: str) -> None:
    model = on_torch_in(dtype)
    prompts = [IDS, IDS[:3], IDS[2:], IDS[:1]]
    for prompt, run in zip(prompts, run_together(model, prompts), strict=True):
        alone = traced(model, prompt)
        assert list(run.values) == list(alone.values)
        for name, value in alone.values.items():
            wanted, found = np.asarray(value), np.asarray(run.values[name])
            largest = np.abs(wanted[np.isfinite(wanted)]).max()
            allowed = 20 * (BFLOAT16 if dtype == "bfloat16" else 2.0**-53) * largest  # sums in another order
            np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed, err_msg=name)
        assert run.cache
        assert [len(keys) for keys, _ in run.cache] == [len(prompt)] * model.config.n_layer


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_that_grew_is_the_run_in_one(dtype: str) -> None:
    model = on_torch_in(dtype)
    whole, grown = traced(model, IDS), traced(model, IDS[:3])
    for length in (4, 7):
        grown.ids = IDS[:length]
        assert running.complete(grown, never)
    for name, value in whole.values.items():
        close(grown.values[name], value, dtype, name)
    for name, value in grown.first(5).values.items():
        assert isinstance(value, OnDevice), name


def test_metrics_of_a_bfloat16_run_are_worked_out_exactly() -> None:
    run = traced(on_torch_in("bfloat16"), IDS)
    logits = run.logits(len(IDS) - 1)
    assert logits
    assert isinstance(logits[0], float)
    exps = np.exp(np.array(logits) - max(logits))
    assert Metric(PROBABILITY, 3).of(logits, logits) == pytest.approx(exps[3] / exps.sum(), rel=1e-12)


# What cannot be had


@pytest.mark.parametrize(
    ("device", "dtype", "said"),
    [
        ("cuda", "float32", "finds no CUDA device here. Use --device cpu"),
        ("mps", "float32", "finds no mps device here"),
    ],
)
def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, device: str, dtype: str, said: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(EngineError, match=said):
        on_engine(small_model(), f"torch {device} {dtype}")
    assert str(device_of("auto", dtype)) == "cpu"
    assert engines.nearest(f"torch {device} {dtype}") == f"torch cpu {dtype}"


def test_mps_has_no_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(EngineError, match=r"mps has no float64\. Use --dtype float32, or --device cpu"):
        device_of("mps", "float64")
    assert str(device_of("auto", "float64")) == "cpu"


def test_a_device_without_enough_memory_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    model = on_torch_in("float32")
    monkeypatch.setattr(on_torch.array_ops, "linear", full)
    with pytest.raises(EngineError, match=r"not enough memory for this\. Use --dtype bfloat16"):
        model.forward(IDS)


def test_other_errors_of_pytorch_are_not_taken_for_it() -> None:
    ops = TorchOps(torch.device("cpu"), torch.float32)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ops.matmul([[1.0, 2.0]], [[1.0]])


def test_a_small_model_runs_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    with few_threads(on_torch_in("float32")):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # who sets it keeps it
    with few_threads(on_torch_in("float32")):
        assert torch.get_num_threads() == before


def test_the_products_of_all_heads_are_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model, made = on_torch_in("float64"), list[tuple[int, ...]]()
    multiply = on_torch._multiplied

    def counted(a: Any, b: Any, transposed: bool) -> Any:
        made.append(tuple(a.shape))
        return multiply(a, b, transposed)

    monkeypatch.setattr(on_torch, "_multiplied", counted)
    config = model.config
    model.forward(IDS, head_results=True)
    assert len(made) == 3 * config.n_layer + 1, "scores, z and the heads' outputs of each block; and the logits"
    assert made[0] == (config.n_head, len(IDS), config.head_width)


def test_a_product_of_one_head_is_there_when_it_is_looked_at() -> None:
    ops = TorchOps(torch.device("cpu"), torch.float64)
    a, b = (ops.held(np.random.default_rng(seed).normal(size=(3, 2, 4))) for seed in (1, 2))
    products = [ops.matmul_transposed(x, y) for x, y in zip(a, b)]
    wanted = np.asarray(a) @ np.asarray(b).swapaxes(1, 2)
    np.testing.assert_allclose(np.asarray(products[1]), wanted[1], rtol=1e-14)
    np.testing.assert_allclose(np.asarray(ops.stack(products)), wanted, rtol=1e-14)
    backwards = ops.stack(products[::-1])
    np.testing.assert_allclose(np.asarray(backwards), wanted[::-1], rtol=1e-14)
    some = ops.stack(products[:2])
    np.testing.assert_allclose(np.asarray(some), wanted[:2], rtol=1e-14)


def test_a_run_that_nobody_holds_is_gone_at_once() -> None:
    """Its tensors fill the memory of a device: they do not wait for the search for garbage."""
    run = traced(on_torch_in("bfloat16"), IDS)
    values = [weakref.ref(run.values[name]) for name in ("hook_embed", "blocks.1.attn.hook_pattern", "logits")]
    np.asarray(run.values["logits"][2])
    gc.collect()
    gc.disable()
    try:
        del run
        assert [value() for value in values] == [None] * 3
    finally:
        gc.enable()
