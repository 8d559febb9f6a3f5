"""A run as TransformerLens' ActivationCache, where that library is installed."""

from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.api.run import Run

OURS = ("hook_mean", "hook_var", "hook_attn_scores_raw", "hook_attn_scores_scaled", "logits")
"""The last parts of the names that TransformerLens does not have."""


def cache(run: "Run", model: Any) -> Any:
    """The cache, a batch of one, without the names that are ours; `model` is theirs, which some of its methods need."""
    try:
        import torch
        from transformer_lens import ActivationCache
    except ImportError as error:
        raise UsageError("TransformerLens is not installed: pip install transformer-lens.") from error
    names = [name for name in run.names if not name.endswith(OURS)]
    return ActivationCache({name: torch.tensor(np.array(run[name]))[None] for name in names}, model, has_batch_dim=True)
