"""The checks of single operations: every function of `gpt.ops`, and the two products of attention."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from explorer.verify.check import SUMS, Check, Results
from explorer.verify.inputs import Inputs
from gpt.attention import mix, raw_scores, results_by_head
from gpt.ops import ACTIVATIONS
from gpt.weights import LinearWeights

Cases = Iterator[tuple[Any, ...]]

EXACT = "sign of zero"  # no rounding that could differ: the tolerance is 0


def _operation(name: str, cases: Callable[[Inputs], Iterable[tuple[Any, ...]]], why: str = EXACT) -> Check:
    """One function of `gpt.ops`, its namesake in `array_ops`, and PyTorch's function for it."""

    def run(ops: Any, *arguments: Any) -> Results:
        return (getattr(ops, name)(*arguments),)

    def torch(*arguments: Any) -> Results:
        from explorer.verify.torch_functions import OPERATIONS

        return (OPERATIONS[name](*arguments),)

    return Check((name,), (why,), run, cases, torch=torch)


def _activation(name: str, why: str) -> Check:
    def run(ops: Any, x: Any) -> Results:
        return (ops.activate(x, name),)

    def torch(x: Any) -> Results:
        from explorer.verify.torch_functions import ACTIVATIONS

        return (ACTIVATIONS[name](x),)

    def cases(inputs: Inputs) -> Cases:
        yield (np.linspace(-12, 12, 601)[None],)
        yield (np.array([[0.0, 1e-300, -1e-300, 1e-9, 40.0, -40.0, 1000.0, -1000.0]]),)
        yield (inputs.normal(7, 40),)
        if inputs.own and inputs.own.model.config.activation_function == name:
            yield (inputs.own.seen[f"blocks.{inputs.own.middle}.mlp.hook_pre"],)

    return Check((name,), (why,), run, cases, torch=torch)


def _attention(name: str, function: Callable[..., Any], cases: Callable[[Inputs], Cases]) -> Check:
    """raw_scores and mix, which take the operations they are made of."""

    def run(ops: Any, *arguments: Any) -> Results:
        return (function(*arguments, ops=ops),)

    def torch(*arguments: Any) -> Results:
        from explorer.verify import torch_functions

        return (getattr(torch_functions, name)(*arguments),)

    def numpy(a: Any, b: Any) -> Results:
        return (np.einsum({"raw_scores": "qhe,khe->hqk", "mix": "hqk,khe->qhe"}[name], a, b),)

    return Check((name,), (SUMS,), run, cases, numpy=numpy, torch=torch)


# Inputs


def _products(inputs: Inputs) -> Cases:  # [n, k], [m, k]
    for x in inputs.matrices():
        yield x, inputs.normal(4, x.shape[1])
    if inputs.own:
        yield inputs.own.seen["ln_final.hook_out"][-1:], np.asarray(inputs.own.model.arrays.unembedding)


def _columns(inputs: Inputs) -> Cases:  # [n, k], [k, m]
    return ((x, inputs.normal(x.shape[1], 3)) for x in inputs.matrices())


def _linears(inputs: Inputs) -> Cases:
    for x in inputs.matrices():
        yield x, inputs.normal(5, x.shape[1]), inputs.normal(5)
    if own := inputs.own:
        qkv = own.model.arrays.blocks[own.middle].attn_qkv
        yield own.seen[f"blocks.{own.middle}.ln1.hook_out"], qkv.weight, qkv.bias


def _pairs(inputs: Inputs) -> Cases:
    for x in inputs.matrices():
        yield x, inputs.normal(*x.shape)
    if own := inputs.own:
        prefix = f"blocks.{own.middle}."
        yield own.seen[prefix + "hook_resid_pre"], own.seen[prefix + "hook_attn_out"]


def _parts(inputs: Inputs) -> Cases:  # [T, H, d], [d]
    for shape in ((1, 1, 1), (4, 1, 6), (5, 12, 7)):
        yield inputs.normal(*shape), inputs.normal(shape[-1])
    if own := inputs.own:
        bias = own.model.arrays.blocks[own.middle].attn_out.bias
        yield own.seen[f"blocks.{own.middle}.attn.hook_result"], bias


def _rows(inputs: Inputs) -> Iterator[Any]:
    yield from inputs.matrices()
    if own := inputs.own:
        yield from (own.seen[f"blocks.{layer}.hook_resid_pre"] for layer in own.layers)


def _centred(inputs: Inputs) -> Cases:
    return ((x, x.mean(-1, keepdims=True)) for x in _rows(inputs))


def _variances(inputs: Inputs) -> Cases:
    return ((x.var(-1, keepdims=True), epsilon) for x in _rows(inputs) for epsilon in (1e-5, 0.1))


def _normalized(inputs: Inputs) -> Cases:
    return ((x, x.mean(-1, keepdims=True), np.sqrt(x.var(-1, keepdims=True) + 1e-5)) for x in _rows(inputs))


def _scaled(inputs: Inputs) -> Cases:
    return ((x, inputs.normal(x.shape[1]), inputs.normal(x.shape[1])) for x in _rows(inputs))


def _scores(inputs: Inputs) -> Iterator[Any]:
    yield from inputs.scores()
    if inputs.own:  # at the full context
        queries, keys, _ = inputs.own.scores
        yield np.einsum("qhe,khe->hqk", queries, keys)


def _masked(inputs: Inputs) -> Cases:
    for scores in _scores(inputs):
        rows, columns = scores.shape[1:]
        visible = np.arange(columns) <= np.arange(columns - rows, columns)[:, None]
        yield (np.where(visible, scores, -np.inf),)


def _queries_keys(inputs: Inputs) -> Cases:
    for rows, columns, heads, e in ((1, 1, 1, 1), (6, 6, 3, 8), (2, 9, 1, 32)):
        for scale in (1.0, 1e-9, 1e4):
            yield inputs.normal(rows, heads, e) * scale, inputs.normal(columns, heads, e)
    if inputs.own:
        yield inputs.own.scores[:2]


def _patterns_values(inputs: Inputs) -> Cases:
    for rows, columns, heads, e in ((1, 1, 1, 1), (6, 6, 3, 8), (2, 9, 1, 32)):
        yield np.abs(inputs.normal(heads, rows, columns)) / columns, inputs.normal(columns, heads, e)
    if inputs.own:
        queries, keys, values = inputs.own.scores
        scores = np.einsum("qhe,khe->hqk", queries, keys)
        exps = np.exp(scores - scores.max(-1, keepdims=True))
        yield exps / exps.sum(-1, keepdims=True), values


def _heads(inputs: Inputs) -> Cases:  # [T, H·e], H
    return ((inputs.normal(rows, heads * e), heads) for rows, heads, e in ((1, 1, 1), (5, 3, 4), (2, 12, 1)))


def _tensors(inputs: Inputs) -> Cases:  # [A, B, e]
    return ((inputs.normal(*shape),) for shape in ((1, 1, 1), (5, 3, 4), (2, 12, 1)))


def _head_results() -> Check:
    def run(ops: Any, z: Any, weight: Any) -> Results:
        return (results_by_head(z, LinearWeights(weight, ()), ops=ops),)

    def numpy(z: Any, weight: Any) -> Results:
        return (np.einsum("the,dhe->thd", z, weight.reshape(len(weight), z.shape[1], -1)),)

    def torch(z: Any, weight: Any) -> Results:
        return ((z[:, :, None] @ weight.unflatten(1, (z.shape[1], -1)).permute(1, 2, 0)).squeeze(2),)

    def cases(inputs: Inputs) -> Cases:
        for positions, heads, e in ((1, 1, 4), (5, 3, 4), (2, 6, 1)):
            yield inputs.normal(positions, heads, e), inputs.normal(heads * e, heads * e)
        if own := inputs.own:
            yield own.seen[f"blocks.{own.middle}.attn.hook_z"], own.model.arrays.blocks[own.middle].attn_out.weight

    return Check(("results_by_head",), (SUMS,), run, cases, numpy=numpy, torch=torch)


OPERATIONS = (
    _operation("matmul", _columns, SUMS),
    _operation("matmul_transposed", _products, SUMS),
    _operation("linear", _linears, SUMS),
    _operation("add", _pairs),
    _operation("add_all", _parts, SUMS),
    _operation("mean", lambda inputs: ((x,) for x in _rows(inputs)), SUMS),
    _operation("variance", _centred, SUMS),
    _operation("standard_deviation", _variances, "sqrt"),
    _operation("normalize", _normalized),
    _operation("scale_and_shift", _scaled, "multiply-add"),
    _operation("split_columns", lambda inputs: ((inputs.normal(4, 3 * e), 3) for e in (1, 5))),
    _operation("split_heads", _heads),
    _operation("merge_heads", _tensors),
    _operation("swap", _tensors),
    _operation("transpose", lambda inputs: ((x,) for x in inputs.matrices())),
    _operation("concatenate", lambda inputs: ((inputs.normal(2, 3, 4), inputs.normal(5, 3, 4)),)),
    _operation("take", lambda inputs: ((inputs.normal(6, 4), [5, 0, 5]),)),
    _attention("raw_scores", raw_scores, _queries_keys),
    _operation("divide", lambda inputs: ((scores, 32**0.5) for scores in _scores(inputs))),
    _operation("causal_mask", lambda inputs: ((scores,) for scores in _scores(inputs))),
    _operation("softmax", _masked, "exp, sums"),
    _attention("mix", mix, _patterns_values),
    _head_results(),
    *(
        _activation(name, why)
        for name, why in {"gelu_new": "tanh", "gelu": "erf", "relu": EXACT, "silu": "exp", "tanh": "tanh"}.items()
        if name in ACTIVATIONS
    ),
)
