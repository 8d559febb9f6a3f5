"""The detectors by hand: which share of all attention falls on the places of a behaviour."""

import pytest

from explorer.analysis.detectors import detector_score, repeated
from explorer.analysis.heads import Behaviour

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
