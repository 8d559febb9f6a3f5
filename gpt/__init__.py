"""GPT-2 in plain Python, from the bytes of a file to prose: the standard library, and nothing else.

Read it in this order, from the whole to its parts:

    1. model.py        a picture of the whole, and the forward pass: token ids in, logits out
    2. embeddings.py   token ids become vectors
    3. block.py        one layer: attention, then an MLP
    4. layer_norm.py   every vector normalised
    5. attention.py    positions read from those up to themselves
    6. mlp.py          each position by itself
    7. ops.py          every operation: products, sums, softmax, activations
    8. sampling.py     logits become the next token, again and again
    9. tokenizer.py    text becomes token ids, and ids text
   10. hooks.py        how to watch, change and stop a run
   11. config.py       the shape of a model
   12. weights.py, safetensors.py   a file's bytes become the learned numbers
   13. __main__.py     all of it: python -m gpt DIRECTORY "Once upon a time"

(errors.py holds the errors they raise.)
"""

from gpt.config import GPTConfig
from gpt.errors import ConfigError, GPTError, HookError, InputError, SamplingError, TokenizerError, WeightError
from gpt.hooks import Hook, Run, StopRun, activation_shapes
from gpt.model import GPT, Cache, Output
from gpt.sampling import Distribution, Sampling, Step, distribution, draw, generate
from gpt.weights import RandomTensors, Weights, check_shapes, load_weights, tensor_shapes

# fmt: off
__all__ = [
    "GPT", "Cache", "ConfigError", "Distribution", "GPTConfig", "GPTError", "Hook", "HookError", "InputError", "Output",
    "RandomTensors", "Run", "Sampling", "SamplingError", "Step", "StopRun", "TokenizerError", "WeightError", "Weights",
    "activation_shapes", "check_shapes", "distribution", "draw", "generate", "load_weights", "tensor_shapes",
]
