"""GPT-2: token ids in, logits out.

Four tokens through GPT-2 small (V = 50257, d = 768, H = 12 heads of e = 64, m = 3072 neurons, L = 12 blocks):

    "Once upon a time"                                                                          tokenizer.py
            │
    ids [7454, 2402, 257, 640]              [4]
            │
            │  each token's row of a table + each position's row of another                     embeddings.py
            │                               [4, 768]
            │
            ├──→ layer norm                 [4, 768]                                            layer_norm.py
            │    attention                                                                      attention.py
            │      q, k, v                  [4, 12, 64] each: query (a question), key (an offer), value (a content)
            │      scores                   [12, 4, 4]: how well the query of position t, row t, fits each key
            │      pattern                  [12, 4, 4]: scores / sqrt(64), masked, softmax: what t takes from 0 ... t
            │      z                        [4, 12, 64]: what each head has gathered: a mean of the values
            + ←──── output                  [4, 768]
            │
            ├──→ layer norm                 [4, 768]
            │    MLP                        [4, 768] → [4, 3072] → [4, 768]                     mlp.py
            + ←──── output                  [4, 768]
            │
           ...  twelve such blocks                                                              block.py
            │
       layer norm                           [4, 768]
            │
         logits                             [4, 50257]: row t scores every token as the one after token t
            │
        a token is drawn from the last row; the next run takes it alone, a cache has the rest   sampling.py

The line on the left is the residual stream: one vector a position, straight through from the tables to the logits.
Attention and MLP read a copy of it and add to it. Scores, pattern and z are the only steps between positions.
All others work on each position by itself: embeddings, norms, q, k and v, output, MLP, logits.

    token       a piece of text from a fixed vocabulary; the model knows it by a number, its id
    block       one of the L layers of the model
    stream      the residual stream, [T, d]; what a part adds to it is a difference, a "residual"
    head        one of the H attentions that work side by side in a block
    MLP         multi-layer perceptron: two matrices with an activation between them
    unembedding the table that turns the stream into logits
    logits      a score for each token of the vocabulary, how well it would come next; softmax makes them probabilities
    hook        a function that is shown each intermediate value: read `run.see(name, value)` as `value`
    run         what the parts carry along: read `run.ops.add(a, b)` as `add(a, b)`; `run.part(...)` is for the hook

Letters for shapes, here and everywhere:

    V  vocab_size, the tokens there are         d  n_embd, the width of the residual stream
    C  n_positions, the most it can see         e  d / H, the width of a query, key or value
    L  n_layer, the blocks                      m  n_inner, the neurons of one MLP
    H  n_head, the heads of a block             T  positions in this run: in generation the new ones
                                                P  positions before them, in the cache
                                                S  positions to look at: P + T
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

from gpt import ops as plain
from gpt.attention import KeysValues
from gpt.block import block
from gpt.config import GPTConfig
from gpt.embeddings import embed
from gpt.errors import InputError
from gpt.hooks import Hook, Run
from gpt.layer_norm import layer_norm
from gpt.ops import Arithmetic, Matrix
from gpt.weights import Weights

Cache = tuple[KeysValues, ...]
"""The keys and values of each block, L of them. A run returns a new cache and leaves the one it was given as it was."""


@dataclass(frozen=True)
class Output:
    """The end of a run."""

    logits: Matrix  # [T, V], or [1, V] where only the last position was asked for
    cache: Cache | None


class GPT:
    """A GPT-2: a configuration, its weights, and the arithmetic that runs them (`gpt.ops` unless told otherwise).

    >>> from gpt import RandomTensors, load_weights
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
        """Logits for the token after each of the T `ids`, which follow the positions already in the cache.

        `head_results` also computes what each head writes by itself; `last_only` computes the logits of the last
        position alone, which is all that generation needs. InputError where the ids do not fit the model.
        """
        first = cached_positions(cache)
        self.check(ids, first)
        residual = embed(ids, first, self.weights, Run(self.config, self.ops, hook))  # [T, d]
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
        """The rest of a run, from the residual stream [T, d] that enters block `layer` (L computes only the logits).

        The blocks before `layer` do not run: their cache entries are passed on, and must hold these T positions already
        if a run is to go on from the new cache. Without a cache, a run from a `layer` above 0 returns none.
        """
        self._check_entrance(layer, residual, cache)
        run = Run(self.config, self.ops, hook, head_results)
        present = list(cache[:layer]) if cache else []
        for index in range(layer, self.config.n_layer):
            past = cache[index] if cache else None
            residual, keys_values = block(residual, self.weights.blocks[index], run.block(index), past)  # [T, d]
            present.append(keys_values)
        logits = self.read_out(residual[-1:] if last_only else residual, hook=hook)  # [T, V]
        return Output(logits, tuple(present) if len(present) == self.config.n_layer else None)

    def read_out(
        self, residual: Matrix, *, hook: Hook | None = None
    ) -> Matrix:  # [T, d] -> [T, V], or [1, d] -> [1, V]
        """The logits: a last layer norm, then the dot product with each token's row of the unembedding.

        In OpenAI's models the unembedding is the token embedding once more (the two are "tied"): what a token adds to
        the stream is also what it looks for there, and 38.6 million numbers are learned once instead of twice.
        On the stream of an earlier block this shows what the model would say so far: the "logit lens".
        """
        run = Run(self.config, self.ops, hook)
        x = layer_norm(residual, self.weights.ln_final, run.part("ln_final"))  # [T, d]
        return run.see("logits", run.ops.matmul_transposed(x, self.weights.unembedding))  # [T, V]

    def check(self, ids: Sequence[int], first: int = 0) -> None:
        """InputError unless `ids` can be run after `first` positions: some, not too many, all in the vocabulary."""
        self._check_room(len(ids), first)
        for token in ids:
            if not isinstance(token, Integral) or not 0 <= token < self.config.vocab_size:
                raise InputError(f"there is no token {token!r}: ids go from 0 to {self.config.vocab_size - 1}.")

    def _check_entrance(self, layer: int, residual: Matrix, cache: Cache | None) -> None:
        if not 0 <= layer <= self.config.n_layer:
            raise InputError(f"there is no block {layer}: a run can begin at 0 to {self.config.n_layer}.")
        self._check_room(len(residual), len(cache[layer].keys) if cache and layer < len(cache) else 0)

    def _check_room(self, count: int, first: int) -> None:
        """InputError unless so many positions can follow the first ones."""
        if not count:
            raise InputError("there are no tokens to run: give at least one.")
        if first + count > self.config.n_positions:
            most = self.config.n_positions
            raise InputError(
                f"{first + count} tokens are too many: this model sees {most} at most. Use a shorter prompt."
            )


def cached_positions(cache: Cache | None) -> int:
    """P: how many positions a cache holds."""
    return len(cache[0].keys) if cache else 0
