"""The settings while they move: steps and ends, what is typed, what p was before."""

import pytest

from explorer.paint.settings import settings as painted
from explorer.walk.session import Session
from explorer.walk.settings import NAMES, SEED, TEMPERATURE, TOP_K, TOP_P, Settings
from gpt import Sampling, SamplingError, distribution
from tests.helpers.looking import story, text_of


@pytest.fixture
def here() -> Session:
    """The story at its last token, with settings of its own."""
    session = story()
    session.draws.sampling, session.draws.seed = Sampling(0.8, 40), 42
    session.cursor.go_to_position(10)
    return session


def test_each_setting_moves_in_steps_to_its_ends(here: Session) -> None:
    moved = Settings(here.draws)
    moved.move(TEMPERATURE, -1)
    assert here.draws.sampling == Sampling(0.7, 40), "in decimal digits"
    for _ in range(9):
        moved.move(TEMPERATURE, -1)
    assert here.draws.sampling.temperature == 0
    seen = []
    for _ in range(12):
        moved.move(TOP_K, -1)
        seen.append(here.draws.sampling.top_k)
    assert seen[:4] == [20, 10, 5, 3]
    assert seen[-1] == 1
    for _ in range(20):
        moved.move(TOP_K, 1)
    assert here.draws.sampling.top_k is None
    moved.move(TOP_K, -1)
    assert here.draws.sampling.top_k == 1000
    moved.move(TOP_P, 1)
    assert here.draws.sampling.top_p == 1
    for _ in range(30):
        moved.move(TOP_P, -1)
    assert here.draws.sampling.top_p == 0.05
    moved.move(SEED, 1)
    assert here.draws.seed == 43
    for _ in range(50):
        moved.move(SEED, -1)
    assert here.draws.seed == 0
    assert moved.changed
    moved.reset()
    assert (here.draws.sampling, here.draws.seed) == (Sampling(0.8, 40), 42)
    assert not moved.changed


@pytest.mark.parametrize(
    ("which", "typed", "said"),
    [
        (TEMPERATURE, "hot", "temperature is 'hot': it must be a number"),
        (TEMPERATURE, "-1", "temperature"),
        (TEMPERATURE, "nan", "temperature"),
        (TOP_K, "2.5", "top-k is '2.5': it must be a whole number, or all"),
        (TOP_K, "0", "top-k"),
        (TOP_P, "1.5", "top-p"),
        (TOP_P, "0", "top-p"),
        (SEED, "1e3", "seed is '1e3': it must be a whole number"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_changes(here: Session, which: int, typed: str, said: str) -> None:
    moved = Settings(here.draws)
    moved.choose(which)
    with pytest.raises(SamplingError) as error:
        moved.take(typed)
    assert said in str(error.value)
    assert not moved.changed


def test_what_is_typed_is_taken(here: Session) -> None:
    moved = Settings(here.draws)
    for text in ("1.25", "all", "0.9", "7"):
        moved.take(text)
        moved.choose(1)
    assert moved.values == ("1.25", "all", "0.9", "7")
    assert moved.chosen == TEMPERATURE


@pytest.mark.parametrize("size", [(74, 5), (112, 8), (190, 8), (50, 5)])
def test_p_before_and_p_now_stand_side_by_side(here: Session, size: tuple[int, int]) -> None:
    moved = Settings(here.draws)
    for _ in range(5):
        moved.move(TEMPERATURE, -1)
    lines = text_of(painted(here, moved, *size))
    assert len(lines) <= size[1]
    assert all(len(line) <= size[0] for line in lines)
    logits = here.trace.logits(10)
    assert logits
    best = here.trace.order(10)[0]
    before, now = (
        distribution(logits, sampling).probabilities[best] for sampling in (Sampling(0.8, 40), Sampling(0.3, 40))
    )
    (line,) = [line for line in lines if line.startswith("·Lily")]
    assert [f"{before:.1%}", f"{now:.1%}"] == [word for word in line.split() if word.endswith("%")]
    if size[0] > 100:
        assert all(name in lines[0] for name in NAMES)


def test_a_token_that_is_dropped_says_so(here: Session) -> None:
    moved = Settings(here.draws)
    moved.choose(TOP_K)
    moved.take("1")
    lines = text_of(painted(here, moved, 112, 8))
    assert [line.endswith("dropped") for line in lines if line.startswith("·")][:3] == [False, True, True]
