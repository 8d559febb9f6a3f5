"""GPT-2: token ids in, logits out, hooks all along."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

from gpt import ops as plain
from gpt.attention import KeysValues
from gpt.block import block
from gpt.config import GPTConfig
from gpt.embeddings import embed
from gpt.errors import InputError
from gpt.hooks import Hook, scoped
from gpt.layer_norm import layer_norm
from gpt.ops import Arithmetic, Matrix
from gpt.weights import Weights

Cache = tuple[KeysValues, ...]
"""What each block remembers, L of them. A run returns a new one and leaves the one it was given as it was."""


@dataclass(frozen=True)
class Output:
    """The end of a run."""

    logits: Matrix  # [T, V], or [1, V] where only the last position was asked for
    cache: Cache | None


def cached_positions(cache: Cache | None) -> int:
    """How many positions a cache holds."""
    return len(cache[0].keys) if cache else 0


class GPT:
    """A GPT-2: a configuration, its weights, and the arithmetic that runs them (`gpt.ops` unless told otherwise).

    >>> config = GPTConfig(vocab_size=10, n_positions=8, n_embd=4, n_layer=1, n_head=2)
    >>> model = GPT(config, load_weights(config, RandomTensors(config)))
    >>> len(model.forward([1, 2, 3]).logits)
    3
    """

    def __init__(self, config: GPTConfig, weights: Weights, ops: Arithmetic = plain) -> None:
        self.config = config
        self.weights = weights
        self.ops = ops

    def forward(
        self,
        ids: Sequence[int],
        cache: Cache | None = None,
        *,
        hook: Hook | None = None,
        head_results: bool = False,
        last_only: bool = False,
    ) -> Output:
        """The logits for each of the T `ids`, which come after the positions that the cache holds.

        `head_results` also computes what each head writes by itself; `last_only` computes the logits of the last
        position alone, which is all that generation needs. InputError where the ids do not fit the model.
        """
        first = cached_positions(cache)
        self.check(ids, first)
        residual = embed(ids, first, self.weights, ops=self.ops, hook=hook)  # [T, d]
        return self.forward_from(0, residual, cache, hook=hook, head_results=head_results, last_only=last_only)

    def forward_from(
        self,
        layer: int,
        residual: Matrix,
        cache: Cache | None = None,
        *,
        hook: Hook | None = None,
        head_results: bool = False,
        last_only: bool = False,
    ) -> Output:
        """The rest of a run, from the residual stream [T, d] that enters block `layer` (L: only the read-out is left).

        The cache's entries for the blocks before `layer` are passed on as they are. Where there are none, no run can
        go on from this one: its cache is None.
        """
        if not 0 <= layer <= self.config.n_layer:
            raise InputError(f"there is no block {layer}: a run can begin at 0 to {self.config.n_layer}.")
        self._check_room(len(residual), len(cache[layer].keys) if cache and layer < len(cache) else 0)
        present = list(cache[:layer]) if cache else []
        for index in range(layer, self.config.n_layer):
            residual, keys_values = block(
                residual,
                index,
                self.weights.blocks[index],
                self.config,
                cache[index] if cache else None,
                ops=self.ops,
                hook=hook,
                head_results=head_results,
            )
            present.append(keys_values)
        logits = self.read_out(residual[-1:] if last_only else residual, hook=hook)
        return Output(logits, tuple(present) if len(present) == self.config.n_layer else None)

    def read_out(self, residual: Matrix, *, hook: Hook | None = None) -> Matrix:  # [T, d] -> [T, V]
        """The final layer norm, and how well each token of the vocabulary fits what is left: the logits.

        On the residual stream of an earlier block this is the logit lens.
        """
        epsilon = self.config.layer_norm_epsilon
        x = layer_norm(residual, self.weights.ln_final, epsilon, ops=self.ops, hook=hook, prefix="ln_final.")  # [T, d]
        return scoped(hook)("logits", self.ops.matmul_transposed(x, self.weights.unembedding))  # [T, V]

    def check(self, ids: Sequence[int], first: int = 0) -> None:
        """InputError unless `ids` can be run after `first` positions: some, not too many, all in the vocabulary."""
        self._check_room(len(ids), first)
        for token in ids:
            if not isinstance(token, Integral) or not 0 <= token < self.config.vocab_size:
                raise InputError(f"there is no token {token!r}: ids go from 0 to {self.config.vocab_size - 1}.")

    def _check_room(self, count: int, first: int) -> None:
        """InputError unless so many positions can follow the first ones."""
        if not count:
            raise InputError("there are no tokens to run: give at least one.")
        if first + count > self.config.n_positions:
            raise InputError(
                f"{first + count} tokens are too many: this model sees {self.config.n_positions} at most. "
                "Use a shorter prompt."
            )
