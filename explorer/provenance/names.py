"""Names of the numbers that are not activations, and the axes of all of them."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from gpt.hooks import HEAD_RESULTS

TOKENS = "tokens"
"""The ids of the prompt, [T]."""

DRAWN = "drawn"
"""The token that is drawn after each position, [T]."""

LEDGER = ("tempered", "tempered_probabilities", "top_k_logits", "top_p_logits", "probabilities", "cumulative")
"""The steps from logits to probabilities, [T, V]: fields of `gpt.Distribution`."""

TOTAL = ".total"
"""Behind the name of a softmax: the sum of its exponentials."""


def axes_of(name: str, activations: Mapping[str, str]) -> str:
    """The letters of a value's shape, "HTS" for instance; "" for the checkpoint's tensors."""
    if name in (TOKENS, DRAWN):
        return "T"
    if name.endswith(TOTAL):
        return axes_of(name.removesuffix(TOTAL), activations)[:-1]
    if name.endswith(HEAD_RESULTS):
        return "THd"
    return "TV" if name in LEDGER else activations.get(name, "")


def similar(name: str, names: Iterable[str]) -> str:
    """Advice for a name that is none of these: the most similar one, and where to find all."""
    near = get_close_matches(name, names, 3)
    found = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{found}`gpt-explorer source` lists the names."
