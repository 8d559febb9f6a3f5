"""GPT-2 in plain Python: the standard library, and nothing else.

Read it in this order, each file on top of those before:

    1. config.py       the shape of a model, and the letters used for it
    2. ops.py          every operation: products, sums, softmax, activations
    3. weights.py      where the learned numbers go
    4. hooks.py        how to watch, change and stop a run
    5. embeddings.py   token ids become vectors
    6. layer_norm.py   vectors brought to one size
    7. attention.py    positions read from those before them
    8. mlp.py          each position by itself
    9. block.py        one layer of both
   10. model.py        the whole: token ids in, logits out
   11. sampling.py     logits become the next token, again and again

(errors.py holds the errors they raise.)
"""

from gpt.config import GPTConfig
from gpt.errors import ConfigError, GPTError, HookError, InputError, SamplingError, WeightError
from gpt.hooks import Hook, StopRun, activation_shapes
from gpt.model import GPT, Cache, Output
from gpt.sampling import Distribution, Sampling, Step, distribution, draw, generate
from gpt.weights import RandomTensors, Weights, check_shapes, load_weights, tensor_shapes

__all__ = [
    "GPT",
    "Cache",
    "ConfigError",
    "Distribution",
    "GPTConfig",
    "GPTError",
    "Hook",
    "HookError",
    "InputError",
    "Output",
    "RandomTensors",
    "Sampling",
    "SamplingError",
    "Step",
    "StopRun",
    "WeightError",
    "Weights",
    "activation_shapes",
    "check_shapes",
    "distribution",
    "draw",
    "generate",
    "load_weights",
    "tensor_shapes",
]
