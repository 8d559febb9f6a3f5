"""How cost grows: with the tokens of a prompt, with the layers of a model, with the number of prompts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from explorer.bench.plain import recorded
from explorer.bench.timing import Growth, Work, in_turn
from explorer.engine.engines import in_words
from explorer.engine.threads import few_threads
from explorer.runs.packing import run_together
from gpt import GPT

TOKENS = (8, 16, 32, 64, 128, 256, 512, 1024)
PROMPTS = (1, 2, 4, 8, 16)


def growths(model: GPT, ids: list[int], most: int, rounds: int) -> Iterator[Growth]:
    """The three, on the engine of the model; no prompt has more than `most` tokens."""
    longest = min(most, model.config.n_positions)
    tokens = [size for size in TOKENS if size <= longest] or [longest]
    engine = in_words(model)
    with few_threads(model):
        yield _growth(f"{engine}: tokens of a prompt", tokens, lambda n: recorded(model, repeated(ids, n)), rounds)
        layers = sorted({1, *range(2, model.config.n_layer + 1, max(1, model.config.n_layer // 6))})
        short = repeated(ids, min(16, longest))
        yield _growth(f"{engine}: layers", layers, lambda n: recorded(first_layers(model, n), short), rounds)
        yield _growth(f"{engine}: prompts", PROMPTS, lambda n: list(run_together(model, [short] * n)), rounds)


def _growth(title: str, sizes: Sequence[int], work: Callable[[int], object], rounds: int) -> Growth:
    works: dict[str, Work] = {str(size): (lambda size=size: work(size)) for size in sizes}  # type: ignore[misc]
    return Growth(title, tuple(sizes), in_turn(works, rounds))


def repeated(ids: list[int], count: int) -> list[int]:
    """So many tokens: the ids over and over."""
    return (ids * (count // len(ids) + 1))[:count]


def first_layers(model: GPT, count: int) -> GPT:
    """The model cut off after so many blocks."""
    weights = replace(model.weights, blocks=model.weights.blocks[:count])
    return GPT(replace(model.config, n_layer=count), weights, ops=model.ops)
