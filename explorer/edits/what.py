"""The kinds of edits: new values in the place of those that were computed, row by row.

A row is the numbers along the last axis of an activation; it is named by what comes before: (position), (position,
head), or for scores and patterns (head, query).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from explorer.edits.where import ActivationPart
from explorer.engine.engines import plain
from explorer.errors import EditError
from explorer.runs.trace import Trace
from explorer.terminal.text import counted
from gpt import GPT, GPTConfig, InputError, activation_shapes
from gpt.ops import Vector

ActivationRow = Sequence[float]
Change = Callable[[ActivationRow, tuple[int, ...]], ActivationRow]
"""(a row as it was computed, its index) -> the row in its place."""


class What:
    """A kind of edit: it has words for itself, checks whether it fits a place, and changes a row."""

    @property
    def words(self) -> str:
        raise NotImplementedError

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        """EditError unless this can be done there."""

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        """For the rows of one activation; `base` is the run that is edited, its first `prompt` positions were typed."""
        raise NotImplementedError


@dataclass(frozen=True)
class Zero(What):
    """Zero in the place of every number."""

    @property
    def words(self) -> str:
        return "zeroed"

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        return lambda row, index: [0.0] * len(row)


@dataclass(frozen=True)
class Scale(What):
    """Every number times a factor."""

    factor: float

    def __post_init__(self) -> None:
        _check_finite("the factor", self.factor)

    @property
    def words(self) -> str:
        return f"scaled by {self.factor:g}"

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        return lambda row, index: [value * self.factor for value in row]


@dataclass(frozen=True)
class Set(What):
    """One number in the place of all."""

    value: float

    def __post_init__(self) -> None:
        _check_finite("the value", self.value)

    @property
    def words(self) -> str:
        return f"set to {self.value:g}"

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        return lambda row, index: [self.value] * len(row)


@dataclass(frozen=True)
class Cut(What):
    """No attention: -inf for the masked scores, so that softmax gives the edge nothing and the others share it."""

    @property
    def words(self) -> str:
        return "cut"

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        if not place.name.endswith("attn.hook_attn_scores"):
            raise EditError(f"only scores can be cut (blocks.0.attn.hook_attn_scores), not {place.name}.")

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        return lambda row, index: [-math.inf] * len(row)


@dataclass(frozen=True)
class Mean(What):
    """The mean over the prompt's positions, in the run that is edited: what it holds whatever the position."""

    @property
    def words(self) -> str:
        return "its mean over this prompt"

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        if _axes(place.name, config)[0] == "H":
            raise EditError(
                f"{place.name} has a row for each pair of positions: no mean over positions is meant there."
            )

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        if base.positions(name) < prompt or not prompt:
            raise EditError(f"the mean of {name} is not known yet: wait until the prompt is computed.")
        by_head = base.axes[name] == "THe"
        rows = [base.matrix(name, head)[:prompt] for head in range(base.config.n_head if by_head else 1)]
        means = [[sum(column) / prompt for column in zip(*matrix)] for matrix in rows]
        return lambda row, index: means[index[1] if by_head else 0]


@dataclass(frozen=True)
class Patch(What):
    """The value of another run, `shift` positions further on; a position without a counterpart keeps its own."""

    source: Trace
    title: str = "the other run"
    shift: int = 0  # from a position to its counterpart in the source

    @property
    def words(self) -> str:
        if not self.shift:
            return f"from {self.title}"
        direction = "later" if self.shift > 0 else "earlier"
        return f"from {self.title}, {counted(abs(self.shift), 'position')} {direction} there"

    def reaches(self, position: int) -> bool:
        """Whether the source has a counterpart for a position."""
        return 0 <= position + self.shift < len(self.source.ids)

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        ours, theirs = (dict(activation_shapes(given)) for given in (config, self.source.config))
        if ours.get(place.name) != theirs.get(place.name) or _widths(config) != _widths(self.source.config):
            raise EditError(f"{self.title} is of a model of another shape: {place.name} cannot be patched from it.")
        length = self.source.positions(place.name)
        if not length:
            raise EditError(f"{self.title} is not computed yet: wait until {place.name} is known.")
        positions = place.index[1 if ours[place.name][0] == "H" else 0]
        if positions and not any(0 <= position + self.shift < length for position in positions):
            first = min(positions) + self.shift
            raise EditError(
                f"{self.title} has no position {first}: its {length} go from 0 to {length - 1}."
                if first >= 0
                else f"{self.title} has no counterpart of position {min(positions)}: it is aligned at the end."
            )

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        value, length, scores = self.source.values[name], self.source.positions(name), base.axes[name] == "HTS"
        axis, shift = (1, self.shift) if scores else (0, self.shift)

        def change(row: ActivationRow, index: tuple[int, ...]) -> ActivationRow:
            if not 0 <= index[axis] + shift < length:
                return row
            theirs = value
            for number, i in enumerate(index):
                theirs = theirs[i + shift * (number == axis)]
            theirs = plain(theirs)
            if not scores:
                return theirs
            return [theirs[key + shift] if 0 <= key + shift < len(theirs) else old for key, old in enumerate(row)]

        return change


@dataclass(frozen=True)
class Add(What):
    """A direction of the residual stream, added with a strength: steering."""

    direction: tuple[float, ...] = field(repr=False)  # [d]
    strength: float
    title: str

    def __post_init__(self) -> None:
        _check_finite("the strength", self.strength)

    @property
    def words(self) -> str:
        return f"{self.strength:+g} × {self.title}"

    def check(self, place: ActivationPart, config: GPTConfig) -> None:
        if _axes(place.name, config) != ("T", "d") or place.index[-1] is not None:
            raise EditError(f"a direction has {config.n_embd} numbers: add it to a position of the residual stream.")
        if len(self.direction) != config.n_embd:
            raise EditError(f"the direction has {len(self.direction)} numbers; this model is {config.n_embd} wide.")

    def change(self, name: str, base: Trace, prompt: int) -> Change:
        return lambda row, index: [value + self.strength * step for value, step in zip(row, self.direction)]


# Directions


def towards(model: GPT, token: int, label: str, strength: float = 1.0) -> Add:
    """The unembedding of a token, whose product with the final vector is its logit."""
    return Add(_unembedding(model, token), strength, label)


def between(model: GPT, token: int, versus: int, labels: tuple[str, str], strength: float = 1.0) -> Add:
    """From one token to another: the difference of their unembeddings."""
    direction = map(float.__sub__, _unembedding(model, token), _unembedding(model, versus))
    return Add(tuple(direction), strength, f"({labels[0]} − {labels[1]})")


def contrast(name: str, run: tuple[Trace, int], versus: tuple[Trace, int], title: str, strength: float = 1.0) -> Add:
    """The difference of two runs, each at a position of its own, at an activation of width d.

    Source: Turner et al. 2023, arXiv:2308.10248 (activation addition).
    """
    rows = []
    for trace, position in (run, versus):
        if dict(activation_shapes(trace.config)).get(name) != ("T", "d"):
            raise EditError(f"{name} is no residual stream: take one such as blocks.2.hook_resid_pre.")
        if not 0 <= position < trace.positions(name):
            raise EditError(f"{name} has no position {position} in this run: it has {trace.positions(name)}.")
        rows.append(map(float, plain(trace.values[name][position])))
    return Add(tuple(map(float.__sub__, *rows)), strength, title)


def _unembedding(model: GPT, token: int) -> tuple[float, ...]:
    if not 0 <= token < model.config.vocab_size:
        raise InputError(f"there is no token {token}: ids go from 0 to {model.config.vocab_size - 1}.")
    vector: Vector = model.weights.unembedding[token]
    return tuple(map(float, vector))


# Checks


def _check_finite(word: str, value: float) -> None:
    if not math.isfinite(value):
        raise EditError(f"{word} is {value}: it must be a finite number.")


def _axes(name: str, config: GPTConfig) -> tuple[str, ...]:
    return dict(activation_shapes(config))[name]


def _widths(config: GPTConfig) -> tuple[int, ...]:
    return config.n_layer, config.n_head, config.n_embd, config.mlp_width, config.vocab_size
