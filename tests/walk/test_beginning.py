"""The same prompt with `<|endoftext|>` before it and without: the run, the cursor, the edits, the screen."""

import pytest

from explorer.edits import Patch, Zero, where
from explorer.paint.header import header
from explorer.runs import running
from explorer.runs.beginning import with_beginning
from explorer.runs.trace import LiveRun
from explorer.teaching import spots
from explorer.walk import beginning
from explorer.walk.session import Session
from gpt import InputError
from tests.helpers.models import Bytes, embedded, small_model, start
from tests.helpers.pilot import computed, opened, press, text, tiny, until
from tests.helpers.pilot import session as small_session

STORY = "Tom and Lily went to the park. Tom said to"
BOS = "<|endoftext|>"


def story() -> Session:
    model, checkpoint = embedded()
    session = Session(model, checkpoint.tokenizer)
    session.submit(STORY)
    return session


def ending() -> Session:
    """A session on a tiny model that has the embedded tokenizer's `<|endoftext|>`."""
    return small_session(tiny(eos_token_id=embedded()[1].config.eos_token_id))


def last_logits(session: Session) -> list[float]:
    spots.complete(session)
    logits = session.run.logits(len(session.ids) - 1)
    assert logits is not None
    return list(logits)


def test_it_is_the_run_that_the_commands_make() -> None:
    session = story()
    session.cursor.go_to_position(4)
    assert beginning.toggle(session) == []
    ids = with_beginning(session.tokenizer.encode(STORY), session.config)
    assert (session.text, session.ids, session.position) == (BOS + STORY, ids, 5)
    alone = LiveRun(session.model, ids)  # type: ignore[arg-type]
    running.complete(alone, lambda: False)
    assert last_logits(session) == pytest.approx(list(alone.logits(len(ids) - 1) or []), abs=1e-9)
    beginning.toggle(session)
    assert (session.text, session.ids, session.position) == (STORY, ids[1:], 4)


def test_edits_stay_at_their_tokens() -> None:
    session = story()
    spots.complete(session)
    source = session.run
    assert isinstance(source, LiveRun)
    places = [
        where.head(3, 3),
        where.head(1, 2, 8),
        where.edge(session.config, 10, 2, 5, 2),
        where.activation("blocks.2.hook_resid_post", 7),
    ]
    for place in places:
        session.edit(lambda edits, place=place: edits.add(place, Zero(), len(session.ids)))  # type: ignore[misc]
    session.edit(lambda edits: edits.add(where.mlp(2, 6), Patch(source, "itself"), len(session.ids)))
    before = session.what_if.edits.words(session.labels())
    beginning.toggle(session)
    moved = session.what_if.edits
    assert [word.split("[")[0].split(", 1 pos")[0] for word in moved.words(session.labels())] == [
        word.split("[")[0].replace("(2)", "(3)").replace("(6)", "(7)").replace("(8)", "(9)").replace("(10)", "(11)")
        for word in before
    ]
    wanted = [
        where.head(3, 3),
        where.head(1, 2, 9),
        where.edge(session.config, 11, 3, 5, 2),
        where.activation("blocks.2.hook_resid_post", 8),
    ]
    for entry, place in zip(moved, wanted):
        assert entry.edit.where == where.checked(place, session.config, len(session.ids))
    patch = moved.entries[-1].edit
    assert patch.where.at == (7,)
    assert isinstance(patch.what, Patch)
    assert patch.what.shift == -1  # so that position 7 still takes that of its 6
    beginning.toggle(session)
    assert session.what_if.edits.words(session.labels()) == before


def test_an_edit_of_the_token_itself_goes_with_it() -> None:
    session = story()
    beginning.toggle(session)
    spots.complete(session)
    session.edit(lambda edits: edits.add(where.head(3, 3, 0), Zero(), len(session.ids)))
    assert beginning.toggle(session) == [f"head 3.3 at {BOS}: zeroed"]
    assert not session.what_if.edits.active


def test_where_it_cannot_be_run_everything_stays() -> None:
    session = start(small_model(vocab_size=256, n_positions=8, eos_token_id=None), Bytes(), "little")
    with pytest.raises(InputError):
        beginning.toggle(session)
    assert session.text == "little"


def test_a_context_that_is_full_stays_as_it_was() -> None:
    session = story()
    text, size = STORY, session.config.n_positions
    while len(session.tokenizer.encode(text + " cat")) <= size:
        text += " cat"
    session.submit(text)
    session.edit(lambda edits: edits.add(where.head(1, 2, 8), Zero(), len(session.ids)))
    with pytest.raises(InputError, match="tokens"):
        beginning.toggle(session)
    assert session.text == text
    assert session.what_if.edits.active[0].where.at == (8,)


def test_the_header_says_which() -> None:
    session = story()
    for words in ("no bos", "   bos"):
        line = "".join(span.text for span in header(session, "stories", "", 120)[0])
        assert words in line
        beginning.toggle(session)


async def test_a_key_on_the_screen_and_the_state_in_the_prompt() -> None:
    async with opened(ending(), prompt=STORY) as (pilot, screen):
        assert screen.session
        before = list(screen.session.ids)
        await press(pilot, "a")
        await computed(pilot)
        assert screen.session.ids == [*with_beginning(before, screen.session.config)]
        assert screen.prompt.value == BOS + STORY
        assert BOS in "\n".join(text(screen, "tokens"))
        await press(pilot, "p", "a")  # also in a talk
        await computed(pilot)
        assert screen.session.ids == before


async def test_the_start_is_gone_back_to_without_it() -> None:
    async with opened(ending(), prompt=STORY) as (pilot, screen):
        await press(pilot, "a")
        await computed(pilot)
        await press(pilot, "0")
        await until(pilot, lambda: screen.session and screen.session.text == STORY)
