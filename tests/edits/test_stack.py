"""The stack of edits: its moves, its words, and what is refused."""

from typing import Any

import pytest

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
from explorer.engine.engines import NUMPY, on_engine
from explorer.errors import EditError
from explorer.runs import running
from explorer.runs.trace import LiveRun, RecordedRun
from gpt import InputError
from tests.helpers.edited_runs import (
    BASE,
    CONFIG,
    IDS,
    KINDS,
    MODEL,
    OTHER,
    RESIDUAL,
    SCORES,
    SOURCE,
    STEP,
    Z,
    assert_same,
    run,
)
from tests.helpers.models import never, small_model, traced


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
        (where.mlp(1), Mean(), "MLP 1: its mean over this prompt"),
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


def test_the_first_position_of_a_short_run_can_be_patched_from() -> None:
    edits = Edits(CONFIG)
    edits.add(where.head(0, 0, 0), Patch(traced(MODEL, OTHER[:3])), len(IDS))
    assert len(edits.entries) == 1


@pytest.mark.parametrize("token", [11, -1])
def test_a_direction_to_a_token_that_is_not_there_says_which_there_are(token: int) -> None:
    with pytest.raises(InputError, match=f"there is no token {token}: ids go from 0 to 10"):
        towards(MODEL, token, 1)
