"""Routes: parts of sums whose shares are known, and graphs whose edges hang together."""

import pytest

from explorer.analysis import flow
from explorer.analysis.errors import AnalysisError
from explorer.analysis.flow import Node
from explorer.engine.engines import NUMPY, on_engine
from tests.helpers.models import recorded, small_model, traced

IDS = [3, 1, 4, 1, 5]


@pytest.mark.parametrize(
    ("parts", "whole", "expected"),
    [
        ([[3, 0], [0, 1]], [3, 1], [0.75, 0.25]),
        ([[1, 1]], [1, 1], [1.0]),
        (
            [[2, 2], [-1, -1]],
            [1, 1],
            [0.0, 0.0],
        ),  # the first goes past the sum as far as it came nearer, the second leads away
        ([[1, 1], [-2, 0], [2, 0]], [1, 1], [1.0, 0.0, 0.0]),
        ([[0, 0]], [0, 0], [0.0]),
    ],
)
def test_proximity(parts: list[list[float]], whole: list[float], expected: list[float]) -> None:
    assert flow.proximities(parts, whole) == expected


@pytest.mark.parametrize("engine", ["python", NUMPY])
def test_without_a_threshold_every_state_is_made_up_whole(engine: str) -> None:
    found = flow.routes(traced(on_engine(small_model(), engine), IDS), 3, 0.0)
    assert found
    weights: dict[Node, float] = {}
    for edge in found.edges:
        weights[edge.target] = weights.get(edge.target, 0.0) + edge.weight
    unclear = {node for node, weight in weights.items() if not weight}  # parts that cancel out: none is near
    assert [weight for node, weight in weights.items() if node not in unclear] == pytest.approx(
        [1.0] * (len(weights) - len(unclear))
    )
    lost = sum(edge.share for edge in found.edges if edge.kind == "bias") + sum(found.shares[node] for node in unclear)
    assert found.kept + lost == pytest.approx(1)


def test_edges_lead_back_from_the_answer_and_never_from_later_positions() -> None:
    found = flow.routes(traced(small_model(), IDS), 3, 0.05)
    assert found
    reached = {Node(4, 3)}
    for edge in found.edges:
        assert edge.target in reached
        assert edge.weight >= 0.05
        assert edge.layer == (edge.target.depth - 1) // 2
        assert (edge.head is None) == (edge.kind != "head")
        if edge.source:
            assert edge.source.depth == edge.target.depth - 1
            assert edge.source.position <= edge.target.position
            reached.add(edge.source)
    assert set(found.shares) == reached
    for node, share in found.shares.items():
        arriving = [edge.share for edge in found.edges if edge.source == node]
        assert share == pytest.approx(sum(arriving) if arriving else 1.0)


def test_a_higher_threshold_keeps_fewer_of_the_same_edges() -> None:
    run = traced(small_model(), IDS)
    few, many = (flow.routes(run, 4, threshold) for threshold in (0.2, 0.05))
    assert few
    assert many

    def places(found: flow.Routes) -> set[tuple[object, ...]]:
        return {(edge.kind, edge.source, edge.target, edge.head, edge.weight) for edge in found.edges}

    assert places(few) < places(many)
    assert flow.routes(run, 4, 0.05) == many, "the same again"


def test_a_threshold_that_nothing_passes_leaves_the_answer_alone() -> None:
    found = flow.routes(traced(small_model(), IDS), 4, 1.1)
    assert found == flow.Routes(4, 1.1, (), {Node(4, 4): 1.0})
    assert found.kept == 0


def test_it_can_be_cancelled_and_watched() -> None:
    run = traced(small_model(), IDS)
    assert flow.routes(run, 4, 0.01, lambda: True) is None
    shares = {Node(4, 4): 1.0}
    first = next(flow.walk(run, 4, 0.01, shares))
    assert {edge.target for edge in first} == {Node(4, 4)}
    assert set(shares) == {Node(4, 4), Node(3, 4)}


def test_what_cannot_be_answered() -> None:
    with pytest.raises(AnalysisError, match="without its model"):
        flow.routes(recorded(small_model(), IDS), 4)
    with pytest.raises(AnalysisError, match="no position 7"):
        flow.routes(traced(small_model(), IDS), 7)
