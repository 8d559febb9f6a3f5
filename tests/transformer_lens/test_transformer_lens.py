"""Traces, edits, attribution and the lens against TransformerLens: one checkpoint in float64, without a download.

Version 4 wraps the modules of transformers (TransformerBridge); until version 3 it is a model of its own
(HookedTransformer). Version 2 records a layer norm's `hook_normalized` after gamma and beta, later ones before.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformer_lens")

import torch

from explorer.analysis import lens
from explorer.analysis.attribution import Convention, Level, LogitAttribution, attribute
from explorer.edits import Cut, Edit, Mean, Patch, Scale, Set, What, Zero, edited, towards, where
from explorer.runs import running
from explorer.runs.trace import Trace
from gpt import activation_shapes
from tests.helpers.lens_models import MAJOR, Pair, same
from tests.helpers.models import never

LAYER, HEAD, NEURON = 1, 2, 17
TOKEN, VERSUS = 5, 8
ALL = slice(None)


# Every activation


def counterpart(name: str) -> str | None:
    """The name in TransformerLens; None for what has no name there."""
    part = name.rpartition(".")[2]
    if part in ("hook_attn_scores_raw", "hook_attn_scores_scaled", "hook_mean", "hook_var"):
        return None
    if MAJOR < 3 and part == "hook_normalized":
        return None
    if MAJOR < 4 and part == "hook_out":
        return name.replace("hook_out", "hook_normalized") if MAJOR < 3 else None
    return name


def same_run(trace: Trace, logits: Any, cache: Any) -> None:
    for name, value in trace.values.items():
        if name == "logits":
            same(value, logits, name)
        elif known := counterpart(name):
            same(value, cache[known][0], name)


def test_activations(pair: Pair) -> None:
    logits, cache = pair.run()
    names = [name for name, _ in activation_shapes(pair.base.config)]
    assert set(pair.base.values) == set(names)
    assert all(counterpart(name) in cache for name in names if counterpart(name) and name != "logits")
    same_run(pair.base, logits, cache)
    for layer in pair.layers:
        writes = [pair.base.head_writes(layer, position) for position in range(len(pair.base.ids))]
        same(writes, cache[f"blocks.{layer}.attn.hook_result"][0], f"what the heads of block {layer} write")


# Edits


def put(*index: Any, by: Callable[[Any], Any]) -> Callable[..., Any]:
    """A hook of theirs: some numbers are replaced by what is made of the whole."""

    def hook(value: Any, hook: Any) -> Any:
        changed = value.clone()
        changed[0][index] = torch.broadcast_to(torch.as_tensor(by(value[0]), dtype=value.dtype), value[0].shape)[index]
        return changed

    return hook


def zero(value: Any) -> float:
    return 0.0


def mean(value: Any) -> Any:
    return value.mean(0, keepdim=True)


def cut(value: Any) -> float:
    return -torch.inf


Hooks = list[tuple[str, Callable[..., Any]]]


def parts(pair: Pair) -> dict[str, tuple[Edit, Hooks]]:
    """Heads, neurons, MLPs and blocks."""
    _, other = pair.run(ids=pair.source.ids)
    at = f"blocks.{LAYER}"
    z, post, attention, mlp = f"{at}.attn.hook_z", f"{at}.mlp.hook_post", f"{at}.hook_attn_out", f"{at}.hook_mlp_out"

    def of_head(what: What, by: Callable[[Any], Any]) -> tuple[Edit, Hooks]:
        return Edit(where.head(LAYER, HEAD), what), [(z, put(ALL, HEAD, by=by))]

    return {
        "head zeroed": of_head(Zero(), zero),
        "head scaled": of_head(Scale(-2), lambda value: -2 * value),
        "head mean": of_head(Mean(), mean),
        "head patched": of_head(Patch(pair.source), lambda value: other[z][0]),
        "head at positions": (Edit(where.head(LAYER, HEAD, [3, 8]), Zero()), [(z, put([3, 8], HEAD, by=zero))]),
        "neuron set": (Edit(where.neuron(LAYER, NEURON), Set(3)), [(post, put(ALL, NEURON, by=lambda value: 3.0))]),
        "MLP zeroed": (Edit(where.mlp(LAYER), Zero()), [(mlp, put(ALL, by=zero))]),
        "block zeroed": (
            Edit(where.block(LAYER), Zero()),
            [(attention, put(ALL, by=zero)), (mlp, put(ALL, by=zero))],
        ),
    }


def edges(pair: Pair) -> dict[str, tuple[Edit, Hooks]]:
    config, scores = pair.base.config, "blocks.{}.attn.hook_attn_scores"
    pattern = f"blocks.{LAYER}.attn.hook_pattern"
    return {
        "edge of a head": (
            Edit(where.edge(config, 9, 2, LAYER, HEAD), Cut()),
            [(scores.format(LAYER), put(HEAD, 9, 2, by=cut))],
        ),
        "edge of a block": (
            Edit(where.edge(config, 9, 2, LAYER), Cut()),
            [(scores.format(LAYER), put(ALL, 9, 2, by=cut))],
        ),
        "edge": (
            Edit(where.edge(config, 9, 9), Cut()),
            [(scores.format(layer), put(ALL, 9, 9, by=cut)) for layer in pair.layers],
        ),
        "a weight of the pattern": (
            Edit(where.activation(pattern, HEAD, 7, 3), Set(0.5)),
            [(pattern, put(HEAD, 7, 3, by=lambda value: 0.5))],
        ),
    }


def positions(pair: Pair) -> dict[str, tuple[Edit, Hooks]]:
    """Rows of the residual stream and of what is read from it, many of them patched from the other run."""
    _, other = pair.run(ids=pair.source.ids)
    names = ["hook_embed"]
    names += [f"blocks.{LAYER}.{part}" for part in ("hook_resid_pre", "hook_attn_out", "hook_mlp_out")]
    names += [f"blocks.{LAYER}.attn.hook_{part}" for part in ("q", "k", "v", "z")]
    names += [f"blocks.{LAYER}.mlp.hook_pre", f"blocks.{pair.layers[-1]}.hook_resid_post", "ln_final.hook_scale"]
    if MAJOR < 4:  # a bridge's hook_resid_mid is only what its ln2 is given
        names.append(f"blocks.{LAYER}.hook_resid_mid")
    if MAJOR >= 3:
        names.append(f"blocks.{LAYER}.ln1.hook_normalized")
    zeroed = Edit(where.activation("hook_pos_embed", 2), Zero())  # it is the same in the other run
    found: dict[str, tuple[Edit, Hooks]] = {"position": (zeroed, [("hook_pos_embed", put(2, by=zero))])}
    for name in names:
        hook = put(2, by=lambda value, name=name: other[name][0])
        found[name] = Edit(where.activation(name, 2), Patch(pair.source)), [(name, hook)]
    name, unembedding = f"blocks.{LAYER}.hook_resid_pre", pair.model.W_U[:, 4]
    steered = Edit(where.activation(name, 6), towards(pair.base.model, 4, "four", 1.5))
    return found | {"steered": (steered, [(name, put(6, by=lambda value: value + 1.5 * unembedding))])}


@pytest.mark.parametrize("cases", [parts, edges, positions], ids=lambda cases: cases.__name__)
def test_edits(pair: Pair, cases: Callable[[Pair], dict[str, tuple[Edit, Hooks]]]) -> None:
    before, _ = pair.run()
    for name, (edit, hooks) in cases(pair).items():
        changed = edited(pair.base, [edit])
        assert running.complete(changed, never)
        logits, cache = pair.run(hooks)
        assert (logits - before).abs().max() > 1e-4, f"{name} would be seen"
        same(changed.values["logits"], logits, name)
        for layer in pair.layers:
            after = f"blocks.{layer}.hook_resid_post"
            same(changed.values[after], cache[after][0], f"{name}: {after}")


# Attribution


def values(found: LogitAttribution, kind: str) -> list[float]:
    return [part.value for part in found.contributions if part.kind == kind]


def of_blocks(found: LogitAttribution) -> list[list[float]]:
    """The contributions of each attention and each MLP, their biases included, block by block."""
    parts = [part for part in found.contributions if part.layer is not None]
    layers = range(1 + max(part.layer or 0 for part in parts))
    return [
        [
            sum(part.value for part in parts if part.layer == layer and ("MLP" in part.label) is is_mlp)
            for is_mlp in (False, True)
        ]
        for layer in layers
    ]


@pytest.mark.parametrize("versus", [None, VERSUS])
def test_attribution(pair: Pair, versus: int | None) -> None:
    """Without processing their layer norm of a stack leaves gamma out, so it goes into what is read with."""
    logits, cache = pair.run()
    model, final = pair.model, pair.model.ln_final
    read = model.W_U[:, TOKEN] - (0 if versus is None else model.W_U[:, versus])  # [d]

    def shares(stack: Any) -> Any:  # [n, 1, d] -> [n]
        return cache.apply_ln_to_stack(stack, -1, pos_slice=-1)[:, 0] @ (final.w * read)

    by_component = attribute(pair.base, pair.last, TOKEN, versus)
    expected = shares(cache.decompose_resid(pos_slice=-1))
    same(values(by_component, "embedding"), expected[:2])
    same(of_blocks(by_component), expected[2:].reshape(-1, 2))
    same(by_component.logit, logits[-1, TOKEN] - (0 if versus is None else logits[-1, versus]))
    same(by_component.contributions[-1].value, final.b @ read)

    of_values = torch.einsum("lhe,lhed->lhd", model.b_V, model.W_O)  # what heads write whatever they attend to
    b_out = torch.stack([model.blocks[layer].mlp.b_out for layer in pair.layers])
    biases = torch.stack([of_values.sum(1), model.b_O, b_out], dim=1)  # [L, 3, d]
    same(values(by_component, "bias")[:-1], shares(biases.flatten(0, 1)[:, None]))
    by_head = attribute(pair.base, pair.last, TOKEN, versus, Level.HEAD)
    heads = shares(cache.stack_head_results(pos_slice=-1)) - shares(of_values.flatten(0, 1)[:, None])
    same(values(by_head, "head"), heads)
    by_neuron = attribute(pair.base, pair.last, TOKEN, versus, Level.NEURON)
    same(values(by_neuron, "neuron"), shares(cache.stack_neuron_results(-1, pos_slice=-1)))


@pytest.mark.parametrize("versus", [None, VERSUS])
def test_attribution_with_their_processing(pair: Pair, versus: int | None) -> None:
    model = pair.processed
    logits, cache = pair.run(model=model)

    def against(of_tokens: Any) -> Any:
        return of_tokens[..., TOKEN] - (0 if versus is None else of_tokens[..., versus])

    def shares(stack: Any) -> Any:
        return cache.logit_attrs(stack, TOKEN, versus, pos_slice=-1)[:, 0]

    def ours(level: Level) -> LogitAttribution:
        return attribute(pair.base, pair.last, TOKEN, versus, level, Convention.TRANSFORMER_LENS)

    by_component, by_head, by_neuron = (ours(level) for level in (Level.COMPONENT, Level.HEAD, Level.NEURON))
    expected = shares(cache.decompose_resid(pos_slice=-1))
    same(values(by_component, "embedding"), expected[:2])
    same(values(by_component, "attention"), expected[2::2])
    same(values(by_component, "mlp"), expected[3::2])
    same(values(by_component, "bias"), [against(model.b_U)])
    same(by_component.logit, against(logits[-1]))
    same(values(by_head, "head"), shares(cache.stack_head_results(pos_slice=-1)))
    same(values(by_head, "bias")[:-1], shares(model.b_O[:, None]))
    same(values(by_neuron, "neuron"), shares(cache.stack_neuron_results(-1, pos_slice=-1)))
    same(by_component.sum, against(logits[-1]))


# The lens


def test_lens(pair: Pair) -> None:
    _, cache = pair.run()
    stack, labels = cache.accumulated_resid(incl_mid=True, return_labels=True)
    rows = lens.rows(pair.base.config.n_layer)
    assert len(rows) == len(labels)
    with torch.no_grad():
        logits = [pair.model.unembed(pair.model.ln_final(residual))[0] for residual in stack]
    for row, expected in zip(rows, logits):
        for position in (0, 3, pair.last):
            same(lens.read(pair.base, row.name, position, never), expected[position], row.name)
            cell = lens.compute(pair.base, row.name, position, never)
            assert cell
            assert cell.token == expected[position].argmax()
            same(cell.probability, expected[position].softmax(-1).max())


def test_surprise(pair: Pair) -> None:
    with torch.no_grad():
        nats = pair.model(torch.tensor([pair.base.ids]), return_type="loss", loss_per_token=True)[0]
    same(lens.surprises(pair.base)[1:], nats / np.log(2))
