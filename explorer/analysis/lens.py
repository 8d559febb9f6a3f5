"""The logit lens: the next token that the model would predict after each layer; and its surprise at a prompt.

Source of the lens: nostalgebraist 2020, "interpreting GPT: the logit lens" (LessWrong): the final layer norm and the
unembedding, applied to the residual stream of an earlier block.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from math import exp, fsum, log, log2

from explorer.analysis.errors import AnalysisError
from explorer.analysis.recorded import check_position, residuals, weights_of
from explorer.engine.engines import on_arrays
from explorer.runs.activations import Activations
from explorer.runs.running import read_out
from explorer.runs.trace import LiveRun, Trace
from gpt.ops import Vector, softmax_row

FIRST, AT_ONCE = 32, 128
"""Read-outs in one product: a few first, which are soon there; then so many that the logits of GPT-2 fill 26 MB."""

BITS_IN_A_NAT = 1 / log(2)


class Half(Enum):
    """The halves of a block, by their names for people."""

    ATTENTION = "attention"
    MLP = "MLP"


@dataclass(frozen=True)
class LensRow:
    """A place between two parts of the model at which the residual stream can be read out."""

    name: str  # the activation that is read out
    layer: int | None  # None: before the first block
    half: Half | None  # after which half of the block

    @property
    def title(self) -> str:
        """Its name, for people: "block 5 MLP"."""
        return "embeddings" if self.half is None else f"block {self.layer} {self.half.value}"


@dataclass(frozen=True)
class LensCell:
    """The next token that the model would predict at one place, and the rank of one answer there."""

    name: str
    position: int
    token: int  # the most probable next token
    probability: float
    entropy: float  # of the whole distribution, in bits: 0 is certain, log2 V has no idea
    answer: int
    answer_rank: int  # 1 is the first place
    answer_probability: float
    answer_logit: float


def rows(n_layer: int) -> tuple[LensRow, ...]:  # 2L + 1
    """The places, first to last: the embeddings, then each block after its attention and after its MLP."""
    names = residuals(n_layer)
    halves = [
        LensRow(name, index // 2, Half.MLP if index % 2 else Half.ATTENTION) for index, name in enumerate(names[1:])
    ]
    return (LensRow(names[0], None, None), *halves)


def answer(trace: Trace, position: int) -> int:
    """The model's first answer at a position: the token with the largest logit."""
    check_position(trace, position)
    logits = trace.values["logits"][position] if trace.positions("logits") > position else None
    if logits is None:
        raise AnalysisError(f"the logits at position {position} are not computed: wait for them, or record them.")
    return int(logits.argmax()) if hasattr(logits, "argmax") else _largest(logits)


def measure(name: str, position: int, logits: Vector, answer: int) -> LensCell:  # [V]
    """A cell from the logits that the lens gives there."""
    probabilities = softmax_row(logits)
    token = _largest(logits)
    entropy = -fsum(p * log2(p) for p in probabilities if p)
    rank = 1 + sum(value > logits[answer] for value in logits)
    shares = probabilities[token], probabilities[answer]
    return LensCell(name, position, token, shares[0], entropy, answer, rank, shares[1], logits[answer])


def cell(trace: Trace, name: str, position: int, answer: int | None = None) -> LensCell | None:
    """The lens at one place; None while it is not computed. The answer is the model's own unless given."""
    if trace.positions("logits") <= position:
        return None
    wanted = _answer(trace, position) if answer is None else answer
    key = (_key(name, wanted), position)
    if key not in trace.derived:
        if name == trace.last_residual and hasattr(trace.values["logits"], "argmax"):
            from explorer.analysis.read_outs import measured

            trace.derived[key] = LensCell(name, position, *measured(trace.values["logits"][position], wanted))
            return trace.derived[key]
        logits = trace.logits(position) if name == trace.last_residual else trace.derived.get((name, position))
        if logits is None:
            return None
        trace.derived[key] = measure(name, position, logits, wanted)
    return trace.derived[key]


def known(trace: Activations, name: str, position: int, answer: int) -> LensCell | None:
    """The same as far as it was worked out before: nothing is computed."""
    found: LensCell | None = trace.derived.get((_key(name, answer), position))
    return found


def compute(
    trace: Trace,
    name: str,
    position: int,
    cancelled: Callable[[], bool],
    answer: int | None = None,
    ahead: Callable[[], Sequence[tuple[str, int]]] = tuple,
) -> LensCell | None:
    """The same, computed where it is not known: one read-out. None if it was cancelled, or the run is not there yet.

    On arrays the places that `ahead` gives, which are asked for next, are read out in the same product, and kept.
    Only the cell is kept: the logits of a whole grid would fill the memory. One that is opened is worth
    `running.look_through_lens`, whose ranking stays.
    """
    known = cell(trace, name, position, answer)
    if known or trace.positions("logits") <= position:
        return known
    if isinstance(trace, LiveRun) and on_arrays(trace.model):
        return next(_together(trace, [list(dict.fromkeys([(name, position), *ahead()]))], cancelled, answer), None)
    logits = read(trace, name, position, cancelled)
    if logits is None:
        return None
    wanted = _answer(trace, position) if answer is None else answer
    found = measure(name, position, logits, wanted)
    trace.derived[_key(name, wanted), position] = found
    return found


def read(trace: Trace, name: str, position: int, cancelled: Callable[[], bool]) -> Vector | None:  # [V]
    """The logits that the lens gives at one place, not kept. None if it was cancelled, or the run is not there yet."""
    if name == trace.last_residual:  # its lens is what the model says
        return trace.logits(position)
    key = (name, position)
    if key in trace.derived:
        return trace.derived[key]
    weights_of(trace)
    return read_out(trace, name, position, cancelled) if trace.positions(name) > position else None


def fill(
    trace: Trace, order: Iterable[tuple[str, int]], cancelled: Callable[[], bool], answer: int | None = None
) -> Iterator[LensCell]:
    """The cells of these names and positions one after the other, in the order given (what is visible comes first).

    On arrays many are read out in one product, and all of them are kept.
    """
    if isinstance(trace, LiveRun) and on_arrays(trace.model):
        yield from _together(trace, _batches(order), cancelled, answer)
        return
    for name, position in order:
        if cancelled():
            return
        found = compute(trace, name, position, cancelled, answer)
        if found:
            yield found


def _batches(order: Iterable[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    rest, size = iter(order), FIRST
    while batch := list(islice(rest, size)):
        yield batch
        size = AT_ONCE


def _together(
    trace: LiveRun,
    places: Iterable[Sequence[tuple[str, int]]],
    cancelled: Callable[[], bool],
    answer: int | None,
) -> Iterator[LensCell]:
    """The cells of one batch after another, as far as their runs are there; those of a batch are read out at once."""
    from explorer.analysis.read_outs import measured, read_out_together

    for wanted_places in places:
        batch = [
            (name, position)
            for name, position in wanted_places
            if trace.positions("logits") > position and trace.positions(name) > position
        ]
        wanted = [_answer(trace, position) if answer is None else answer for _, position in batch]
        missing = [place for place, token in zip(batch, wanted) if known(trace, *place, token) is None]
        logits = read_out_together(trace, missing, cancelled)
        if logits is None:
            return
        for (name, position), token in zip(batch, wanted):
            if (name, position) in logits:  # all are kept, however many are taken
                found = LensCell(name, position, *measured(logits[name, position], token))
                trace.derived[_key(name, token), position] = found
        for (name, position), token in zip(batch, wanted):
            if cancelled():
                return
            yield trace.derived[_key(name, token), position]


def settled(column: Sequence[LensCell | None]) -> int | None:
    """The row from which on the answer is likeliest, as an index into the column of one position.

    The length of the column where it is not even first at the end; None while too little is known to say.
    """
    for index in range(len(column) - 1, -1, -1):
        found = column[index]
        if found is None:
            return None
        if found.answer_rank > 1:
            return index + 1
    return 0 if column else None


def _key(name: str, answer: int) -> str:
    return f"lens of {answer} by {name}"


def _answer(trace: Trace, position: int) -> int:
    key = ("the answer", position)
    if key not in trace.derived:
        trace.derived[key] = answer(trace, position)
    return trace.derived[key]


def _largest(logits: Vector) -> int:
    return max(range(len(logits)), key=lambda token: logits[token])  # among equals the lower id


# How much the prompt surprised the model


@dataclass(frozen=True)
class Loss:
    """The loss of the model on a prompt: the mean of -log p of its tokens."""

    tokens: int  # how many could be predicted: all but the first
    nats: float

    @property
    def bits(self) -> float:
        return self.nats * BITS_IN_A_NAT

    @property
    def perplexity(self) -> float:
        """exp(loss): how many equally likely tokens would leave the model as unsure."""
        return exp(self.nats)


def surprise(trace: Trace, position: int) -> float | None:
    """-log2 of the probability that the model gave the token at a position, in bits: 1 for a fair coin.

    None for the first token, which nothing predicts, and while the logits before it are not computed.
    Source: Shannon 1948, section 6.
    """
    if position < 1 or trace.positions("logits") < position:
        return None
    key = ("surprise", position)
    if key not in trace.derived:
        logits = trace.values["logits"][position - 1]
        trace.derived[key] = (log_sum_exp(logits) - float(logits[trace.ids[position]])) * BITS_IN_A_NAT
    return trace.derived[key]


def surprises(trace: Trace) -> list[float | None]:  # [T]
    """The same for every token of the prompt."""
    return [surprise(trace, position) for position in range(len(trace.ids))]


def loss(trace: Trace) -> Loss | None:
    """The loss on the whole prompt; None where there is nothing to predict, or not all of it is computed."""
    bits = [found for found in surprises(trace)[1:] if found is not None]
    if not bits or len(bits) < len(trace.ids) - 1:
        return None
    return Loss(len(bits), fsum(bits) / len(bits) / BITS_IN_A_NAT)


def log_sum_exp(logits: Vector) -> float:  # [V]
    """log Σ exp(logit): a logit minus this number is a log-probability."""
    if hasattr(logits, "argmax"):
        from explorer.analysis.read_outs import log_sum_exp as of_array

        return of_array(logits)
    largest = max(logits)
    return largest + log(fsum(exp(value - largest) for value in logits))
