"""Edited runs of a small model, what NumPy makes of each edit, and runs that share nothing with another."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from explorer.edits import (
    Add,
    Cut,
    Edit,
    Mean,
    Patch,
    Scale,
    Set,
    Zero,
    between,
    contrast,
    edited,
    towards,
    where,
)
from explorer.edits.apply import Editor
from explorer.edits.edit import check
from explorer.runs import running
from explorer.runs.trace import Trace
from gpt import GPT, GPTConfig, activation_shapes, load_weights
from tests.helpers.models import never, traced
from tests.helpers.numpy_gpt2 import Array, Run, Source, random_tensors

GIVEN = {"vocab_size": 11, "n_positions": 12, "n_embd": 6, "n_layer": 3, "n_head": 3}
IDS, OTHER = [3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]
TENSORS = random_tensors(GIVEN, seed=5)
CONFIG = GPTConfig.from_dict(GIVEN)
MODEL = GPT(CONFIG, load_weights(CONFIG, Source(TENSORS)))
BASE, SOURCE = traced(MODEL, IDS), traced(MODEL, OTHER)
OURS, THEIRS = Run(GIVEN, TENSORS, IDS).seen, Run(GIVEN, TENSORS, OTHER).seen
STEP = tuple(np.random.default_rng(0).normal(size=6).tolist())

Z, POST, SCORES = "blocks.1.attn.hook_z", "blocks.1.mlp.hook_post", "blocks.1.attn.hook_attn_scores"
RESIDUAL, PATTERN = "blocks.2.hook_resid_pre", "blocks.0.attn.hook_pattern"
BLOCK = ("blocks.1.hook_attn_out", "blocks.1.hook_mlp_out")

Change = Callable[[Array], Array]


def put(*index: Any, by: Callable[[Array], Any]) -> Change:
    """Some numbers of an array are replaced by what is made of the whole of it."""

    def change(value: Array) -> Array:
        changed = value.copy()
        changed[index] = np.broadcast_to(by(value), value.shape)[index]
        return changed

    return change


def below(change: Change) -> Change:
    """Only where a position does not look at a later one."""
    return lambda value: np.where(np.tril(np.ones(value.shape[1:], dtype=bool)), change(value), value)


def nothing(value: Array) -> float:
    return 0.0


def mean(name: str) -> Change:
    """Over the positions of the run without edits."""
    return lambda value: OURS[name].mean(axis=0, keepdims=True)


ALL = slice(None)
UNEMBEDDING = TENSORS["wte.weight"]

# an edit, what NumPy makes of each activation, and how many positions every block is run for again
KINDS: dict[str, tuple[Edit, dict[str, Change], list[int]]] = {
    "head zeroed": (Edit(where.head(1, 2), Zero()), {Z: put(ALL, 2, by=nothing)}, [8, 8]),
    "head at positions": (Edit(where.head(1, 2, [5, 3]), Zero()), {Z: put([3, 5], 2, by=nothing)}, [5, 5]),
    "head scaled": (Edit(where.head(1, 0), Scale(-2.5)), {Z: put(ALL, 0, by=lambda z: -2.5 * z)}, [8, 8]),
    "head mean": (Edit(where.head(1, 1), Mean()), {Z: put(ALL, 1, by=mean(Z))}, [8, 8]),
    "head patched": (Edit(where.head(1, 1), Patch(SOURCE)), {Z: put(ALL, 1, by=lambda z: THEIRS[Z])}, [8, 8]),
    "neuron set": (Edit(where.neuron(1, 17), Set(3.5)), {POST: put(ALL, 17, by=lambda x: 3.5)}, [8, 8]),
    "neuron mean": (Edit(where.neuron(1, 17, 6), Mean()), {POST: put(6, 17, by=mean(POST))}, [2, 2]),
    "MLP zeroed": (Edit(where.mlp(1), Zero()), {BLOCK[1]: put(ALL, by=nothing)}, [8, 8]),
    "block zeroed": (Edit(where.block(1), Zero()), dict.fromkeys(BLOCK, put(ALL, by=nothing)), [8, 8]),
    "block mean": (Edit(where.block(1, 4), Mean()), {name: put(4, by=mean(name)) for name in BLOCK}, [4, 4]),
    "cell": (Edit(where.activation(RESIDUAL, 5, 2), Set(-1.25)), {RESIDUAL: put(5, 2, by=lambda x: -1.25)}, [3]),
    "dimension": (
        Edit(where.activation(RESIDUAL, None, 2), Scale(3)),
        {RESIDUAL: put(ALL, 2, by=lambda x: 3 * x)},
        [8],
    ),
    "position": (Edit(where.activation(RESIDUAL, 5), Zero()), {RESIDUAL: put(5, by=nothing)}, [3]),
    "position patched": (
        Edit(where.activation(RESIDUAL, 5), Patch(SOURCE)),
        {RESIDUAL: put(5, by=lambda x: THEIRS[RESIDUAL])},
        [3],
    ),
    "embedding": (Edit(where.activation("hook_embed", 6), Zero()), {"hook_embed": put(6, by=nothing)}, [2, 2, 2]),
    "mean of a layer norm": (
        Edit(where.activation("blocks.1.ln2.hook_mean"), Set(0.5)),
        {"blocks.1.ln2.hook_mean": put(ALL, by=lambda x: 0.5)},
        [8, 8],
    ),
    "keys": (
        Edit(where.activation("blocks.2.attn.hook_k", 3, 1, 0), Scale(4)),
        {"blocks.2.attn.hook_k": put(3, 1, 0, by=lambda x: 4 * x)},
        [5],
    ),
    "values": (
        Edit(where.activation("blocks.0.attn.hook_v", 7), Mean()),
        {"blocks.0.attn.hook_v": put(7, by=mean("blocks.0.attn.hook_v"))},
        [1, 1, 1],
    ),
    "edge of a head": (
        Edit(where.edge(CONFIG, 6, 2, layer=1, head=0), Cut()),
        {SCORES: put(0, 6, 2, by=lambda x: -np.inf)},
        [2, 2],
    ),
    "edge of a block": (
        Edit(where.edge(CONFIG, 6, 2, layer=1), Cut()),
        {SCORES: put(ALL, 6, 2, by=lambda x: -np.inf)},
        [2, 2],
    ),
    "edge": (
        Edit(where.edge(CONFIG, 4, 4), Cut()),
        {f"blocks.{i}.attn.hook_attn_scores": put(ALL, 4, 4, by=lambda x: -np.inf) for i in range(3)},
        [4, 4, 4],
    ),
    "raw scores": (
        Edit(where.activation("blocks.1.attn.hook_attn_scores_raw"), Scale(0.5)),
        {"blocks.1.attn.hook_attn_scores_raw": below(lambda x: x / 2)},
        [8, 8],
    ),
    "pattern set": (
        Edit(where.activation(PATTERN, 1), Set(0.25)),
        {PATTERN: put(1, by=below(lambda x: np.full_like(x, 0.25)))},
        [8, 8, 8],
    ),
    "pattern patched": (
        Edit(where.activation(PATTERN, None, None, 3), Patch(SOURCE)),
        {PATTERN: put(ALL, ALL, 3, by=lambda x: THEIRS[PATTERN])},
        [5, 5, 5],
    ),
    "steered": (
        Edit(where.activation(RESIDUAL), Add(STEP, 2, "there")),
        {RESIDUAL: lambda x: x + 2 * np.array(STEP)},
        [8],
    ),
    "steered to a token": (
        Edit(where.activation(RESIDUAL, 7), towards(MODEL, 4, "four", 3)),
        {RESIDUAL: put(7, by=lambda x: x + 3 * UNEMBEDDING[4])},
        [1],
    ),
    "steered between tokens": (
        Edit(where.activation(RESIDUAL, 7), between(MODEL, 4, 9, ("four", "nine"), -1)),
        {RESIDUAL: put(7, by=lambda x: x - UNEMBEDDING[4] + UNEMBEDDING[9])},
        [1],
    ),
    "steered by two prompts": (
        Edit(where.activation(RESIDUAL, 2), contrast(RESIDUAL, (SOURCE, 4), (BASE, 6), "there", 0.5)),
        {RESIDUAL: put(2, by=lambda x: x + (THEIRS[RESIDUAL][4] - x[6]) / 2)},
        [6],
    ),
    "final norm": (
        Edit(where.activation("ln_final.hook_out", 6), Zero()),
        {"ln_final.hook_out": put(6, by=nothing)},
        [],
    ),
    "logit": (Edit(where.activation("logits", None, 3), Set(9)), {"logits": put(ALL, 3, by=lambda x: 9.0)}, []),
}
SINGLE = [edit for edit, _, _ in KINDS.values()]


def oracle(edits: dict[str, Change]) -> dict[str, Array]:
    """NumPy's run, in which one activation after the other is computed, changed and put in."""
    replaced: dict[str, Array] = {}
    for name in [name for name, _ in activation_shapes(CONFIG) if name in edits]:
        replaced[name] = edits[name](Run(GIVEN, TENSORS, IDS, replaced).seen[name])
    return Run(GIVEN, TENSORS, IDS, replaced).seen


def full_edited(model: GPT, ids: list[int], edits: Sequence[Edit], base: Trace, prompt: int) -> dict[str, Any]:
    """Every activation of a run over all ids that takes nothing from another one."""
    editor, seen = Editor([check(edit, model.config) for edit in edits], base, prompt), {}

    def hook(name: str, value: Any) -> Any:
        seen[name] = editor(name, value, 0)
        return seen[name]

    model.forward(ids, hook=hook)
    return seen


def run(base: Trace, *edits: Edit, **options: Any) -> Trace:
    changed = edited(base, edits, **options)
    assert running.complete(changed, never)
    return changed


def assert_same(found: dict[str, Any], expected: dict[str, Any], tolerance: float = 0.0) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        ours = np.array(found[name])
        if tolerance:
            np.testing.assert_allclose(ours, value, rtol=tolerance, atol=tolerance, err_msg=name)
        else:
            assert np.array_equal(ours, np.array(value)), name
