"""The inputs of the comparisons: random numbers of several shapes, edge cases, and the model's own numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from explorer.engine import array_ops
from explorer.verify.nested import Model
from gpt import GPT, GPTConfig, RandomTensors, load_weights
from gpt.attention import KeysValues

Array = Any

SHAPES = ((1, 1), (1, 24), (5, 7), (16, 48), (3, 192))
"""[T, d]: one number, one token, odd sizes, wide rows."""

SCALES = (1.0, 1e-9, 100.0)
PLAIN = {"vocab_size": 29, "n_positions": 10, "n_embd": 12, "n_layer": 2, "n_head": 3}
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"n_head": 1, "n_layer": 1},
    {"n_head": 12},
    {"scale_attn_weights": False},
    {"scale_attn_by_inverse_layer_idx": True, "n_layer": 3},
    {"tie_word_embeddings": False, "n_inner": 5, "activation_function": "relu"},
    {"activation_function": "gelu", "layer_norm_epsilon": 0.1},
    {"activation_function": "silu", "n_embd": 24},
    {"activation_function": "tanh", "n_positions": 24},
)
SPREADS = (0.4, 1e-6, 4.0)
"""Of random weights: ordinary; so small that all scores are nearly 0; so large that one position takes everything."""

WORK = 16_000_000
"""Multiplications for one pass in plain Python: about a second."""


@dataclass(frozen=True)
class Own:
    """The model under test, and text for it."""

    model: Model
    ids: Sequence[int]  # of some text
    seed: int

    @property
    def positions(self) -> int:
        """How many a pass in plain Python has time for."""
        config = self.model.config
        return int(min(max(WORK // config.parameters, 2), len(self.ids), config.n_positions, 12))

    @property
    def prompt(self) -> list[int]:
        return list(self.ids[: self.positions])

    @cached_property
    def layers(self) -> Sequence[int]:
        """All blocks; of a large model the first, a middle one and the last."""
        depth = self.model.config.n_layer
        small = self.model.config.parameters * self.positions <= WORK and depth <= 12
        return range(depth) if small else sorted({0, depth // 2, depth - 1})

    @property
    def middle(self) -> int:
        return self.model.config.n_layer // 2

    @cached_property
    def seen(self) -> dict[str, Array]:
        """Every activation of the prompt, computed by NumPy: inputs for the functions, which both sides are given."""
        seen: dict[str, Array] = {}
        engine = GPT(self.model.config, self.model.arrays, ops=array_ops)
        engine.forward(self.prompt, hook=seen.__setitem__, head_results=True)
        return seen

    @cached_property
    def full_ids(self) -> list[int]:
        """As many tokens as the model can see: the text, then random ones."""
        config = self.model.config
        more = np.random.default_rng(self.seed).integers(0, config.vocab_size, config.n_positions)
        return [*self.ids, *more.tolist()][: config.n_positions]

    @cached_property
    def cache(self) -> tuple[KeysValues, ...]:
        """Keys and values of the full context, computed by NumPy."""
        engine = GPT(self.model.config, self.model.arrays, ops=array_ops)
        return engine.forward(self.full_ids, last_only=True).cache or ()

    def cache_before(self, last: int) -> tuple[KeysValues, ...]:
        """Without the last few positions."""
        return tuple(KeysValues(keys[:-last], values[:-last]) for keys, values in self.cache)

    @cached_property
    def scores(self) -> tuple[Array, Array, Array]:  # [R, 1, e], [C, 1, e], [C, 1, e]
        """At the full context: the last queries there is time for (keys stand in for them), all keys, all values."""
        keys, values = map(np.asarray, self.cache[self.middle])
        rows = max(1, min(len(keys), WORK // 6 // (len(keys) * keys.shape[-1])))
        return keys[-rows:, :1], keys[:, :1], values[:, :1]


class Inputs:
    """Random arguments from one seed, and the model's own where there is one.

    `variants` are the small random models to try, the first two of them with weights of every one of `spreads`.
    """

    def __init__(
        self,
        seed: int,
        own: Own | None = None,
        variants: Sequence[Mapping[str, Any]] = VARIANTS,
        spreads: Sequence[float] = SPREADS,
    ) -> None:
        self.seed = seed
        self.own = own
        self.variants = variants
        self.spreads = spreads
        self._random = np.random.default_rng(seed)

    def normal(self, *shape: int) -> Array:
        return self._random.normal(0.0, 1.0, shape)

    def matrices(self) -> Iterator[Array]:
        """[T, d] of every shape, ordinary, very small and very large; and one whose rows are far from 0."""
        for shape in SHAPES:
            for scale in SCALES:
                yield self.normal(*shape) * scale
        yield self.normal(4, 30) + 1000.0

    def scores(self) -> Iterator[Array]:
        """[H, T, S]: one token; one head; cached positions; very large and very small scores."""
        for shape in ((1, 1, 1), (1, 6, 6), (3, 5, 5), (2, 1, 9), (2, 3, 8)):
            for scale in (1.0, 1e-30, 50.0, 1e4, 1e300):
                yield self.normal(*shape) * scale

    @cached_property
    def models(self) -> list[Model]:
        """Small random models of every variant of the architecture."""
        return list(self._draw_models())

    def _draw_models(self) -> Iterator[Model]:
        for number, changes in enumerate(self.variants):
            for spread in self.spreads if number < 2 else self.spreads[:1]:
                config = GPTConfig.from_dict(PLAIN | dict(changes))
                weights = load_weights(config, RandomTensors(config, self.seed + number, spread))
                yield Model(config, weights)

    def ids(self, config: GPTConfig, count: int) -> list[int]:
        return self._random.integers(0, config.vocab_size, count).tolist()

    def prompts(self, config: GPTConfig) -> Iterator[list[int]]:
        """One token, a few, the full context."""
        for count in (1, 5, config.n_positions):
            yield self.ids(config, count)
