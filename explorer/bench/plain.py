"""Plain Python: the forward pass and one more token, beside the dot products alone and the textbook's loops."""

import itertools
import math
from collections.abc import Iterator

from explorer.bench.products import dots, products
from explorer.bench.textbook import arithmetic
from explorer.bench.timing import Part, Work, in_turn
from explorer.engine import cores
from explorer.runs import running
from explorer.runs.trace import LiveRun
from gpt import GPT
from gpt.model import Cache
from gpt.ops import Matrix

CLOSE = 1e-9
"""The difference of logits, as a share of the largest, that the order of additions explains in float64."""


def parts(model: GPT, ids: list[int], rounds: int) -> Iterator[Part]:
    """The forward pass of these ids, and the last of them from a cache."""
    workers = cores.start(model) if cores.cores() > 1 else []
    yield _part(f"plain Python, {len(ids)} tokens", model, ids, None, len(workers), rounds)
    cache = model.forward(ids[:-1]).cache
    yield _part("plain Python, one more token from the cache", model, ids[-1:], cache, len(workers), rounds)


def _part(title: str, model: GPT, ids: list[int], cache: Cache | None, workers: int, rounds: int) -> Part:
    pairs = products(model, ids, cache)
    textbook = GPT(model.config, model.weights, ops=arithmetic())
    many = cores.divided(model)
    works: dict[str, Work] = {
        "the dot products alone, one core": lambda: dots(pairs),
        "the textbook's nested loops": lambda: textbook.forward(ids, cache),
        "forward pass, one core": lambda: model.forward(ids, cache),
    }
    if workers:
        works[f"forward pass, {workers} processes"] = lambda: many.forward(ids, cache)
        if cache is None:
            works["the same, recording everything"] = lambda: recorded(model, ids)
    expected = textbook.forward(ids, cache).logits
    found = model.forward(ids, cache).logits
    apart = largest_difference(found, expected)
    notes = [f"logits equal to those of the nested loops but for {apart:.0e} of the largest"]
    equal = apart <= CLOSE
    if workers:
        same = many.forward(ids, cache).logits == found
        equal &= same
        notes.append(f"logits of {workers} processes {'equal bit for bit' if same else 'DIFFER'}")
    else:
        notes.append("one core, or worker processes cannot start here: nothing is divided")
    return Part(title, in_turn(works, rounds), tuple(notes), equal)


def recorded(model: GPT, ids: list[int]) -> LiveRun:
    """The complete run of these ids."""
    run = LiveRun(model, list(ids))
    running.complete(run, lambda: False)
    return run


def largest_difference(found: Matrix, expected: Matrix) -> float:
    """The largest difference of two matrices, as a share of the second's largest number; inf where one is no number."""
    largest = max((abs(value) for row in expected for value in row), default=0.0) or 1.0
    pairs = zip(itertools.chain(*found), itertools.chain(*expected))
    gaps = [abs(float(a) - float(b)) / float(largest) for a, b in pairs]
    return max(gaps, default=0.0) if all(map(math.isfinite, gaps)) else math.inf
