"""The checks of what is made of operations: embeddings, layer norm, attention, MLP, block, and the read-out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from explorer.verify import formulas
from explorer.verify.check import SUMS, Check, Results
from explorer.verify.inputs import Inputs
from explorer.verify.rounding import Kernels
from gpt import GPT, GPTConfig, Weights
from gpt.attention import attention
from gpt.block import block
from gpt.embeddings import embed
from gpt.hooks import Run
from gpt.layer_norm import layer_norm
from gpt.mlp import mlp
from gpt.weights import LayerNormWeights

Cases = Iterator[tuple[Any, ...]]

LIBRARY = "exp, tanh, sums"

_ANY = GPTConfig()  # for parts that depend on nothing in it


def formula(name: str) -> Callable[..., Results]:
    """The function of that name in `formulas`; those with several results give them all."""
    return lambda *arguments: _results(getattr(formulas, name)(*arguments))


def in_torch(name: str) -> Callable[..., Results]:
    """The function of that name in `torch_functions`, which is imported when it is called."""

    def call(*arguments: Any) -> Results:
        from explorer.verify import torch_functions

        return _results(getattr(torch_functions, name)(*arguments))

    return call


def _results(found: Any) -> Results:
    return found if isinstance(found, tuple) else (found,)


# Embeddings and layer norm


def _embed(ops: Any, ids: Sequence[int], first: int, weights: Weights) -> Results:
    return (embed(ids, first, weights, Run(_ANY, ops)),)


def _embedded(inputs: Inputs) -> Cases:
    for model in inputs.models:
        length = model.config.n_positions
        for count, first in ((1, 0), (length, 0), (3, length - 3)):
            yield inputs.ids(model.config, count), first, model
    if own := inputs.own:
        yield own.prompt, 0, own.model


def _layer_norm(ops: Any, x: Any, gamma: Any, beta: Any, epsilon: float) -> Results:
    return (layer_norm(x, LayerNormWeights(gamma, beta), Run(replace(_ANY, layer_norm_epsilon=epsilon), ops)),)


def _normed(inputs: Inputs) -> Cases:
    for x in inputs.matrices():
        for epsilon in (1e-5, 0.1):
            yield x, inputs.normal(x.shape[1]), inputs.normal(x.shape[1]), epsilon
    if own := inputs.own:
        for layer in own.layers:
            norm = own.model.arrays.blocks[layer].ln_2
            x = own.seen[f"blocks.{layer}.hook_resid_mid"]
            yield x, norm.gamma, norm.beta, own.model.config.layer_norm_epsilon


# Attention, MLP, block: with all weights, on one residual stream

_STAGES = ("q", "k", "v", "attn_scores_raw", "attn_scores_scaled", "attn_scores", "pattern", "z")
_ATTENTION = {
    "attention: q": SUMS,
    "attention: k": SUMS,
    "attention: v": SUMS,
    "attention: raw scores": SUMS,
    "attention: scaled scores": SUMS,
    "attention: masked scores": SUMS,
    "attention: pattern": "exp, sums",
    "attention: z": "exp, sums",
    "attention: by head": "exp, sums",
    "attention": "exp, sums",
    "attention: heads summed": "exp, sums",
}


def _attention(ops: Any, x: Any, weights: Weights, layer: int, config: GPTConfig) -> Results:
    """Every stage and the output; the output also summed head by head, which must give the same."""
    seen: dict[str, Any] = {}
    run = Run(config, ops, seen.__setitem__, layer=layer)
    written, _ = attention(x, weights.blocks[layer], run)
    summed, _ = attention(x, weights.blocks[layer], replace(run, head_results=True))
    stages = [seen[f"hook_{stage}"] for stage in (*_STAGES, "result")]
    return (*stages, written, summed)


def _attention_once(ops: Any, *arguments: Any) -> Results:
    """The order of a reference: its output is one product with all of z, also where ours is summed by head."""
    *stages, written, _ = _attention(ops, *arguments)
    return (*stages, written, written)


def _twice(reference: Callable[..., Results]) -> Callable[..., Results]:
    """The output is the same whichever way the heads are added up."""

    def call(*arguments: Any) -> Results:
        found = reference(*arguments)
        return (*found, found[-1])

    return call


def _mlp(ops: Any, x: Any, weights: Weights, layer: int, config: GPTConfig) -> Results:
    return (mlp(x, weights.blocks[layer], Run(config, ops)),)


def _block(ops: Any, x: Any, weights: Weights, layer: int, config: GPTConfig) -> Results:
    return (block(x, weights.blocks[layer], Run(config, ops, layer=layer))[0],)


def _streams(own_name: str) -> Callable[[Inputs], Cases]:
    """One token, a few, the full context; of the own model the vectors that it computes itself."""

    def cases(inputs: Inputs) -> Cases:
        for model in inputs.models:
            for ids in inputs.prompts(model.config):
                yield inputs.normal(len(ids), model.config.n_embd), model, model.config.n_layer - 1, model.config
        if own := inputs.own:
            for layer in own.layers:
                yield own.seen[f"blocks.{layer}.{own_name}"], own.model, layer, own.model.config

    return cases


def _read_out(ops: Any, x: Any, weights: Weights, config: GPTConfig) -> Results:
    seen: dict[str, Any] = {}
    GPT(config, weights, ops).read_out(x, hook=seen.__setitem__)
    return seen["ln_final.hook_out"], seen["logits"]


def _streams_out(inputs: Inputs) -> Cases:
    for model in inputs.models:
        yield inputs.normal(4, model.config.n_embd), model, model.config
    if own := inputs.own:
        yield own.seen[f"blocks.{own.model.config.n_layer - 1}.hook_resid_post"][-2:], own.model, own.model.config


PARTS = (
    Check(("embeddings",), ("",), _embed, _embedded, formula("embed"), in_torch("embed")),
    Check(
        ("layer_norm",),
        (SUMS,),
        _layer_norm,
        _normed,
        formula("layer_norm"),
        in_torch("layer_norm"),
        kernels=Kernels,
    ),
    Check(
        tuple(_ATTENTION),
        tuple(_ATTENTION.values()),
        _attention,
        _streams("ln1.hook_out"),
        _twice(formula("attention")),
        _twice(in_torch("attention")),
        reference=_attention_once,
        kernels=Kernels,
    ),
    Check(("mlp",), ("tanh, sums",), _mlp, _streams("ln2.hook_out"), formula("mlp"), in_torch("mlp")),
    Check(
        ("block",),
        (LIBRARY,),
        _block,
        _streams("hook_resid_pre"),
        formula("block"),
        in_torch("block"),
        kernels=Kernels,
    ),
    Check(
        ("final layer norm", "unembedding"),
        (SUMS, SUMS),
        _read_out,
        _streams_out,
        formula("read_out"),
        in_torch("read_out"),
        kernels=Kernels,
    ),
)
