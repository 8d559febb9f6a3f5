"""How a published fact is checked: one function for each kind, which says whether it holds and what was found.

They run on the NumPy engine in float64: in plain Python GPT-2 small would take minutes, and the cascade has shown that
the two agree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from explorer.engine import array_ops
from explorer.verify.nested import Model
from explorer.verify.rounding import SINGLE, Kernels, Pair, Rounding
from gpt import GPT, Sampling, generate

Index = tuple[int, ...]
Finding = tuple[bool, str]


class Spelling(Protocol):
    """The part of a tokenizer that facts need."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: list[int]) -> str: ...


@dataclass(frozen=True)
class Subject:
    """The model that facts are checked on."""

    model: Model
    tokenizer: Spelling

    def run(self, ids: Sequence[int], activation: str | None = None, ops: Any = array_ops) -> dict[str, Any]:
        """Every activation; `activation` takes the place of the model's own activation function."""
        config = self.model.config
        config = replace(config, activation_function=activation or config.activation_function)
        seen: dict[str, Any] = {}
        GPT(config, self.model.arrays, ops).forward(ids, hook=seen.__setitem__, head_results=True)
        return seen

    def greedy(self, ids: Sequence[int], count: int) -> list[int]:
        model = GPT(self.model.config, self.model.arrays, array_ops)
        return [step.token for step in generate(model, ids, count, Sampling(0.0))]


def encodes(subject: Subject, text: str, ids: Sequence[int]) -> Finding:
    """The tokenizer spells the text so."""
    found = subject.tokenizer.encode(text)
    return found == list(ids), str(found)


def greedy_ids(subject: Subject, ids: Sequence[int], then: Sequence[int]) -> Finding:
    """Always taking the likeliest token continues the ids so."""
    found = subject.greedy(ids, len(then))
    return found == list(then), str(found)


def greedy_text(subject: Subject, text: str, then: str) -> Finding:
    """The same for text."""
    count = len(subject.tokenizer.encode(then)) + 2  # the text may be cut otherwise than it was generated
    found = subject.tokenizer.decode(subject.greedy(subject.tokenizer.encode(text), count))
    return found.startswith(then), repr(found)


def top_tokens(subject: Subject, text: str, ids: Sequence[int], activations: Iterable[str | None] = (None,)) -> Finding:
    """The likeliest next tokens, in this order; with one of these activation functions."""
    prompt = subject.tokenizer.encode(text)
    tops = []
    for activation in activations:
        logits = subject.run(prompt, activation)["logits"][-1]
        tops.append(np.argsort(-logits, kind="stable")[: len(ids)].tolist())
    return list(ids) in tops, " or ".join(map(str, tops))


def values(
    subject: Subject,
    text: str,
    activation: str,
    at: Mapping[Index, str],
    activations: Iterable[str | None] = (None,),
) -> Finding:
    """Numbers of one activation, to the digits printed and what float32 leaves of them.

    They were computed in float32: how far that is from float64 there is what `Rounding` says.
    """
    prompt = subject.tokenizer.encode(text)
    outcomes = []
    for function in activations:
        found = subject.run(prompt, function)[activation]
        pair = Pair(Rounding(independent=True), Kernels(SINGLE, independent=True))
        bounds = (subject.run(prompt, function, program)[activation] for program in (pair.ours, pair.theirs))
        allowed = pair.tolerance(*bounds)
        holds = all(
            abs(found[place] - float(printed)) <= allowed[place] + _half_a_digit(printed)
            for place, printed in at.items()
        )
        outcomes.append((holds, ", ".join(f"{found[place]:.9g}" for place in at)))
    return next((outcome for outcome in outcomes if outcome[0]), outcomes[0])


def _half_a_digit(printed: str) -> float:
    """The most that rounding to the printed digits can change: _half_a_digit("0.12") = 0.005."""
    return float(0.5 * 10.0 ** -len(printed.partition(".")[2]))


def attribution(
    subject: Subject, text: str, tokens: tuple[str, str], leading: Sequence[str], opposing: Sequence[str]
) -> Finding:
    """The heads that write most for the first of two tokens and against it, straight into the logits, in this order.

    In TransformerLens' conventions: the text begins with end-of-text, and the value biases belong to no head.
    """
    for_it, against_it = (subject.tokenizer.encode(token)[0] for token in tokens)
    config, weights = subject.model.config, subject.model.arrays
    seen = subject.run([(*config.end_tokens, 0)[0], *subject.tokenizer.encode(text)])
    direction = (weights.unembedding[for_it] - weights.unembedding[against_it]) * weights.ln_final.gamma
    direction = (direction - direction.mean()) / seen["ln_final.hook_scale"][-1, 0]
    writes: dict[str, float] = {}
    for layer, block in enumerate(weights.blocks):
        results = seen[f"blocks.{layer}.attn.hook_result"][-1]  # [H, d]
        biases = block.attn_qkv.bias[2 * config.n_embd :].reshape(config.n_head, -1)  # [H, e]
        shares = block.attn_out.weight.reshape(config.n_embd, config.n_head, -1)  # [d, H, e]
        results = results - np.einsum("he,dhe->hd", biases, shares)
        writes |= {f"{layer}.{head}": float(result @ direction) for head, result in enumerate(results)}
    ranked = sorted(writes, key=lambda head: -writes[head])
    most, least = ranked[: len(leading)], ranked[::-1][: len(opposing)]
    shown = ", ".join(f"{head} ({writes[head]:+.2f})" for head in (*most, *least))
    return most == list(leading) and least == list(opposing), shown


def induction(subject: Subject, heads: Sequence[str], length: int, sequences: int = 3) -> Finding:
    """On random tokens said twice, the heads that look most at what followed the same token before."""
    config = subject.model.config
    random = np.random.default_rng(0)
    scores: dict[str, float] = {}
    for _ in range(sequences):
        once = random.integers(0, config.vocab_size, length).tolist()
        seen = subject.run([(*config.end_tokens, 0)[0], *once, *once])
        queries = np.arange(length + 1, 2 * length)
        for layer in range(config.n_layer):
            looks = seen[f"blocks.{layer}.attn.hook_pattern"][:, queries, queries - length + 1].mean(-1)
            for head, look in enumerate(looks.tolist()):
                scores[f"{layer}.{head}"] = scores.get(f"{layer}.{head}", 0.0) + look / sequences
    best = sorted(scores, key=lambda head: -scores[head])[: len(heads)]
    return set(best) == set(heads), ", ".join(f"{head} ({scores[head]:.2f})" for head in best)


KINDS: dict[str, Callable[..., Finding]] = {
    function.__name__: function
    for function in (encodes, greedy_ids, greedy_text, top_tokens, values, attribution, induction)
}
