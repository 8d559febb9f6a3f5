"""Token ids -> the residual stream: what the token is, plus where it stands."""

from collections.abc import Sequence

from gpt import ops as plain
from gpt.hooks import Hook, scoped
from gpt.ops import Arithmetic, Matrix
from gpt.weights import Weights


def embed(
    ids: Sequence[int], first: int, weights: Weights, *, ops: Arithmetic = plain, hook: Hook | None = None
) -> Matrix:  # [T] -> [T, d]
    """Each token's own vector plus the vector of its position; the first of `ids` stands at position `first`.

    Both tables were learned: GPT-2 has no sines. Source: Radford et al. 2019, section 2.3.
    """
    see = scoped(hook)
    tokens = see("hook_embed", ops.take(weights.token_embedding, ids))  # [T, d]
    positions = range(first, first + len(ids))
    places = see("hook_pos_embed", ops.take(weights.position_embedding, positions))  # [T, d]
    return ops.add(tokens, places)  # [T, d]
