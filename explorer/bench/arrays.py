"""Arrays: the forward pass, one more token, a sweep and many prompts, beside bare products and beside the peers."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from explorer.bench.peers import LENS, TRANSFORMERS, lens_model, named, transformers_model
from explorer.bench.plain import largest_difference, recorded
from explorer.bench.products import bare, products
from explorer.bench.timing import Part, Work, in_turn
from explorer.edits.metric import PROBABILITY, Metric
from explorer.edits.sweep import Sweep
from explorer.engine.engines import TORCH, engine_in_full, in_words, on_engine, plain
from explorer.engine.threads import few_threads
from explorer.runs.packing import run_together
from gpt import GPT

CLOSE = 1e-3
"""The difference of logits, as a share of the largest, beyond which two programs in float32 are said to differ."""


class Arrays:
    """A model on arrays, and the peers that are installed, on the same checkpoint."""

    def __init__(self, model: GPT, directory: Path, peers: Sequence[str]) -> None:
        self.model = model
        self.engine = in_words(model)
        self.theirs = transformers_model(directory) if peers else None
        self.shown = TRANSFORMERS in peers
        self.lens = lens_model(self.theirs) if LENS in peers else None
        dtype = engine_in_full(model).dtype or "float32"
        self.torch = None if self.theirs is None else on_engine(model, f"{TORCH} {dtype}")

    def parts(self, ids: list[int], prompts: int, rounds: int) -> Iterator[Part]:
        """All tables, one after the other."""
        with few_threads(self.model), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of words that a later version of a peer will not know
            yield self._forward(ids, rounds)
            yield self._step(ids, rounds)
            yield self._sweep(ids, rounds)
            yield self._prompts(ids, prompts, rounds)

    def _forward(self, ids: list[int], rounds: int) -> Part:
        pairs = products(self.model, ids)
        works: dict[str, Work] = {
            "the same products, bare": lambda: bare(pairs),
            "forward pass, recording everything": lambda: recorded(self.model, ids),
        }
        notes, equal = [], True
        if self.torch:
            again = self.torch
            works[in_words(again)] = _on(
                again, lambda: recorded(again, ids).logits(len(ids) - 1)
            )  # it waits for the device
        if self.theirs is not None:
            import torch

            batch, theirs = torch.tensor([ids]), self.theirs
            works |= {named(TRANSFORMERS): lambda: theirs(batch)} if self.shown else {}
            apart = largest_difference(recorded(self.model, ids).values["logits"], theirs(batch).logits[0].numpy())
            notes, equal = [f"logits equal to those of transformers but for {apart:.0e} of the largest"], apart < CLOSE
            if self.lens is not None:
                lens = self.lens
                works[f"{named(LENS)}, run_with_cache"] = lambda: lens.run_with_cache(batch)
        return Part(f"{self.engine}, {len(ids)} tokens", in_turn(works, rounds), tuple(notes), equal)

    def _step(self, ids: list[int], rounds: int) -> Part:
        cache = self.model.forward(ids[:-1]).cache
        pairs = products(self.model, ids[-1:], cache)
        works: dict[str, Work] = {
            "the same products, bare: the weights read once": lambda: bare(pairs),
            "one more token": lambda: self.model.forward(ids[-1:], cache),
        }
        if self.torch:
            again, begun = self.torch, self.torch.forward(ids[:-1]).cache
            works[in_words(again)] = _on(again, lambda: plain(again.forward(ids[-1:], begun).logits[-1]))
        if self.theirs is not None and self.shown:
            import torch

            theirs, before, last = self.theirs, torch.tensor([ids[:-1]]), torch.tensor([ids[-1:]])
            # its cache grows in place: one for every time, and the one that is not counted
            known = [theirs(before, use_cache=True).past_key_values for _ in range(rounds + 1)]

            def step() -> None:
                theirs(last, past_key_values=known.pop(), use_cache=True)

            works[named(TRANSFORMERS)] = step
        return Part(f"{self.engine}, one more token from the cache", in_turn(works, rounds))

    def _sweep(self, ids: list[int], rounds: int) -> Part:
        config = self.model.config
        base = recorded(self.model, ids)
        plan = Sweep(base, Metric(PROBABILITY, ids[0]))
        works: dict[str, Work] = {
            "one forward pass, recording everything": lambda: recorded(self.model, ids),
            f"a sweep of {config.n_layer * config.n_head} heads": lambda: list(plan.effects()),
        }
        if self.torch:
            again = Sweep(recorded(self.torch, ids), Metric(PROBABILITY, ids[0]))
            works[in_words(self.torch)] = _on(self.torch, lambda: list(again.effects()))
        if self.lens is not None:
            import torch

            lens, batch = self.lens, torch.tensor([ids])
            works[f"{named(LENS)}, a hook for each head"] = lambda: _lens_sweep(lens, batch, config.n_head)
        return Part(f"{self.engine}, every head zeroed", in_turn(works, max(1, rounds // 3)))

    def _prompts(self, ids: list[int], prompts: int, rounds: int) -> Part:
        texts = [ids[: 1 + (len(ids) - 1 + number) % len(ids)] or ids for number in range(prompts)]
        works: dict[str, Work] = {
            "one after the other": lambda: [recorded(self.model, text) for text in texts],
            "together": lambda: list(run_together(self.model, texts)),
        }
        if self.theirs is not None and self.shown:
            import torch

            theirs, longest = self.theirs, max(map(len, texts))
            padded = torch.tensor([text + [0] * (longest - len(text)) for text in texts])
            mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
            works[f"{named(TRANSFORMERS)}, padded batch"] = lambda: theirs(padded, attention_mask=mask)
        return Part(f"{self.engine}, {prompts} prompts", in_turn(works, max(1, rounds // 2)))


def _on(model: GPT, work: Work) -> Work:
    """The same work with the threads that are right for the model: those of PyTorch are the peers' as well."""

    def run() -> None:
        with few_threads(model):
            work()

    return run


def _lens_sweep(lens: Any, batch: Any, heads: int) -> None:
    def zero(head: int) -> Any:
        def hook(value: Any, hook: Any) -> Any:
            value[:, :, head] = 0.0
            return value

        return hook

    for layer in range(lens.cfg.n_layers):
        for head in range(heads):
            lens.run_with_hooks(batch, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", zero(head))])
