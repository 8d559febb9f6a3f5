"""A model that is open, for scripts and notebooks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from explorer.analysis.circuits import Circuit, Circuits, Composition, largest
from explorer.analysis.folded import folded
from explorer.api.metrics import Token
from explorer.api.results import Numbers, Table, numbered
from explorer.api.run import Run
from explorer.engine import array_ops
from explorer.engine.cores import divided
from explorer.engine.engines import (
    NUMPY,
    PYTHON_UP_TO,
    TORCH,
    Engine,
    asked,
    check_installed,
    engine_of,
    in_words,
    on_engine,
)
from explorer.engine.threads import few_threads
from explorer.errors import UsageError
from explorer.loading.catalogue import locate, resolve, short_name
from explorer.loading.checkpoints import Checkpoint, open_checkpoint
from explorer.runs.beginning import with_beginning
from explorer.runs.packing import run_together
from explorer.terminal.text import visible
from explorer.tokenizer.tokenizer import Tokenizer
from explorer.walk.one_token import checked_token, token_id
from gpt import GPT, GPTConfig, Sampling, generate

TRANSFORMER_LENS = "transformer-lens"
_CONVENTIONS = ("plain", TRANSFORMER_LENS)


def load(
    name: str | Path | None = None,
    *,
    engine: str = NUMPY,
    device: str | None = None,
    dtype: str | None = None,
    convention: str = "plain",
) -> "Model":
    """The model of that name ("stories", "gpt2", OWNER/NAME) or in that directory, on arrays.

    `engine` is "numpy" or "torch"; the latter computes on `device`, "cpu", "cuda" or "mps" (by default the GPU where
    there is one). `dtype` is "float64" or "float32" (by default float64 up to 30 million parameters), for torch
    "bfloat16" as well (and by default float32). `convention="transformer-lens"` processes the weights as
    TransformerLens does by default: layer norms folded, everything centred.
    """
    if convention not in _CONVENTIONS:
        raise UsageError(f"there is no convention {convention!r}: there are {', '.join(_CONVENTIONS)}.")
    wanted = _engine(engine, device, dtype)
    place = locate(None if name is None else str(name))
    checkpoint = replace(open_checkpoint(resolve(place)), name=short_name(place))
    small = checkpoint.config.parameters <= PYTHON_UP_TO and engine == NUMPY
    precision = np.float64 if dtype == "float64" or (dtype is None and small) else np.float32
    model = checkpoint.arrays(precision)
    if convention == TRANSFORMER_LENS:
        config = replace(model.config, tie_word_embeddings=False)
        model = GPT(config, folded(model.weights, config), ops=array_ops)
    return Model(checkpoint, model if engine == NUMPY else on_engine(model, str(wanted)))


def _engine(name: str, device: str | None, dtype: str | None) -> Engine:
    """The engine of a call; UsageError, EngineError."""
    if name not in (NUMPY, TORCH):
        raise UsageError(f"engine is {name!r}: it must be 'numpy' or 'torch'.")
    found = asked(name, device, dtype)
    check_installed(str(found))
    return found


@dataclass(frozen=True)
class Model:
    """A GPT-2 and its tokenizer."""

    checkpoint: Checkpoint
    model: GPT

    @property
    def config(self) -> GPTConfig:
        """Its shape, under Hugging Face's names."""
        return self.model.config

    @property
    def tokenizer(self) -> Tokenizer:
        return self.checkpoint.tokenizer

    def __repr__(self) -> str:
        config = self.config
        size = f"{config.parameters / 1e6:.1f} million parameters"
        engine = f", {in_words(self.model)}" if engine_of(self.model) == TORCH else ""
        blocks = f"{config.n_layer} blocks of {config.n_head} heads, width {config.n_embd}"
        return f"<{self.checkpoint.name}: {blocks}, {size}{engine}>"

    def run(self, prompt: str | Sequence[int], *, bos: bool = False) -> Run:
        """Run a text, or token ids; `bos` puts `<|endoftext|>` before it, as TransformerLens does."""
        return self.run_all([prompt], bos=bos)[0]

    def run_all(self, prompts: Iterable[str | Sequence[int]], *, bos: bool = False) -> list[Run]:
        """A run of each prompt; prompts of any lengths are computed together."""
        ids = [self._ids(prompt, bos) for prompt in prompts]
        with few_threads(self.model):
            return [Run(self, trace) for trace in run_together(self.model, ids)]

    def _ids(self, prompt: str | Sequence[int], bos: bool) -> list[int]:
        if isinstance(prompt, str) and not prompt:
            raise UsageError("the prompt is empty: give some text.")
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else [int(token) for token in prompt]
        return with_beginning(ids, self.config) if bos else ids

    def generate(
        self, prompt: str, tokens: int = 20, *, bos: bool = False, temperature: float = 0.0, seed: int = 0
    ) -> str:
        """The text and its continuation; the default temperature always takes the likeliest token."""
        run = self.run(prompt, bos=bos)
        with few_threads(self.model):
            drawn = [step.token for step in generate(divided(self.model), run.ids, tokens, Sampling(temperature), seed)]
        kept = [token for token in drawn if token not in self.config.end_tokens]
        return self.tokenizer.decode([*run.ids[bos:], *kept])

    def token(self, token: Token) -> int:
        """The id of a token by its text (a space before it may be left out); UsageError where it is several."""
        if isinstance(token, str):
            return token_id(token, self.tokenizer, self.config)
        return checked_token(int(token), self.config)

    def label(self, token: int) -> str:
        """The text of a token, made visible: "·Lily"."""
        return visible(self.tokenizer.token_bytes(token))

    # Circuits of weights

    @cached_property
    def circuits(self) -> Circuits:
        """The OV and QK circuits of every head, as arrays."""
        return Circuits(self.model.weights, self.config)

    def promoted(self, layer: int, head: int, token: Token, count: int = 10) -> Table:
        """The tokens whose logits a head would raise most if it attended to that token (OV circuit)."""
        values = self.circuits.promoted(layer, head, self.token(token))
        title = f"head {layer}.{head} attending to {self.label(self.token(token))} promotes"
        return self._tokens(title, values, count)

    def matched(self, layer: int, head: int, token: Token, count: int = 10) -> Table:
        """The tokens whose keys a head's query of that token matches best (QK circuit)."""
        values = self.circuits.matched(layer, head, self.token(token))
        return self._tokens(
            f"the query of {self.label(self.token(token))} in head {layer}.{head} matches", values, count
        )

    def matched_positions(self, layer: int, head: int, positions: int) -> Numbers:
        """A head's scores of position embeddings alone (QK circuit): rows are queries, columns keys."""
        if not 0 < positions <= self.config.n_positions:
            raise UsageError(f"there are no {positions} positions: this model has {self.config.n_positions}.")
        values = self.circuits.matched_positions(layer, head, positions)
        axes = numbered("query", range(positions)), numbered("key", range(positions))
        return Numbers(f"QK circuit of head {layer}.{head} over positions", axes, values)

    def _tokens(self, title: str, values: np.ndarray, count: int) -> Table:
        return Table(
            title, ("token", "value"), tuple((self.label(token), value) for token, value in largest(values, count))
        )

    def copying(self) -> Numbers:
        """How far each head promotes what it attends to, from -1 to 1, by its weights alone."""
        layers, heads = range(self.config.n_layer), range(self.config.n_head)
        axes = numbered("layer", layers), numbered("head", heads)
        return Numbers("OV copying score", axes, self.circuits.all_copying())

    def composition(self, kind: str = "q") -> Numbers:
        """How far each head's queries, keys or values read what each earlier head writes: [L, H, L, H]."""
        if kind not in tuple(Composition):
            raise UsageError(f"there is no composition {kind!r}: there are q, k and v.")
        layers, heads = range(self.config.n_layer), range(self.config.n_head)
        names = (("layer", layers), ("head", heads), ("later layer", layers), ("later head", heads))
        axes = tuple(numbered(name, places) for name, places in names)
        return Numbers(f"{kind}-composition", axes, self.circuits.composition(Composition(kind)))

    def directions(self, layer: int, head: int, circuit: str = "ov", count: int = 5) -> Table:
        """The strongest singular vectors of a head's circuit, read out over the vocabulary."""
        if circuit not in tuple(Circuit):
            raise UsageError(f"there is no circuit {circuit!r}: there are ov and qk.")
        found = self.circuits.directions(layer, head, Circuit(circuit), count)
        rows = tuple(
            (
                each.strength,
                " ".join(self.label(token) for token, _ in each.read),
                " ".join(self.label(token) for token, _ in each.written),
            )
            for each in found
        )
        columns = ("strength", "reads", "writes") if circuit == "ov" else ("strength", "queries", "keys")
        return Table(f"singular vectors of head {layer}.{head}'s {circuit.upper()} circuit", columns, rows)
