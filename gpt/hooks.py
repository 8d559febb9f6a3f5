"""The names of all intermediate values ("activations"), and the hook protocol.

A hook is any function `hook(name, value) -> value | None`. The forward pass calls it for the intermediate values one by
one, in the order in which they are computed. It can

    watch    return None: the value stays as it is (keep a reference if you like: values are never changed in place);
    replace  return another value of the same shape: everything downstream is computed from that one;
    stop     raise StopRun: the run ends there, and the exception reaches whoever started it.

The names are TransformerLens', for weights that it does not process. Some are our own: the mean and the variance inside
a layer norm (`hook_mean`, `hook_var`, and `hook_out`, which it has from version 4 on), the scores before the mask
(`hook_attn_scores_raw`, `hook_attn_scores_scaled`), and `logits`. There is no batch axis. Values that are only
rearranged have no name of their own (q, k and v before they are split, keys and values after they are joined to those
of the cache).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpt import ops as plain
from gpt.config import GPTConfig
from gpt.errors import HookError
from gpt.ops import Arithmetic

Hook = Callable[[str, Any], Any]

HEAD_RESULTS = "hook_result"
"""Each head's own output: H times the size of the residual stream, so computed only on request."""

# fmt: off
_LAYER_NORM = {
    "hook_mean": "T 1", "hook_var": "T 1", "hook_scale": "T 1", "hook_normalized": "T d", "hook_out": "T d",
}
# fmt: on
_BLOCK = {
    "hook_resid_pre": "T d",
    **{f"ln1.{name}": shape for name, shape in _LAYER_NORM.items()},
    "attn.hook_q": "T H e",
    "attn.hook_k": "T H e",
    "attn.hook_v": "T H e",
    "attn.hook_attn_scores_raw": "H T S",
    "attn.hook_attn_scores_scaled": "H T S",
    "attn.hook_attn_scores": "H T S",
    "attn.hook_pattern": "H T S",
    "attn.hook_z": "T H e",
    f"attn.{HEAD_RESULTS}": "T H d",
    "hook_attn_out": "T d",
    "hook_resid_mid": "T d",
    **{f"ln2.{name}": shape for name, shape in _LAYER_NORM.items()},
    "mlp.hook_pre": "T m",
    "mlp.hook_post": "T m",
    "hook_mlp_out": "T d",
    "hook_resid_post": "T d",
}


class StopRun(Exception):
    """Raised by a hook to end the run: what was computed so far has been seen, nothing more will be."""


def activation_shapes(config: GPTConfig, head_results: bool = False) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every activation name with the letters of its shape, in the order in which they are computed.

    The first pair is ("hook_embed", ("T", "d")), the last ("logits", ("T", "V")). In a run that reads out its last
    position alone, T is 1 from the final layer norm on.
    """
    names = {"hook_embed": "T d", "hook_pos_embed": "T d"}
    for layer in range(config.n_layer):
        for name, shape in _BLOCK.items():
            if head_results or not name.endswith(HEAD_RESULTS):
                names[f"blocks.{layer}.{name}"] = shape
    names |= {f"ln_final.{name}": shape for name, shape in _LAYER_NORM.items()}
    names["logits"] = "T V"
    return ((name, tuple(shape.split())) for name, shape in names.items())


@dataclass(frozen=True)
class Run:
    """All that a forward pass carries along, so that each part of the model takes its input, its weights and a run."""

    config: GPTConfig
    ops: Arithmetic = plain  # the operations: `gpt.ops`, or others of the same names
    hook: Hook | None = None
    head_results: bool = False  # also compute what each head writes by itself
    layer: int = 0  # the number of the block we are in
    path: str = ""  # where we are: "blocks.3.attn."

    def block(self, layer: int) -> "Run":
        """The same run, inside block number `layer`."""
        return replace(self, layer=layer, path=f"{self.path}blocks.{layer}.")

    def part(self, name: str) -> "Run":
        """The same run, inside the part of that name: "ln1", "attn"."""
        return replace(self, path=f"{self.path}{name}.")

    def see(self, name: str, value: Any) -> Any:
        """Show a value to the hook, and return the value to go on with: the hook's if it gave one, else the same.

        HookError where the hook's value has another shape.
        """
        if self.hook is None:
            return value
        replacement = self.hook(self.path + name, value)
        if replacement is None:
            return value
        if shape(replacement) != shape(value):
            where, found, wanted = self.path + name, shape(replacement), shape(value)
            raise HookError(f"the hook at {where} returned a value of shape {found}, not {wanted}.")
        return replacement


def shape(value: Any) -> tuple[int, ...]:
    """The lengths of the axes of nested sequences, or of an array: shape([[1, 2, 3]]) = (1, 3).

    Rows of different lengths have no shape: that is a HookError.
    """
    if hasattr(value, "shape"):
        return tuple(value.shape)
    if isinstance(value, str | bytes | Mapping):
        raise HookError(f"the hook returned {type(value).__name__}, where numbers or rows of numbers are wanted.")
    if not hasattr(value, "__len__"):
        return ()
    inner = {shape(row) for row in value} if len(value) and hasattr(value[0], "__len__") else {()}
    if len(inner) > 1:
        raise HookError("the hook returned rows of different lengths.")
    return (len(value), *inner.pop())
