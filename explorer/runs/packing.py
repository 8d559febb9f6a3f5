"""Many prompts in one forward pass: their tokens stand one after the other, and nobody looks beyond his own prompt.

Everything but attention and the position embeddings works on each position by itself, so it is enough that each prompt
counts its positions from 0, and that the mask hides the others. Prompts of any lengths fit together.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from explorer.engine.engines import NUMPY, engine_of
from explorer.runs.running import complete
from explorer.runs.trace import LiveRun
from gpt import GPT
from gpt.attention import KeysValues
from gpt.ops import Arithmetic

AT_ONCE = 96
"""Tokens in one forward pass, where the prompts are shorter: every one is compared with every other, which costs more
than a pass of its own where there are many."""


class _Packed:
    """A wrapped arithmetic on arrays for tokens of several prompts."""

    def __init__(self, ops: Arithmetic, lengths: Sequence[int]) -> None:
        self._ops = ops
        self._positions: Any = np.concatenate([np.arange(length) for length in lengths])
        self._prompt = np.repeat(np.arange(len(lengths)), lengths)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def take(self, matrix: Any, rows: Sequence[int]) -> Any:
        """Rows of a table; for positions, which are a range, those of each prompt from 0 on."""
        return self._ops.take(matrix, self._positions if isinstance(rows, range) else rows)

    def causal_mask(self, scores: Any) -> Any:  # [H, T, T]
        """Neither later positions nor other prompts are seen."""
        masked = self._ops.causal_mask(scores)
        apart = self._prompt[:, None] != self._prompt[None, :]
        return np.where(apart, masked.dtype.type(-np.inf), masked)


def run_together(model: GPT, prompts: Sequence[Sequence[int]]) -> Iterator[LiveRun]:
    """A complete run of each prompt, in their order; on arrays many at once."""
    for ids in prompts:
        model.check(ids)
    if engine_of(model) != NUMPY:
        for ids in prompts:
            run = LiveRun(model, list(ids))
            complete(run, lambda: False)
            yield run
        return
    pack: list[Sequence[int]] = []
    for ids in prompts:
        if pack and sum(map(len, pack)) + len(ids) > min(AT_ONCE, model.config.n_positions):
            yield from _run(model, pack)
            pack = []
        pack.append(ids)
    if pack:
        yield from _run(model, pack)


def _run(model: GPT, pack: Sequence[Sequence[int]]) -> Iterator[LiveRun]:
    ops: Any = _Packed(model.ops, list(map(len, pack)))
    seen: dict[str, Any] = {}
    output = GPT(model.config, model.weights, ops=ops).forward(
        [id for ids in pack for id in ids], hook=seen.__setitem__
    )
    start = 0
    for ids in pack:
        part = slice(start, start + len(ids))
        run = LiveRun(model, list(ids))
        run.values = {
            name: value[:, part, part] if run.axes[name] == "HTS" else value[part] for name, value in seen.items()
        }
        run.cache = tuple(KeysValues(keys[part], values[part]) for keys, values in output.cache or ())
        run.version, run.complete = len(seen), len(ids)
        yield run
        start += len(ids)
