"""The axes of activations and their sizes, by the letters that `gpt.activation_shapes` names them with."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from gpt import GPTConfig, activation_shapes


@lru_cache
def letters(config: GPTConfig) -> Mapping[str, str]:
    """The letters of every activation's axes, listed once: a sweep makes hundreds of runs of one model.

    letters(config)["blocks.0.attn.hook_z"] = "THe"
    """
    return MappingProxyType({name: "".join(axes) for name, axes in activation_shapes(config)})


def axis_sizes(config: GPTConfig, tokens: int) -> dict[str, int]:
    """How many numbers each axis has in a run of so many tokens: axis_sizes(config, 4)["T"] = 4."""
    return {
        "T": tokens,  # positions
        "S": tokens,  # positions that are attended to
        "H": config.n_head,
        "e": config.head_width,
        "d": config.n_embd,
        "m": config.mlp_width,
        "V": config.vocab_size,
        "1": 1,
    }
