"""Circuits of weights, activation patching, path patching, detectors and scores by parts against TransformerLens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformer_lens")

import torch
from transformer_lens import FactoredMatrix, head_detector

import explorer as gx
from explorer.analysis.circuits import Circuit, Circuits, Composition, top_copying
from explorer.analysis.detectors import DETECTED, detector_score
from explorer.analysis.folded import folded
from explorer.analysis.score_parts import score_parts
from explorer.edits import Edit, Mean, Patch, What, Zero, where
from explorer.edits.metric import LOGIT_DIFFERENCE, Metric, normalised
from explorer.edits.path_patching import PathPatch, receiver
from explorer.edits.sweep import SITES, Sweep
from explorer.engine import array_ops
from explorer.loading.checkpoints import open_checkpoint
from gpt import GPT
from tests.helpers.lens_models import Pair, same
from tests.helpers.models import traced

CLOSE = 1e-9  # of the largest value
METRIC = Metric(LOGIT_DIFFERENCE, 5, 8)


def difference(logits: Any) -> float:
    """The metric of theirs."""
    return float(logits[-1, METRIC.token] - logits[-1, METRIC.versus])


@pytest.fixture(scope="session")
def pair(pair: Pair) -> Pair:
    """The same on arrays of float64, which are quicker."""
    model = open_checkpoint(pair.directory).arrays(np.float64)
    return replace(pair, base=traced(model, pair.base.ids), source=traced(model, pair.source.ids))


# Weights


@pytest.fixture(scope="module")
def circuits(pair: Pair) -> Circuits:
    return Circuits(pair.base.model.weights, pair.base.config)


def heads(pair: Pair) -> list[tuple[int, int]]:
    return [(layer, head) for layer in pair.layers for head in range(pair.base.config.n_head)]


def test_the_folded_model_is_theirs(pair: Pair) -> None:
    config = pair.base.config
    run = traced(GPT(config, folded(pair.base.model.weights, config), ops=array_ops), pair.base.ids)
    logits, cache = pair.run(model=pair.processed)
    same(run.values["logits"], logits)
    parts = ["hook_resid_pre", "hook_attn_out", "hook_resid_post", "hook_mlp_out", "mlp.hook_pre", "mlp.hook_post"]
    parts += [f"attn.hook_{part}" for part in ("q", "k", "v", "pattern", "z")]
    for name in [
        "hook_embed",
        "hook_pos_embed",
        *(f"blocks.{layer}.{part}" for layer in pair.layers for part in parts),
    ]:
        same(run.values[name], cache[name][0], name)


def test_ov_and_qk_over_the_vocabulary_and_positions(pair: Pair, circuits: Circuits) -> None:
    model = pair.processed
    for layer, head in heads(pair):
        w_q, w_k, w_v, w_o = (getattr(model, name)[layer, head] for name in ("W_Q", "W_K", "W_V", "W_O"))
        divisor = pair.base.config.score_divisor(layer)
        for token in (0, 77):
            same(circuits.promoted(layer, head, token), model.W_E[token] @ w_v @ w_o @ model.W_U)
            same(circuits.matched(layer, head, token), model.W_E[token] @ w_q @ w_k.T @ model.W_E.T / divisor)
            same(circuits.matched_by(layer, head, token), model.W_E @ w_q @ w_k.T @ model.W_E[token] / divisor)
        same(circuits.matched_positions(layer, head), model.W_pos @ w_q @ w_k.T @ model.W_pos.T / divisor)


def test_copying_scores(pair: Pair, circuits: Circuits) -> None:
    model = pair.processed
    for layer, head in heads(pair):
        full = FactoredMatrix(model.W_E @ model.W_V[layer, head], model.W_O[layer, head] @ model.W_U)
        values = full.eigenvalues
        assert circuits.copying(layer, head) == pytest.approx(float(values.sum().real / values.abs().sum()), abs=1e-9)


def test_copy_scores(pair: Pair) -> None:
    """After block 0, through the head as if it attended to that position alone, ln_final and the unembedding."""
    _, cache = pair.run()
    model, ids = pair.model, pair.base.ids
    stream, scores = cache["blocks.0.hook_resid_post"], set()
    for layer, head in heads(pair):
        with torch.no_grad():
            values = model.blocks[layer].ln1(stream) @ model.W_V[layer, head] + model.b_V[layer, head]
            logits = model.unembed(model.ln_final(values @ model.W_O[layer, head]))[0]
        for top in (5, pair.base.config.vocab_size // 4):  # random weights copy nothing to the very top
            copied = [token in row.topk(top).indices for token, row in zip(ids, logits)]
            found = top_copying(pair.base, layer, head, range(len(ids)), top)
            assert found == pytest.approx(sum(copied) / len(ids))
            scores.add(found)
    assert len(scores) > 2


@pytest.mark.parametrize("kind", Composition)
def test_composition_scores(pair: Pair, circuits: Circuits, kind: Composition) -> None:
    same(circuits.composition(kind), pair.processed.all_composition_scores(kind.value.upper()))


@pytest.mark.parametrize("circuit", Circuit)
def test_singular_values_and_vectors(pair: Pair, circuits: Circuits, circuit: Circuit) -> None:
    model = pair.processed
    table = model.W_U.T if circuit is Circuit.OV else model.W_E
    for layer, head in heads(pair):
        product = getattr(model, circuit.value.upper())[layer, head]
        left, strengths, right = (part.numpy() for part in product.svd())
        same(circuits.strengths(layer, head, circuit), strengths)
        (found,) = circuits.directions(layer, head, circuit, count=1, tokens=3)
        ends = (model.W_E.numpy() @ left[:, 0], table.numpy() @ right.T[0])
        ours = ([value for _, value in found.read], [value for _, value in found.written])
        signed = [[np.sort(sign * end)[::-1][:3] for end in ends] for sign in (1, -1)]
        assert any(np.allclose(ours, each, rtol=1e-8, atol=1e-10) for each in signed)


# Heads on a prompt


def test_detectors(pair: Pair) -> None:
    _, cache = pair.run()
    tokens = torch.tensor([pair.base.ids])
    for behaviour, name in DETECTED.items():
        wanted = getattr(head_detector, f"get_{name}_detection_pattern")(tokens)
        for layer, head in heads(pair):
            expected = head_detector.compute_head_attention_similarity_score(
                cache[f"blocks.{layer}.attn.hook_pattern"][0, head].clone(),
                detection_pattern=wanted,
                exclude_bos=False,
                exclude_current_token=False,
                error_measure="mul",
            )
            pattern = pair.base.values[f"blocks.{layer}.attn.hook_pattern"][head]
            assert detector_score(pattern, pair.base.ids, behaviour) == pytest.approx(expected, abs=1e-9), name


def test_scores_by_parts(pair: Pair) -> None:
    """Without processing, their layer norm of a stack leaves gamma out, so it goes into what is read with."""
    _, cache = pair.run()
    model, layer, head, query, key = pair.model, pair.layers[-1], 1, pair.last, 2
    block = model.blocks[layer]
    heads_out = [cache[f"blocks.{earlier}.attn.hook_result"][0] for earlier in range(layer)]  # [T, H, d]
    stack = [cache["hook_embed"][0], cache["hook_pos_embed"][0]]
    for earlier, written in enumerate(heads_out):
        bias = model.b_O[earlier].expand_as(stack[0])
        stack += [*written.unbind(1), bias, cache[f"blocks.{earlier}.hook_mlp_out"][0]]
    parts = torch.stack(stack)[:, None]  # [n, 1, T, d]
    normalised = cache.apply_ln_to_stack(parts, layer, mlp_input=False)[:, 0] * block.ln1.w
    always = block.ln1.b
    queries = torch.cat(
        [
            normalised[:, query] @ model.W_Q[layer, head],
            (always @ model.W_Q[layer, head] + model.b_Q[layer, head])[None],
        ]
    )
    keys = torch.cat(
        [normalised[:, key] @ model.W_K[layer, head], (always @ model.W_K[layer, head] + model.b_K[layer, head])[None]]
    )
    found = score_parts(pair.base, layer, head, query, key)
    same(found.values, queries @ keys.T / pair.base.config.score_divisor(layer))
    assert found.sum == pytest.approx(
        float(cache[f"blocks.{layer}.attn.hook_attn_scores"][0, head, query, key]), rel=1e-9
    )
    assert abs(found.gap) < 1e-9 * abs(found.score)


# Activation patching


def put(*index: Any, by: Callable[[Any], Any]) -> Callable[..., Any]:
    """A hook of theirs: some numbers are replaced by what is made of the whole."""

    def hook(value: Any, hook: Any) -> Any:
        changed = value.clone()
        changed[0][index] = torch.broadcast_to(torch.as_tensor(by(value[0]), dtype=value.dtype), value[0].shape)[index]
        return changed

    return hook


def theirs_at(swept: Sweep, cell: tuple[int, ...], by: Callable[[str, Any], Any]) -> tuple[str, Callable[..., Any]]:
    """The hook for a cell of a swept."""
    name, every = swept.site.activation.format(cell[0]), slice(None)
    position = cell[-1] if swept.by_position else every
    if not swept.site.unit:
        index: tuple[Any, ...] = (position,)
    else:
        index = (cell[1], position) if swept.site.id == "pattern" else (position, cell[1])
    return name, put(*index, by=lambda value: by(name, value))


def different(site: str) -> list[tuple[What | str, bool]]:
    """The edit at a site, and whether position by position."""
    cases: list[tuple[What | str, bool]] = [(Zero(), True), ("patch", True), ("patch", False)]
    return cases if site == "pattern" else [*cases, (Mean(), False)]


@pytest.mark.parametrize("site", SITES)
def test_swepts(pair: Pair, site: str) -> None:
    if site == "resid_mid" and hasattr(pair.model, "enable_compatibility_mode"):
        pytest.skip("a bridge's hook_resid_mid is only what its ln2 is given")
    _, other = pair.run(ids=pair.source.ids)
    layers = [pair.layers[1]] if site == "neurons" else None
    for what, by_position in different(site):
        done = Patch(pair.source) if isinstance(what, str) else what
        at = [2, pair.last] if by_position else None
        swept = Sweep(pair.base, METRIC, site, done, by_position=by_position, at=at, layers=layers)
        by = {"Patch": lambda name, value: other[name][0], "Mean": lambda name, value: value.mean(0, keepdim=True)}.get(
            type(done).__name__, lambda name, value: 0.0
        )
        chosen = set(swept.cells[:: max(1, len(swept.cells) // 6)])
        for cell, value in swept.results():
            if cell in chosen:
                logits, _ = pair.run([theirs_at(swept, cell, by)])
                assert value == pytest.approx(difference(logits), abs=1e-8), (site, cell)


def test_the_normalised_metric(pair: Pair) -> None:
    """Between the two runs: 0 where all is as in the corrupted one, 1 where the last state is the clean one's."""
    rows = [trace.values["logits"][-1] for trace in (pair.source, pair.base)]
    measure = normalised(METRIC, *rows)
    swept = Sweep(pair.base, measure, "resid_post", Patch(pair.source), by_position=True, at=[pair.last])
    found = dict(swept.results())
    assert swept.baseline == pytest.approx(0, abs=1e-9)
    assert found[pair.layers[-1], pair.last] == pytest.approx(1, abs=1e-9)


# Path patching

LAYER, HEAD = 0, 1


@pytest.mark.parametrize("mlps_follow", [False, True])
@pytest.mark.parametrize("names", [["2.1.q"], ["1.0.k", "2.2.v"], ["mlp1"], ["logits"]], ids=str)
@pytest.mark.parametrize("what", ["zero", "patch"])
def test_path_patching(pair: Pair, what: str, names: list[str], mlps_follow: bool) -> None:
    before, clean = pair.run()
    _, other = pair.run(ids=pair.source.ids)
    sender = f"blocks.{LAYER}.attn.hook_z"

    def hold(value: Any, hook: Any) -> Any:
        changed = clean[hook.name].clone()
        if hook.name == sender:
            changed[:, :, HEAD] = other[sender][:, :, HEAD] if what == "patch" else 0.0
        return changed

    held = [f"blocks.{layer}.attn.hook_z" for layer in pair.layers]
    held += [] if mlps_follow else [f"blocks.{layer}.hook_mlp_out" for layer in pair.layers]
    logits, seen = pair.run([(name, hold) for name in held])
    if names != ["logits"]:
        hooks = [their_receiver(name, seen) for name in names]
        logits, _ = pair.run(hooks)
    done = Patch(pair.source) if what == "patch" else Zero()
    found = PathPatch(
        pair.base, Edit(where.head(LAYER, HEAD), done), list(map(receiver, names)), mlps_follow=mlps_follow
    )
    same(found.logits(), logits[-1])
    assert (logits[-1] - before[-1]).abs().max() > 1e-6, "it would be seen"


def their_receiver(name: str, seen: Any) -> tuple[str, Callable[..., Any]]:
    wanted = receiver(name)
    if wanted.part == "mlp":
        place = f"blocks.{wanted.layer}.mlp.hook_pre"
        return place, lambda value, hook: seen[place]
    place = f"blocks.{wanted.layer}.attn.hook_{wanted.part}"

    def hook(value: Any, hook: Any) -> Any:
        changed = value.clone()
        changed[:, :, wanted.head] = seen[place][:, :, wanted.head]
        return changed

    return place, hook


def test_a_run_as_their_cache() -> None:
    """Of the library: what they make of the cache is what they make of their own."""
    run = gx.load().run("Tom and Lily")
    cache = run.to_transformer_lens()
    np.testing.assert_array_equal(cache["blocks.5.attn.hook_pattern"][0], run["blocks.5.attn.hook_pattern"])
    assert cache["resid_post", 5].shape == (1, 3, 192)
    assert "logits" not in cache
