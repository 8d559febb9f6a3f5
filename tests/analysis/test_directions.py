"""Lengths and angles, and the nearest rows of an embedding, against NumPy."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from explorer.analysis import nearest
from explorer.analysis.directions import angle, cosine, length, share_of_squares
from explorer.engine.engines import NUMPY, on_engine
from tests.helpers.models import never, recorded, small_model, traced

NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4)
IDS = [3, 1, 4, 1, 5]
NAMES = ["hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre", "blocks.1.hook_resid_post", "blocks.1.hook_mlp_out"]


@given(NUMBERS, NUMBERS)
def test_lengths_and_angles_are_numpys(a: list[float], b: list[float]) -> None:
    assert length(a) == pytest.approx(np.linalg.norm(a))
    assume(min(np.linalg.norm(a), np.linalg.norm(b)) > 1e-3)
    expected = np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
    assert cosine(a, b) == pytest.approx(expected, abs=1e-9)
    assert math.cos(math.radians(angle(a, b))) == pytest.approx(np.clip(expected, -1, 1), abs=1e-6)
    assert share_of_squares(a, [0, 2]) == pytest.approx((a[0] ** 2 + a[2] ** 2) / np.dot(a, a))


def test_what_has_no_direction_has_no_angle() -> None:
    for vector in ([0.0, 0.0], [math.inf, 1.0], [math.nan, 1.0]):
        assert math.isnan(cosine(vector, [1.0, 0.0]))
        assert math.isnan(angle([1.0, 0.0], vector))
        assert math.isnan(share_of_squares(vector, [0]))


@pytest.mark.parametrize("engine", ["python", NUMPY])
@pytest.mark.parametrize("name", NAMES)
def test_the_nearest_rows_are_numpys(name: str, engine: str) -> None:
    run = traced(on_engine(small_model(), engine), IDS)
    weights = run.model.weights
    table = np.array(weights.position_embedding if name == "hook_pos_embed" else weights.token_embedding, dtype=float)
    for position in range(len(IDS)):
        vector = np.array(run.matrix(name)[position], dtype=float)
        expected = table @ vector / np.linalg.norm(table, axis=1) / np.linalg.norm(vector)
        itself = {"hook_embed": IDS[position], "hook_pos_embed": position}.get(name)
        order = [int(row) for row in np.argsort(-expected) if row != itself]
        assert nearest.known(run, name, position) is None
        assert nearest.find(run, name, position, never)
        found = nearest.known(run, name, position)
        assert found is not None
        assert [near.row for near in found] == order[: nearest.MOST]
        assert [near.cosine for near in found] == pytest.approx(expected[order[: nearest.MOST]].tolist(), abs=1e-5)


def test_what_has_no_neighbours() -> None:
    run = traced(small_model(), IDS)
    for value in (0.0, math.inf, math.nan):
        run.values["hook_embed"] = [[value] * 6 for _ in IDS]
        assert nearest.find(run, "hook_embed", 2, never)
        assert nearest.known(run, "hook_embed", 2) == ()
    assert not nearest.find(recorded(small_model(), IDS), "hook_embed", 2, never)
    run = traced(small_model(), IDS)
    assert not nearest.find(run, "hook_embed", 2, lambda: True)
    assert nearest.known(run, "hook_embed", 2) is None
