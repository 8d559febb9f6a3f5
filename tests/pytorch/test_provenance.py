"""Explained numbers against products formed from transformers' own weights and hidden states."""

import random
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402

from explorer.provenance.explanation import Explanation  # noqa: E402
from explorer.runs.cells import Cell  # noqa: E402
from explorer.walk.session import Session  # noqa: E402
from gpt import GPT, GPTConfig, Sampling, load_weights  # noqa: E402
from tests.helpers.explained import WORDS  # noqa: E402
from tests.helpers.models import finish  # noqa: E402
from tests.helpers.numpy_gpt2 import Source  # noqa: E402

GIVEN: dict[str, Any] = {"vocab_size": 11, "n_positions": 12, "n_embd": 12, "n_layer": 2, "n_head": 3}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "untied, n_inner": {"tie_word_embeddings": False, "n_inner": 7},
    "by inverse layer": {"scale_attn_by_inverse_layer_idx": True},
    "erf, epsilon": {"activation_function": "gelu", "layer_norm_epsilon": 0.1},
}
IDS = [3, 1, 4, 1, 5, 9]
D, H, E = 12, 3, 4


class Theirs:
    """transformers' GPT-2 in float64: its weights, and what goes into and comes out of its modules."""

    def __init__(self, given: dict[str, Any]) -> None:
        torch.manual_seed(0)
        config = GPT2Config(**given, attn_implementation="eager", attn_pdrop=0, resid_pdrop=0, embd_pdrop=0)
        self.model = GPT2LMHeadModel(config).double().eval()
        for weight in self.model.parameters():
            torch.nn.init.normal_(weight, 0.1, 0.4)
        self.states = {name.removeprefix("transformer."): value for name, value in self.model.state_dict().items()}
        self.into: dict[str, Any] = {}
        self.out: dict[str, Any] = {}
        for name, module in self.model.named_modules():
            module.register_forward_hook(self._note(name.removeprefix("transformer.")))
        with torch.no_grad():
            run = self.model(torch.tensor([IDS]), output_attentions=True)
        self.patterns = [pattern[0] for pattern in run.attentions]
        self.logits = run.logits[0]

    def _note(self, name: str) -> Callable[..., None]:
        def note(module: Any, inputs: Any, output: Any) -> None:
            self.into[name] = inputs[0][0] if inputs else None
            output = output[0] if isinstance(output, tuple) else output
            self.out[name] = output[0] if hasattr(output, "dim") and output.dim() == 3 else output

        return note

    def qkv(self, layer: int) -> Any:  # 3 x [T, H, e]
        return [part.unflatten(1, (H, E)) for part in self.out[f"h.{layer}.attn.c_attn"].split(D, dim=1)]


class Pair:
    """The same weights in both programs, the same tokens run."""

    def __init__(self, changes: dict[str, Any]) -> None:
        given = GIVEN | changes
        self.theirs = Theirs(given)
        config = GPTConfig.from_dict(given)
        tensors = {name: value.numpy() for name, value in self.theirs.states.items()}
        self.session = Session(GPT(config, load_weights(config, Source(tensors))), WORDS, Sampling(0.7, 4))
        self.session.submit(" ".join(map(str, IDS)))
        finish(self.session)

    def explain(self, name: str, *index: int) -> Explanation:
        return self.session.provenance.explain(Cell(name, index))


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS, scope="module")
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param)


def same(explanation: Explanation, terms: Any, value: Any) -> None:
    """The terms in their order, and the value that they add up to."""
    found = torch.tensor(explanation.values, dtype=torch.float64)
    torch.testing.assert_close(found, torch.as_tensor(terms).detach().reshape(-1), rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(found.sum(), torch.as_tensor(value).detach(), rtol=1e-9, atol=1e-10)
    assert explanation.exact


def places(count: int = 4, seed: int = 0) -> list[tuple[int, int, int]]:
    """Blocks, positions and numbers to be taken as an index."""
    choice = random.Random(seed)
    return [(choice.randrange(2), choice.randrange(len(IDS)), choice.randrange(100)) for _ in range(count)]


def test_embeddings(pair: Pair) -> None:
    states = pair.theirs.states
    for _, position, i in places():
        token, place = states["wte.weight"][IDS[position]], states["wpe.weight"][position]
        same(pair.explain("hook_embed", position, i % D), token[i % D], pair.theirs.out["wte"][position, i % D])
        found = pair.explain("blocks.0.hook_resid_pre", position, i % D)
        same(found, [token[i % D], place[i % D]], pair.theirs.into["h.0.ln_1"][position, i % D])


@pytest.mark.parametrize(("ours", "theirs", "before"), [("ln1", "ln_1", "resid_pre"), ("ln2", "ln_2", "resid_mid")])
def test_layer_norm(pair: Pair, ours: str, theirs: str, before: str) -> None:
    for layer, position, i in places():
        d, module = i % D, f"h.{layer}.{theirs}"
        x, gain, shift = (
            pair.theirs.into[module][position],
            *(pair.theirs.states[f"{module}.{k}"] for k in ("weight", "bias")),
        )
        mean, variance = x.mean(), x.var(correction=0)
        scale = torch.sqrt(variance + pair.session.model.config.layer_norm_epsilon)
        norm = f"blocks.{layer}.{ours}."
        same(pair.explain(f"{norm}hook_mean", position, 0), x / D, mean)
        same(pair.explain(f"{norm}hook_var", position, 0), (x - mean) ** 2 / D, variance)
        same(pair.explain(f"{norm}hook_scale", position, 0), scale, scale)
        same(pair.explain(f"{norm}hook_normalized", position, d), [x[d] / scale, -mean / scale], (x[d] - mean) / scale)
        out = [(x[d] - mean) / scale * gain[d], shift[d]]
        same(pair.explain(f"{norm}hook_out", position, d), out, pair.theirs.out[module][position, d])


def test_queries_keys_values(pair: Pair) -> None:
    for layer, position, i in places():
        head, e = i % H, i % E
        weight, bias = (pair.theirs.states[f"h.{layer}.attn.c_attn.{k}"] for k in ("weight", "bias"))
        x = pair.theirs.into[f"h.{layer}.attn.c_attn"][position]
        for part, name in enumerate("qkv"):
            column = part * D + head * E + e
            terms = torch.cat([x * weight[:, column], bias[column : column + 1]])
            value = pair.theirs.qkv(layer)[part][position, head, e]
            same(pair.explain(f"blocks.{layer}.attn.hook_{name}", position, head, e), terms, value)


def test_scores_and_pattern(pair: Pair) -> None:
    for layer, query, i in places():
        head, key, attn = i % H, i % (query + 1), f"blocks.{layer}.attn."
        q, k, v = pair.theirs.qkv(layer)
        products = q[query, head] * k[key, head]
        same(pair.explain(f"{attn}hook_attn_scores_raw", head, query, key), products, products.sum())
        weights = pair.theirs.patterns[layer][head]
        same(pair.explain(f"{attn}hook_pattern", head, query, key), weights[query, key], weights[query, key])
        z = pair.theirs.into[f"h.{layer}.attn.c_proj"][query].unflatten(0, (H, E))
        same(pair.explain(f"{attn}hook_z", query, head, i % E), weights[query] * v[:, head, i % E], z[head, i % E])


def test_what_is_written(pair: Pair) -> None:
    for layer, position, i in places():
        d = i % D
        for module, name in (("attn.c_proj", "hook_attn_out"), ("mlp.c_proj", "hook_mlp_out")):
            weight, bias = (pair.theirs.states[f"h.{layer}.{module}.{k}"] for k in ("weight", "bias"))
            x = pair.theirs.into[f"h.{layer}.{module}"][position]
            terms = torch.cat([x * weight[:, d], bias[d : d + 1]])
            same(
                pair.explain(f"blocks.{layer}.{name}", position, d),
                terms,
                pair.theirs.out[f"h.{layer}.{module}"][position, d],
            )
        neuron = i % pair.session.model.config.mlp_width
        fired = pair.theirs.into[f"h.{layer}.mlp.c_proj"][position, neuron]
        same(pair.explain(f"blocks.{layer}.mlp.hook_post", position, neuron), fired, fired)


def test_a_residual_stream_taken_apart(pair: Pair) -> None:
    """Embeddings, then of each block what its heads wrote, the bias, and what the MLP wrote."""
    states, theirs = pair.theirs.states, pair.theirs
    for _, position, i in places():
        d, terms = i % D, []
        terms += [states["wte.weight"][IDS[position], d], states["wpe.weight"][position, d]]
        for layer in range(2):
            z = theirs.into[f"h.{layer}.attn.c_proj"][position].unflatten(0, (H, E))
            weight = states[f"h.{layer}.attn.c_proj.weight"][:, d].unflatten(0, (H, E))
            terms += [
                *(z * weight).sum(dim=1),
                states[f"h.{layer}.attn.c_proj.bias"][d],
                theirs.out[f"h.{layer}.mlp"][position, d],
            ]
        found = pair.session.provenance.explain(Cell("blocks.1.hook_resid_post", (position, d)), unrolled=True)
        values = torch.tensor(found.values, dtype=torch.float64)
        torch.testing.assert_close(values, torch.stack(terms).detach(), rtol=1e-10, atol=1e-11)
        torch.testing.assert_close(values.sum(), theirs.into["ln_f"][position, d], rtol=1e-9, atol=1e-10)


def test_logits_and_probabilities(pair: Pair) -> None:
    head = pair.theirs.model.lm_head.weight
    for _, position, i in places():
        token, logits = i % 11, pair.theirs.logits[position]
        x = pair.theirs.out["ln_f"][position]
        same(pair.explain("logits", position, token), x * head[token], logits[token])
        tempered = logits / 0.7
        same(pair.explain("tempered", position, token), tempered[token], tempered[token])
        share = tempered.softmax(-1)[token]
        same(pair.explain("tempered_probabilities", position, token), share, share)
        kept = tempered.masked_fill(tempered < tempered.topk(4).values[-1], -torch.inf).softmax(-1)[token]
        same(pair.explain("probabilities", position, token), kept, kept)
