"""Which neurons fired and which wrote, where one of them fires, and what it promotes.

A neuron is one unit of an MLP: it reads a direction of the residual stream, and where it fires it writes another one,
its column of W_out, as strongly as it fired. Source: Geva et al. 2020, arXiv:2012.14913, section 2.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from math import fsum, sqrt

from explorer.analysis.errors import AnalysisError
from explorer.analysis.recorded import OF_THE_MODEL, check_position, row_of, value_of, weights_of
from explorer.engine.engines import plain
from explorer.runs.activations import Activations
from explorer.runs.running import interruptible_ops
from explorer.runs.trace import LiveRun, Trace
from gpt import StopRun
from gpt.ops import Arithmetic, Vector

PROMOTES = (
    "The neuron's output weights, centred as ln_final centres, times ln_final's gamma, through the unembedding: what "
    "one unit of its activation adds to each logit, against the mean over the vocabulary, before ln_final divides by "
    "its scale. Only this direct path is counted, not what later blocks make of it. Source: Geva et al. 2022, "
    "arXiv:2203.14680, section 3."
)


@dataclass(frozen=True)
class Neuron:
    """A neuron at one position."""

    layer: int
    index: int
    activation: float  # after the activation function
    written: float | None  # |activation| · ‖w_out‖, the length of what it wrote; None without the model


@dataclass(frozen=True)
class Effect:
    """A token, and what one unit of a neuron's activation adds to its logit."""

    token: int
    value: float


@dataclass(frozen=True)
class Effects:
    """The effect of a neuron's output weights on the vocabulary; `PROMOTES` says how it is measured."""

    promoted: tuple[Effect, ...]  # the most promoted first
    suppressed: tuple[Effect, ...]  # the most suppressed first


def fired(trace: Trace, position: int, layer: int | None = None, top: int = 10) -> list[Neuron]:
    """The neurons with the largest activation at a position, of one block or of all."""
    found = nlargest(top, _activations(trace, position, layer), key=lambda neuron: neuron[2])
    return [Neuron(block, index, value, _written(trace, block, index, value)) for block, index, value in found]


def wrote(trace: Trace, position: int, layer: int | None = None, top: int = 10) -> list[Neuron]:
    """The neurons that wrote most at a position: a small activation with large output weights counts as well."""
    norms = {block: output_norms(trace, block) for block in _blocks(trace, layer)}
    neurons = (
        Neuron(block, index, value, abs(value) * norms[block][index])
        for block, index, value in _activations(trace, position, layer)
    )
    return nlargest(top, neurons, key=lambda neuron: neuron.written or 0.0)


def _activations(trace: Trace, position: int, layer: int | None) -> Iterator[tuple[int, int, float]]:
    """(block, index, activation) of every neuron at a position."""
    check_position(trace, position)
    for block in _blocks(trace, layer):
        for index, value in enumerate(row_of(trace, f"blocks.{block}.mlp.hook_post", position)):
            yield block, index, value


def _written(trace: Trace, layer: int, index: int, activation: float) -> float | None:
    """|activation| · ‖w_out‖ of one neuron, without those of all others."""
    if trace.weights is None:
        return None
    return abs(activation) * sqrt(fsum(value * value for value in _output(trace, layer, index)))


def _output(trace: Trace, layer: int, index: int) -> list[float]:  # [d]
    """The vector that a neuron writes: its column of W_out."""
    return [float(row[index]) for row in weights_of(trace).blocks[layer].mlp_out.weight]


def _blocks(trace: Trace, layer: int | None) -> Sequence[int]:
    if layer is None:
        return range(trace.config.n_layer)
    if not 0 <= layer < trace.config.n_layer:
        raise AnalysisError(f"there is no block {layer}: this model has 0 to {trace.config.n_layer - 1}.")
    return (layer,)


def output_norms(trace: Trace, layer: int) -> Vector:  # [m]
    """‖w_out‖ of every neuron of a block, kept in `trace.derived`."""
    key = (f"blocks.{layer}.mlp.output_norms", OF_THE_MODEL)
    if key not in trace.derived:
        ops, weight = trace.ops, weights_of(trace).blocks[layer].mlp_out.weight  # [d, m]
        trace.derived[key] = [sqrt(ops.matmul_transposed([out], [out])[0][0]) for out in ops.transpose(weight)]
    return trace.derived[key]


def activations(trace: Trace, layer: int, neuron: int) -> list[float]:  # [T]
    """How strongly a neuron fired at every position that is known by now."""
    _check_neuron(trace, layer, neuron)
    return [float(row[neuron]) for row in value_of(trace, f"blocks.{layer}.mlp.hook_post")]


def effects(trace: Trace, layer: int, neuron: int, top: int = 10, ops: Arithmetic | None = None) -> Effects:
    """The tokens that a neuron promotes and suppresses; it costs one product with the unembedding.

    `ops`: the arithmetic of that product, if it is not the run's.
    """
    added = effect_on_logits(trace, layer, neuron, ops)
    ids = range(len(added))

    def chosen(tokens: list[int]) -> tuple[Effect, ...]:
        return tuple(Effect(token, added[token]) for token in tokens)

    return Effects(
        chosen(nlargest(top, ids, key=added.__getitem__)), chosen(nsmallest(top, ids, key=added.__getitem__))
    )


def known_effects(trace: Activations, layer: int, neuron: int) -> Effects | None:
    """The effects that `find_effects` has found; None before that."""
    return trace.derived.get((_effects_of(layer, neuron), OF_THE_MODEL))


def find_effects(trace: Activations, layer: int, neuron: int, cancelled: Callable[[], bool]) -> bool:
    """Compute the effects of a neuron and keep them in `trace.derived`; none where its weights are not finite.

    False if it was cancelled, or if the model of the run is not there.
    """
    if not isinstance(trace, LiveRun):
        return False
    try:
        found = effects(trace, layer, neuron, ops=interruptible_ops(trace, cancelled))
    except StopRun:
        return False
    except (ArithmeticError, ValueError):  # sums of infinities
        found = Effects((), ())
    trace.derived[_effects_of(layer, neuron), OF_THE_MODEL] = found
    return True


def _effects_of(layer: int, neuron: int) -> str:
    return f"effects of neuron {neuron} of blocks.{layer}.mlp.hook_post"


def effect_on_logits(trace: Trace, layer: int, neuron: int, ops: Arithmetic | None = None) -> Vector:  # [V]
    """The same for the whole vocabulary."""
    _check_neuron(trace, layer, neuron)
    weights = weights_of(trace)
    out = _output(trace, layer, neuron)  # [d]
    mean = fsum(out) / len(out)
    direction = [(value - mean) * gamma for value, gamma in zip(out, plain(weights.ln_final.gamma))]
    added = plain((ops or trace.ops).matmul_transposed([direction], weights.unembedding)[0])
    average = fsum(added) / len(added)
    return [value - average for value in added]


def _check_neuron(trace: Trace, layer: int, neuron: int) -> None:
    _blocks(trace, layer)
    if not 0 <= neuron < trace.config.mlp_width:
        raise AnalysisError(f"there is no neuron {neuron}: each block has 0 to {trace.config.mlp_width - 1}.")
