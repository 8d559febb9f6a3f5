"""Values of a trace; AnalysisError, with a clear message, where one is missing."""

from typing import Any

from explorer.analysis.errors import AnalysisError
from explorer.engine.engines import plain
from explorer.runs.trace import Trace
from gpt.ops import Matrix, Vector
from gpt.weights import Weights

OF_THE_MODEL = -1
"""The position under which `Trace.derived` keeps what depends on the weights alone."""


def weights_of(trace: Trace) -> Weights:
    """The weights of the model that was run; AnalysisError where the run was recorded without them."""
    weights: Weights | None = trace.weights
    if weights is None:
        raise AnalysisError(
            "this is a recorded run, without its model: this question needs the weights. Open the model and run the "
            "prompt again."
        )
    return weights


def value_of(trace: Trace, name: str, positions: int = 1) -> Any:
    """The recorded activation of that name, as the engine left it, known for at least so many positions."""
    if trace.positions(name) < positions:
        known = trace.positions(name)
        state = f"is known for {known} of the {positions} positions asked for" if known else "was not recorded"
        raise AnalysisError(f"{name} {state} in this run: wait until it is computed, or record the run as a whole.")
    return trace.values[name]


def row_of(trace: Trace, name: str, position: int) -> Vector:  # [d], or what the last axis is
    """One position's row of an activation that has no heads."""
    return plain(value_of(trace, name, position + 1)[position])


def by_head(trace: Trace, name: str, position: int) -> Matrix:  # [H, e]
    """One position's rows of queries, keys, values or z."""
    return plain(value_of(trace, name, position + 1)[position])


def pattern_row(trace: Trace, layer: int, head: int, position: int) -> Vector:  # [position + 1]
    """The attention of one position in one head, to itself and to earlier ones."""
    pattern = value_of(trace, f"blocks.{layer}.attn.hook_pattern", position + 1)
    return plain(pattern[head][position][: position + 1])


def check_position(trace: Trace, position: int) -> None:
    """AnalysisError unless the run has that position."""
    if not 0 <= position < len(trace.ids):
        raise AnalysisError(f"there is no position {position}: this run has 0 to {len(trace.ids) - 1}.")


def residuals(n_layer: int) -> tuple[str, ...]:  # 2L + 1 names
    """The residual stream from the embeddings to the end, after each half of each block, every state by one name."""
    names = ["blocks.0.hook_resid_pre"]
    for layer in range(n_layer):
        names += [f"blocks.{layer}.hook_resid_mid", f"blocks.{layer}.hook_resid_post"]
    return tuple(names)
