"""The names of the hub's models, as people type them; nothing here needs the network or the hub's client."""

import re
from dataclasses import dataclass

from explorer.errors import ModelNameError
from gpt import GPTConfig


@dataclass(frozen=True)
class KnownModel:
    """A model that is known by a short name."""

    repo: str
    config: GPTConfig

    @property
    def size(self) -> int:
        """The bytes of its weights: float32, and in every block the causal mask [C, C] that these files still hold."""
        return 4 * (self.config.parameters + self.config.n_layer * self.config.n_positions**2)


# Layers and widths: table 2 of Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", and the card
# of distilgpt2; heads: the config.json of each. The parameters that follow from them are 124,439,808, 354,823,168,
# 774,030,080, 1,557,611,200 and 81,912,576 (the table's own counts are known to be too low); the sizes are 548 MB,
# 1.52 GB, 3.25 GB, 6.43 GB and 353 MB.
KNOWN = {
    "gpt2": KnownModel("openai-community/gpt2", GPTConfig()),
    "gpt2-medium": KnownModel("openai-community/gpt2-medium", GPTConfig(n_layer=24, n_head=16, n_embd=1024)),
    "gpt2-large": KnownModel("openai-community/gpt2-large", GPTConfig(n_layer=36, n_head=20, n_embd=1280)),
    "gpt2-xl": KnownModel("openai-community/gpt2-xl", GPTConfig(n_layer=48, n_head=25, n_embd=1600)),
    "distilgpt2": KnownModel("distilbert/distilgpt2", GPTConfig(n_layer=6)),
}


@dataclass(frozen=True)
class Reference:
    """A model of the hub, by its name."""

    repo: str
    revision: str | None  # a branch, a tag or a commit; None for what is newest when it is fetched
    name: str  # as it was typed


def parse(name: str) -> Reference:
    """The model of that name: parse("gpt2@607a30d").repo = "openai-community/gpt2". ModelNameError if there is none."""
    plain, at, revision = name.partition("@")
    if at and not re.fullmatch(r"[\w./-]+", revision, re.ASCII):
        raise ModelNameError(f"{name!r}: after @ comes a revision: a branch, a tag or a commit, as in gpt2@main.")
    if plain in KNOWN:
        return Reference(KNOWN[plain].repo, revision or None, name)
    part = r"(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?"  # the hub's own rule
    if not re.fullmatch(rf"{part}/{part}", plain, re.ASCII) or len(plain) > 96 or plain.endswith(".git"):
        raise ModelNameError(
            f"{name!r} is neither a directory nor a model with a short name. Short names are {', '.join(KNOWN)} and "
            "stories (the embedded one); any other model of the Hugging Face hub is OWNER/NAME or OWNER/NAME@REVISION."
        )
    return Reference(plain, revision or None, name)
