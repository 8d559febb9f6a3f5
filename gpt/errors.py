"""The tree of errors: every failure that this package foresees is a `GPTError`.

A message says what was wrong, where, and what to do about it; whoever catches `GPTError` at the edge of a program can
print the message as it is.
"""


class GPTError(Exception):
    """Something the user can understand and mend."""


class ConfigError(GPTError):
    """A `config.json` that is malformed, or that describes a model which is not a GPT-2 this code can run."""


class WeightError(GPTError):
    """A file of weights that cannot be read, or a tensor that is missing, unknown or of the wrong shape."""


class InputError(GPTError):
    """Token ids that the model cannot read (none, too many, outside the vocabulary), or a block that it lacks."""


class HookError(GPTError):
    """A hook returned a value that does not fit where it was put."""


class TokenizerError(GPTError):
    """Tokenizer files that are missing, malformed or of another kind, or a text they cannot spell."""


class SamplingError(GPTError):
    """A temperature, top-k or top-p outside its range, or logits that are not finite."""
