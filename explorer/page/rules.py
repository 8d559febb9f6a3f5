"""How every activation is made, as the page reads it: an operation, its operands by name, the line that computes it.

A rule is a dictionary: "op" names a function of assets/why.js, the other keys are its operands.
"""

from collections.abc import Iterator
from typing import Any

from explorer.code.source import place_of
from gpt import attention, ops
from gpt.config import GPTConfig
from gpt.hooks import HEAD_RESULTS

Rule = dict[str, Any]


def rules(config: GPTConfig) -> dict[str, Rule]:
    """The rule of every activation that a walk shows, by its name."""
    found: dict[str, Rule] = {
        "hook_embed": {"op": "taken", "table": "wte", "of": "token", "line": place_of(ops.take)},
        "hook_pos_embed": {"op": "taken", "table": "wpe", "of": "position", "line": place_of(ops.take)},
        "blocks.0.hook_resid_pre": _sum("hook_embed", "hook_pos_embed"),
    }
    stream = "blocks.0.hook_resid_pre"
    for layer in range(config.n_layer):
        found |= dict(_block(layer, stream, config))
        stream = f"blocks.{layer}.hook_resid_post"
    found |= dict(_norm("ln_final", "ln_f", stream, config))
    found["logits"] = {"op": "unembed", "x": "ln_final.hook_out", "line": place_of(ops.matmul_transposed)}
    return found


def operands(rule: Rule) -> list[str]:
    """The activations that a rule reads."""
    named = [rule[key] for key in ("x", "mean", "scale", "variance", "q", "k", "v", "pattern", "z") if key in rule]
    return [*named, *rule.get("of", ())] if rule["op"] == "sum" else named


def _block(layer: int, stream: str, config: GPTConfig) -> Iterator[tuple[str, Rule]]:
    name, weights = f"blocks.{layer}", f"h.{layer}"
    if layer:
        yield f"{name}.hook_resid_pre", _sum(stream)  # the same numbers under a second name
    yield from _norm(f"{name}.ln1", f"{weights}.ln_1", stream, config)
    for number, letter in enumerate("qkv"):
        first = number * config.n_embd
        yield f"{name}.attn.hook_{letter}", _linear(f"{name}.ln1.hook_out", f"{weights}.attn.c_attn", first)
    yield from _scores(f"{name}.attn", config.score_divisor(layer))
    out = {"z": f"{name}.attn.hook_z", "w": f"{weights}.attn.c_proj.weight"}
    result = f"{name}.attn.{HEAD_RESULTS}"
    yield result, {"op": "result", **out, "line": place_of(attention.results_by_head)}
    heads = {"op": "heads", **out, "b": f"{weights}.attn.c_proj.bias", "result": result}
    yield f"{name}.hook_attn_out", {**heads, "line": place_of(ops.linear)}
    yield f"{name}.hook_resid_mid", _sum(stream, f"{name}.hook_attn_out")
    yield from _norm(f"{name}.ln2", f"{weights}.ln_2", f"{name}.hook_resid_mid", config)
    yield f"{name}.mlp.hook_pre", _linear(f"{name}.ln2.hook_out", f"{weights}.mlp.c_fc")
    function = config.activation_function
    bend = {"op": "bend", "x": f"{name}.mlp.hook_pre", "function": ops.ACTIVATIONS[function].__name__}
    yield f"{name}.mlp.hook_post", {**bend, "line": place_of(ops.ACTIVATIONS[function])}
    yield f"{name}.hook_mlp_out", _linear(f"{name}.mlp.hook_post", f"{weights}.mlp.c_proj")
    yield f"{name}.hook_resid_post", _sum(f"{name}.hook_resid_mid", f"{name}.hook_mlp_out")


def _scores(name: str, divisor: float) -> Iterator[tuple[str, Rule]]:
    q, k, v, pattern = (f"{name}.hook_{end}" for end in ("q", "k", "v", "pattern"))
    raw, scaled, masked = (f"{name}.hook_attn_scores{end}" for end in ("_raw", "_scaled", ""))
    yield raw, {"op": "scores", "q": q, "k": k, "line": place_of(attention.raw_scores)}
    yield scaled, {"op": "divided", "x": raw, "by": divisor, "line": place_of(ops.divide)}
    yield masked, {"op": "masked", "x": scaled, "line": place_of(ops.causal_mask)}
    yield pattern, {"op": "softmax", "x": masked, "line": place_of(ops.softmax_row)}
    yield f"{name}.hook_z", {"op": "mixed", "pattern": pattern, "v": v, "line": place_of(attention.mix)}


def _norm(name: str, weights: str, stream: str, config: GPTConfig) -> Iterator[tuple[str, Rule]]:
    mean, variance, scale = (f"{name}.hook_{end}" for end in ("mean", "var", "scale"))
    yield mean, {"op": "mean", "x": stream, "line": place_of(ops.mean)}
    yield variance, {"op": "variance", "x": stream, "mean": mean, "line": place_of(ops.variance)}
    root = {"op": "root", "variance": variance, "epsilon": config.layer_norm_epsilon}
    yield scale, {**root, "line": place_of(ops.standard_deviation)}
    normalized = {"op": "normalized", "x": stream, "mean": mean, "scale": scale, "line": place_of(ops.normalize)}
    yield f"{name}.hook_normalized", normalized
    shifted = {"op": "shifted", "x": f"{name}.hook_normalized", "gamma": f"{weights}.weight", "beta": f"{weights}.bias"}
    yield f"{name}.hook_out", {**shifted, "line": place_of(ops.scale_and_shift)}


def _sum(*names: str) -> Rule:
    return {"op": "sum", "of": list(names), "line": place_of(ops.add)}


def _linear(x: str, weights: str, first: int = 0) -> Rule:
    """`first`: the row of the weights that belongs to the first output."""
    rule = {"op": "linear", "x": x, "w": f"{weights}.weight", "b": f"{weights}.bias", "first": first}
    return {**rule, "line": place_of(ops.linear)}
