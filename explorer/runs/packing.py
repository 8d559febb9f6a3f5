"""Many prompts in one forward pass: each run is the one that the model gives the prompt alone, in its own order."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from explorer.engine.engines import on_arrays
from explorer.runs.running import complete
from explorer.runs.side_by_side import SideBySide, Together
from explorer.runs.trace import LiveRun
from gpt import GPT, GPTConfig
from gpt.attention import KeysValues

AT_MOST = 256 * 2**20
"""Bytes of what is recorded in one forward pass, unless a single prompt takes more."""


def at_once(config: GPTConfig) -> int:
    """Tokens in one forward pass, so that all that is recorded of them fits: 247 of GPT-2 small, 35 of GPT-2 XL."""
    in_block = 16 * config.n_embd + 2 * config.mlp_width
    return max(1, AT_MOST // (4 * (config.n_layer * in_block + config.vocab_size)))


def run_together(model: GPT, prompts: Iterable[Sequence[int]]) -> Iterator[LiveRun]:
    """A complete run of each prompt, in their order; on arrays many at once.

    InputError, before anything is computed, where one of a list of prompts does not fit the model.
    """
    prompts = list(prompts)
    for ids in prompts:
        model.check(ids)
    if not on_arrays(model):
        for ids in prompts:
            run = LiveRun(model, list(ids))
            complete(run, lambda: False)
            yield run
        return
    most, pack = at_once(model.config), list[Sequence[int]]()
    for ids in prompts:
        if pack and sum(map(len, pack)) + len(ids) > most:
            yield from _run(model, pack)
            pack = []
        pack.append(ids)
    if pack:
        yield from _run(model, pack)


def _run(model: GPT, pack: Sequence[Sequence[int]]) -> Iterator[LiveRun]:
    side = SideBySide(model.ops, list(map(len, pack)))
    together, seen = Together(model, side), dict[str, Any]()
    residual = together.embedded([id for ids in pack for id in ids], seen.__setitem__)
    output = together.forward_from(0, residual, hook=seen.__setitem__)
    for number, ids in enumerate(pack):
        run = LiveRun(model, list(ids))
        run.values = {name: side.part(run.axes[name], value, number) for name, value in seen.items()}
        run.cache = tuple(
            KeysValues(side.part("THe", keys, number), side.part("THe", values, number))
            for keys, values in output.cache or ()
        )
        run.version, run.complete = len(seen), len(ids)
        yield run
