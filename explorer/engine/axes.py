"""The sizes of the axes of activations, by the letters that `gpt.activation_shapes` names them with."""

from gpt import GPTConfig


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
