"""Places and edits in plain words, and going to a spot."""

import pytest

from explorer.edits import Edits
from explorer.errors import EditError
from explorer.teaching import edit_words, places, spots
from explorer.teaching.errors import FactError
from explorer.teaching.spots import Spot
from explorer.walk.session import Session
from tests.helpers.looking import PROMPT, hostile, story
from tests.helpers.models import embedded


def fresh() -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer)


@pytest.mark.parametrize(
    ("text", "stage", "head", "position", "column"),
    [
        ("", "tokens", 0, 10, None),
        ("logits", "logits", 0, 10, None),
        ("5.2", "blocks.5.pattern", 2, 10, None),
        ("block 5 pattern head 2 token Lily", "blocks.5.pattern", 2, 2, None),
        ("head 2 block 5", "blocks.5.pattern", 2, 10, None),
        ("block 3", "blocks.3.ln1", 0, 10, None),
        ("block 5 pattern key 3", "blocks.5.pattern", 0, 10, 3),
        ("block 2 neuron 10 token 0", "blocks.2.activation", 0, 0, 10),
        ("block 1 ln 2", "blocks.1.ln2", 0, 10, None),
        ("token Tom", "tokens", 0, 8, None),
        ("rank 3", "logits", 0, 10, 3),
    ],
)
def test_places_in_words(text: str, stage: str, head: int, position: int, column: int | None) -> None:
    here = story()
    places.go(places.parse(text, here), here)
    cursor = here.cursor
    assert (cursor.stage.id, cursor.head, cursor.position) == (stage, head, position)
    assert column is None or cursor.column == column


def test_parts_are_places_too() -> None:
    here = story()
    for text, activation in (
        ("block 1 k head 3", "blocks.1.attn.hook_k"),
        ("block 1 resid_mid before", "blocks.1.hook_resid_pre"),
        ("block 1 resid_mid", "blocks.1.hook_resid_mid"),
    ):
        places.go(places.parse(text, here), here)
        assert here.cursor.part
        assert here.cursor.part.activation == activation


@pytest.mark.parametrize(
    "text", ["moon", "block x", "block 6", "head 6", "token 11", "token Zoe", "tokens dimension 1"]
)
def test_what_is_no_place_is_said(text: str) -> None:
    with pytest.raises(FactError):
        places.parse(text, story())


@pytest.mark.parametrize("here", [hostile(9), hostile(1), hostile(5, n_layer=1, n_head=1), story()])
def test_every_place_is_found_again_by_its_words(here: Session) -> None:
    for index in range(len(here.cursor.stages)):
        here.cursor.go_to_stage(index)
        here.cursor.go_to_position(index % len(here.ids))
        for part in range(max(1, len(here.cursor.stage.parts))):
            here.cursor.go_to_part(part)
            here.cursor.go_to_column(index % max(1, here.cursor.columns if here.cursor.part else 1))
            cell, words = here.cell(), places.in_words(here)
            here.cursor.go_to_stage(0)
            here.cursor.go_to_position(0)
            places.go(places.parse(words, here), here)
            assert here.cell() == cell
            assert here.cursor.stage_index == index


EDITS = [
    "head 3.3: zero",
    "head 3.3 at 7: scale 0.5",
    "neuron 4.12: set 3.0",
    "MLP 2: mean",
    "block 1: zero",
    "5.2:10-2: cut",
    "3:9-1: cut",
    "8-2: cut",
    "blocks.2.hook_resid_post[7,*]: set 0.0",
]


@pytest.mark.parametrize("text", EDITS)
def test_edits_are_found_again_by_their_words(text: str) -> None:
    edits = Edits(story().config)
    edit_words.add(text, edits, 11)
    assert edit_words.in_words(edits.active[0]) == text


@pytest.mark.parametrize(
    "text", ["", "head 3.3", "head 3.3: dance", "head 3.3: set", "head 3.3: zero 4", "head 3.3: set 1e999", "x: cut"]
)
def test_what_is_no_edit_is_said(text: str) -> None:
    with pytest.raises(EditError):
        edit_words.add(text, Edits(story().config), 11)


def test_a_spot_is_gone_to_and_found_again() -> None:
    here = fresh()
    spot = Spot(PROMPT, "block 5 pattern head 2 token 10 key 2", "", ("head 3.3: zero",), seed=7)
    spots.take_run(spot, here)
    spots.complete(here)
    spots.go(spot, here)
    assert spots.here(here) == spot
    assert here.what_if.edited
    plain = Spot(PROMPT, "logits token 10 rank 0")
    spots.take_run(plain, here)
    spots.complete(here)
    spots.go(plain, here)
    assert spots.here(here) == plain
    assert not here.what_if.edited


def test_edits_that_are_switched_off_are_not_of_the_spot() -> None:
    here = fresh()
    spot = Spot(PROMPT, "logits", edits=("head 3.3: zero",))
    spots.take_run(spot, here)
    spots.complete(here)
    here.edit(lambda edits: edits.toggle(0))
    spots.take_run(spot, here)
    assert [entry.on for entry in here.what_if.edits] == [True]
