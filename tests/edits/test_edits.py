"""Edited runs: against an independent NumPy, bit for bit against runs that share nothing, and by their own laws."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpt.model
from explorer.edits import (
    Add,
    Cut,
    Edit,
    Edits,
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
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.runs import running
from explorer.runs.trace import LiveRun, RecordedRun, Trace
from gpt import GPT, GPTConfig, InputError, Sampling, activation_shapes, distribution, load_weights
from tests.helpers.models import embedded, never, small_model, traced
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


@pytest.fixture
def blocks_run(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The blocks that the model runs, each with the number of positions."""
    seen: list[tuple[int, int]] = []
    block = gpt.model.block

    def counted(residual: Any, weights: Any, run: Any, past: Any) -> Any:
        seen.append((run.layer, len(residual)))
        return block(residual, weights, run, past)

    monkeypatch.setattr(gpt.model, "block", counted)
    return seen


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_an_edited_run_is_numpys(kind: str) -> None:
    edit, changes, _ = KINDS[kind]
    expected = oracle(changes)
    expected = {name: value for name, value in expected.items() if not name.endswith("hook_result")}
    assert_same(run(BASE, edit).values, expected, 1e-9)


@every_kind
def test_what_was_not_computed_again_is_no_different(kind: str) -> None:
    """To the last bit that of a run which takes nothing from another one."""
    edit = KINDS[kind][0]
    assert_same(run(BASE, edit).values, full_edited(MODEL, IDS, [edit], BASE, len(IDS)))


@every_kind
def test_only_what_lies_downstream_is_run(kind: str, blocks_run: list[tuple[int, int]]) -> None:
    edit, _, positions = KINDS[kind]
    run(BASE, edit)
    assert blocks_run == [(3 - len(positions) + i, count) for i, count in enumerate(positions)]


@every_kind
def test_edits_stay_in_force_for_tokens_that_come_later(kind: str) -> None:
    edit = KINDS[kind][0]
    changed = run(BASE, edit)
    for count in (1, 3):
        changed = changed.first(changed.complete)
        changed.ids = [*changed.ids, *[7] * count]
        assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, [*IDS, 7, 7, 7, 7], [edit], BASE, len(IDS)))


@every_kind
def test_what_is_not_computed_yet_is_computed_with_the_edit(kind: str) -> None:
    """A run that has come to its fifth position only."""
    edit = KINDS[kind][0]
    base = BASE.first(5)
    base.ids = IDS
    if isinstance(edit.what, Mean):
        with pytest.raises(EditError, match="not known yet"):
            edited(base, [edit])
        return
    assert_same(run(base, edit).values, full_edited(MODEL, IDS, [edit], BASE, len(IDS)))


@every_kind
def test_the_beginning_of_an_edited_run(kind: str) -> None:
    """No edit lets a position see a later one: the first positions of an edited run are a run of these alone."""
    edit = KINDS[kind][0]
    cut = run(BASE, edit).first(6)
    assert_same(cut.values, full_edited(MODEL, IDS[:6], [edit], BASE, len(IDS)))
    cut.ids = [*IDS[:6], 10, 0]
    assert running.complete(cut, never)
    assert_same(cut.values, full_edited(MODEL, cut.ids, [edit], BASE, len(IDS)))


@every_kind
def test_numpy_runs_the_same_edits(kind: str) -> None:
    edit = KINDS[kind][0]
    arrays = traced(on_engine(small_model(**GIVEN), NUMPY), IDS)
    lists = traced(small_model(**GIVEN), IDS)
    changed = run(arrays, edit)
    assert {value.dtype for value in changed.values.values()} == {np.dtype(np.float32)}
    assert_same(changed.values, run(lists, edit).values, 1e-4)
    changed.ids = [*IDS, 7]
    assert running.complete(changed, never)
    assert_same(changed.values, full_edited(lists.model, changed.ids, [edit], lists, len(IDS)), 1e-4)


@every_kind
def test_the_other_run_stays_as_it_was(kind: str) -> None:
    base = traced(MODEL, IDS)
    version, values = base.version, dict(base.values)
    run(base, KINDS[kind][0])
    assert base.version == version
    assert all(base.values[name] is value for name, value in values.items())
    assert_same(base.values, BASE.values)


@given(st.lists(st.sampled_from(SINGLE), min_size=1, max_size=4), st.integers(1, 8), st.integers(0, 300))
def test_any_stack_interrupted_at_any_moment(edits: list[Edit], known: int, questions: int) -> None:
    base = BASE.first(known)
    base.ids = IDS
    if any(isinstance(edit.what, Mean) for edit in edits):
        base = BASE
    changed, left = edited(base, edits), iter(range(questions))
    complete = running.complete(changed, lambda: next(left, None) is None)
    if not complete:
        assert changed.complete < len(IDS)
        assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, IDS, edits, BASE, len(IDS)))


@given(st.sampled_from(SINGLE), st.sampled_from(SINGLE))
def test_edits_on_top_of_edits(first: Edit, second: Edit) -> None:
    """A run that departs from an edited one is the run with both."""
    if isinstance(second.what, Mean):  # which is taken in the run that is edited
        return
    assert_same(run(run(BASE, first), second).values, run(BASE, first, second).values)


@pytest.mark.parametrize("what", [Scale(1), Patch(BASE)], ids=lambda what: what.words)
@pytest.mark.parametrize("name", [name for name, _ in activation_shapes(CONFIG)])
def test_what_changes_nothing(name: str, what: Any) -> None:
    assert_same(run(BASE, Edit(where.activation(name), what)).values, BASE.values)


def test_a_head_edited_at_its_z_is_edited_in_what_it_writes() -> None:
    seen: dict[str, Any] = {}

    def hook(name: str, value: Any) -> Any:
        seen[name] = value
        if name == "blocks.1.attn.hook_result":
            return [[[0.0] * 6 if head == 2 else row for head, row in enumerate(rows)] for rows in value]
        return None

    output = MODEL.forward(IDS, hook=hook, head_results=True)
    np.testing.assert_allclose(run(BASE, Edit(where.head(1, 2), Zero())).values["logits"], output.logits, atol=1e-12)


def test_a_mean_is_taken_over_the_prompt() -> None:
    changed = run(BASE, Edit(where.mlp(0), Mean()), prompt=3)
    expected = np.mean(BASE.values["blocks.0.hook_mlp_out"][:3], axis=0)
    np.testing.assert_allclose(changed.values["blocks.0.hook_mlp_out"], [expected] * 8, atol=1e-12)


def test_what_the_other_run_is_too_short_for_stays() -> None:
    short = traced(MODEL, OTHER[:3])
    changed = run(
        BASE, Edit(where.activation("hook_embed"), Patch(short)), Edit(where.activation(PATTERN), Patch(short))
    )
    assert changed.values["hook_embed"] == [*short.values["hook_embed"], *BASE.values["hook_embed"][3:]]
    found, theirs = np.array(changed.values[PATTERN]), np.array(short.values[PATTERN])
    assert np.array_equal(found[:, :3, :3], theirs)


def test_what_is_no_different_is_shared_and_what_is_different_is_forgotten() -> None:
    base = traced(MODEL, IDS)
    for name in ("hook_embed", "blocks.0.hook_resid_post", "blocks.1.hook_resid_pre", "blocks.1.hook_resid_post"):
        for position in (2, 6):
            running.look_through_lens(base, name, position, never)
            base.ranking(name, position)
    for layer in range(3):
        for position in (2, 6):
            base.head_writes(layer, position)
    base.ranking("logits", 2)
    base.ranking("logits", 6)
    changed = edited(base, [Edit(where.head(1, 0, [4, 6]), Zero())])
    for name, value in changed.values.items():
        shared = name.startswith(("hook", "blocks.0"))
        assert changed.positions(name) == (8 if shared else 4)
        assert (value is base.values[name]) is shared
    kept = {"hook_embed", "blocks.0.hook_resid_post", "blocks.0.attn.hook_result"}
    kept |= {f"ranking by {name}" for name in kept if name != "blocks.0.attn.hook_result"}
    assert {name for name, position in changed.derived if position == 6} == kept
    assert {key for key in base.derived if key[1] == 2} == {key for key in changed.derived if key[1] == 2}
    assert running.complete(changed, never)
    assert changed.head_writes(1, 6) == full_writes(changed, 1, 6)
    assert running.look_through_lens(changed, "blocks.1.hook_resid_post", 6, never)
    assert changed.derived["blocks.1.hook_resid_post", 6] != base.derived["blocks.1.hook_resid_post", 6]


def full_writes(trace: Trace, layer: int, position: int) -> Any:
    """The output of the heads in a trace without kept values."""
    fresh = LiveRun(trace.model, trace.ids)
    fresh.values, fresh.complete = trace.values, trace.complete
    return fresh.head_writes(layer, position)


def test_other_tokens_than_those_that_had_come_half_way() -> None:
    """A branch that has not been completed, and whose tokens are replaced."""
    edit = Edit(where.head(2, 0, [4, 7]), Zero())
    changed = edited(BASE, [edit])
    changed.ids = [*IDS[:4], 0, 0, 0, 0, 0]
    assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, changed.ids, [edit], BASE, len(IDS)))


def test_without_an_edit_the_run_is_the_very_same() -> None:
    assert edited(BASE, []) is BASE


def test_an_edit_beyond_the_end_waits_for_its_position(blocks_run: list[tuple[int, int]]) -> None:
    edit = Edit(where.head(0, 0, 9), Zero())
    changed = run(BASE, edit)
    assert not blocks_run
    assert_same(changed.values, BASE.values)
    changed.ids = [*IDS, 7, 7, 7]
    assert running.complete(changed, never)
    assert_same(changed.values, full_edited(MODEL, changed.ids, [edit], BASE, len(IDS)))


# The stack


def test_a_stack_is_listed_switched_and_undone() -> None:
    labels = ["Tom", "·and", "·Lily", "·went", "·to", "·the", "·park", "·Tom", "·to"]
    edits = Edits(CONFIG)
    edits.add(where.head(2, 1), Zero())
    edits.add(where.edge(CONFIG, 7, 6, 2, 1), Cut())
    edits.add(where.neuron(1, 17, at=[4, 2]), Scale(2))
    assert edits.words(labels) == [
        "head 2.1: zeroed",
        "·Tom → ·park cut in head 2.1",
        "neuron 1.17 at ·to (4), ·Lily: scaled by 2",
    ]
    both = edits.active
    edits.toggle(0)
    assert edits.words(labels)[0] == "head 2.1: zeroed (off)"
    assert edits.active == both[1:]
    edits.toggle(0)
    assert edits.active == both
    assert edits.undo() == both[2]
    assert edits.remove(0) == both[0]
    assert [entry.edit for entry in edits] == [both[1]]
    edits.clear()
    assert (len(edits), edits.active, edits.undo()) == (0, (), None)


@pytest.mark.parametrize("kind", KINDS)
def test_undoing_gives_the_very_bits_back(kind: str) -> None:
    edits = Edits(CONFIG)
    edits.add(where.mlp(0), Scale(0.5))
    before = run(BASE, *edits.active)
    edit = KINDS[kind][0]
    edits.add(edit.where, edit.what)
    assert run(BASE, *edits.active).values != before.values
    edits.toggle(1)
    assert_same(run(BASE, *edits.active).values, before.values)
    edits.toggle(1)
    edits.undo()
    assert_same(run(BASE, *edits.active).values, before.values)
    edits.undo()
    assert edited(BASE, edits.active) is BASE


@pytest.mark.parametrize(
    ("place", "what", "words"),
    [
        (where.mlp(1), Mean(), "MLP 1: its mean over the prompt"),
        (where.block(1, 3), Set(-1.5), "block 1 at d: set to -1.5"),
        (where.edge(CONFIG, 3, 0), Cut(), "d → a (0) cut in every block"),
        (where.edge(CONFIG, 3, 1, layer=2), Cut(), "d → b cut in block 2"),
        (where.edge(CONFIG, 3, 1, layer=2), Set(2), "d → b set to 2 in block 2"),
        (where.edge(CONFIG, 9, 1, 2, 0), Cut(), "position 9 → b cut in head 2.0"),
        (where.activation(RESIDUAL, 7, 1), Zero(), f"{RESIDUAL}[7,1]: zeroed"),
        (where.activation(RESIDUAL, None, 1), Zero(), f"{RESIDUAL}[*,1]: zeroed"),
        (where.activation(RESIDUAL, [1, 2]), Zero(), f"{RESIDUAL}[1/2]: zeroed"),
        (where.activation(RESIDUAL), towards(MODEL, 4, "·Lily", 4), f"{RESIDUAL}: +4 × ·Lily"),
        (where.activation(RESIDUAL), between(MODEL, 4, 5, ("x", "y"), -2), f"{RESIDUAL}: -2 × (x − y)"),
        (where.head(0, 1), Patch(SOURCE, "“once”"), "head 0.1: from “once”"),
    ],
)
def test_in_words(place: where.Where, what: Any, words: str) -> None:
    edits = Edits(CONFIG)
    assert edits.add(place, what).words(["a", "b", "a", "d"]) == words


def test_places_are_read_from_text() -> None:
    for text, index in {
        "[7,1]": (7, 1),
        "[ 7 , * ]": (7, None),
        "[*,1]": (None, 1),
        "": (),
        "[7]": (7,),
        "[]": (),
    }.items():
        assert where.parse(RESIDUAL + text) == where.activation(RESIDUAL, *index)
        title = where.checked(where.parse(RESIDUAL + text), CONFIG).title
        assert where.checked(where.parse(title), CONFIG) == where.checked(where.parse(RESIDUAL + text), CONFIG)


@pytest.mark.parametrize("text", ["", "x[", "x[a]", "x[1;2]", "x[-1]", "x[1,,2]", "x y", "x[1]]", "x[1 2]"])
def test_malformed_places(text: str) -> None:
    with pytest.raises(EditError, match="names no activation"):
        where.parse(text)


SHORT = LiveRun(MODEL, IDS)
OTHER_SHAPE = traced(small_model(), IDS)


@pytest.mark.parametrize(
    ("place", "what", "said"),
    [
        (where.head(3, 0), Zero(), "there is no block 3: they go from 0 to 2"),
        (where.head(0, 3), Zero(), "there is no head 3: they go from 0 to 2"),
        (where.neuron(0, 24), Zero(), "there is no neuron 24: they go from 0 to 23"),
        (where.mlp(-1), Zero(), "no activation 'blocks.-1.hook_mlp_out'"),
        (where.mlp(0, at=8), Zero(), "there is no position 8: they go from 0 to 7"),
        (where.mlp(0, at=[]), Zero(), "no position is named"),
        (where.activation("blocks.0.hook_resid_past"), Zero(), "did you mean blocks.0.hook_resid_post?"),
        (where.activation("x"), Zero(), "the names are hook_embed, blocks.0.hook_resid_pre and so on"),
        (where.activation("blocks.0.attn.hook_result", 1), Zero(), "edit the head at its z, blocks.0.attn.hook_z"),
        (where.activation(RESIDUAL, 1, 2, 3), Zero(), "has 2 axes, [T, d], not 3"),
        (where.activation(RESIDUAL, 1, 6), Zero(), "there is no dimension 6"),
        (where.activation("logits", 1, 11), Zero(), "there is no token 11"),
        (where.edge(CONFIG, 2, 3), Cut(), "position 2 cannot read position 3: it comes later"),
        (where.edge(CONFIG, 0, 0), Cut(), "position 0 would read nothing in head 0"),
        (where.activation(SCORES, 1), Cut(), "would read nothing in head 1"),
        (where.mlp(0), Cut(), "only scores can be cut"),
        (where.activation(SCORES), Mean(), "no mean over positions"),
        (where.head(0, 0), Add(STEP, 1, "x"), "a direction has 6 numbers"),
        (where.activation(RESIDUAL, 1, 2), Add(STEP, 1, "x"), "add it to a position"),
        (where.activation(RESIDUAL), Add(STEP[1:], 1, "x"), "the direction has 5 numbers"),
        (where.block(0), Add(STEP, 1, "x"), "a direction is added at one place, and block 0 is several"),
        (where.head(0, 0), Patch(SHORT), "is not computed yet"),
        (where.head(0, 0, 5), Patch(traced(MODEL, OTHER[:3])), "the other run has no position 5: its 3 go from 0 to 2"),
        (where.head(0, 0), Patch(OTHER_SHAPE), "a model of another shape"),
    ],
)
def test_refusals(place: where.Where, what: Any, said: str) -> None:
    edits = Edits(CONFIG)
    with pytest.raises(EditError) as raised:
        edits.add(place, what, len(IDS))
    assert said in str(raised.value)
    assert not edits.entries


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none(number: float) -> None:
    for what in (Scale, Set, lambda value: Add(STEP, value, "x")):
        with pytest.raises(EditError, match="finite"):
            what(number)


def test_more_refusals() -> None:
    edits = Edits(CONFIG)
    for move in (edits.toggle, edits.remove):
        with pytest.raises(EditError, match="there is no edit 0: there are 0"):
            move(0)
    for token in (-1, 11):
        with pytest.raises(InputError, match="there is no token"):
            towards(MODEL, token, "x")
    with pytest.raises(EditError, match="no residual stream"):
        contrast(Z, (BASE, 0), (SOURCE, 0), "x")
    with pytest.raises(EditError, match="no position 8"):
        contrast(RESIDUAL, (BASE, 0), (SOURCE, 8), "x")


def test_a_recorded_run_cannot_be_edited() -> None:
    recorded = RecordedRun(CONFIG, IDS, BASE.values)
    with pytest.raises(EditError, match="a recorded run"):
        edited(recorded, [Edit(where.mlp(0), Zero())])


def test_a_position_keeps_something_to_read() -> None:
    edits = Edits(CONFIG)
    edits.add(where.edge(CONFIG, 1, 0, 0), Cut())
    with pytest.raises(EditError, match="position 1 would read nothing in head 2"):
        edits.add(where.edge(CONFIG, 1, 1, 0, 2), Cut())
    assert len(edits) == 1
    edits.toggle(0)
    edits.add(where.edge(CONFIG, 1, 1, 0, 2), Cut())
    with pytest.raises(EditError, match="would read nothing"):
        edits.toggle(0)
    assert [entry.on for entry in edits] == [False, True]


@pytest.mark.parametrize("engine", ["python", NUMPY])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("blocks.0.ln1.hook_var", -5.0),
        ("ln_final.hook_scale", 0.0),
        ("ln_final.hook_out", 1.7e308),
        ("logits", 1e39),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_number_is_said(name: str, value: float, engine: str) -> None:
    base = traced(on_engine(MODEL, engine), IDS)
    changed = edited(base, [Edit(where.activation(name), Set(value))])
    if (name, engine) == ("logits", "python"):  # there that is still a number
        assert running.complete(changed, never)
        return
    for _ in range(2):
        with pytest.raises(EditError, match="undo the last edit"):
            running.complete(changed, never)
        assert changed.complete == 0
    with pytest.raises(EditError):
        running.last_logits(changed, never)


# The embedded model


def test_heads_without_which_the_name_is_forgotten() -> None:
    model, checkpoint = embedded()
    ids = checkpoint.tokenizer.encode("Tom and Lily went to the park. Tom said to")
    (lily,) = checkpoint.tokenizer.encode(" Lily")
    base = traced(model, ids)

    def share(trace: Trace) -> float:
        logits = trace.logits(len(ids) - 1)
        assert logits
        return distribution(logits, Sampling()).probabilities[lily]

    assert share(base) == pytest.approx(0.73, abs=0.005)
    assert share(run(base, Edit(where.head(3, 3), Zero()))) == pytest.approx(0.217, abs=0.005)
    assert share(run(base, Edit(where.head(5, 2), Zero()))) == pytest.approx(0.378, abs=0.005)


def test_the_first_position_of_a_short_run_can_be_patched_from() -> None:
    edits = Edits(CONFIG)
    edits.add(where.head(0, 0, 0), Patch(traced(MODEL, OTHER[:3])), len(IDS))
    assert len(edits.entries) == 1
