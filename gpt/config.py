"""The shape of a model: `GPTConfig`, read from Hugging Face's `config.json` and checked."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gpt.errors import ConfigError
from gpt.ops import ACTIVATIONS

ARCHITECTURES = (
    "GPT2LMHeadModel",
    "GPT2Model",
    # A language model with a head beside it, which is not run.
    "GPT2DoubleHeadsModel",
    "AutoModelForCausalLMWithValueHead",
    "GPT2LMHeadModelWithValueHead",
)

_GENERAL_NAMES = {
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "max_position_embeddings": "n_positions",
}
"""The names that transformers has for these numbers in models of any kind; a config.json may use either name."""


@dataclass(frozen=True)
class GPTConfig:
    """Everything about a GPT-2 that is not a weight, under Hugging Face's names and with its defaults (GPT-2 small).

    >>> GPTConfig.from_dict({"n_embd": 192, "n_head": 6, "n_layer": 6}).head_width
    32
    """

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    layer_norm_epsilon: float = 1e-5
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False
    tie_word_embeddings: bool = True
    eos_token_id: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head"):
            _require_count(name, getattr(self, name))
        if self.n_inner is not None:
            _require_count("n_inner", self.n_inner)
        if self.n_embd % self.n_head:
            raise ConfigError(
                f"n_embd is {self.n_embd} and n_head is {self.n_head}: the heads must divide the width evenly."
            )
        known = sorted(ACTIVATIONS)  # a list: a file may hold one here, and a dict cannot look it up
        if self.activation_function not in known:
            raise ConfigError(f"activation_function is {self.activation_function!r}: known are {', '.join(known)}.")
        epsilon = self.layer_norm_epsilon
        if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 <= epsilon <= sys.float_info.max:
            raise ConfigError(f"layer_norm_epsilon is {epsilon!r}: it must be a number, zero or more.")
        if any(isinstance(end, bool) or not isinstance(end, int) for end in self.end_tokens):
            raise ConfigError(f"eos_token_id is {self.eos_token_id!r}: it must be a token id, a list of them, or null.")
        for name in ("scale_attn_weights", "scale_attn_by_inverse_layer_idx", "tie_word_embeddings"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is {getattr(self, name)!r}: it must be true or false.")

    @property
    def end_tokens(self) -> tuple[int, ...]:
        """The tokens after which a generation ends: none, one, or several.

        >>> GPTConfig(eos_token_id=50256).end_tokens
        (50256,)
        """
        end = self.eos_token_id
        return () if end is None else end if isinstance(end, tuple) else (end,)

    @property
    def head_width(self) -> int:
        """e: the width of one head's queries, keys and values. (A head still reads and writes all d dimensions.)"""
        return self.n_embd // self.n_head

    @property
    def mlp_width(self) -> int:
        """m: the neurons of one MLP, 4 · d unless n_inner is set."""
        return self.n_inner or 4 * self.n_embd

    @property
    def parameters(self) -> int:
        """How many numbers were learned; a tied unembedding counts once."""
        d, m = self.n_embd, self.mlp_width
        in_attention = (d + 1) * 3 * d + (d + 1) * d
        in_mlp = (d + 1) * m + (m + 1) * d
        unembedding = 0 if self.tie_word_embeddings else self.vocab_size * d
        tables = (self.vocab_size + self.n_positions) * d + unembedding
        return tables + self.n_layer * (in_attention + in_mlp + 4 * d) + 2 * d

    def multiplications(self, attended: int) -> dict[str, int]:
        """The multiplications in matrix products for one token that looks at `attended` positions (S).

        Only scores and means grow with S, by 2 · L · d for each position: in GPT-2 small 18,432. A cache holds as many
        numbers a position: a key and a value of d numbers in each block. (In a run of several tokens each looks at all
        S, masked ones included; logits are computed only where they are asked for.)

        >>> GPTConfig().multiplications(attended=4)
        {'matrices': 84934656, 'scores and means': 73728, 'logits': 38597376}
        """
        d, m = self.n_embd, self.mlp_width
        return {
            "matrices": self.n_layer * (3 * d * d + d * d + 2 * d * m),
            "scores and means": self.n_layer * 2 * d * attended,
            "logits": self.vocab_size * d,
        }

    def score_divisor(self, layer: int) -> float:
        """The number by which block `layer` divides q·k: sqrt(e), times `layer` + 1 where the checkpoint says so."""
        divisor = math.sqrt(self.head_width) if self.scale_attn_weights else 1.0
        return divisor * (layer + 1) if self.scale_attn_by_inverse_layer_idx else divisor

    @classmethod
    def from_json(cls, text: str | bytes) -> "GPTConfig":
        """The configuration in the text of a `config.json`; a ConfigError says what is wrong with it."""
        try:
            given = json.loads(text, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"this is not JSON: {error}.") from error
        if not isinstance(given, dict):
            raise ConfigError("this must be a JSON object, with keys such as n_layer and n_embd.")
        return cls.from_dict(given)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "GPTConfig":
        """The configuration in a parsed `config.json`. What this code cannot run is refused by name."""
        _refuse_other_architectures(given)
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in given.items() if name in known}
        for general, name in _GENERAL_NAMES.items():
            if general in given and values.setdefault(name, given[general]) != given[general]:
                raise ConfigError(
                    f"{name} is {values[name]!r} and {general} is {given[general]!r}: two names for one number."
                )
        if isinstance(ends := values.get("eos_token_id"), list):
            values["eos_token_id"] = tuple(ends) if len(ends) > 1 else next(iter(ends), None)
        return cls(**values)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key is there twice: of two values, which is meant?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ConfigError(f"{twice!r} is in it twice. Delete the one that is wrong.")
    return found


def _require_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} is {value!r}: it must be a whole number, one or more.")


def _refuse_other_architectures(given: Mapping[str, Any]) -> None:
    model_type = given.get("model_type", "gpt2")
    if model_type != "gpt2":
        raise ConfigError(f"model_type is {model_type!r}: only GPT-2 models can be run (model_type 'gpt2').")
    architectures = given.get("architectures") or ARCHITECTURES[:1]
    if not isinstance(architectures, list | tuple):
        architectures = [architectures]
    if not any(name in ARCHITECTURES for name in architectures):
        raise ConfigError(
            f"the architecture is {', '.join(map(str, architectures))}: "
            f"only language models can be run ({' or '.join(ARCHITECTURES[:2])})."
        )
    if given.get("add_cross_attention"):
        raise ConfigError("add_cross_attention is true: a GPT-2 that attends to an encoder cannot be run here.")
    if given.get("quantization_config"):
        raise ConfigError("the weights are quantized (quantization_config): use the checkpoint they were made from.")
