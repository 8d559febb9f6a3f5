"""The checks of `gpt-explorer verify` on a few small random models."""

from typing import Any

from explorer.verify.inputs import Inputs
from explorer.verify.report import Report
from explorer.verify.runner import run_checks

VARIANTS: tuple[dict[str, Any], ...] = (
    {"n_positions": 9},
    {"n_positions": 6, "n_layer": 3, "scale_attn_by_inverse_layer_idx": True, "layer_norm_epsilon": 0.1},
    {"n_positions": 6, "tie_word_embeddings": False, "n_inner": 5, "activation_function": "relu"},
)


def cascade(torch: bool = False) -> Report:
    """The checks on a few small random models."""
    found = Report("random", 0, None, None)
    found.components = run_checks(Inputs(0, None, VARIANTS, (0.4,)), torch)
    return found
