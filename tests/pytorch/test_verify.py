"""`gpt-explorer verify` with PyTorch and transformers; and twenty random configurations that transformers wrote."""

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from transformers import GPT2LMHeadModel, GPT2Model  # noqa: E402

import gpt.attention  # noqa: E402
import gpt.ops  # noqa: E402
from explorer.commands import verify as command  # noqa: E402
from explorer.engine import array_ops  # noqa: E402
from explorer.loading.tensors import Rows  # noqa: E402
from explorer.verify import exactness  # noqa: E402
from explorer.verify.compare import Component  # noqa: E402
from explorer.verify.hugging_face import DOUBLES, SINGLES, against_transformers  # noqa: E402
from explorer.verify.inputs import Inputs, Own  # noqa: E402
from explorer.verify.nested import Model  # noqa: E402
from explorer.verify.runner import ENGINE, NUMPY, TORCH, run_checks  # noqa: E402
from explorer.verify.torch_engine import PROGRAMS, against_engine  # noqa: E402
from tests.helpers.checkpoint_builder import write_tokenizer  # noqa: E402
from tests.helpers.mutation import mutate  # noqa: E402
from tests.helpers.transformers_models import IDS, opened, random_model, rewrite, same_logits, same_text, save  # noqa: E402
from tests.helpers.verified import VARIANTS  # noqa: E402

# The command


def test_the_command_compares_with_pytorch_and_transformers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(random_model(n_positions=12), tmp_path / "tiny")
    options = command.parser().parse_args(["--model", str(tmp_path / "tiny")])
    assert command.run(options) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert f"PyTorch {torch.__version__} · transformers {transformers.__version__}" in lines[1]
    assert torch.backends.cpu.get_cpu_capability() in next(line for line in lines if line.startswith("PyTorch: "))
    for against in (NUMPY, TORCH, DOUBLES, SINGLES):
        assert sum(line.startswith(f"  against {against} ") for line in lines) == 1
    for against in (ENGINE, "engine torch float32", "engine torch bfloat16"):
        assert sum(line.startswith(f"  against {against} ") for line in lines) == 1
    assert sum(line.startswith("✓ softmax ") for line in lines) == 3
    assert sum(line.startswith("✓ logits, every position ") for line in lines) == 2
    assert sum(line.startswith("✓ greedy continuation ") for line in lines) == 1
    assert "PyTorch: torch.dot" in out
    assert "pip install" not in out


def test_where_small_numbers_are_flushed_they_are_not_called_equal() -> None:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush")
    try:
        component = Component("x", TORCH, "why")
        component.add([1e-310, 1.0], [0.0, 1.0], 0.0)
    finally:
        torch.set_flush_denormal(False)
    assert (component.passed, component.equal, component.flushed, component.max_ulp) == (True, 1, 1, 0)


def compared(directory: Path) -> list[Component]:
    _, ours = opened(directory)
    return against_transformers(Own(Model(ours.config, ours.weights), IDS, 0), directory)


def test_other_weights_than_transformers_reads_are_a_deviation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in reading weights, not in computing with them: only the comparison of the whole can see it."""

    def reversed_vector(source: Rows, name: str) -> list[float]:
        return list(source.stored.array(name).tolist()[::-1])

    save(random_model(n_positions=12), tmp_path)
    assert all(component.passed for component in compared(tmp_path))
    monkeypatch.setattr(Rows, "vector", reversed_vector)
    failed = [(component.name, component.against) for component in compared(tmp_path) if not component.passed]
    assert ("logits, every position", DOUBLES) in failed
    assert ("logits, every position", SINGLES) in failed


SCALED = "run.ops.divide(raw, run.config.score_divisor(run.layer))"


@pytest.mark.parametrize(
    ("module", "old", "new", "component"),
    [
        (gpt.ops, "largest = max(scores)", "largest = 0.0", "softmax"),
        (gpt.ops, "dot(row, row) / len(row)", "dot(row, row) / max(len(row) - 1, 1)", "variance"),
        (gpt.attention, SCALED, "run.ops.divide(raw, 1.0)", "attention: scaled scores"),
        (gpt.attention, "queries, keys, values = (", "queries, values, keys = (", "attention: raw scores"),
    ],
    ids=["maximum", "variance", "scale", "K and V"],
)
def test_pytorch_catches_mutants_as_well(
    monkeypatch: pytest.MonkeyPatch, module: Any, old: str, new: str, component: str
) -> None:
    mutate(monkeypatch, module, old, new)
    found = run_checks(Inputs(0, None, VARIANTS, (0.4,)), torch=True)
    failed = [(part.name, part.against) for part in found if not part.passed]
    assert (component, TORCH) in failed


@pytest.mark.parametrize(
    ("old", "new", "component"),
    [
        ("exps = _exp(scores - _row_maxima(scores))", "exps = _exp(scores * 1)", "softmax"),
        ("apart *= apart", "apart = abs(apart)", "variance"),
        ("found *= 0.044715", "found *= 0.044", "gelu_new"),
        (".where(seen, scores, hidden)", ".where(seen, hidden, scores)", "causal_mask"),
    ],
    ids=["maximum", "variance", "gelu", "mask"],
)
def test_mutants_of_the_engine_are_caught(monkeypatch: pytest.MonkeyPatch, old: str, new: str, component: str) -> None:
    mutate(monkeypatch, array_ops, old, new)
    found = run_checks(Inputs(0, None, VARIANTS, (0.4,)), torch=True)
    assert (component, ENGINE) in [(part.name, part.against) for part in found if not part.passed]


@pytest.mark.parametrize("dtype", PROGRAMS)
def test_the_whole_model_in_less_precision_is_within_its_rounding(dtype: str, tmp_path: Path) -> None:
    save(random_model(n_positions=12), tmp_path)
    _, ours = opened(tmp_path)
    own = Own(Model(ours.config, ours.weights), IDS, 0)
    found = [component for component in against_engine(own) if component.against == f"engine torch {dtype}"]
    assert [component.name for component in found] == ["logits", "every activation"]
    assert all(component.passed and component.used > 0 for component in found)


@pytest.mark.parametrize("dtype", PROGRAMS)
def test_a_fault_in_less_precision_is_found(dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scale that is off by two, in the engine alone."""
    save(random_model(n_positions=12), tmp_path)
    _, ours = opened(tmp_path)
    normalize = array_ops.normalize
    monkeypatch.setattr(array_ops, "normalize", lambda x, mean, scale: normalize(x, mean, scale) * 2)
    failed = [each.against for each in against_engine(Own(Model(ours.config, ours.weights), IDS, 0)) if not each.passed]
    assert f"engine torch {dtype}" in failed


def test_the_dot_product_of_pytorch_is_measured() -> None:
    rows = exactness.dot_errors(0, torch=True, lengths=(100,), pairs=3)
    assert [row["dot"].partition(":")[0] for row in rows] == ["gpt.ops", "NumPy", "PyTorch"]


# Twenty random configurations


def random_configuration(seed: int) -> dict[str, Any]:
    """Widths, heads, depth, neurons, activation and flags, all drawn."""
    draw = random.Random(seed)
    heads = draw.choice([1, 2, 3, 4, 6])
    return {
        "n_head": heads,
        "n_embd": heads * draw.choice([1, 2, 5, 8]),
        "n_layer": draw.randint(1, 4),
        "n_inner": draw.choice([None, 3, 17, 64]),
        "n_positions": draw.choice([40, 64]),
        "activation_function": draw.choice(["gelu_new", "gelu", "relu", "silu", "tanh", "gelu_pytorch_tanh"]),
        "layer_norm_epsilon": draw.choice([1e-5, 1e-3, 0.1]),
        "scale_attn_weights": draw.random() < 0.7,
        "scale_attn_by_inverse_layer_idx": draw.random() < 0.4,
        "reorder_and_upcast_attn": draw.random() < 0.3,
        "tie_word_embeddings": draw.random() < 0.6,
    }


LAYOUTS = ("prefixed", "plain", "sharded", "masks")
TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def write(model: GPT2LMHeadModel, directory: Path, layout: str) -> None:
    """As checkpoints lie on the hub: with the prefix or without, in one file or several, with masks or without."""
    if layout == "plain":
        save(model, directory / "prefixed")
        inner = GPT2Model.from_pretrained(directory / "prefixed", dtype=model.dtype)
        inner.save_pretrained(directory)
        write_tokenizer(directory)
    elif layout == "sharded":
        save(model, directory, max_shard_size="8KB")
    else:
        save(model, directory)
    if layout == "masks":
        size = model.config.n_positions
        mask = torch.ones(1, 1, size, size, dtype=torch.bool).tril()
        buffers = {"transformer.h.0.attn.bias": mask, "transformer.h.0.attn.masked_bias": torch.tensor(-1e4)}
        rewrite(directory, lambda stored: stored | buffers)


@pytest.mark.parametrize("seed", range(20))
def test_random_configurations(tmp_path: Path, seed: int) -> None:
    configuration = random_configuration(seed)
    layout, dtype = LAYOUTS[seed % 4], TYPES[seed // 4 % 4]
    if layout == "plain":
        configuration["tie_word_embeddings"] = True  # without the prefix there is no place for a head
    model = random_model(**configuration)
    write(model.to(dtype), tmp_path, layout)
    _, ours = opened(tmp_path)
    same_logits(ours, model, IDS)
    same_text(ours, model, IDS, 20)
