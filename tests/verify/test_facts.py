"""Published facts as a self-check, on a stand-in whose facts are computed here."""

from typing import Any

import numpy as np
import pytest

from explorer.verify import report
from explorer.verify.fact_checks import Subject
from explorer.verify.facts import GPT2_SMALL, Fact, is_gpt2_small
from explorer.verify.nested import Model
from explorer.verify.report import check_facts
from gpt import GPTConfig, load_weights
from tests.helpers.models import SMALL, Bytes
from tests.helpers.numpy_gpt2 import Run, Source, random_tensors
from tests.helpers.verified import cascade

GIVEN = {**SMALL, "vocab_size": 256, "n_positions": 40, "eos_token_id": None}
TENSORS = random_tensors(GIVEN, seed=5)
TEXT = "to be"


@pytest.fixture(scope="module")
def stand_in() -> Subject:
    config = GPTConfig.from_dict(GIVEN)
    return Subject(Model(config, load_weights(config, Source(TENSORS))), Bytes())


def numpy_run(ids: list[int]) -> dict[str, np.ndarray]:
    return Run(GIVEN, TENSORS, ids).seen


def numpy_greedy(ids: list[int], count: int) -> list[int]:
    text = list(ids)
    for _ in range(count):
        text.append(int(numpy_run(text)["logits"][-1].argmax()))
    return text[len(ids) :]


def true_facts() -> list[Fact]:
    ids = list(TEXT.encode())
    seen = numpy_run(ids)
    name = "blocks.1.attn.hook_pattern"
    top = np.argsort(-seen["logits"][-1])[:3].tolist()
    places = {(0, 3, 1): f"{seen[name][0, 3, 1]:.7f}", (2, 4, 4): f"{seen[name][2, 4, 4]:.3f}"}
    most, least = numpy_attribution()
    return [
        Fact("spelling", "here", "encodes", {"text": TEXT, "ids": ids}),
        Fact("greedy ids", "here", "greedy_ids", {"ids": ids, "then": numpy_greedy(ids, 6)}),
        Fact("top", "here", "top_tokens", {"text": TEXT, "ids": top}),
        Fact("pattern", "here", "values", {"text": TEXT, "activation": name, "at": places}),
        Fact("writes", "here", "attribution", attributes(most, least)),
        Fact("repetition", "here", "induction", {"heads": numpy_induction(), "length": 15}),
    ]


def attributes(most: str, least: str) -> dict[str, Any]:
    return {"text": TEXT, "tokens": ("x", "y"), "leading": (most,), "opposing": (least,)}


def numpy_attribution() -> tuple[str, str]:
    """The heads that write most and least for "x" rather than "y", at the last position."""
    seen, heads, e = numpy_run([0, *TEXT.encode()]), 3, 2
    directions = TENSORS["wte.weight"] * TENSORS["ln_f.weight"]
    direction = directions[ord("x")] - directions[ord("y")]
    writes = {}
    for layer in range(2):
        v = seen[f"blocks.{layer}.attn.hook_v"] - TENSORS[f"h.{layer}.attn.c_attn.bias"][-6:].reshape(heads, e)
        z = np.einsum("hk,khe->he", seen[f"blocks.{layer}.attn.hook_pattern"][:, -1], v)
        for head in range(heads):
            wrote = z[head] @ TENSORS[f"h.{layer}.attn.c_proj.weight"][head * e : (head + 1) * e]
            writes[f"{layer}.{head}"] = (wrote - wrote.mean()) @ direction
    return max(writes, key=writes.__getitem__), min(writes, key=writes.__getitem__)


def numpy_induction() -> list[str]:
    random, scores = np.random.default_rng(0), dict.fromkeys((f"{x}.{y}" for x in range(2) for y in range(3)), 0.0)
    for _ in range(3):
        once = random.integers(0, 256, 15).tolist()
        seen = numpy_run([0, *once, *once])
        for name in scores:
            pattern = seen[f"blocks.{name[0]}.attn.hook_pattern"][int(name[2])]
            scores[name] += sum(pattern[1 + 15 + i, 1 + i + 1] for i in range(14))
    return sorted(scores, key=lambda name: -scores[name])[:2]


def test_facts_that_hold(stand_in: Subject) -> None:
    checked = check_facts(stand_in, true_facts())
    assert [result.fact.claim for result in checked if not result.passed] == []


WRONG: dict[str, dict[str, Any]] = {
    "encodes": {"ids": [1, 2]},
    "greedy_ids": {"then": [0, 0, 0, 0, 0, 1]},
    "greedy_text": {"text": TEXT, "then": "\x00\x01\x02"},
    "top_tokens": {"ids": [0, 1, 2]},
    "values": {"at": {(0, 3, 1): "0.9123"}},
    "attribution": {"leading": ("7.7",)},
    "induction": {"heads": ("7.7", "8.8")},
}


@pytest.mark.parametrize("kind", WRONG)
def test_facts_that_do_not_hold_are_failures(stand_in: Subject, kind: str) -> None:
    given = next((fact.given for fact in true_facts() if fact.kind == kind), {})
    [checked] = check_facts(stand_in, [Fact("wrong", "nowhere", kind, {**given, **WRONG[kind]})])
    assert not checked.passed
    found = cascade()
    found.facts = [checked]
    assert not found.passed
    assert found.deviations == ["wrong"]
    assert checked.found in found.as_json()["facts"][0]["found"]


def test_a_number_is_held_to_its_last_printed_digit(stand_in: Subject) -> None:
    name = "blocks.1.attn.hook_pattern"
    value = numpy_run(list(TEXT.encode()))[name][0, 3, 1]

    def holds(printed: str) -> bool:
        given = {"text": TEXT, "activation": name, "at": {(0, 3, 1): printed}}
        return check_facts(stand_in, [Fact("", "", "values", given)])[0].passed

    assert holds(f"{value:.6f}")
    assert not holds(f"{value + 2e-4:.6f}")
    assert not holds(f"{value + 0.002:.3f}")


def test_greedy_text(stand_in: Subject) -> None:
    class Letters(Bytes):
        """Every id is a letter, so that any continuation is text."""

        def decode(self, ids: list[int]) -> str:
            return "".join(chr(0x100 + id) for id in ids)

        def encode(self, text: str) -> list[int]:
            return [ord(letter) - 0x100 for letter in text]

    tokenizer = Letters()
    ids = [5, 200, 17]
    then = tokenizer.decode(numpy_greedy(ids, 6))
    fact = Fact("", "", "greedy_text", {"text": tokenizer.decode(ids), "then": then})
    assert check_facts(Subject(stand_in.model, tokenizer), [fact])[0].passed


def test_another_model_is_not_asked_for_them(stand_in: Subject) -> None:
    assert not is_gpt2_small(stand_in)


def test_gpt2_small_is_told_by_its_shape_its_tokenizer_and_its_numbers() -> None:
    class Spells(Bytes):
        def encode(self, text: str) -> list[int]:
            return [7454, 2402, 257, 640]

    row = [0.0] * 768
    weights = type("Weights", (), {"token_embedding": [row]})()
    subject = Subject(Model(GPTConfig(), weights), Spells())  # type: ignore[arg-type]
    assert not is_gpt2_small(subject)
    for place, value in {0: -0.11010, 1: -0.03927, 2: 0.03310, -3: -0.13640, -2: 0.01510, -1: 0.04530}.items():
        row[place] = value
    assert is_gpt2_small(subject)
    assert not is_gpt2_small(Subject(Model(GPTConfig(n_layer=6), weights), Spells()))  # type: ignore[arg-type]
    assert not is_gpt2_small(Subject(Model(GPTConfig(), weights), Bytes()))  # type: ignore[arg-type]


def test_every_published_fact_has_a_source_and_a_check() -> None:
    assert all(fact.source and fact.kind in report.KINDS for fact in GPT2_SMALL)
    claims = [fact.claim for fact in GPT2_SMALL]
    assert len(set(claims)) == len(claims)
