"""The numbers of a run that the page holds: the activations of its stages, and the weights that explain them.

A matrix of weights is held whole where that is small, or smaller than the alternative: for every number the weights of
its largest terms. What those leave out the page tells as one remainder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.page.packing import exact_in_half
from explorer.page.rules import Rule, operands
from explorer.walk.session import Session
from gpt.weights import LayerNormWeights, LinearWeights, Weights

TERMS = 4
"""Terms of a long sum whose weights are held, where the matrix is not."""

SMALL = 50_000
"""Numbers of a matrix that is always held whole."""

TOKENS = 20
"""Tokens of the vocabulary that are listed after a position."""


@dataclass(frozen=True)
class Listed:
    """The likeliest tokens after every position, and what becomes of their logits."""

    tokens: Any  # [T, N] ids
    logits: Any  # [T, N]


def listed(session: Session) -> Listed:
    """The first tokens after each position."""
    rows = [session.trace.ranking("logits", position) for position in range(len(session.ids))]
    orders = [row.order[:TOKENS] for row in rows if row]
    logits = [[row.logits[token] for token in order] for row, order in zip(rows, orders) if row]
    return Listed(np.array(orders, np.uint32), np.array(logits))


def arrays_of(session: Session, rules: Mapping[str, Rule], names: Iterable[str]) -> dict[str, Any]:
    """The values of these activations, of those they are made of, and the weights between them."""
    wanted = dict.fromkeys(names)
    for name in list(wanted):
        wanted |= dict.fromkeys(operands(rules[name])) if name in rules else {}
    found: dict[str, Any] = {}
    for name in wanted:
        if name != "logits":
            found[name] = np.array(session.trace.value(name), np.float64)
    model = session.model
    assert model
    for name in wanted:
        if name in rules:
            found |= _weights(rules[name], found, model.weights)
    if "logits" in wanted:
        found |= _vocabulary(session, model.weights)
    return found


def made_from_others(rules: Mapping[str, Rule], arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Arrays that are others under a second name, or made of others by one operation: the page does without them.

    Not where they were edited.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        rule = rules.get(name, {"op": ""})
        if rule["op"] == "sum" and len(rule["of"]) == 1 and np.array_equal(arrays[rule["of"][0]], array):
            found[name] = {"same": rule["of"][0]}
        if rule["op"] not in ("divided", "masked") or rule["x"] not in arrays:
            continue
        x = arrays[rule["x"]]
        if rule["op"] == "divided":
            made, entry = x / rule["by"], {"x": rule["x"], "by": rule["by"]}
        else:
            made, entry = np.where(np.tri(x.shape[1], dtype=bool), x, -np.inf), {"x": rule["x"], "by": 0}
        if np.allclose(made, array, rtol=1e-7, atol=0):
            found[name] = entry
    return found


def largest_terms(x: Any, weight: Any) -> tuple[Any, Any]:  # [T, n], [m, n] -> [T, m, TERMS] twice
    """For each number of x · Wᵀ the inputs with the largest products, the largest first, and their weights."""
    count = min(TERMS, weight.shape[1])
    places = np.empty((len(x), len(weight), count), np.uint32)
    for row, values in enumerate(x):
        sizes = -np.abs(weight * values)
        first = np.argpartition(sizes, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(sizes, first, 1), axis=1, kind="stable")
        places[row] = np.take_along_axis(first, order, 1)
    return places, np.take_along_axis(np.broadcast_to(weight, (len(x), *weight.shape)), places.astype(np.intp), 2)


def _weights(rule: Rule, known: Mapping[str, Any], weights: Weights) -> dict[str, Any]:
    """The weights that a rule reads, by their names in the checkpoint."""
    match rule["op"]:
        case "shifted":
            norm = _part(rule["gamma"], weights)
            return {rule["gamma"]: np.array(norm.gamma, np.float64), rule["beta"]: np.array(norm.beta, np.float64)}
        case "linear" | "heads" | "result":
            return _matrix(rule, known, _part(rule["w"], weights))
    return {}


def _matrix(rule: Rule, known: Mapping[str, Any], linear: LinearWeights) -> dict[str, Any]:
    """A matrix whole, or of each output the weights of its largest terms; and its bias."""
    weight, bias = np.asarray(linear.weight, np.float64), np.array(linear.bias, np.float64)
    x = known.get(rule.get("x") or rule["z"])
    found = {rule["b"]: bias} if "b" in rule else {}
    if x is None or rule["w"] in known:
        return found
    x = x.reshape(len(x), -1)
    width = 2 if exact_in_half(weight) else 4
    if weight.size <= SMALL or weight.shape[1] * width <= len(x) * TERMS * (width + 2):
        return {**found, rule["w"]: weight}
    if rule["op"] == "result":
        return found
    first = rule.get("first", 0)
    rows = weight[first : first + _outputs(rule, weight)]
    places, largest = largest_terms(x, rows)
    key = f"{rule['w']}/{first}"
    return {**found, f"{key}/inputs": places, f"{key}/weights": largest}


def _outputs(rule: Rule, weight: Any) -> int:
    """How many rows of the weights a rule uses: of q, k and v a third each."""
    return len(weight) // 3 if ".c_attn." in rule["w"] else len(weight)


def _vocabulary(session: Session, weights: Weights) -> dict[str, Any]:
    """The listed logits, and the rows of the unembedding that make them."""
    found = listed(session)
    ids = np.unique(found.tokens)
    rows = np.array([weights.unembedding[token] for token in ids.tolist()], np.float64)
    return {"listed": found.tokens, "logits": found.logits, "unembedded": ids.astype(np.uint32), "unembedding": rows}


def _part(name: str, weights: Weights) -> Any:
    """The layer norm or the linear layer that a name of the checkpoint belongs to."""
    if name.startswith("ln_f."):
        return weights.ln_final
    _, layer, part, *rest = name.split(".")
    block = weights.blocks[int(layer)]
    places: dict[str, LayerNormWeights | LinearWeights] = {
        "ln_1": block.ln_1, "ln_2": block.ln_2, "c_attn": block.attn_qkv,
    }  # fmt: skip
    if part in places:
        return places[part]
    if part == "attn":
        return block.attn_qkv if rest[0] == "c_attn" else block.attn_out
    return block.mlp_in if rest[0] == "c_fc" else block.mlp_out
