"""The detectors by hand: which share of all attention falls on the places of a behaviour."""

import pytest

from explorer.analysis.detectors import attends_to_repeated, detector_score, repeated
from explorer.analysis.heads import Behaviour
from tests.helpers.models import small_model, traced

EVEN = [[1.0], [0.5, 0.5], [1 / 3] * 3, [0.25] * 4]
IDS = [7, 8, 7, 8]


def test_scores_of_even_attention() -> None:
    """Of 4 rows: previous token 1/2 + 1/3 + 1/4; duplicates (2, 0) and (3, 1); induction (2, 1) and (3, 2)."""
    assert detector_score(EVEN, IDS, Behaviour.PREVIOUS_TOKEN) == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert detector_score(EVEN, IDS, Behaviour.DUPLICATE_TOKEN) == pytest.approx((1 / 3 + 1 / 4) / 4)
    assert detector_score(EVEN, IDS, Behaviour.INDUCTION) == pytest.approx((1 / 3 + 1 / 4) / 4)


def test_only_some_behaviours_have_a_detector() -> None:
    with pytest.raises(ValueError, match="itself"):
        detector_score(EVEN, IDS, Behaviour.ITSELF)


@pytest.mark.parametrize(
    ("words", "place"),
    [([7, 8, 7, 9], 2), (["Tom", "and", "Lily", "Tom", "to"], 3), ([1, 2, 3], None), ([1, 1], None), ([], None)],
)
def test_the_repeated_word(words: list[object], place: int | None) -> None:
    assert repeated(words) == place


def test_words_can_be_the_same_where_tokens_are_not() -> None:
    trace = traced(small_model(), [7, 8, 7, 9])
    pattern = trace.value("blocks.1.attn.hook_pattern")[2][-1]
    assert attends_to_repeated(trace, 1, 2) == pattern[2], "the second 7"
    assert attends_to_repeated(trace, 1, 2, ["a", "a", "b", "c"]) == pattern[1], "the second a"
    assert attends_to_repeated(trace, 1, 2, "abcd") is None
