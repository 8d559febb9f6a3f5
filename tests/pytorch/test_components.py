"""Each part of the model by itself, in float64: against torch.nn.functional, and against transformers' modules."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch.nn import functional  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402
from transformers.activations import ACT2FN  # noqa: E402
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention, GPT2Block  # noqa: E402

from gpt import GPT, GPTConfig, load_weights, ops  # noqa: E402
from gpt.attention import attention, mix, raw_scores  # noqa: E402
from gpt.block import block  # noqa: E402
from gpt.hooks import Run  # noqa: E402
from gpt.layer_norm import layer_norm  # noqa: E402
from gpt.mlp import mlp  # noqa: E402
from gpt.weights import LayerNormWeights, Weights  # noqa: E402
from tests.helpers.numpy_gpt2 import Source, random_tensors  # noqa: E402

GIVEN = {"vocab_size": 23, "n_positions": 12, "n_embd": 12, "n_layer": 3, "n_head": 3}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "n_inner": {"n_inner": 7},
    "unscaled": {"scale_attn_weights": False},
    "by inverse layer": {"scale_attn_by_inverse_layer_idx": True},
    "erf, epsilon": {"activation_function": "gelu", "layer_norm_epsilon": 0.1},
    "untied": {"tie_word_embeddings": False},
}
LAYER, POSITIONS = 1, 6


def tensor(*shape: int, seed: int = 0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    found = torch.tensor(found, dtype=torch.float64)
    torch.testing.assert_close(found, expected.detach(), rtol=tolerance, atol=tolerance)


class Pair:
    """The same random weights twice: as ours, and in transformers' model."""

    def __init__(self, given: dict[str, Any]) -> None:
        tensors = random_tensors(given, seed=3)
        self.config = GPTConfig.from_dict(given)
        self.weights: Weights = load_weights(self.config, Source(tensors))
        self.theirs = GPT2Config(**given, attn_implementation="eager", attn_pdrop=0, resid_pdrop=0, embd_pdrop=0)
        self.states = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in tensors.items()}

    def load(self, module: Any, prefix: str) -> Any:
        """One of transformers' modules in float64, with the weights that have this prefix."""
        states = {name.removeprefix(prefix): value for name, value in self.states.items() if name.startswith(prefix)}
        module = module.double().eval()
        wrong = module.load_state_dict(states, strict=False)
        assert not wrong.unexpected_keys
        assert not [name for name in wrong.missing_keys if not name.endswith(("attn.bias", "masked_bias"))]
        return module


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS, scope="module")
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(GIVEN | request.param)


def causal_mask():
    """As transformers adds it to the scores."""
    return torch.full((POSITIONS, POSITIONS), -torch.inf, dtype=torch.float64).triu(1)[None, None]


# Against torch.nn.functional


def test_linear_and_products() -> None:
    x, weight, bias = tensor(5, 7), tensor(4, 7, seed=1), tensor(4, seed=2)
    same(ops.linear(x.tolist(), weight.tolist(), bias.tolist()), functional.linear(x, weight, bias))
    same(ops.matmul_transposed(x.tolist(), weight.tolist()), functional.linear(x, weight))
    same(ops.matmul(x.tolist(), weight.T.tolist()), x @ weight.T)


def test_softmax_of_masked_scores() -> None:
    scores = tensor(2, POSITIONS, POSITIONS) * 20
    same(ops.softmax(ops.causal_mask(scores.tolist())), (scores + causal_mask()[0]).softmax(-1))


@pytest.mark.parametrize("epsilon", [0.0, 1e-5, 0.5])
def test_layer_norm(epsilon: float) -> None:
    x, gamma, beta = tensor(5, 9) * 3 + 2, tensor(9, seed=1), tensor(9, seed=2)
    found = layer_norm(
        x.tolist(), LayerNormWeights(gamma.tolist(), beta.tolist()), Run(GPTConfig(layer_norm_epsilon=epsilon))
    )
    same(found, functional.layer_norm(x, (9,), gamma, beta, epsilon))


@pytest.mark.parametrize("name", sorted(ops.ACTIVATIONS))
def test_an_activation_is_what_transformers_calls_by_that_name(name: str) -> None:
    x = torch.cat([torch.linspace(-12, 12, 301, dtype=torch.float64), torch.tensor([-1000.0, 1000.0])])
    same(ops.activate([x.tolist()], name), ACT2FN[name](x)[None])


@pytest.mark.parametrize("n_head", [1, 3])
def test_attention_is_scaled_dot_product_attention(n_head: int) -> None:
    q, k, v = (tensor(POSITIONS, 12, seed=seed) for seed in range(3))
    queries, keys, values = (ops.split_heads(x.tolist(), n_head) for x in (q, k, v))
    scores = ops.causal_mask(ops.divide(raw_scores(queries, keys), (12 / n_head) ** 0.5))
    heads = (x.unflatten(1, (n_head, -1)).transpose(0, 1) for x in (q, k, v))
    expected = functional.scaled_dot_product_attention(*heads, is_causal=True).transpose(0, 1)
    same(mix(ops.softmax(scores), values), expected)


# Against transformers' modules


def test_gpt2_attention(pair: Pair) -> None:
    x = tensor(POSITIONS, 12)
    module = pair.load(GPT2Attention(pair.theirs, layer_idx=LAYER), f"h.{LAYER}.attn.")
    expected, pattern = module(x[None], attention_mask=causal_mask())[:2]
    seen: dict[str, Any] = {}
    found, _ = attention(x.tolist(), pair.weights.blocks[LAYER], Run(pair.config, hook=seen.__setitem__, layer=LAYER))
    same(found, expected[0])
    same(seen["hook_pattern"], pattern[0])


def test_gpt2_mlp(pair: Pair) -> None:
    x = tensor(POSITIONS, 12)
    module = pair.load(GPT2Block(pair.theirs, layer_idx=LAYER), f"h.{LAYER}.").mlp
    same(mlp(x.tolist(), pair.weights.blocks[LAYER], Run(pair.config)), module(x))


def test_gpt2_block(pair: Pair) -> None:
    x = tensor(POSITIONS, 12)
    module = pair.load(GPT2Block(pair.theirs, layer_idx=LAYER), f"h.{LAYER}.")
    expected = module(x[None], attention_mask=causal_mask())
    expected = expected[0] if isinstance(expected, tuple) else expected  # a tuple before transformers 5
    found, _ = block(x.tolist(), pair.weights.blocks[LAYER], Run(pair.config, layer=LAYER))
    same(found, expected.reshape(POSITIONS, 12), 1e-11)


def test_gpt2_whole(pair: Pair) -> None:
    ids = [3, 1, 4, 1, 5, 9, 2, 6, 22, 0, 7, 7]
    model = GPT2LMHeadModel(pair.theirs).double().eval()
    states = {f"transformer.{name}": value for name, value in pair.states.items() if name != "lm_head.weight"}
    states["lm_head.weight"] = pair.states.get("lm_head.weight", pair.states["wte.weight"])
    wrong = model.load_state_dict(states, strict=False)
    assert not wrong.unexpected_keys
    assert not [name for name in wrong.missing_keys if not name.endswith(("attn.bias", "masked_bias"))]
    expected = model(torch.tensor([ids]), output_hidden_states=True)
    seen: dict[str, Any] = {}
    output = GPT(pair.config, pair.weights).forward(ids, hook=seen.__setitem__)
    same(output.logits, expected.logits[0], 1e-11)
    for layer in range(3):
        same(seen[f"blocks.{layer}.hook_resid_pre"], expected.hidden_states[layer][0], 1e-11)
    same(seen["ln_final.hook_out"], expected.hidden_states[3][0], 1e-11)
