"""Attribution along edges: with patterns, scales and MLPs held, the model is linear, so its own runs are the oracle."""

from typing import Any

import numpy as np
import pytest

from explorer.analysis.attribution import attribute
from explorer.analysis.edge_attribution import edge_attribution
from explorer.analysis.flow import EdgeKind, Node
from explorer.analysis.recorded import residuals
from tests.helpers.models import CONFIGS, on_arrays, traced

IDS, TOKEN, VERSUS = [3, 1, 4, 1, 5], 7, 2
HELD = ("hook_pattern", "hook_scale", "hook_mlp_out")


@pytest.mark.parametrize("config", ["small", "by inverse layer", "untied, relu, n_inner"])
@pytest.mark.parametrize("versus", [None, VERSUS])
def test_a_state_moved_by_itself_moves_the_logit_by_its_direction(config: str, versus: int | None) -> None:
    """Each state is scaled by half in turn; the logit changes by half of the state's number."""
    model = on_arrays(**CONFIGS[config])
    trace = traced(model, IDS)
    last = len(IDS) - 1
    found = edge_attribution(trace, last, TOKEN, versus)
    assert found

    def lead(logits: Any) -> float:
        return float(logits[-1][TOKEN] - (0 if versus is None else logits[-1][versus]))

    for depth, name in enumerate(residuals(model.config.n_layer)):
        for position in range(len(IDS)):

            def hook(seen: str, value: Any, name: str = name, position: int = position) -> Any:
                if seen.endswith(HELD):
                    return trace.values[seen]
                if seen != name:
                    return None
                moved = np.array(value)
                moved[position] *= 0.5
                return moved

            change = lead(model.forward(IDS, hook=hook).logits) - lead(trace.values["logits"])
            expected = -0.5 * found.states.get(Node(depth, position), 0.0)
            # the norm's mean is not held: it is linear
            assert change == pytest.approx(expected, abs=1e-9), (name, position)


def test_what_enters_a_state_adds_up_to_it() -> None:
    found = edge_attribution(traced(on_arrays(n_layer=3), IDS), 4, TOKEN)
    assert found
    for node, value in found.states.items():
        if node.depth:
            assert found.into(node) == pytest.approx(value, abs=1e-10)
    assert found.states[Node(6, 4)] == pytest.approx(found.logit)
    assert {edge.kind for edge in found.edges} == set(EdgeKind)


@pytest.mark.parametrize("centred", [False, True])
def test_what_came_in_at_every_position_adds_up_to_the_logit(centred: bool) -> None:
    trace = traced(on_arrays(n_layer=3), IDS)
    found = edge_attribution(trace, 4, TOKEN, centred=centred)
    assert found
    logits = np.asarray(trace.values["logits"][4])
    whole = attribute(trace, 4, TOKEN, centred=centred)
    own = next(part.value for part in whole.contributions if part.name == "ln_final.hook_out")
    assert sum(found.entered) == pytest.approx(whole.logit - own, abs=1e-10)
    assert whole.logit == pytest.approx(float(logits[TOKEN] - (logits.mean() if centred else 0.0)))


def test_a_threshold_leaves_out_the_smaller_edges_and_nothing_else() -> None:
    trace = traced(on_arrays(n_layer=3), IDS)
    whole, part = edge_attribution(trace, 4, TOKEN), edge_attribution(trace, 4, TOKEN, threshold=0.1)
    assert whole
    assert part
    assert part.edges == tuple(edge for edge in whole.edges if edge.share >= 0.1)
    assert 0 < len(part.edges) < len(whole.edges)
    assert (part.states, part.entered) == (whole.states, whole.entered)
    assert edge_attribution(trace, 4, TOKEN, cancelled=lambda: True) is None
