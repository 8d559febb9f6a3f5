"""Expressions about a run: their values are those of the recorded activations, and wrong ones are refused."""

import math

import numpy as np
import pytest

from explorer.teaching.errors import FactError, NotKnownError
from explorer.teaching.expressions import check_expression, evaluate, fill, holes
from explorer.teaching.facts import functions
from explorer.teaching.here import Here
from tests.helpers.looking import story, without_weights
from tests.helpers.pilot import session


@pytest.fixture
def here() -> Here:
    walked = story()
    walked.cursor.go_to_position(len(walked.ids) - 1)
    walked.cursor.go_to_stage(0)
    return Here(walked)


def softmax(logits: list[float]) -> np.ndarray:
    shares = np.exp(np.array(logits) - np.max(logits))
    return shares / shares.sum()


def test_probabilities_are_those_of_the_logits(here: Here) -> None:
    logits = here.session.trace.logits(10)
    assert logits
    shares = softmax(logits)
    order = np.argsort(-shares, kind="stable")
    lily = here.session.tokenizer.encode(" Lily")[0]
    assert evaluate('probability(" Lily")', here) == pytest.approx(shares[lily], rel=1e-12)
    assert evaluate('rank(" Lily")', here) == list(order).index(lily) + 1
    assert evaluate("top_probability(3)", here) == pytest.approx(shares[order[2]], rel=1e-12)
    assert evaluate("top(3)", here) == here.session.label(int(order[2]))


@pytest.mark.parametrize("query", [0, 4, 10])
def test_attention_is_the_recorded_pattern(here: Here, query: int) -> None:
    pattern = np.array(here.session.run.value("blocks.5.attn.hook_pattern"))
    key = int(pattern[2, query].argmax())
    assert evaluate(f"attends(5, 2, {query})", here) == key
    assert evaluate(f"weight(5, 2, {query}, {key})", here) == pattern[2, query, key]
    raw = np.array(here.session.run.value("blocks.5.attn.hook_attn_scores_raw"))[2, query, : query + 1]
    assert evaluate(f"share_without_scaling(5, 2, {query})", here) == pytest.approx(softmax(list(raw)).max())


def test_numbers_by_name_count_from_both_ends(here: Here) -> None:
    residual = np.array(here.session.run.value("blocks.3.hook_resid_post"))
    assert evaluate('value("blocks.3.hook_resid_post", -1, -1)', here) == residual[-1, -1]
    assert evaluate('vector_length("blocks.3.hook_resid_post", 2)', here) == pytest.approx(np.linalg.norm(residual[2]))
    assert evaluate('largest("blocks.3.hook_resid_post", 2)', here) == np.abs(residual[2]).argmax()
    post = np.array(here.session.run.value("blocks.3.mlp.hook_post"))
    assert evaluate("fires(3)", here) == post[-1].argmax()


def test_a_name_within_the_block_is_of_the_block_at_hand(here: Here) -> None:
    here.session.cursor.go_to_value("blocks.4.attn.hook_pattern")
    assert evaluate('value("hook_resid_post", 1, 1)', here) == evaluate('value("blocks.4.hook_resid_post", 1, 1)', here)


def test_tokens_are_found_by_their_text(here: Here) -> None:
    assert evaluate('where(" Lily")', here) == 2
    assert evaluate('where(" to", 2)', here) == 10
    assert evaluate("token(2)", here) == "·Lily"
    assert evaluate("id_of(0)", here) == here.session.ids[0]


def test_the_lens_reads_the_stream_out(here: Here) -> None:
    last = here.session.trace.last_residual
    assert evaluate(f'says("{last}")', here) == evaluate("top(1)", here)
    assert evaluate(f'lens_probability("{last}", " Lily")', here) == pytest.approx(
        evaluate('probability(" Lily")', here)
    )


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nonsense(1)", "there is no function nonsense"),
        ("nowhere + 1", "there is no name nowhere"),
        ("attends(1, 99)", "there is no head 99"),
        ("token(99)", "there is no position 99"),
        ('probability("not one token")', "is not one token"),
        ('value("blocks.9.hook_resid_post", 1, 1)', "there is no 'blocks.9.hook_resid_post'"),
        ('value("blocks.1.hook_resid_post", 1)', "takes 2 numbers"),
        ("1 +", "cannot be worked out"),
        ("1 / 0", "cannot be worked out"),
        ("9 ** 9 ** 9", "cannot be worked out"),
        ("'x' * 10000000", "cannot be worked out"),
        ("().__class__", "cannot be worked out"),
    ],
)
def test_wrong_expressions_say_what_is_wrong(here: Here, expression: str, words: str) -> None:
    with pytest.raises(FactError, match=words.replace("(", "\\(")):
        evaluate(expression, here)


def test_what_is_not_computed_is_left_open() -> None:
    fresh = Here(session())
    fresh.session.submit("Once upon a time")
    assert fill("p = {top_probability(1):.0%}, {tokens} tokens", fresh) == "p = …, 4 tokens"
    with pytest.raises(NotKnownError):
        evaluate("top(1)", fresh)


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_recorded_run_answers_or_says_that_it_cannot(name: str) -> None:
    calls = {
        "value": '"hook_embed", 1, 1',
        "worked": '"hook_embed", 1, 1',
        "exp": "1",
        "size": "1",
        "weight": "0, 0, 1, 0",
    }
    two = dict.fromkeys(("attends", "share_without_scaling"), "0, 0")
    named = dict.fromkeys(("vector_length", "largest", "says"), '"blocks.0.hook_resid_post"')
    texts = dict.fromkeys(("where", "probability", "logit", "rank", "before_edits"), '"3"')
    lens = dict.fromkeys(("lens_probability", "lens_rank"), '"blocks.0.hook_resid_post", "3"')
    calls["without_head"] = '0, 0, "3"'
    arguments = {**calls, **two, **named, **texts, **lens, "fires": "0"}.get(name, "")
    assert fill(f"<{{{name}({arguments})}}>", Here(without_weights()))[0] == "<"


def test_holes_and_braces() -> None:
    assert holes('a {{b}} {f("{", "}:"):.1f} c') == [("a {b} ", 'f("{", "}:")', ".1f"), (" c", None, "")]
    for broken in ("a { b", "a } b", "{}"):
        with pytest.raises(FactError, match="brace"):
            holes(broken)


@pytest.mark.parametrize("expression", ["1 +", "open('x')", "token.__class__()", "(lambda: 1)()"])
def test_what_is_no_expression_is_refused_before_it_runs(expression: str) -> None:
    with pytest.raises(FactError):
        check_expression(expression)


def test_minus_signs_are_minus_signs() -> None:
    assert fill("{0 - 1.5:.1f} and {exp(0):g}", Here(story())) == f"−1.5 and {math.exp(0):g}"
