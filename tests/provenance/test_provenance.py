"""Every number explains itself: computed again, summed, and every door opened, on every kind of model and run."""

import math
import random
import re
from itertools import count
from pathlib import Path

import pytest

from explorer.engine import array_ops
from explorer.engine.engines import NUMPY, PYTHON, on_engine
from explorer.errors import CellError
from explorer.provenance import provenance
from explorer.provenance.explanation import Explanation
from explorer.provenance.names import DRAWN, LEDGER, TOKENS
from explorer.provenance.provenance import Provenance
from explorer.runs import running
from explorer.runs.cells import Cell, parse
from explorer.verify.rounding import SINGLE, Pair, Rounding
from explorer.walk import trace_file
from explorer.walk.session import Session
from gpt import Sampling, activation_shapes, ops
from tests.helpers.exhaustive import exhaustive
from tests.helpers.explained import (
    SAMPLING,
    TEXT,
    WORDS,
    Subject,
    bound,
    draw_tokens,
    every_cell,
    faults,
    faults_of_streams,
    first,
    leads,
    near,
    shapes,
    small,
    some_cells,
    stories,
)
from tests.helpers.models import CONFIGS, finish, never, small_model

VARIANTS = CONFIGS | {
    "untied": {"tie_word_embeddings": False},
    "wide MLP": {"n_inner": 31},
    "large epsilon": {"layer_norm_epsilon": 0.1},
}


@pytest.fixture(scope="module")
def lily() -> Subject:
    """The embedded model after a prompt and two drawn tokens."""
    return stories("Once upon a time there was a little girl", drawn=2)


# Exact: the same function on the same operands, the terms add up, every door leads to the factor


@pytest.mark.parametrize("variant", ["small", *exhaustive(*list(VARIANTS)[1:])])
def test_every_number_of_a_small_run(variant: str) -> None:
    """All cells of all names: activations, what heads wrote, sums of exponentials, weights, tokens, the ledger."""
    subject = small(SAMPLING, **VARIANTS[variant])
    assert set(dict(activation_shapes(subject.session.model.config, True))) < set(shapes(subject))
    assert first(faults(subject, every_cell(subject))) == []


@pytest.mark.parametrize("each", [1, *exhaustive(12)])
def test_numbers_of_the_embedded_model(lily: Subject, each: int) -> None:
    cells = list(some_cells(lily, each))
    assert len(cells) > 170 * each
    assert first(faults(lily, iter(cells))) == []


@pytest.mark.parametrize("weights", [1e-8, 3.0])
def test_numbers_of_other_sizes(weights: float) -> None:
    subject = small(SAMPLING, seed=3, spread=weights)
    assert first(faults(subject, some_cells(subject, 6))) == []


def test_a_run_that_grew_from_its_cache() -> None:
    """Token by token, and from a prompt that was changed in the middle."""
    subject = small(SAMPLING)
    session = subject.session
    draw_tokens(session, 3)
    assert session.trace.cache
    assert first(faults(Subject(session, subject.stored), every_cell(subject))) == []
    session.submit("3 1 4 0 2 7 5")
    finish(session)
    subject = Subject(session, subject.stored)
    assert first(faults(subject, every_cell(subject))) == []


def test_what_was_kept_of_an_explanation_is_of_this_run_only() -> None:
    subject = small(SAMPLING)
    session, asked = subject.session, parse("probabilities[4,3]")
    before = subject.provenance.explain(asked)
    assert subject.provenance.explain(asked) is before
    session.draws.sampling = Sampling(2.0)
    after = subject.provenance.explain(asked)
    assert after.value != before.value
    assert first(faults(Subject(session, subject.stored), iter([asked]))) == []
    session.submit("3 1 4 1 6")
    assert subject.provenance.explain(asked).value is None
    finish(session)
    assert subject.provenance.explain(asked).exact


def test_no_more_than_a_few_explanations_are_kept(lily: Subject) -> None:
    for cell in some_cells(lily, 1):
        lily.provenance.explain(cell)
    assert len(lily.provenance._explained) == provenance._REMEMBERED


# Doors


@pytest.mark.parametrize("variant", ["small", *exhaustive("untied, relu, n_inner", "by inverse layer")])
def test_every_door_as_far_as_it_goes(variant: str) -> None:
    """Home to the tokens and the weights: what is behind each is explained, and is the factor shown."""
    subject = small(SAMPLING, **VARIANTS[variant])
    behind, seen, depth = {parse("drawn[4]")}, set(), 0
    while behind:
        assert first(faults(subject, iter(behind))) == []
        seen |= behind
        found = (term for cell in behind for term in subject.provenance.explain(cell).terms)
        behind = {factor.at for term in found for factor in term.factors if factor.at} - seen
        depth += 1
    assert depth > 20
    assert {cell.name for cell in seen} >= {*subject.stored, *dict(activation_shapes(subject.session.model.config))}
    assert {cell for cell in seen if cell.name == "tokens"} == {Cell("tokens", (position,)) for position in range(5)}


@pytest.mark.exhaustive
def test_doors_of_the_embedded_model_to_depth_6(lily: Subject) -> None:
    """At each step through two of the largest terms and two of any, every factor of them."""
    choice, opened = random.Random(0), 0
    for start in ("drawn[9]", "logits[9,354]", "blocks.3.attn.hook_pattern[2,7,5]", "cumulative[9,354]"):
        behind = [parse(start)]
        for _ in range(6):
            explanations = [lily.provenance.explain(cell) for cell in behind]
            assert first(faults(lily, iter(behind))) == []
            terms = [
                term for e in explanations for term in [*e.ranked[:2], *choice.sample(e.terms, min(2, len(e.terms)))]
            ]
            behind = list({factor.at: None for term in terms for factor in term.factors if factor.at})
            choice.shuffle(behind)
            behind = behind[:60]
            opened += len(behind)
    assert opened > 500


LEADS = {
    "hook_embed": ["tokens wte.weight"],
    "hook_pos_embed": ["position wpe.weight"],
    "blocks.0.hook_resid_pre": ["hook_embed", "hook_pos_embed"],
    "blocks.1.hook_resid_pre": ["blocks.0.hook_resid_post"],
    "blocks.1.ln1.hook_mean": ["blocks.1.hook_resid_pre dimensions"],
    "blocks.1.ln1.hook_var": ["blocks.1.hook_resid_pre blocks.1.ln1.hook_mean dimensions"],
    "blocks.1.ln1.hook_scale": ["blocks.1.ln1.hook_var ε"],
    "blocks.1.ln1.hook_normalized": [
        "blocks.1.hook_resid_pre blocks.1.ln1.hook_scale",
        "blocks.1.ln1.hook_mean blocks.1.ln1.hook_scale",
    ],
    "blocks.1.ln1.hook_out": ["blocks.1.ln1.hook_normalized h.1.ln_1.weight", "h.1.ln_1.bias"],
    "blocks.1.attn.hook_q": ["blocks.1.ln1.hook_out h.1.attn.c_attn.weight", "h.1.attn.c_attn.bias"],
    "blocks.1.attn.hook_k": ["blocks.1.ln1.hook_out h.1.attn.c_attn.weight", "h.1.attn.c_attn.bias"],
    "blocks.1.attn.hook_v": ["blocks.1.ln1.hook_out h.1.attn.c_attn.weight", "h.1.attn.c_attn.bias"],
    "blocks.1.attn.hook_attn_scores_raw": ["blocks.1.attn.hook_q blocks.1.attn.hook_k"],
    "blocks.1.attn.hook_attn_scores_scaled": ["blocks.1.attn.hook_attn_scores_raw divisor"],
    "blocks.1.attn.hook_attn_scores": ["blocks.1.attn.hook_attn_scores_scaled"],
    "blocks.1.attn.hook_pattern": [
        "blocks.1.attn.hook_attn_scores blocks.1.attn.hook_attn_scores blocks.1.attn.hook_pattern.total"
    ],
    "blocks.1.attn.hook_pattern.total": ["blocks.1.attn.hook_attn_scores blocks.1.attn.hook_attn_scores"],
    "blocks.1.attn.hook_z": ["blocks.1.attn.hook_v blocks.1.attn.hook_pattern"],
    "blocks.1.attn.hook_result": ["blocks.1.attn.hook_z h.1.attn.c_proj.weight"],
    "blocks.1.hook_attn_out": ["blocks.1.attn.hook_z h.1.attn.c_proj.weight", "h.1.attn.c_proj.bias"],
    "blocks.1.hook_resid_mid": ["blocks.1.hook_resid_pre", "blocks.1.hook_attn_out"],
    "blocks.1.ln2.hook_var": ["blocks.1.hook_resid_mid blocks.1.ln2.hook_mean dimensions"],
    "blocks.1.ln2.hook_out": ["blocks.1.ln2.hook_normalized h.1.ln_2.weight", "h.1.ln_2.bias"],
    "blocks.1.mlp.hook_pre": ["blocks.1.ln2.hook_out h.1.mlp.c_fc.weight", "h.1.mlp.c_fc.bias"],
    "blocks.1.mlp.hook_post": ["blocks.1.mlp.hook_pre"],
    "blocks.1.hook_mlp_out": ["blocks.1.mlp.hook_post h.1.mlp.c_proj.weight", "h.1.mlp.c_proj.bias"],
    "blocks.1.hook_resid_post": ["blocks.1.hook_resid_mid", "blocks.1.hook_mlp_out"],
    "ln_final.hook_mean": ["blocks.1.hook_resid_post dimensions"],
    "ln_final.hook_out": ["ln_final.hook_normalized ln_f.weight", "ln_f.bias"],
    "logits": ["ln_final.hook_out wte.weight"],
}
"""The factors of each kind of term, the one that the door leads to first."""


@pytest.mark.parametrize("name", LEADS)
def test_where_doors_lead(name: str) -> None:
    subject = small()
    cell = Cell(name, tuple(min(size, 4) - 1 for size in shapes(subject)[name]))
    if name.endswith(("scores", "scores_raw", "scores_scaled", "pattern")):
        cell = Cell(name, (1, 3, 2))
    assert leads(subject.provenance.explain(cell)) == LEADS[name]


def test_an_untied_head_leads_to_its_own_matrix() -> None:
    untied = small(tie_word_embeddings=False)
    assert leads(untied.provenance.explain(parse("logits[2,2]"))) == ["ln_final.hook_out lm_head.weight"]


def test_indices_are_the_checkpoint_s() -> None:
    """The weight that dimension 4 of the input is multiplied with on its way to head 2, dimension 1, of k."""
    subject = small()
    term = subject.provenance.explain(parse("blocks.0.attn.hook_k[3,2,1]")).terms[4]
    assert [str(factor.at) for factor in term.factors] == ["blocks.0.ln1.hook_out[3,4]", "h.0.attn.c_attn.weight[4,11]"]
    term = subject.provenance.explain(parse("blocks.0.hook_attn_out[3,2]")).terms[5]
    assert [str(factor.at) for factor in term.factors] == ["blocks.0.attn.hook_z[3,2,1]", "h.0.attn.c_proj.weight[5,2]"]


def test_what_is_masked_comes_from_nowhere() -> None:
    explanation = small().provenance.explain(parse("blocks.0.attn.hook_attn_scores[1,2,3]"))
    assert (explanation.value, explanation.exact, explanation.rounding) == (-math.inf, True, 0.0)
    assert [(term.at, term.text) for term in explanation.terms] == [(None, "−∞, the key comes later than the query")]


# Sums of sums


@pytest.mark.parametrize("variant", ["small", "one layer, one head", "by inverse layer"])
def test_a_residual_stream_is_all_that_was_written_into_it(variant: str) -> None:
    assert first(faults_of_streams(small(SAMPLING, **VARIANTS[variant]))) == []


def test_what_can_be_unrolled(lily: Subject) -> None:
    sums = {cell.name for cell in some_cells(lily, 1) if lily.provenance.can_unroll(cell)}
    kinds = {re.sub(r"\d+", "N", name) for name in sums}
    assert kinds == {f"blocks.N.hook_{value}" for value in ("resid_pre", "resid_mid", "resid_post", "attn_out")}
    products = lily.provenance.explain(parse("logits[1,2]"), unrolled=True)
    assert not products.unrolled
    assert products.exact


# NumPy: float32, added in another order


def allowed(explanation: Explanation, subject: Subject) -> float:
    """How far float32 can be from the same operands in float64; `explorer.verify.rounding` explains the bounds."""
    pair, function = Pair(Rounding(), Rounding(SINGLE)), explanation.function
    operands = [factor.value for factor in explanation.terms[0].factors]
    if function is ops.softmax_row:
        name, index = explanation.cell
        row = Cell(name.partition(".total")[0].replace("pattern", "attn_scores"), index[:2])
        scores = subject.session.trace.values[row.name][row.index[0]][row.index[1]]
        bounds = pair.tolerance(pair.ours.softmax(scores[None]), pair.theirs.softmax(scores[None]))
        return 2 * float(bounds.max() / array_ops.softmax(scores).max()) * abs(explanation.value or 0.0)
    named = next((name for name, known in ops.ACTIVATIONS.items() if known is function), None)
    if named:
        return pair.tolerance(*(program.activate([operands], named) for program in (pair.ours, pair.theirs))).item()
    return bound(explanation, SINGLE) + bound(explanation)


@pytest.mark.parametrize("variant", ["small", "untied, relu, n_inner", "exact gelu", "silu", "tanh"])
def test_numpy_is_as_near_as_float32_is(variant: str) -> None:
    model = on_engine(small_model(**VARIANTS[variant]), NUMPY)
    session = Session(model, WORDS)
    session.submit(TEXT)
    finish(session)
    draw_tokens(session, 1)
    exact, names = 0, dict(activation_shapes(model.config, True))
    subject = Subject(session, {})
    for name, shape in shapes(subject).items():
        for index in (
            [(0,) * len(shape), tuple(size - 1 for size in shape)] if name in names or "pattern" in name else []
        ):
            explanation = subject.provenance.explain(Cell(name, index))
            value, computed = explanation.value, explanation.computed
            assert value is not None
            assert computed is not None
            near_enough = 0.0 if math.isinf(value) else allowed(explanation, subject)
            assert near(computed, value, near_enough), explanation.cell
            assert near(math.fsum(v for v in explanation.values if v is not None), value, near_enough), explanation.cell
            assert abs(explanation.rounding) <= near_enough
            exact += explanation.exact
    assert 0 < exact < 2 * len(names)


def test_on_the_way_from_numpy_s_logits_to_the_token_everything_is_exact() -> None:
    session = Session(on_engine(small_model(), NUMPY), WORDS, SAMPLING)
    session.submit(TEXT)
    finish(session)
    found = Provenance(session)
    for name in ("tempered", "tempered_probabilities", "top_k_logits", "top_p_logits", "probabilities"):
        assert all(found.explain(Cell(name, (4, token))).exact for token in range(11))


# Recorded runs: the weights are not there


@pytest.mark.parametrize("head_results", [False, True])
def test_a_recorded_run_explains_what_needs_no_weights(tmp_path: Path, head_results: bool) -> None:
    subject = small(SAMPLING)
    model, ids = subject.session.model, subject.session.ids
    values, _ = trace_file.record(model, ids, head_results=head_results)
    trace_file.write(tmp_path / "run", values, model, "small", TEXT, ids, WORDS)
    session, _ = trace_file.read(tmp_path / "run")
    found, without = Provenance(session), set()
    for cell in some_cells(subject, 5):
        explanation = found.explain(cell)
        if not unknown(explanation):
            assert explanation.exact or not explanation.terms
        else:
            without.add(re.sub(r"\d+", "N", cell.name))
            assert explanation.computed is None
            assert math.isnan(explanation.rounding)
            assert math.isnan(explanation.remainder(0))
            assert any(term.at and "weight" in " ".join(str(f.at) for f in term.factors) for term in explanation.ranked)
    assert {name for name in without if "attn.hook_result" not in name} == {
        *("hook_embed", "hook_pos_embed", "logits", "blocks.N.hook_attn_out", "blocks.N.hook_mlp_out"),
        *("blocks.N.attn.hook_q", "blocks.N.attn.hook_k", "blocks.N.attn.hook_v", "blocks.N.mlp.hook_pre"),
        *("blocks.N.lnN.hook_out", "ln_final.hook_out"),
    }
    written = found.explain(parse("blocks.1.hook_resid_post[2,3]"), unrolled=True)
    assert (written.computed is None, found.value(parse("wte.weight[0,0]"))) == (True, None)
    assert [v is None for v in written.values].count(False) == (2 + 2 + 2 * 3 if head_results else 2 + 2)


def unknown(explanation: Explanation) -> bool:
    return None in explanation.values


def test_of_a_few_recorded_activations_the_others_are_unknown(tmp_path: Path) -> None:
    subject = small()
    model, ids = subject.session.model, subject.session.ids
    values, _ = trace_file.record(model, ids, only=["blocks.*.attn.hook_pattern", "blocks.0.attn.hook_v", "logits"])
    trace_file.write(tmp_path / "run", values, model, "small", TEXT, ids, WORDS)
    found = Provenance(trace_file.read(tmp_path / "run")[0])
    known = {*values, *LEDGER, TOKENS, DRAWN, "tempered_probabilities.total", "probabilities.total"}
    for cell in some_cells(subject, 4):
        assert found.explain(cell).value == (subject.look_up(cell) if cell.name in known else None)
    assert found.explain(parse("blocks.0.attn.hook_pattern[0,3,2]")).computed is None
    assert found.explain(parse("probabilities[3,2]")).exact


# Runs that are not complete


@pytest.mark.parametrize("known", [0, 3])
def test_half_a_run_explains_what_it_has(known: int) -> None:
    """Wherever it was cancelled: what is there is explained exactly, and nothing fails."""
    whole = small(SAMPLING)
    cells = list(some_cells(whole, 3))
    for questions in count(0, 7):
        session = Session(whole.session.model, WORDS, SAMPLING)
        session.trace.ids = whole.session.ids[:known]
        running.complete(session.trace, never)
        session.trace.ids = whole.session.ids
        session.begin(session.run, "")
        asked = iter(range(questions))
        if running.complete(session.trace, lambda asked=asked: next(asked, None) is None):
            break
        found, there = Provenance(session), 0
        for cell in cells:
            explanation = found.explain(cell)
            assert explanation.value in (None, whole.look_up(cell))
            if explanation.value is None or not explanation.terms:
                assert explanation.computed is None
            elif not unknown(explanation):
                assert explanation.exact
                there += 1
        assert there > (20 if known else -1)
    assert questions > 35


# What is not there


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            "blocks.2.hook_resid_post[0,0]",
            "there is no 'blocks.2.hook_resid_post' in this model: did you mean blocks.1.",
        ),
        ("xyz[0]", "there is no 'xyz' in this model: `gpt-explorer source` lists the names."),
        ("hook_embed[0]", "hook_embed takes 2 numbers: the token's position (0 to 4) and the dimension (0 to 5)."),
        ("hook_embed[5,0]", "there is no hook_embed[5,0]: the token's position is 0 to 4 here, not 5."),
        ("blocks.0.attn.hook_pattern[3,0,0]", "the head is 0 to 2 here, not 3."),
        ("blocks.0.attn.hook_pattern[2,0,5]", "the earlier token's position is 0 to 4 here, not 5."),
        ("blocks.0.attn.hook_pattern.total[2,5]", "the token's position is 0 to 4 here, not 5."),
        ("blocks.0.ln1.hook_mean[1]", "takes 2 numbers: the token's position (0 to 4) and the last index (0)."),
        ("blocks.0.ln1.hook_mean[1,1]", "the last index is 0 here, not 1."),
        ("h.0.attn.c_attn.weight[6,0]", "the row is 0 to 5 here, not 6."),
        ("h.0.attn.c_attn.bias[18]", "the column is 0 to 17 here, not 18."),
        ("probabilities[4,11]", "the token's id is 0 to 10 here, not 11."),
        ("drawn[5]", "the token's position is 0 to 4 here, not 5."),
        ("tokens[0,0]", "tokens takes 1 number: the token's position (0 to 4)."),
    ],
)
def test_what_is_not_there(asked: str, said: str) -> None:
    with pytest.raises(CellError, match=re.escape(said)):
        small().provenance.explain(parse(asked))


def test_an_engine_can_be_exchanged() -> None:
    subject = small(SAMPLING)
    session, cell = subject.session, parse("blocks.1.hook_mlp_out[2,3]")
    before = subject.provenance.explain(cell)
    session.compute_with(on_engine(session.model, NUMPY))
    assert subject.provenance.explain(cell).value is None
    finish(session)
    rough = subject.provenance.explain(cell)
    assert rough.value == pytest.approx(before.value, rel=1e-4)
    session.compute_with(on_engine(session.model, PYTHON))
    finish(session)
    assert subject.provenance.explain(cell).exact
