"""Places by name: what is understood, what is not and what is said then, and how a text can go on."""

import pytest

from explorer.errors import PlaceError
from explorer.walk.cursor import Cursor
from explorer.walk.go_to import completions, described, go, understand
from explorer.walk.session import Session
from tests.helpers.looking import story, without_weights


@pytest.fixture
def here() -> Session:
    """Six blocks of six heads, 11 tokens, at the last of them; the walk at its beginning."""
    session = story()
    session.cursor = Cursor(session.config)
    session.cursor.length = len(session.ids)
    session.cursor.go_to_position(10)
    return session


@pytest.mark.parametrize(
    ("typed", "stage", "place"),
    [
        ("3.2", "blocks.3.pattern", {"head": 2}),
        ("block 3 head 2 pattern", "blocks.3.pattern", {"head": 2}),
        ("3.2 pattern", "blocks.3.pattern", {"head": 2}),
        ("Pattern 3.2", "blocks.3.pattern", {"head": 2}),
        ("b3 h2", "blocks.3.pattern", {"head": 2}),
        ("layer 5, head 1, z", "blocks.5.z", {"head": 1}),
        ("2.4 q", "blocks.2.qkv", {"head": 4, "part": "q"}),
        ("block 1 v", "blocks.1.qkv", {"part": "v"}),
        ("block 1 q k v", "blocks.1.qkv", {}),
        ("block 4 ln 2", "blocks.4.ln2", {}),
        ("block 4 ln2", "blocks.4.ln2", {}),
        ("block 4", "blocks.4.ln1", {}),
        ("5 gelu", "blocks.5.activation", {}),
        ("block 5 heads", "blocks.5.out", {}),
        ("5 heads out", "blocks.5.out", {}),
        ("block 2 heads → out", "blocks.2.out", {}),
        ("heads", "blocks.0.out", {}),
        ("block 1 residual", "blocks.1.resid_post", {}),
        ("block 1 residual (attention)", "blocks.1.resid_mid", {}),
        ("1 residual attention", "blocks.1.resid_mid", {}),
        ("block 1 + residual (MLP)", "blocks.1.resid_post", {}),
        ("1 residual mlp", "blocks.1.resid_post", {}),
        ("final norm", "ln_final", {}),
        ("logits", "logits", {}),
        ("ledger", "probabilities", {}),
        ("draw", "draw", {}),
        ("tokens", "tokens", {}),
        ("token embedding", "embed", {}),
        ("token 4", "tokens", {"position": 4}),
        ("token Lily", "tokens", {"position": 2}),
        ("token tom", "tokens", {"position": 8}),
        ("neuron 17", "blocks.0.activation", {"column": 17}),
        ("block 2 neuron 700", "blocks.2.activation", {"column": 700}),
        ("block 2 expand neuron 3", "blocks.2.pre", {"column": 3}),
        ("block 5 residual dimension 95", "blocks.5.resid_post", {"column": 95}),
        ("5.2 key Lily", "blocks.5.pattern", {"head": 2, "column": 2}),
        ("5.2 token 8 key 2", "blocks.5.pattern", {"head": 2, "position": 8, "column": 2}),
        ("blocks.5.attn.hook_pattern[2,10,3]", "blocks.5.pattern", {"head": 2, "position": 10, "column": 3}),
        ("logits[10,396]", "logits", {"column": 0}),
    ],
)
def test_a_place_is_understood_and_gone_to(here: Session, typed: str, stage: str, place: dict[str, object]) -> None:
    found = understand(typed, here)
    assert described(found, here)
    go(found, here)
    cursor = here.cursor
    assert cursor.stage.id == stage
    now = {"head": cursor.head, "position": cursor.position, "column": cursor.column}
    now["part"] = cursor.part.label if cursor.part else None  # type: ignore[assignment]
    assert {key: now[key] for key in place} == place
    if "position" not in place:
        assert cursor.position == 10, "what is not named stays"


def test_within_a_block_its_stage_stays(here: Session) -> None:
    for typed, stage in (("2.1 masked", "blocks.2.masked"), ("4.3", "blocks.4.masked"), ("block 0", "blocks.0.masked")):
        go(understand(typed, here), here)
        assert here.stage.id == stage
    go(understand("raw", here), here)
    assert here.stage.id == "blocks.0.raw"
    go(understand("block 3 gelu", here), here)
    go(understand("5.1", here), here)
    assert here.stage.id == "blocks.5.pattern", "a neuron has no head"
    go(understand("neuron 5", here), here)
    assert here.stage.id == "blocks.5.activation"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "type a place, such as 3.2"),
        ("9.1", "there is no block 9: they are 0 to 5 here"),
        ("3.6", "there is no head 6: they are 0 to 5 here"),
        ("token 11", "there is no token 11: they are 0 to 10 here"),
        ("token Max", "there is no token “max” in this text"),
        ("neuron 768", "they are 0 to 767"),
        ("pattern dimension 11", "they are 0 to 10"),
        ("tokens dimension 1", "there are no numbers at this stage"),
        ("block", "block needs a number: block 0"),
        ("block pattern", "block needs a number, not “pattern”"),
        ("patern", "“patern” is no place here. Did you mean pattern"),
        ("xyzzy", "“xyzzy” is no place here."),
        ("blocks.5.attn.hook_pattern[6,1,1]", "the head is 0 to 5 here, not 6"),
        ("blocks.5.attn.hook_patern[1,1,1]", "there is no blocks.5.attn.hook_patern"),
        ("logits[", "names no number"),
        ("[1]", "names no number"),
        ("3.2 \x1b[31m", "names no number"),
    ],
)
def test_what_is_not_understood_is_said_and_nothing_moves(here: Session, typed: str, said: str) -> None:
    with pytest.raises(PlaceError) as error:
        understand(typed, here)
    assert said in str(error.value)
    assert (here.cursor.stage_index, here.position, here.cursor.head) == (0, 10, 0)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("b", "block "),
        ("block ", "block 0"),
        ("block 3 h", "block 3 head "),
        ("3.2 pat", "3.2 pattern"),
        ("pro", "probabilities"),
        ("token ", "token 0"),
        ("token ·L", "token ·Lily"),
        ("5.", "5.0"),
        ("neu", "neuron "),
        ("residual", "residual (attention)"),
        ("block 2 residual", "block 2 residual (MLP)"),
    ],
)
def test_a_text_can_go_on(here: Session, typed: str, first: str) -> None:
    found = completions(typed, here)
    assert first in found[:2]
    assert all(text.lower().startswith(typed.lower()) for text in found)


def test_nothing_goes_on_from_nonsense(here: Session) -> None:
    assert completions("block 3 xyz", here) == []
    assert completions("neuron 1", here) == [], "of neurons there are too many to list"


def test_every_completion_names_a_place_or_begins_one(here: Session) -> None:
    here.cursor.go_to_stage(5)
    for text in completions("", here) + completions("3.2 ", here) + completions("block 2 head ", here):
        understand(text if not text.endswith(" ") else f"{text}1", here)


def test_every_stage_can_be_named_by_its_title_and_its_id(here: Session) -> None:
    for stage in here.cursor.stages:
        for name in (stage.local_id, stage.title):
            go(understand(name if stage.layer is None else f"block {stage.layer} {name}", here), here)
            assert here.stage is stage, name


def test_in_a_recorded_run() -> None:
    here = without_weights()
    go(understand("block 1 head 0 pattern", here), here)
    assert here.stage.id == "blocks.1.pattern"
