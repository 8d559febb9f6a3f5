"""Checks of explanations without the code that explains: `faults` lists all that is not true in them.

Activations are looked up in a run of their own, weights in the checkpoint as it is stored, the steps to probabilities
in `gpt.distribution`.
"""

import math
import random
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from explorer.provenance.explanation import Explanation, Term
from explorer.provenance.provenance import Provenance
from explorer.runs.cells import Cell
from explorer.walk.session import Session
from gpt import GPT, Distribution, GPTConfig, RandomTensors, Sampling, distribution, draw, load_weights
from gpt.attention import results_by_head
from gpt.sampling import random_number
from tests.helpers.models import SMALL, Words, embedded, finish

UNIT = 2.0**-53
"""The unit roundoff of float64."""

_DOORS = 400
"""The most doors that are tried of one number."""

TEXT = "3 1 4 1 5"
SAMPLING = Sampling(0.7, 5, 0.9)
WORDS = Words([bytes([97 + id]) for id in range(11)])


class Stored(RandomTensors):
    """Random tensors that are kept as a checkpoint would hold them, by name."""

    def __init__(self, config: GPTConfig, seed: int = 0, spread: float = 0.4) -> None:
        super().__init__(config, seed, spread)
        self.tensors: dict[str, Any] = {}

    def vector(self, name: str) -> Any:
        self.tensors[name] = super().vector(name)
        return self.tensors[name]

    def matrix(self, name: str, *, transpose: bool = False) -> Any:
        value = super().matrix(name, transpose=transpose)
        self.tensors[name] = list(zip(*value)) if transpose else value
        return value


class Subject:
    """A session, its weights as they are stored, and where its numbers are looked up."""

    def __init__(self, session: Session, stored: Mapping[str, Any]) -> None:
        self.session = session
        self.stored = stored
        self.provenance = Provenance(session)
        self._known: dict[tuple[int, Sampling], Distribution] = {}

    def look_up(self, cell: Cell) -> float | None:
        """The number at that place, found without `explorer.provenance`; None for what has no number there."""
        name, index = cell
        if name in self.stored:
            return _at(self.stored[name], index)
        if name == "tokens":
            return self.session.ids[index[0]]
        if name in self.seen:
            return _at(self.seen[name], index)
        if name.endswith("hook_pattern.total"):
            return _exponentials(_at(self.seen[name.replace("hook_pattern.total", "hook_attn_scores")], index))
        return self._from_logits(name, *index)

    @cached_property
    def seen(self) -> dict[str, Any]:
        """One run of the model, without a cache, and what its heads wrote."""
        seen: dict[str, Any] = {}
        model = self.session.model
        assert model
        model.forward(self.session.ids, hook=seen.__setitem__)
        for layer, block in enumerate(model.weights.blocks):
            prefix = f"blocks.{layer}.attn."
            seen[f"{prefix}hook_result"] = results_by_head(seen[f"{prefix}hook_z"], block.attn_out, ops=model.ops)
        return seen

    def _chances(self, position: int) -> Distribution:
        settings = self.session.draws.settings_shown(position)[0]
        if (position, settings) not in self._known:
            logits = [float(logit) for logit in self.seen["logits"][position]]
            self._known[position, settings] = distribution(logits, settings)
        return self._known[position, settings]

    def _from_logits(self, name: str, position: int, *token: int) -> float | None:
        chances, seed = self._chances(position), self.session.draws.settings_shown(position)[1]
        if name == "drawn":
            step = position + 1 - self.session.prompt_length
            return draw(chances, random_number(seed, step)) if step >= 0 else None
        if name in ("tempered_probabilities.total", "probabilities.total"):
            return _exponentials(chances.tempered if name.startswith("tempered") else chances.top_p_logits)
        if name == "cumulative":
            return dict(zip(chances.order, chances.cumulative)).get(*token)
        return getattr(chances, name)[token[0]]


def small(sampling: Sampling = Sampling(), seed: int = 0, spread: float = 0.4, **config: Any) -> Subject:
    """A computed session with a small random model."""
    parsed = GPTConfig.from_dict(SMALL | config)
    stored = Stored(parsed, seed, spread)
    session = Session(GPT(parsed, load_weights(parsed, stored)), WORDS, sampling, seed)
    session.submit(TEXT)
    finish(session)
    return Subject(session, stored.tensors)


def stories(text: str, sampling: Sampling = Sampling(0.8, 40), drawn: int = 0) -> Subject:
    """A computed session with the embedded model, after so many tokens were drawn."""
    model, checkpoint = embedded()
    session = Session(model, checkpoint.tokenizer, sampling, 42)
    session.submit(text)
    finish(session)
    draw_tokens(session, drawn)
    tensors = load_file(checkpoint.path / "model.safetensors")
    return Subject(session, {name.removeprefix("transformer."): value for name, value in tensors.items()})


def draw_tokens(session: Session, count: int) -> None:
    for _ in range(count):
        assert session.take_token()
        finish(session)


def _at(values: Any, index: tuple[int, ...]) -> Any:
    for i in index:
        values = values[i]
    return values if hasattr(values, "__len__") else float(values)


def _exponentials(scores: Any) -> float:
    largest = max(scores)
    return sum([math.exp(score - largest) for score in scores])


# All numbers of a run


def shapes(subject: Subject) -> dict[str, tuple[int, ...]]:
    """Every name there is, with its shape in this run."""
    config, positions = subject.session.config, len(subject.session.ids)
    found = {name: np.shape(value) for name, value in (*subject.seen.items(), *subject.stored.items())}
    scores = (config.n_head, positions)
    found |= {f"blocks.{layer}.attn.hook_pattern.total": scores for layer in range(config.n_layer)}
    found |= dict.fromkeys(("tokens", "drawn", "tempered_probabilities.total", "probabilities.total"), (positions,))
    steps = ("tempered", "tempered_probabilities", "top_k_logits", "top_p_logits", "probabilities", "cumulative")
    return found | dict.fromkeys(steps, (positions, config.vocab_size))


def every_cell(subject: Subject) -> Iterator[Cell]:
    for name, shape in shapes(subject).items():
        for index in product(*map(range, shape)):
            yield Cell(name, index)


def some_cells(subject: Subject, each: int, seed: int = 0) -> Iterator[Cell]:
    """So many cells of every name."""
    choice = random.Random(seed)
    for name, shape in shapes(subject).items():
        for _ in range(each if "total" not in name or "pattern" in name else 1):
            yield Cell(name, tuple(choice.randrange(size) for size in shape))


# What must be true


def faults(subject: Subject, cells: Iterator[Cell]) -> Iterator[str]:
    """The faults in the explanations of these cells; an exception is a fault as well."""
    for cell in cells:
        try:
            explanation = subject.provenance.explain(cell)
            yield from (f"{cell}: {fault}" for fault in faults_of(subject, explanation))
        except Exception as error:
            yield f"{cell}: {error!r}"


def faults_of(subject: Subject, explanation: Explanation) -> Iterator[str]:
    yield from _faults_of_value(subject, explanation)
    if explanation.terms and explanation.value is not None:
        yield from _faults_of_sum(explanation)
    step = max(1, len(explanation.terms) // _DOORS)
    for number in range(0, len(explanation.terms), step):
        term = explanation.terms[number]
        if term.value != explanation.values[number]:
            yield f"term {number} is {term.value}, and counts as {explanation.values[number]}"
        yield from faults_of_term(subject, term)


def faults_of_term(subject: Subject, term: Term) -> Iterator[str]:
    for factor in term.factors:
        if factor.at is None and not factor.label:
            yield "a factor has neither a place nor a name"
        if factor.at is not None and not same(factor.value, subject.look_up(factor.at)):
            yield f"the door to {factor.at} shows {factor.value}, and {subject.look_up(factor.at)} is there"
    if term.at != next((factor.at for factor in term.factors if factor.at), None):
        yield f"the door leads to {term.at}"
    known = [factor.value for factor in term.factors if factor.value is not None]
    if len(known) == len(term.factors) and term.value != term.how.value(*known):
        yield f"the term is {term.value}, of its factors it would be {term.how.value(*known)}"


def _faults_of_value(subject: Subject, explanation: Explanation) -> Iterator[str]:
    cell, value = explanation.cell, explanation.value
    recorded = subject.look_up(cell)
    if not same(value, recorded):
        yield f"the value is {value}, recorded is {recorded}"
    learned = cell.name in subject.stored or (cell.name == "tokens" and cell.index[0] < subject.session.prompt_length)
    if learned or recorded is None:
        if explanation.terms or explanation.function:
            yield "what was learned or typed, or is not there, was not computed"
    elif not explanation.terms or explanation.function is None:
        yield "it is not explained"
    elif not explanation.exact or explanation.computed != recorded:
        yield f"{explanation.function.__name__} gives {explanation.computed} in place of {recorded}"


def _faults_of_sum(explanation: Explanation) -> Iterator[str]:
    """The terms add up to the value, whichever of them are shown."""
    value, values = explanation.value, [value for value in explanation.values if value is not None]
    assert value is not None
    ranked = [values[number] for number in explanation.ranked.order]
    if ranked != sorted(values, key=abs, reverse=True):
        yield "ranking lost a term, or the largest do not come first"
    allowed = 0.0 if math.isinf(value) else bound(explanation)
    if not near(math.fsum(values), value, allowed):
        yield f"the terms add up to {math.fsum(values)} in place of {value}"
    for shown in {0, 1, len(values) // 2, len(values)}:
        if not near(math.fsum([*ranked[:shown], explanation.remainder(shown), explanation.rounding]), value, allowed):
            yield f"{shown} terms, the remainder and the rounding do not give {value}"
    if abs(explanation.rounding) > allowed:
        yield f"{explanation.rounding} was not rounded away"


def bound(explanation: Explanation, unit: float = UNIT) -> float:
    """How far a sum of n terms can be from the exact one: n roundings while adding, and a few inside each term."""
    sizes = math.fsum(abs(term.value) for term in explanation.terms if term.value is not None)
    return (len(explanation.terms) + 4) * unit * sizes + 2.0**-1022


def near(found: float, value: float, allowed: float) -> bool:
    return found == value or abs(found - value) <= allowed


def same(a: float | None, b: float | None) -> bool:
    """The same number to the last bit, or neither is there."""
    return a == b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))


def first(faults: Iterator[str], number: int = 5) -> list[str]:
    return [fault for fault, _ in zip(faults, range(number))]


def leads(explanation: Explanation) -> list[str]:
    """The names of the factors of its terms, each kind of term once."""
    kinds = [" ".join(f.at.name if f.at else f.label for f in term.factors) for term in explanation.terms]
    return list(dict.fromkeys(kinds))


def _written(subject: Subject, layer: int, position: int, dimension: int) -> float:
    """How far the sum of what heads wrote can be from what attention wrote: one sums by head, one all at once."""
    z = np.ravel(subject.seen[f"blocks.{layer}.attn.hook_z"][position])  # [H·e]
    weight = np.asarray(subject.stored[f"h.{layer}.attn.c_proj.weight"])[:, dimension]  # [H·e], as it is stored
    bias = abs(float(subject.stored[f"h.{layer}.attn.c_proj.bias"][dimension]))
    by_head = len(z) // subject.session.config.n_head
    return (len(z) + 1 + by_head) * UNIT * (float(np.abs(z) @ np.abs(weight)) + bias)


def faults_of_streams(subject: Subject) -> Iterator[str]:
    """The faults in the residual streams after each block, taken apart."""
    config = subject.session.config
    wrote = ["hook_embed", "hook_pos_embed"]
    for layer in range(config.n_layer):
        wrote += [f"blocks.{layer}.attn.hook_result"] * config.n_head
        wrote += [f"h.{layer}.attn.c_proj.bias", f"blocks.{layer}.hook_mlp_out"]
        for position, dimension in ((0, 0), (3, 5)):
            cell = Cell(f"blocks.{layer}.hook_resid_post", (position, dimension))
            found = subject.provenance.explain(cell, unrolled=True)
            if not found.unrolled or [term.at.name for term in found.terms if term.at] != wrote:
                yield f"{cell} is the sum of {leads(found)}"
            value, computed = found.value or 0.0, found.computed or 0.0
            # of the additions here, of those that made the stream, and of the products in what attention wrote
            allowed = 2 * bound(found) + sum(
                _written(subject, before, position, dimension) for before in range(layer + 1)
            )
            if not near(math.fsum(v or 0.0 for v in found.values), value, allowed) or not near(
                computed, value, allowed
            ):
                yield f"{cell} is {value}, its parts add up to {computed}"
            yield from (fault for term in found.terms for fault in faults_of_term(subject, term))
