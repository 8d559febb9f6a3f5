"""Token ids -> the residual stream: which token it is, plus where it stands."""

from collections.abc import Sequence

from gpt.hooks import Run
from gpt.ops import Matrix
from gpt.weights import Weights


def embed(ids: Sequence[int], first: int, weights: Weights, run: Run) -> Matrix:  # [T] -> [T, d]
    """Each token's row of one table plus its position's row of another; ids[0] stands at position `first`.

    Here positions enter: attention compares vectors and knows no places, so without the second table the first block
    would gather the same at the end of "a b c" and of "b a c". (The causal mask tells it only what came before.)
    Both tables were learned; GPT-2 has no sines. Source: Radford et al. 2019, section 2.3.
    """
    tokens = run.see("hook_embed", run.ops.take(weights.token_embedding, ids))  # [T, d]
    positions = range(first, first + len(ids))  # T numbers: cached positions come before them
    places = run.see("hook_pos_embed", run.ops.take(weights.position_embedding, positions))  # [T, d]
    return run.ops.add(tokens, places)  # [T, d]
