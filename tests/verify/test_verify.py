"""`gpt-explorer verify`: it passes what is right, and names what is not. Without PyTorch, and with it."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpt.attention
import gpt.block
import gpt.config
import gpt.embeddings
import gpt.layer_norm
import gpt.mlp
import gpt.model
import gpt.ops
import gpt.sampling
from explorer.commands import verify as command
from explorer.verify import exactness, machine, report
from explorer.verify.compare import Component
from explorer.verify.inputs import Inputs, Own
from explorer.verify.nested import Model
from explorer.verify.report import Report
from explorer.verify.rounding import SINGLE, Pair, Rounding
from explorer.verify.runner import NUMPY, run_checks
from gpt import GPT, GPTConfig, RandomTensors, load_weights
from tests.helpers.checkpoint_builder import write_checkpoint
from tests.helpers.models import SMALL
from tests.helpers.mutation import mutate
from tests.helpers.numpy_gpt2 import Run
from tests.helpers.verified import VARIANTS, cascade

# What is right


def test_it_passes_and_every_function_is_in_it() -> None:
    found = cascade()
    assert found.passed
    assert found.deviations == []
    names = [component.name for component in found.components]
    assert len(names) == len(set(names))
    arithmetic = set(gpt.ops.ACTIVATIONS) - {"gelu_pytorch_tanh", "swish"} | {"softmax", "causal_mask", "linear"}
    assert arithmetic | {"embeddings", "attention: pattern", "block", "cached decoding"} <= set(names)
    assert all(component.of > 0 and component.against == NUMPY for component in found.components)


def test_bit_for_bit_is_said_only_of_equal_bits() -> None:
    for component in cascade().components:
        assert (component.note == "bit-for-bit") == (component.equal == component.of)
        assert component.used <= 1


@pytest.mark.parametrize("seed", range(1, 6))
def test_it_passes_whatever_the_random_numbers(seed: int) -> None:
    found = run_checks(Inputs(seed, None, VARIANTS, (0.4, 1e-6, 4.0)), torch=False)
    assert not [component.name for component in found if not component.passed]


# What is not: each mutant, and the first component that must be named

MUTANTS: dict[str, tuple[Any, str, str, str]] = {
    "mask sees one ahead": (
        gpt.ops,
        "*row[: last + 1], *[-math.inf] * (len(row) - last - 1)",
        "*row[: last + 2], *[-math.inf] * (len(row) - last - 2)",
        "causal_mask",
    ),
    "mask counts from the first": (
        gpt.ops,
        "enumerate(head, len(head[0]) - len(head))",
        "enumerate(head)",
        "causal_mask",
    ),
    "scale missing": (
        gpt.attention,
        "run.ops.divide(raw, run.config.score_divisor(run.layer))",
        "run.ops.divide(raw, 1.0)",
        "attention: scaled scores",
    ),
    "scale of the wrong width": (
        gpt.config,
        "math.sqrt(self.head_width)",
        "math.sqrt(self.n_embd)",
        "attention: scaled scores",
    ),
    "layers counted from 0": (
        gpt.config,
        "divisor * (layer + 1)",
        "divisor * (layer or 1)",
        "attention: scaled scores",
    ),
    "the other GELU": (
        gpt.ops,
        "(1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))",
        "(1 + math.erf(x / math.sqrt(2)) + 0)",
        "gelu_new",
    ),
    "two digits exchanged": (gpt.ops, "0.044715", "0.044751", "gelu_new"),
    "variance unbiased": (gpt.ops, "dot(row, row) / len(row)", "dot(row, row) / max(len(row) - 1, 1)", "variance"),
    "K and V swapped": (
        gpt.attention,
        "queries, keys, values = (",
        "queries, values, keys = (",
        "attention: raw scores",
    ),
    "bias forgotten": (gpt.ops, "dot(row, w) + b for", "dot(row, w) for", "linear"),
    "bias of the heads forgotten": (gpt.ops, "sum(column) + b for", "sum(column) for", "add_all"),
    "heads interleaved": (
        gpt.ops,
        "row[start : start + width] for start in range(0, len(row), width)",
        "row[start::n_head] for start in range(n_head) if width",
        "split_heads",
    ),
    "heads written in the wrong place": (
        gpt.attention,
        "ops.split_heads(out.weight, len(z[0]))",
        "ops.split_heads(out.weight, len(z[0]))[::-1]",
        "results_by_head",
    ),
    "epsilon forgotten": (gpt.ops, "math.sqrt(value + epsilon)", "math.sqrt(value)", "standard_deviation"),
    "epsilon outside the root": (
        gpt.ops,
        "math.sqrt(value + epsilon)",
        "math.sqrt(value) + epsilon",
        "standard_deviation",
    ),
    "gamma forgotten": (gpt.ops, "value * g + b for", "value + b for", "scale_and_shift"),
    "mean not taken off": (gpt.ops, "(value - mu) / sigma", "value / sigma", "normalize"),
    "softmax without the maximum": (gpt.ops, "largest = max(scores)", "largest = 0.0", "softmax"),
    "softmax not normalised": (gpt.ops, "value / total for", "value for", "softmax"),
    "silu of the wrong sign": (gpt.ops, "x / (1 + math.exp(-x)) if", "x / (1 + math.exp(x)) if", "silu"),
    "positions forgotten": (gpt.embeddings, "ops.add(tokens, places)", "tokens", "embeddings"),
    "beta forgotten": (gpt.layer_norm, "weights.gamma, weights.beta", "weights.gamma, [0.0] * len(x[0])", "layer_norm"),
    "values not mixed": (gpt.attention, "ops.matmul(p, v)", "ops.matmul(p, v[::-1])", "mix"),
    "MLP not activated": (gpt.mlp, "run.ops.activate(pre, run.config.activation_function)", "pre", "mlp"),
    "attention not added": (
        gpt.block,
        "run.ops.add(residual, attn_out)",
        "attn_out",
        "block",
    ),
    "MLP not added": (
        gpt.block,
        "run.ops.add(residual, mlp_out)",
        "mlp_out",
        "block",
    ),
    "one norm used twice": (gpt.block, "weights.ln_2", "weights.ln_1", "block"),
    "always the first block": (gpt.model, "self.weights.blocks[index]", "self.weights.blocks[0]", "forward pass"),
    "always tied": (gpt.model, "self.weights.unembedding", "self.weights.token_embedding", "unembedding"),
    "cached positions counted from 0": (gpt.model, "embed(ids, first, self", "embed(ids, 0, self", "cached decoding"),
    "one cache for all blocks": (gpt.model, "cache[index] if cache", "cache[0] if cache", "cached decoding"),
    "cache in the wrong order": (
        gpt.attention,
        "ops.concatenate(past.keys, keys)",
        "ops.concatenate(keys, past.keys)",
        "cached decoding",
    ),
    "read out at the first position": (
        gpt.model,
        "residual[-1:] if last_only",
        "residual[:1] if last_only",
        "generation, greedy",
    ),
    "temperature multiplied": (
        gpt.sampling,
        "value / temperature for",
        "value * temperature for",
        "sampling: temperature",
    ),
    "top-k keeps one less": (gpt.sampling, "logits[ranked[k - 1]]", "logits[ranked[max(k - 2, 0)]]", "sampling: top-k"),
    "top-p stops before": (
        gpt.sampling,
        "[0.0, *reached]) if before < p",
        "reached) if before <= p",
        "sampling: top-p",
    ),
    "the token after": (gpt.sampling, "return token\n", "return chances.order[-1]\n", "generation, sampled"),
}


FAR = 6e9
"""The least that a mutant is beyond what rounding allows, in tolerances: wider ones would bring it nearer."""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_caught_and_its_component_named(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, old, new, component = MUTANTS[mutant]
    mutate(monkeypatch, module, old, new)
    found = cascade()
    assert not found.passed
    assert f"{component} (against {NUMPY})" in found.deviations
    named = next(part for part in found.components if part.name == component)
    assert named.note not in ("", "bit-for-bit")
    assert named.used > FAR or "Error: " in named.note


def test_a_mutant_leaves_no_trace() -> None:
    assert cascade().passed


# The command


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "tiny")


def run(*words: str) -> int:
    return command.run(command.parser().parse_args(words))


@pytest.fixture
def numpy_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where PyTorch is not installed."""
    monkeypatch.setattr(report, "installed", lambda package: None)


@pytest.mark.usefixtures("numpy_only")
def test_the_command_prints_the_cascade(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--model", str(tiny), "--seed", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "GPT Explorer verifies tiny, seed 3"
    assert [line for line in lines if len(line) > 80] == []
    assert any('pip install "gpt2-explorer[torch]"' in line for line in lines)
    assert "against NumPy" in "\n".join(lines)
    assert "against PyTorch" not in "\n".join(lines)
    assert lines[-1].startswith("✓ all ")


@pytest.mark.usefixtures("numpy_only")
def test_the_command_fails_and_names_the_component(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch, gpt.ops, "dot(row, row) / len(row)", "dot(row, row) / max(len(row) - 1, 1)")
    assert run("--model", str(tiny)) == 1
    out = capsys.readouterr().out
    assert "✗ variance: " in out
    assert "  variance (against NumPy)\n" in out
    assert "✓ mean " in out


@pytest.mark.usefixtures("numpy_only")
def test_json_is_one_object(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--model", str(tiny), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert found["numpy"] == np.__version__
    assert (found["torch"], found["seed"], found["model"], found["facts"]) == (None, 0, "tiny", [])
    keys = {"name", "against", "passed", "max_abs", "max_ulp", "equal", "of", "note", "tolerance", "used"}
    keys |= {"zero_signs", "other_sign", "flushed", "nan"}
    assert all(set(component) == keys for component in found["components"])
    assert {row["dot"].partition(":")[0] for row in found["dot_error"]} == {"gpt.ops", "NumPy"}
    assert found["machine"]["processor"]
    assert found["machine"]["torch"] is None


def test_the_model_s_own_weights_and_its_full_context_are_tried(tiny: Path) -> None:
    from explorer.loading.checkpoints import open_checkpoint

    checkpoint = open_checkpoint(tiny)
    loaded = checkpoint.load(engine="python")
    own = Own(Model(loaded.config, loaded.weights), [1, 2, 3, 4, 5], 0)
    found = {
        component.name: component for component in run_checks(Inputs(0, own, (), ()), torch=False, checks=_whole())
    }
    assert all(component.passed for component in found.values())
    assert found["cached, full context"].of == 2 * loaded.config.vocab_size
    assert len(own.full_ids) == loaded.config.n_positions


def _whole() -> Any:
    from explorer.verify.whole import WHOLE

    return [check for check in WHOLE if "sampling" not in check.names[0]]


# The machine


def test_the_header_names_the_machine(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "installed", lambda package: None)
    monkeypatch.setattr(report, "run_checks", lambda *given: [])
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen\x1b[31m")
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    run("--model", str(tiny))
    header = capsys.readouterr().out.partition("\n\n")[0]
    assert machine.processor() in " ".join(header.split())
    assert "NumPy: " in header
    assert "MKL_CBWR=COMPATIBLE" in header
    assert "\x1b" not in header


def test_a_blas_that_nothing_is_known_of_is_named_as_numpy_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "threadpool_info", list)
    (library,) = machine.machine(False)["numpy"]["libraries"]
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[call-overload]
    assert library["blas"].split()[0] == built["name"]


@pytest.mark.parametrize("line", ["model name\t: A  Processor", "Model\t\t: A Processor", "cpu : A Processor"])
def test_a_processor_is_called_what_it_calls_itself(tmp_path: Path, line: str) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\ncpu family\t: 25\n{line}\nflags\t: fpu\n", encoding="utf-8")
    assert machine._named_in(tmp_path / "cpuinfo") == "A Processor"
    assert machine._named_in(tmp_path / "nowhere") == ""


# How differences are measured


def test_differences_are_measured_in_units_in_the_last_place() -> None:
    component = Component("x", NUMPY, "why")
    component.add([1.0, 2.0, -math.inf], [1.0, 2.0 + 3 * math.ulp(2.0), -math.inf], 1e-9)
    assert component.max_abs == 3 * math.ulp(2.0)
    assert component.max_ulp == 3
    assert (component.equal, component.of, component.passed, component.note) == (2, 3, True, "why")


@pytest.mark.parametrize("wrong", [[1.0, math.nan], [1.0, math.inf], [1.0, 2.1], [1.0], [[1.0, 2.0]]])
def test_what_is_not_near_fails(wrong: Any) -> None:
    component = Component("x", NUMPY, "why")
    component.add(wrong, [1.0, 2.0], 0.01)
    assert not component.passed
    assert component.note not in ("why", "bit-for-bit")
    json.dumps(component.as_json(), allow_nan=False)


@pytest.mark.parametrize(("ours", "theirs"), [([0.0, 1.0], [-0.0, 1.0]), ([-0.0], [0.0]), (0.0, -0.0)])
def test_the_sign_of_zero_is_a_bit(ours: Any, theirs: Any) -> None:
    component = Component("x", NUMPY, "why")
    component.add(ours, theirs, 0.0)
    assert (component.passed, component.of - component.equal, component.note) == (True, 1, "sign of zero")
    assert list(component.remarks) == ["1 differ in the sign of zero only"]
    assert (component.max_ulp, component.other_sign) == (0, 0)


@pytest.mark.parametrize("ours", [math.nan, -math.nan, np.uint64(0x7FF8000000000001).view(np.float64)])
def test_not_a_number_on_both_sides_is_said(ours: float) -> None:
    component = Component("x", NUMPY, "why")
    component.add([ours, 1.0], [math.nan, 1.0], 0.0)
    assert (component.passed, component.equal, component.of, component.nan) == (True, 2, 2, 1)
    assert list(component.remarks) == ["1 not a number on both sides"]


@pytest.mark.parametrize("number", [5e-324, -5e-324, 2.0**-1022 - 5e-324])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_was_flushed_to_zero_is_said_and_has_no_ulps(number: float, swapped: bool) -> None:
    component = Component("x", NUMPY, "why")
    component.add(*([[0.0, 1.0], [number, 1.0]][:: -1 if swapped else 1]), 0.0)
    assert (component.passed, component.equal, component.flushed, component.note) == (True, 1, 1, "flushed to zero")
    assert (component.max_ulp, component.max_abs) == (0, 0)
    assert "flushed to 0 on one side" in next(component.remarks)


def test_what_is_too_large_to_be_flushed_is_not() -> None:
    component = Component("x", NUMPY, "why")
    component.add([0.0], [2.0**-1022], 0.0)
    assert (component.passed, component.flushed) == (False, 0)


def test_numbers_of_another_sign_have_no_ulps() -> None:
    component = Component("x", NUMPY, "why")
    component.add([1e-17, 0.0, 1.0], [-1e-17, 1e-17, 1.0 + math.ulp(1.0)], 1e-15)
    assert (component.passed, component.max_ulp, component.other_sign) == (True, 1, 2)
    assert list(component.remarks) == ["2 of another sign on the other side, or 0 there"]


def test_a_failure_is_told_in_digits_that_differ() -> None:
    component = Component("x", NUMPY, "why")
    component.add([1.70096e-07], [1.70096e-07 + 3 * math.ulp(1.70096e-07)], 2 * math.ulp(1.70096e-07))
    ours, theirs = component.note.partition(" is ")[2].partition(": ")[0].split(", not ")
    assert (float(ours), float(theirs)) == (1.70096e-07, 1.70096e-07 + 3 * math.ulp(1.70096e-07))
    assert component.note.endswith(": 3 ulp apart, 1.5 times what rounding allows")


def test_nothing_compared_is_no_success() -> None:
    assert not Component("x", NUMPY, "why").passed
    assert not Report("x", 0, None, None).passed


def test_tolerances_hold_against_exact_arithmetic() -> None:
    """The bound on a product against fractions."""
    random = np.random.default_rng(0)
    a, b = random.normal(size=(20, 50)), random.normal(size=(20, 50))
    bounds = Rounding().matmul_transposed(a, b).error
    for row, x in enumerate(a):
        exact = sum((Fraction(p) * Fraction(q) for p, q in zip(x, b[row])), Fraction())
        assert abs(Fraction(float(x @ b[row])) - exact) <= Fraction(bounds[row, row])
        assert bounds[row, row] < 1e-12


def test_tolerances_hold_for_float32() -> None:
    """A whole forward pass in float32 is within what is allowed, which is not far too wide."""
    config = GPTConfig.from_dict({**SMALL, "n_embd": 48, "vocab_size": 50})
    model = Model(config, load_weights(config, RandomTensors(config, 0, 0.2)))
    ids = [3, 1, 4, 1, 5, 9, 2, 6]
    exact = Run({**SMALL, "n_embd": 48}, _stored(model), ids).seen["logits"]
    rough = Run({**SMALL, "n_embd": 48}, {k: v.astype(np.float32) for k, v in _stored(model).items()}, ids).seen[
        "logits"
    ]
    pair = Pair(Rounding(independent=True), Rounding(SINGLE, independent=True))
    allowed = pair.tolerance(*(GPT(config, model.arrays, ops).forward(ids).logits for ops in (pair.ours, pair.theirs)))
    used = np.abs(exact - rough) / allowed
    assert used.max() < 1
    assert used.max() > 1e-4


def _stored(model: Model) -> dict[str, np.ndarray]:
    """The weights under Hugging Face's names, as numpy_gpt2 takes them."""
    weights = model.arrays
    tensors = {"wte.weight": weights.token_embedding, "wpe.weight": weights.position_embedding}
    tensors |= {"ln_f.weight": weights.ln_final.gamma, "ln_f.bias": weights.ln_final.beta}
    names = {"attn.c_attn": "attn_qkv", "attn.c_proj": "attn_out", "mlp.c_fc": "mlp_in", "mlp.c_proj": "mlp_out"}
    for layer, block in enumerate(weights.blocks):
        for name in ("ln_1", "ln_2"):
            tensors[f"h.{layer}.{name}.weight"] = getattr(block, name).gamma
            tensors[f"h.{layer}.{name}.bias"] = getattr(block, name).beta
        for name, ours in names.items():
            tensors[f"h.{layer}.{name}.weight"] = getattr(block, ours).weight.T
            tensors[f"h.{layer}.{name}.bias"] = getattr(block, ours).bias
    return tensors


# The dot product against fractions


def test_errors_in_ulps() -> None:
    assert exactness.error_in_ulps(1.0, Fraction(1)) == 0
    assert exactness.error_in_ulps(1.0 + 2 * math.ulp(1.0), Fraction(1)) == 2


def test_each_dot_product_is_measured() -> None:
    rows = exactness.dot_errors(0, torch=False, lengths=(4, 300), pairs=5)
    assert [(row["length"], row["pairs"]) for row in rows] == [(4, 5), (4, 5), (300, 5), (300, 5)]
    assert all(0 <= row["mean_ulp"] <= row["max_ulp"] for row in rows)
    if hasattr(math, "sumprod"):
        assert all(row["max_ulp"] <= 0.5 for row in rows if row["dot"] == "gpt.ops: math.sumprod")
