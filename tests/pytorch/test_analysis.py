"""Every analysis against the same question answered in PyTorch: the same checkpoint in float64, by other means."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch.nn import functional  # noqa: E402
from transformers import GPT2LMHeadModel  # noqa: E402

from explorer.analysis import attribution, compare, flow, heads, lens, neurons  # noqa: E402
from explorer.analysis.attribution import Convention, Level, LogitAttribution, attribute  # noqa: E402
from explorer.loading import places  # noqa: E402
from explorer.loading.checkpoints import open_checkpoint  # noqa: E402
from explorer.runs.trace import Trace  # noqa: E402
from tests.helpers.models import never, traced  # noqa: E402
from tests.helpers.transformers_models import random_model, save  # noqa: E402

IDS = [200, 3, 3, 77, 261, 0, 12, 3, 150, 9]
STORY = [416, 424, 258, 393, 263, 416, 424, 11, 390]
CLOSE = {"rtol": 1e-8, "atol": 1e-8}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "narrow MLP, relu, five blocks": {"n_inner": 7, "activation_function": "relu", "n_layer": 5},
    "untied, wide epsilon": {"tie_word_embeddings": False, "layer_norm_epsilon": 0.03},
}


@dataclass
class Pair:
    """One run twice: our trace, and what forward hooks saw in transformers' model."""

    trace: Trace
    model: Any
    seen: dict[str, Any]
    ids: list[int]

    @property
    def layers(self) -> range:
        return range(self.trace.config.n_layer)

    @property
    def last(self) -> int:
        return len(self.ids) - 1

    def heads(self, values: Any) -> Any:  # [T, d] -> [T, H, e]
        return values.unflatten(-1, (self.trace.config.n_head, -1))

    def out(self, layer: int) -> Any:  # [H, e, d]
        """W_O by heads; a Conv1D keeps (in, out)."""
        return self.heads(self.model.transformer.h[layer].attn.c_proj.weight.T).permute(1, 2, 0)


def watch(model: Any, ids: list[int]) -> dict[str, Any]:
    """One run of transformers' model: inputs and outputs of its modules, without the batch axis."""
    seen: dict[str, Any] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: Any, given: Any, result: Any) -> None:
            seen[f"{name}.in"] = given[0][0] if given and given[0].dim() > 2 else None
            result = result[0] if isinstance(result, tuple) else result
            seen[f"{name}.out"] = result[0] if result.dim() > 2 else result

        return hook

    watched = {name: module for name, module in model.named_modules() if name and name != "transformer"}
    handles = [module.register_forward_hook(keep(name)) for name, module in watched.items()]
    with torch.no_grad():
        output = model(torch.tensor([ids]), output_attentions=True, labels=torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    seen |= {f"pattern.{layer}": pattern[0] for layer, pattern in enumerate(output.attentions)}
    return seen | {"logits": output.logits[0], "loss": output.loss}


def load(directory: Path, ids: list[int]) -> Pair:
    model = GPT2LMHeadModel.from_pretrained(directory, attn_implementation="eager").double().eval()
    for weight in model.parameters():
        weight.requires_grad_(False)
    return Pair(traced(open_checkpoint(directory).load(), ids), model, watch(model, ids), ids)


@pytest.fixture(scope="module", params=["the embedded model", *VARIANTS])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    if request.param not in VARIANTS:
        return load(places.embedded(), STORY)
    return load(save(random_model(**VARIANTS[request.param]), tmp_path_factory.mktemp("model")), IDS)


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(expected, dtype=float), **CLOSE)


# Heads


def test_value_weighted_attention(pair: Pair) -> None:
    for layer in pair.layers:
        values = pair.heads(pair.seen[f"transformer.h.{layer}.attn.c_attn.out"].chunk(3, dim=-1)[2])
        norms = torch.einsum("the,hed->thd", values, pair.out(layer)).norm(dim=-1)  # [T, H]
        expected = pair.seen[f"pattern.{layer}"] * norms.T[:, None, :]
        for head in range(pair.trace.config.n_head):
            same(heads.value_weighted(pair.trace, layer, head), expected[head])


def test_scores_of_heads(pair: Pair) -> None:
    """The easy three, read off the diagonals of PyTorch's patterns."""
    for layer in pair.layers:
        for found in heads.head_scores(pair.trace, layer):
            pattern = pair.seen[f"pattern.{found.layer}"][found.head]
            same(found.scores[heads.Behaviour.PREVIOUS_TOKEN].value, pattern.diagonal(-1)[1:].mean())
            same(found.scores[heads.Behaviour.FIRST_TOKEN].value, pattern[2:, 0].mean())
            same(found.scores[heads.Behaviour.ITSELF].value, pattern.diagonal()[1:].mean())


# The lens


def residuals(pair: Pair) -> dict[str, Any]:
    seen = {"blocks.0.hook_resid_pre": pair.seen["transformer.h.0.ln_1.in"]}
    for layer in pair.layers:
        seen[f"blocks.{layer}.hook_resid_mid"] = pair.seen[f"transformer.h.{layer}.ln_2.in"]
        seen[f"blocks.{layer}.hook_resid_post"] = pair.seen[f"transformer.h.{layer}.out"]
    return seen


def test_lens(pair: Pair) -> None:
    expected = residuals(pair)
    assert [row.name for row in lens.rows(pair.trace.config.n_layer)] == list(expected)
    answers = pair.seen["logits"].argmax(-1)
    for name, residual in expected.items():
        logits = pair.model.lm_head(pair.model.transformer.ln_f(residual))
        chances = torch.distributions.Categorical(logits=logits)
        for position in (0, 3, pair.last):
            cell = lens.compute(pair.trace, name, position, never)
            assert cell
            assert cell.answer == answers[position]
            assert cell.token == logits[position].argmax()
            order = logits[position].argsort(descending=True).tolist()
            assert cell.answer_rank == order.index(cell.answer) + 1
            same(cell.probability, chances.probs[position].max())
            same(cell.answer_probability, chances.probs[position, cell.answer])
            same(cell.entropy, chances.entropy()[position] / np.log(2))


def test_loss_and_surprise(pair: Pair) -> None:
    loss = lens.loss(pair.trace)
    assert loss
    nats = functional.cross_entropy(pair.seen["logits"][:-1], torch.tensor(pair.ids[1:]), reduction="none")
    same(loss.nats, nats.mean())
    same(loss.perplexity, nats.mean().exp())
    same(lens.surprises(pair.trace)[1:], nats / np.log(2))
    assert loss.nats == pytest.approx(pair.seen["loss"].item(), rel=1e-6)  # transformers' own is float32


# Attribution, as the checkpoint has it


def direction(pair: Pair, token: int, versus: int | None) -> Callable[[Any], Any]:
    """The amount that a vector in the residual stream adds to the logit, with the final norm's scale held."""
    final, unembedding = pair.model.transformer.ln_f, pair.model.lm_head.weight
    read = unembedding[token] - (0 if versus is None else unembedding[versus])
    end = pair.seen["transformer.ln_f.in"][pair.last]
    scale = (end.var(correction=0) + final.eps).sqrt()
    return lambda part: (((part - part.mean(-1, keepdim=True)) / scale * final.weight) * read).sum(-1)


def values(found: LogitAttribution, kind: str) -> list[float]:
    return [part.value for part in found.contributions if part.kind == kind]


@pytest.mark.parametrize("versus", [None, 8])
@pytest.mark.parametrize("level", Level)
def test_attribution(pair: Pair, level: Level, versus: int | None) -> None:
    token, seen, model, last = 5, pair.seen, pair.model, pair.last
    found = attribute(pair.trace, last, token, versus, level)
    assert abs(found.gap) < 1e-10
    same(found.logit, seen["logits"][last, token] - (0 if versus is None else seen["logits"][last, versus]))
    share, biases = direction(pair, token, versus), []
    places = (seen["transformer.wte.out"][last], seen["transformer.wpe.out"].reshape(-1, model.config.n_embd)[last])
    same(values(found, "embedding"), [share(part) for part in places])
    expected: dict[str, list[Any]] = {"attention": [], "head": [], "source": [], "mlp": [], "neuron": []}
    for layer in pair.layers:
        name, block = f"transformer.h.{layer}", model.transformer.h[layer]
        bias = pair.heads(block.attn.c_attn.bias.chunk(3)[2])  # [H, e]
        held = pair.heads(seen[f"{name}.attn.c_attn.out"].chunk(3, dim=-1)[2]) - bias  # [T, H, e]
        moved = seen[f"pattern.{layer}"][:, last, :, None] * torch.einsum("she,hed->hsd", held, pair.out(layer))
        expected["source"] += share(moved).flatten().tolist()
        expected["head"] += share(moved.sum(1)).tolist()
        expected["attention"] += [share(moved.sum((0, 1)))]
        post, out = seen[f"{name}.mlp.c_proj.in"][last], block.mlp.c_proj
        expected["neuron"] += share(post[:, None] * out.weight).tolist()
        expected["mlp"] += [share(post @ out.weight)]
        biases += [share(torch.einsum("he,hed->d", bias, pair.out(layer))), share(block.attn.c_proj.bias)]
        biases += [share(out.bias)]
    read = model.lm_head.weight[token] - (0 if versus is None else model.lm_head.weight[versus])
    same(values(found, "bias"), [*biases, model.transformer.ln_f.bias @ read])
    attention = {Level.HEAD: "head", Level.POSITION: "source"}.get(level, "attention")
    same(values(found, attention), expected[attention])
    mlp = "neuron" if level is Level.NEURON else "mlp"
    same(values(found, mlp), expected[mlp])
    count = sum(len(expected[kind]) for kind in (attention, mlp)) + 2 + len(biases) + 1
    assert len(found.contributions) == count


# Attribution in TransformerLens' convention: its processing of the weights, by its documented definition


class Processed:
    """The weights as TransformerLens keeps them, after fold_ln, center_writing_weights, center_unembed and

    fold_value_biases (HookedTransformer.process_weights_), and its forward pass on them.
    """

    def __init__(self, pair: Pair) -> None:
        body, config = pair.model.transformer, pair.model.config
        self.epsilon, self.config = config.layer_norm_epsilon, config
        self.embed, self.positions = body.wte.weight.clone(), body.wpe.weight.clone()
        self.unembed = (pair.model.lm_head.weight * body.ln_f.weight).T  # [d, V]
        self.unembed_bias = pair.model.lm_head.weight @ body.ln_f.bias
        self.blocks = [self.block(block) for block in body.h]
        self.embed -= self.embed.mean(-1, keepdim=True)
        self.positions -= self.positions.mean(-1, keepdim=True)
        self.unembed = self.unembed - self.unembed.mean(-1, keepdim=True)
        self.unembed_bias = self.unembed_bias - self.unembed_bias.mean()

    def block(self, block: Any) -> dict[str, Any]:
        qkv, into = block.attn.c_attn, block.mlp.c_fc
        folded = {
            "qkv": block.ln_1.weight[:, None] * qkv.weight,
            "qkv_bias": qkv.bias + block.ln_1.bias @ qkv.weight,
            "in": block.ln_2.weight[:, None] * into.weight,
            "in_bias": into.bias + block.ln_2.bias @ into.weight,
        }
        for name in ("qkv", "in"):  # what reads from a layer norm does not see a mean
            folded[name] = folded[name] - folded[name].mean(0, keepdim=True)
        for name, part in (("proj", block.attn.c_proj), ("out", block.mlp.c_proj)):
            folded[name] = part.weight - part.weight.mean(-1, keepdim=True)
            folded[f"{name}_bias"] = part.bias - part.bias.mean()
        query, key, value = folded["qkv_bias"].chunk(3)
        folded["proj_bias"] = folded["proj_bias"] + value @ folded["proj"]
        folded["qkv_bias"] = torch.cat([query, key, torch.zeros_like(value)])
        return folded | {"activation": block.mlp.act}

    def norm(self, x: Any) -> tuple[Any, Any]:
        x = x - x.mean(-1, keepdim=True)
        scale = (x.square().mean(-1, keepdim=True) + self.epsilon).sqrt()
        return x / scale, scale

    def run(self, ids: list[int]) -> dict[str, Any]:
        """The parts that are written at the last position, and the logits there."""
        places = self.embed[ids], self.positions[: len(ids)]
        residual = sum(places)
        parts: dict[str, list[Any]] = {"embedding": [place[-1] for place in places]}
        parts |= {name: [] for name in ("attention", "head", "source", "mlp", "neuron", "proj_bias", "out_bias")}
        for weights in self.blocks:
            heads = self.norm(residual)[0] @ weights["qkv"] + weights["qkv_bias"]
            q, k, v = (x.unflatten(-1, (self.config.n_head, -1)).transpose(0, 1) for x in heads.chunk(3, dim=-1))
            scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
            pattern = scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).softmax(-1)
            out = weights["proj"].unflatten(0, (self.config.n_head, -1))  # [H, e, d]
            moved = pattern[..., None] * (v @ out)[:, None]  # [H, T, S, d]
            written = moved.sum((0, 2)) + weights["proj_bias"]
            parts["source"] += moved[:, -1].flatten(0, 1)
            parts["head"] += moved[:, -1].sum(1)
            parts["attention"] += [written[-1]]
            residual = residual + written
            post = weights["activation"](self.norm(residual)[0] @ weights["in"] + weights["in_bias"])
            written = post @ weights["out"] + weights["out_bias"]
            parts["neuron"] += post[-1][:, None] * weights["out"]
            parts["mlp"] += [written[-1]]
            parts["proj_bias"] += [weights["proj_bias"]]
            parts["out_bias"] += [weights["out_bias"]]
            residual = residual + written
        x, scale = self.norm(residual[-1])
        return parts | {"scale": scale, "logits": x @ self.unembed + self.unembed_bias}


@pytest.mark.parametrize("versus", [None, 8])
@pytest.mark.parametrize("level", Level)
def test_attribution_as_transformer_lens_has_it(pair: Pair, level: Level, versus: int | None) -> None:
    token, processed = 5, Processed(pair)
    run = processed.run(pair.ids)
    found = attribute(pair.trace, pair.last, token, versus, level, Convention.TRANSFORMER_LENS)

    def against(logits: Any) -> Any:
        return logits[..., token] - (0 if versus is None else logits[..., versus])

    def shares(kind: str) -> list[float]:
        return [float(against(part / run["scale"] @ processed.unembed)) for part in run[kind]]

    assert abs(found.gap) < 1e-10
    same(found.logit, against(run["logits"]))
    same(values(found, "embedding"), shares("embedding"))
    attention = {Level.HEAD: "head", Level.POSITION: "source"}.get(level, "attention")
    mlp = "neuron" if level is Level.NEURON else "mlp"
    same(values(found, attention), shares(attention))
    same(values(found, mlp), shares(mlp))
    biases = shares("proj_bias") if attention != "attention" else shares("out_bias") if mlp == "neuron" else []
    same(values(found, "bias"), [*biases, against(processed.unembed_bias)])


def test_the_mean_of_the_unembedding(pair: Pair) -> None:
    same(attribution.mean_unembedding(pair.trace), pair.model.lm_head.weight.mean(0))


# Neurons


def test_neurons(pair: Pair) -> None:
    posts = torch.stack([pair.seen[f"transformer.h.{layer}.mlp.c_proj.in"] for layer in pair.layers])  # [L, T, m]
    out = torch.stack([pair.model.transformer.h[layer].mlp.c_proj.weight for layer in pair.layers])  # [L, m, d]
    written = posts[:, pair.last].abs() * out.norm(dim=-1)
    fired = neurons.fired(pair.trace, pair.last, top=5)
    same([neuron.activation for neuron in fired], posts[:, pair.last].flatten().topk(5).values)
    same([neuron.written for neuron in fired], [written[neuron.layer, neuron.index] for neuron in fired])
    most = neurons.wrote(pair.trace, pair.last, top=5)
    same([neuron.written for neuron in most], written.flatten().topk(5).values)
    same([written[neuron.layer, neuron.index] for neuron in most], [neuron.written for neuron in most])
    in_block = neurons.wrote(pair.trace, 2, layer=1, top=3) if len(pair.layers) > 1 else []
    same([neuron.activation for neuron in in_block], [posts[1, 2, neuron.index] for neuron in in_block])
    same(neurons.activations(pair.trace, 0, 3), posts[0, :, 3])


def test_what_a_neuron_promotes(pair: Pair) -> None:
    """The derivative of the logits, centred, by the activation, times the scale: by autograd."""
    layer, neuron, body = pair.trace.config.n_layer - 1, 4, pair.model.transformer
    end, out = pair.seen["transformer.ln_f.in"][pair.last], body.h[layer].mlp.c_proj.weight[neuron]
    scale = (end.var(correction=0) + body.ln_f.eps).sqrt()

    def logits(strength: Any) -> Any:
        centred = end + strength * out
        centred = centred - centred.mean()
        return pair.model.lm_head(centred / scale * body.ln_f.weight + body.ln_f.bias)

    slope = torch.autograd.functional.jacobian(logits, torch.tensor(0.0, dtype=torch.float64)) * scale
    slope = slope - slope.mean()
    same(neurons.effect_on_logits(pair.trace, layer, neuron), slope)
    found = neurons.effects(pair.trace, layer, neuron, top=4)
    assert [effect.token for effect in found.promoted] == slope.argsort(descending=True)[:4].tolist()
    assert [effect.token for effect in found.suppressed] == slope.argsort()[:4].tolist()


# Flow


def proximity(parts: Any, whole: Any) -> Any:  # [n, d], [d] -> [n]
    near = (whole.abs().sum() - (whole - parts).abs().sum(-1)).clamp(min=0)
    return near / near.sum()


def all_weights(pair: Pair, depth: int, position: int) -> dict[tuple[Any, ...], float]:
    """(kind, head, depth and position it comes from) -> weight, of one state of the residual stream."""
    layer = (depth - 1) // 2
    name, states = f"transformer.h.{layer}", list(residuals(pair).values())
    whole, before = states[depth][position], states[depth - 1][position]
    ways: list[tuple[Any, ...]] = [("residual", None, depth - 1, position)]
    if depth % 2 == 0:
        parts = torch.stack([before, pair.seen[f"{name}.mlp.c_proj.out"][position]])
        ways.append(("mlp", None, depth - 1, position))
        return dict(zip(ways, proximity(parts, whole).tolist()))
    held = pair.heads(pair.seen[f"{name}.attn.c_attn.out"].chunk(3, dim=-1)[2])[: position + 1]
    moved = torch.einsum(
        "hs,she,hed->hsd", pair.seen[f"pattern.{layer}"][:, position, : position + 1], held, pair.out(layer)
    )
    ways += [("head", head, depth - 1, source) for head in range(len(moved)) for source in range(position + 1)]
    ways.append(("bias", None, None, None))
    bias = pair.model.transformer.h[layer].attn.c_proj.bias
    return dict(zip(ways, proximity(torch.cat([before[None], moved.flatten(0, 1), bias[None]]), whole).tolist()))


@pytest.mark.parametrize("threshold", [0.0, 0.02, 0.1])
def test_routes(pair: Pair, threshold: float) -> None:
    """The graph built again from PyTorch's run: the same edges, weights and shares."""
    position = 4
    found = flow.routes(pair.trace, position, threshold)
    assert found
    shares, expected = {(2 * len(pair.layers), position): 1.0}, {}
    for depth in range(2 * len(pair.layers), 0, -1):
        for target in [state for state in shares if state[0] == depth]:
            for (kind, head, *source), weight in all_weights(pair, *target).items():
                if weight >= threshold:
                    share = shares[target] * weight
                    expected[kind, head, *source, *target] = (weight, share)
                    if kind != "bias":
                        shares[tuple(source)] = shares.get(tuple(source), 0.0) + share
    edges = {(edge.kind, edge.head, *(edge.source or (None, None)), *edge.target): edge for edge in found.edges}
    assert len(edges) == len(found.edges)
    assert set(edges) == set(expected)
    for key, (weight, share) in expected.items():
        same((edges[key].weight, edges[key].share), (weight, share))
    assert {tuple(node) for node in found.shares} == set(shares)
    same(found.kept, sum(share for (depth, _), share in shares.items() if not depth))


# Two runs


def test_compare(pair: Pair) -> None:
    other_ids = [*pair.ids[:2], 7, *pair.ids[4:]]  # one token less
    other, seen = traced(pair.trace.model, other_ids), watch(pair.model, other_ids)
    before, after = (logits[-1].log_softmax(-1) for logits in (pair.seen["logits"], seen["logits"]))
    found = compare.compare(pair.trace, other)
    same(found.kl, functional.kl_div(after, before, log_target=True, reduction="sum") / np.log(2))
    changes = sorted(found.changes, key=lambda change: change.token)
    same([change.points for change in changes], 100 * (after.exp() - before.exp()))
    same([change.bits for change in changes], (after - before) / np.log(2))
    sizes = [abs(change.points) for change in found.changes]
    assert sizes == sorted(sizes, reverse=True)
    apart = seen["transformer.h.1.out"] - pair.seen["transformer.h.1.out"][1:]
    same(compare.difference(pair.trace, other, "blocks.1.hook_resid_post"), apart)
    patterns = seen["pattern.1"] - pair.seen["pattern.1"][:, 1:, 1:]
    same(compare.difference(pair.trace, other, "blocks.1.attn.hook_pattern", 1), patterns[1])
