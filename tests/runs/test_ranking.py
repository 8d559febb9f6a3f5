"""Which tokens come next, against NumPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.runs.ranking import rank

LOGITS = st.lists(st.one_of(st.floats(-50, 50), st.integers(-2, 2).map(float)), min_size=1, max_size=60)


@given(LOGITS)
def test_ranks_and_probabilities_are_numpys(logits: list[float]) -> None:
    ranking = rank(logits)
    weights = np.exp(np.array(logits) - max(logits))
    np.testing.assert_allclose(ranking.probabilities, weights / weights.sum(), rtol=1e-12)
    assert ranking.order == np.argsort(-np.array(logits), kind="stable").tolist()
    assert ranking.logits == logits


def test_the_temperature_is_one() -> None:
    assert rank([0.0, math.log(3)]).probabilities == pytest.approx([0.25, 0.75])


def test_among_equals_the_lower_id_comes_first() -> None:
    assert rank([1.0, 2.0, 1.0, 2.0]).order == [1, 3, 0, 2]
