"""Arrays as few bytes: half precision where that loses nothing, bytes of one significance side by side, deflated.

Values are kept in float32, which is seven digits: the page writes no more. The first bytes of neighbouring numbers are
much alike and their last are not, so those that are alike are put together before they are compressed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

KINDS: dict[str, Any] = {"f4": np.dtype("<f4"), "f2": np.dtype("<f2"), "u2": np.dtype("<u2"), "u4": np.dtype("<u4")}
"""The kinds of numbers, by their names in the page, in the order in which they lie in the bytes."""

Entry = tuple[str, int, list[int]]
"""Where an array is: its kind, how many numbers of that kind come before it, its shape."""


def pack(arrays: Mapping[str, Any]) -> tuple[dict[str, Entry], dict[str, int], bytes]:
    """Where every array is, how many numbers there are of each kind, and the bytes of them all."""
    entries: dict[str, Entry] = {}
    parts: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    counts = dict.fromkeys(KINDS, 0)
    for name, array in arrays.items():
        kind = _kind(array)
        entries[name] = kind, counts[kind], list(array.shape)
        counts[kind] += array.size
        parts[kind].append(np.ascontiguousarray(array, KINDS[kind]).ravel())
    return entries, counts, b"".join(_planes(parts[kind], kind) for kind in KINDS)


def exact_in_half(array: Any) -> bool:
    """Whether float16 holds every number of an array as it is."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(np.asarray(array, np.float16).astype(np.float64), array))


def _kind(array: Any) -> str:
    if array.dtype.kind == "u":
        return "u2" if array.max(initial=0) < 2**16 else "u4"
    return "f2" if exact_in_half(array) else "f4"


def _planes(parts: list[Any], kind: str) -> bytes:
    """All first bytes, then all second bytes, and so on."""
    if not parts:
        return b""
    width = KINDS[kind].itemsize
    return np.concatenate(parts).view(np.uint8).reshape(-1, width).T.tobytes()
