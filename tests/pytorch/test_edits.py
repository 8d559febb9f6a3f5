"""Every kind of edit, and sweeps, against transformers' GPT-2 with PyTorch's forward hooks, in float64."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402
from transformers.models.gpt2 import modeling_gpt2  # noqa: E402

from explorer.edits import Cut, Edit, Mean, Patch, Scale, Set, Zero, between, contrast, edited, towards, where  # noqa: E402
from explorer.edits.metric import KL, LOGIT_DIFFERENCE, METRICS, PROBABILITY, Metric  # noqa: E402
from explorer.edits.sweep import HEADS, MAPS, MLPS, POSITIONS, Sweep  # noqa: E402
from explorer.engine.engines import NUMPY, on_engine  # noqa: E402
from explorer.loading.checkpoints import open_checkpoint  # noqa: E402
from explorer.loading.places import embedded  # noqa: E402
from explorer.runs import running  # noqa: E402
from explorer.runs.trace import Trace  # noqa: E402
from tests.helpers.checkpoint_builder import CONFIG, write_tokenizer  # noqa: E402
from tests.helpers.models import never, traced  # noqa: E402

PROMPT, OTHER = "Tom and Lily went to the park. Tom said to", "Ben and Mia went to the park. Ben said to"
SMALL = {
    **CONFIG,
    "n_positions": 32,
    "n_embd": 24,
    "n_layer": 3,
    "n_head": 3,
    "bos_token_id": None,
    "eos_token_id": None,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "narrow MLP, erf": {"n_inner": 30, "activation_function": "gelu"},
    "scaled by layer, untied": {"scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False},
}
LAYER, HEAD, NEURON = 1, 2, 17


class Pair:
    """One checkpoint twice, ours and theirs, and two prompts of one length."""

    def __init__(self, directory: Path, ids: list[int], other: list[int]) -> None:
        self.model = open_checkpoint(directory).load()
        self.theirs = GPT2LMHeadModel.from_pretrained(directory, attn_implementation="eager").double().eval()
        self.ids, self.other_ids = ids, other
        self.base, self.source = traced(self.model, ids), traced(self.model, other)

    def run(self, edit: Edit) -> Trace:
        changed = edited(self.base, [edit])
        assert running.complete(changed, never)
        return changed

    @property
    def blocks(self) -> Any:
        return self.theirs.transformer.h

    def logits(self, ids: list[int] | None = None, *hooks: Any) -> Any:  # [T, V]
        """Theirs, within the context of some hooks."""
        with ExitStack() as stack, torch.no_grad():
            for hook in hooks:
                stack.enter_context(hook)
            return self.theirs(torch.tensor([ids or self.ids])).logits[0]

    def seen(self, module: Any, ids: list[int], before: bool = False) -> Any:
        """The input of a module, or its output."""
        kept: list[Any] = []
        self.logits(ids, (reading if before else writing)(module, lambda value: kept.append(value.clone())))
        return kept[0]

    def unembedding(self, token: int) -> Any:
        return self.theirs.lm_head.weight[token].detach()


@contextmanager
def reading(module: Any, change: Callable[[Any], Any]) -> Iterator[None]:
    """Change the input of a module [T, ...]."""

    def hook(module: Any, given: Any) -> Any:
        changed = change(given[0][0])
        return None if changed is None else (changed[None], *given[1:])

    handle = module.register_forward_pre_hook(hook)
    yield
    handle.remove()


@contextmanager
def writing(module: Any, change: Callable[[Any], Any]) -> Iterator[None]:
    """Change the output of a module [T, ...]."""

    def hook(module: Any, given: Any, made: Any) -> Any:
        value = made[0] if isinstance(made, tuple) else made
        changed = change(value[0])
        if changed is None:
            return None
        return (changed[None], *made[1:]) if isinstance(made, tuple) else changed[None]

    handle = module.register_forward_hook(hook)
    yield
    handle.remove()


@contextmanager
def cutting(layers: list[int], head: int | None, query: int, key: int) -> Iterator[None]:
    """The scores of an edge are -inf where the attention of these blocks reads the mask it adds."""
    attend = modeling_gpt2.eager_attention_forward

    def patched(module: Any, queries: Any, keys: Any, values: Any, mask: Any, *args: Any, **options: Any) -> Any:
        if module.layer_idx in layers:
            heads, length = queries.shape[1], queries.shape[2]
            cut = torch.zeros(1, heads, length, length, dtype=torch.float64)
            cut[0, slice(None) if head is None else head, query, key] = -torch.inf
            mask = cut if mask is None else mask + cut
            mask = mask + torch.full((length, length), -torch.inf, dtype=torch.float64).triu(1)
        return attend(module, queries, keys, values, mask, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modeling_gpt2, "eager_attention_forward", patched)
        yield


def put(*index: Any, by: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Some numbers of a tensor are replaced by what is made of the whole of it."""

    def change(value: Any) -> Any:
        changed = value.clone()
        made = torch.as_tensor(by(value), dtype=torch.float64)
        changed[index] = torch.broadcast_to(made, value.shape)[index]
        return changed

    return change


def zero(value: Any) -> float:
    return 0.0


def mean(value: Any) -> Any:
    return value.mean(0, keepdim=True)


ALL = slice(None)
Case = tuple[Edit, list[Any]]


def heads_and_neurons(pair: Pair) -> dict[str, Case]:
    block, width = pair.blocks[LAYER], pair.model.config.head_width
    columns = slice(HEAD * width, (HEAD + 1) * width)
    head, neuron = where.head(LAYER, HEAD), where.neuron(LAYER, NEURON)
    out, act = block.attn.c_proj, block.mlp.c_proj  # what they read is z and what the neurons fire
    theirs = pair.seen(out, pair.other_ids, before=True)
    return {
        "head zeroed": (Edit(head, Zero()), [reading(out, put(ALL, columns, by=zero))]),
        "head scaled": (Edit(head, Scale(-2)), [reading(out, put(ALL, columns, by=lambda z: -2 * z))]),
        "head mean": (Edit(head, Mean()), [reading(out, put(ALL, columns, by=mean))]),
        "head patched": (Edit(head, Patch(pair.source)), [reading(out, put(ALL, columns, by=lambda z: theirs))]),
        "head at positions": (
            Edit(where.head(LAYER, HEAD, [3, 8]), Zero()),
            [reading(out, put([3, 8], columns, by=zero))],
        ),
        "neuron set": (Edit(neuron, Set(3)), [reading(act, put(ALL, NEURON, by=lambda x: 3.0))]),
        "neuron mean": (Edit(neuron, Mean()), [reading(act, put(ALL, NEURON, by=mean))]),
        "neuron of one position": (
            Edit(where.neuron(LAYER, NEURON, 4), Set(-3)),
            [reading(act, put(4, NEURON, by=lambda x: -3.0))],
        ),
    }


def parts(pair: Pair) -> dict[str, Case]:
    block = pair.blocks[LAYER]
    both = [block.attn, block.mlp]
    means = [pair.seen(module, pair.ids).mean(0, keepdim=True) for module in both]
    theirs = [pair.seen(module, pair.other_ids) for module in both]
    final = pair.theirs.transformer.ln_f
    return {
        "MLP zeroed": (Edit(where.mlp(LAYER), Zero()), [writing(block.mlp, put(ALL, by=zero))]),
        "block zeroed": (Edit(where.block(LAYER), Zero()), [writing(part, put(ALL, by=zero)) for part in both]),
        "block mean": (
            Edit(where.block(LAYER), Mean()),
            [writing(part, put(ALL, by=lambda x, value=value: value)) for part, value in zip(both, means)],
        ),
        "block patched": (
            Edit(where.block(LAYER, 5), Patch(pair.source)),
            [writing(part, put(5, by=lambda x, value=value: value)) for part, value in zip(both, theirs)],
        ),
        "what a layer norm gives": (
            Edit(where.activation("blocks.1.ln2.hook_out", None, 7), Scale(5)),
            [writing(block.ln_2, put(ALL, 7, by=lambda x: 5 * x))],
        ),
        "the last layer norm": (
            Edit(where.activation("ln_final.hook_out", 9), Zero()),
            [writing(final, put(9, by=zero))],
        ),
        "logits": (
            Edit(where.activation("logits", None, 5), Set(4)),
            [writing(pair.theirs.lm_head, put(ALL, 5, by=lambda x: 4.0))],
        ),
    }


def residual_stream(pair: Pair) -> dict[str, Case]:
    block, name = pair.blocks[LAYER], f"blocks.{LAYER}.hook_resid_pre"
    ours, theirs = (pair.seen(block, ids, before=True) for ids in (pair.ids, pair.other_ids))
    difference = pair.unembedding(4) - pair.unembedding(9)
    return {
        "cell": (
            Edit(where.activation(name, 5, 7), Set(2)),
            [reading(block, put(5, 7, by=lambda x: 2.0))],
        ),
        "dimension": (Edit(where.activation(name, None, 7), Mean()), [reading(block, put(ALL, 7, by=mean))]),
        "position": (Edit(where.activation(name, 2), Zero()), [reading(block, put(2, by=zero))]),
        "position patched": (
            Edit(where.activation(name, 2), Patch(pair.source)),
            [reading(block, put(2, by=lambda x: theirs))],
        ),
        "embedding": (
            Edit(where.activation("hook_embed", 0), Zero()),
            [writing(pair.theirs.transformer.wte, put(0, by=zero))],
        ),
        "steered to a token": (
            Edit(where.activation(name), towards(pair.model, 4, "four", 1.5)),
            [reading(block, lambda x: x + 1.5 * pair.unembedding(4))],
        ),
        "steered between tokens": (
            Edit(where.activation(name, 6), between(pair.model, 4, 9, ("four", "nine"), 2)),
            [reading(block, put(6, by=lambda x: x + 2 * difference))],
        ),
        "steered by two prompts": (
            Edit(where.activation(name), contrast(name, (pair.source, 2), (pair.base, 2), "there", 3)),
            [reading(block, lambda x: x + 3 * (theirs[2] - ours[2]))],
        ),
    }


def edges(pair: Pair) -> dict[str, Case]:
    config = pair.model.config
    layers = list(range(config.n_layer))
    return {
        "edge of a head": (Edit(where.edge(config, 9, 2, LAYER, HEAD), Cut()), [cutting([LAYER], HEAD, 9, 2)]),
        "edge of a block": (Edit(where.edge(config, 9, 2, LAYER), Cut()), [cutting([LAYER], None, 9, 2)]),
        "edge": (Edit(where.edge(config, 9, 9), Cut()), [cutting(layers, None, 9, 9)]),
    }


def random_pair(directory: Path, changes: dict[str, Any]) -> Pair:
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**{**SMALL, **changes})).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.1, 0.3)
    model.save_pretrained(directory)
    write_tokenizer(directory)
    return Pair(directory, [200, 3, 3, 77, 261, 0, 12, 3, 150, 9], [5, 9, 200, 17, 3, 88, 41, 7, 9, 3])


@pytest.fixture(scope="module", params=["embedded", *VARIANTS])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    if request.param != "embedded":
        return random_pair(tmp_path_factory.mktemp("model"), VARIANTS[request.param])
    tokenizer = open_checkpoint(embedded()).tokenizer
    return Pair(embedded(), tokenizer.encode(PROMPT), tokenizer.encode(OTHER))


@pytest.mark.parametrize("cases", [heads_and_neurons, parts, residual_stream, edges], ids=lambda cases: cases.__name__)
def test_edits(pair: Pair, cases: Callable[[Pair], dict[str, Case]]) -> None:
    plain = pair.logits()
    for name, (edit, hooks) in cases(pair).items():
        expected = pair.logits(None, *hooks).numpy()
        found = pair.run(edit).values["logits"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, err_msg=name)
        assert np.abs(expected - plain.numpy()).max() > 1e-4, f"{name} would be seen"


def test_generation_goes_on_with_the_edits_in_force(pair: Pair) -> None:
    """Token after token through the cache, greedily: theirs runs the whole text each time."""
    edit, _ = heads_and_neurons(pair)["head scaled"]
    changed = pair.run(edit)
    for _ in range(4):
        _, hooks = heads_and_neurons(pair)["head scaled"]
        expected = pair.logits(changed.ids, *hooks)
        np.testing.assert_allclose(changed.values["logits"], expected.numpy(), rtol=0, atol=1e-9)
        changed = changed.first(len(changed.ids))
        changed.ids = [*changed.ids, int(expected[-1].argmax())]
        assert running.complete(changed, never)


def defined(kind: str, logits: Any, before: Any) -> float:
    """The metric, by torch's own functions; the tokens are 4 and 9."""
    if kind == KL:
        logs, others = before.log_softmax(-1), logits.log_softmax(-1)
        return float(torch.nn.functional.kl_div(others, logs, log_target=True, reduction="sum") / np.log(2))
    if kind == PROBABILITY:
        return float(logits.softmax(-1)[4])
    return float(logits[4] - (logits[9] if kind == LOGIT_DIFFERENCE else 0))


def hook_of(pair: Pair, over: str, layer: int, column: int = 0) -> Any:
    width, block = pair.model.config.head_width, pair.blocks[layer]
    if over == HEADS:
        return reading(block.attn.c_proj, put(ALL, slice(column * width, (column + 1) * width), by=zero))
    return writing(block.mlp, put(ALL, by=zero)) if over == MLPS else reading(block, put(column, by=zero))


@pytest.mark.parametrize("over", MAPS)
def test_sweeps(pair: Pair, over: str) -> None:
    """Of the embedded model, which is slow, some cells, and on NumPy in float32."""
    large = pair.model.config.n_embd > 100
    base = traced(on_engine(pair.model, NUMPY), pair.ids) if large else pair.base
    kinds = METRICS if over == HEADS else (KL,) if over == POSITIONS else (PROBABILITY, LOGIT_DIFFERENCE)
    before = pair.logits()[-1]
    sweeps = {kind: dict(Sweep(base, Metric(kind, 4, 9), over).effects()) for kind in kinds}
    for cell in Sweep(base, Metric(KL), over).cells[:: 5 if large else 1]:
        after = pair.logits(None, hook_of(pair, over, *cell))[-1]
        for kind, effects in sweeps.items():
            expected = defined(kind, after, before) - defined(kind, before, before)
            assert effects[cell] == pytest.approx(expected, abs=1e-4 if large else 1e-9)
