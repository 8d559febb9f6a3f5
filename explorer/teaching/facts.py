"""Facts about a run that texts can ask for, by short names: `probability(" Lily")`, `attends(5, 2)`.

All positions, layers, heads and indices count from 0; a negative one counts from the end. A position that is left out
is the one that the walk stands at.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from explorer.edits.where import head as head_of
from explorer.teaching.errors import FactError, NotKnownError
from explorer.teaching.here import Here
from gpt.ops import softmax_row

_TERMS = 3  # of a sum that is worked out

_FACTS: dict[str, Callable[..., Any]] = {}


def _fact(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let expressions call the function; they leave its first argument, the run, out."""
    _FACTS[function.__name__] = function
    return function


def functions() -> Mapping[str, Callable[..., Any]]:
    """All that can be asked of a run, by name."""
    return _FACTS


def names(run: Here) -> Mapping[str, Any]:
    """Sizes of the model, settings, and where the walk stands."""
    session, config = run.session, run.session.config
    sampling = session.draws.sampling
    return {
        "layers": config.n_layer,
        "heads": config.n_head,
        "width": config.n_embd,
        "head_width": config.head_width,
        "neurons": config.mlp_width,
        "vocabulary": config.vocab_size,
        "context": config.n_positions,
        "parameters": config.parameters,
        "tokens": len(session.ids),
        "here": session.position,
        "layer": session.stage.layer or 0,
        "divisor": config.score_divisor(session.stage.layer or 0),
        "head": session.cursor.head,
        "column": session.cursor.column,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k or config.vocab_size,
        "top_p": sampling.top_p,
        "seed": session.draws.seed,
    }


# Tokens


@_fact
def token(run: Here, position: int | None = None) -> str:
    """The text of the token at a position, made visible."""
    return run.session.label(run.session.ids[run.position(position)])


@_fact
def id_of(run: Here, position: int | None = None) -> int:
    """The id of the token at a position."""
    return run.session.ids[run.position(position)]


@_fact
def where(run: Here, text: str, time: int = 1) -> int:
    """The position at which a token stands for the first, second, ... time."""
    token = run.token(text)
    found = [position for position, known in enumerate(run.session.ids) if known == token]
    if len(found) < time:
        raise FactError(f"the token {text!r} is not in the prompt {time} times.")
    return found[time - 1]


@_fact
def bytes_of(run: Here, position: int | None = None) -> int:
    """How many bytes the token at a position is spelled with."""
    return len(run.session.tokenizer.token_bytes(id_of(run, position)))


@_fact
def merges(run: Here, position: int | None = None) -> int:
    """How many merges made the piece that the token at a position is part of."""
    piece = run.session.written.piece_at(run.position(position))
    return len(piece.merges) if piece else 0


@_fact
def rule(run: Here, position: int | None = None) -> int:
    """The number, from 1, of the first merge in that piece."""
    piece = run.session.written.piece_at(run.position(position))
    if piece is None or not piece.merges:
        raise NotKnownError("the first merge")
    return piece.merges[0].rank + 1


# Numbers of the run


@_fact
def value(run: Here, name: str, *index: int) -> float:
    """One number, by its activation's name and index: `value("blocks.5.attn.hook_pattern", 2, -1, 2)`.

    A name that begins within a block ("attn.hook_pattern") is that of the block at hand.
    """
    number = run.session.provenance.value(run.cell(name, index))
    if number is None:
        raise NotKnownError(name)
    return number


@_fact
def worked(run: Here, name: str = "", *index: int) -> str:
    """The sum that gave a number, its largest terms first; without a name, of the number under the cursor."""
    cell = run.cell(name, index) if name else run.session.cell()
    if cell is None:
        raise NotKnownError("the number under the cursor")
    explanation = run.session.provenance.explain(cell)
    if explanation.value is None:
        raise NotKnownError(cell.name)
    return explanation.formula(_TERMS)


@_fact
def number(run: Here) -> float:
    """The number under the cursor."""
    cell = run.session.cell()
    value = run.session.provenance.value(cell) if cell else None
    if value is None:
        raise NotKnownError("the number under the cursor")
    return value


@_fact
def vector_length(run: Here, name: str, position: int | None = None) -> float:
    """The length (Euclidean norm) of a vector."""
    return float(sum(value * value for value in run.row(name, position)) ** 0.5)


@_fact
def largest(run: Here, name: str, position: int | None = None) -> int:
    """The index of the number of largest size in a vector."""
    row = run.row(name, position)
    return max(range(len(row)), key=lambda index: abs(row[index]))


@_fact
def share_without_scaling(run: Here, layer: int, head: int, position: int | None = None) -> float:
    """The largest attention weight of a row if its scores had not been divided by sqrt(e)."""
    position = run.position(position)
    row = run.row(f"blocks.{layer}.attn.hook_attn_scores_raw", position, head)
    return max(softmax_row(row[: position + 1]))


# Attention


@_fact
def attends(run: Here, layer: int, head: int, position: int | None = None) -> int:
    """The position that a head gives most weight to."""
    row = run.row(f"blocks.{layer}.attn.hook_pattern", position, head)
    return max(range(len(row)), key=row.__getitem__)


@_fact
def weight(run: Here, layer: int, head: int, query: int, key: int) -> float:
    """An attention weight, from 0 to 1."""
    row = run.row(f"blocks.{layer}.attn.hook_pattern", query, head)
    return row[run.position(key)]


# Neurons


@_fact
def fires(run: Here, layer: int, position: int | None = None) -> int:
    """The neuron of a block that fires most."""
    row = run.row(f"blocks.{layer}.mlp.hook_post", position)
    return max(range(len(row)), key=row.__getitem__)


# The next token


@_fact
def probability(run: Here, text: str, position: int | None = None) -> float:
    """The probability of a token as the next one, at temperature 1."""
    return run.ranking("logits", position).probabilities[run.token(text)]


@_fact
def logit(run: Here, text: str, position: int | None = None) -> float:
    """The logit of a token as the next one."""
    return run.ranking("logits", position).logits[run.token(text)]


@_fact
def rank(run: Here, text: str, position: int | None = None) -> int:
    """The rank of a token as the next one; 1 is the likeliest."""
    return run.ranking("logits", position).order.index(run.token(text)) + 1


@_fact
def top(run: Here, rank: int = 1, position: int | None = None) -> str:
    """The text of the likeliest next token, or of the second, third, ... likeliest, made visible."""
    return run.session.label(run.ranking("logits", position).order[rank - 1])


@_fact
def top_probability(run: Here, rank: int = 1, position: int | None = None) -> float:
    """The probability of that token."""
    ranking = run.ranking("logits", position)
    return ranking.probabilities[ranking.order[rank - 1]]


@_fact
def top_logit(run: Here, rank: int = 1, position: int | None = None) -> float:
    """The logit of that token."""
    ranking = run.ranking("logits", position)
    return ranking.logits[ranking.order[rank - 1]]


@_fact
def stay(run: Here) -> int:
    """How many tokens can be drawn here, after top-k and top-p."""
    chances = run.session.draws.chances_shown(run.session.position)
    if chances is None:
        raise NotKnownError("the probabilities")
    return len(chances.order)


@_fact
def drawn(run: Here) -> str:
    """The text of the token that is drawn here, or was; made visible."""
    return run.session.label(run.step().token)


@_fact
def random_number(run: Here) -> float:
    """The random number that draws it, from 0 to 1."""
    return run.step().number


@_fact
def before_edits(run: Here, text: str, position: int | None = None) -> float:
    """The probability of a token without the edits that are in force."""
    ranking = run.session.what_if.answer_before(run.position(position)) or run.ranking("logits", position)
    return ranking.probabilities[run.token(text)]


@_fact
def without_head(run: Here, layer: int, head: int, text: str) -> float:
    """The probability of a token after the last one when a head writes zero: the run is computed again."""
    return run.without(head_of(layer, run.head(head)))[run.token(text)]


# The logit lens


@_fact
def says(run: Here, name: str, position: int | None = None) -> str:
    """The likeliest next token if the model stopped at that state of the residual stream, made visible."""
    return run.session.label(run.lens(name, position).token)


@_fact
def lens_probability(run: Here, name: str, text: str, position: int | None = None) -> float:
    """The probability of a token if the model stopped there."""
    return run.lens(name, position, run.token(text)).answer_probability


@_fact
def lens_rank(run: Here, name: str, text: str, position: int | None = None) -> int:
    """The rank of a token if the model stopped there."""
    return run.lens(name, position, run.token(text)).answer_rank


# Arithmetic


@_fact
def exp(run: Here, number: float) -> float:
    """e to that power."""
    return math.exp(number)


@_fact
def size(run: Here, number: float) -> float:
    """A number without its sign."""
    return math.fabs(number)
