"""Where an edit shows: at its own stage, on what comes after it, and how the answer changed."""

from explorer.edits import Zero, where
from explorer.walk.go_to import go, understand
from explorer.walk.on_screen import edit_mark, effect_in_words
from explorer.walk.session import Session
from tests.helpers.looking import PROMPT
from tests.helpers.models import embedded, finish, start


def story(head: tuple[int, ...]) -> Session:
    """The story with that head zeroed: at every position, or at one."""
    model, checkpoint = embedded()
    here = start(model, checkpoint.tokenizer, PROMPT)
    here.cursor.go_to_position(10)
    here.edit(lambda edits: edits.add(where.head(*head), Zero(), 11))
    finish(here)
    return here


def mark(here: Session, place: str) -> str:
    go(understand(place, here), here)
    return edit_mark(here)


def test_the_edited_picture_and_those_after_it_are_marked() -> None:
    here = story((3, 3))
    assert mark(here, "block 3 z") == "edited here"
    for before in ("tokens", "block 2 z", "block 3 pattern", "block 3 q"):
        assert mark(here, before) == "", before
    for after in ("block 3 mlp", "block 4 pattern", "logits", "draw"):
        assert mark(here, after) == "changed by the edit", after
    here.show(here.what_if.base)
    assert mark(here, "block 3 z") == "", "the run without the edits is looked at"


def test_what_comes_before_the_edited_token_is_not_marked() -> None:
    here = story((3, 3, 8))
    assert mark(here, "logits token 7") == ""
    assert mark(here, "logits token 8") == "changed by the edit"


def test_the_effect_is_told_with_both_answers() -> None:
    """The numbers are those of README.md."""
    here = story((3, 3))
    assert effect_in_words(here) == "after ·to: ·the 44.0% (was 15.4%), ·Lily 21.7% (was 73.0%)"
    here.edit(lambda edits: edits.undo())
    assert effect_in_words(here) == ""
