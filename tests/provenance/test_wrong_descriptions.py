"""A wrong description of an operation is noticed, and explanations follow a change of the model."""

import math
from typing import Any

import pytest

import gpt.attention
import gpt.block
import gpt.mlp
from explorer.provenance import operations
from explorer.provenance.nodes import How
from tests.helpers.explained import (
    SAMPLING,
    every_cell,
    faults,
    faults_of_streams,
    first,
    small,
    some_cells,
)
from tests.helpers.mutation import mutate

MUTANTS: dict[str, tuple[str, str]] = {
    "another row of the first factor": ("a.row(row), b.row(column)", "a.row(0), b.row(column)"),
    "the matrix transposed": (
        "x.row(row), weight.row(column), bias.at(column)",
        "x.row(row), [Number(n.node, n.index[::-1]) for n in weight.row(column)], bias.at(column)",
    ),
    "another weight": (
        "x.row(row), weight.row(column), bias.at(column)",
        "x.row(row), weight.row(column - 1 or 0), bias.at(column)",
    ),
    "another bias": ("weight.row(column), bias.at(column)", "weight.row(column), bias.at(0)"),
    "the bias left out of the terms": (
        "[*_products(inputs, weights), Part(ITSELF, (shift,))]",
        "_products(inputs, weights)",
    ),
    "the bias left out of the sum of heads": ("for value in (*summands, shift)]", "for value in summands]"),
    "the last term left out": ("for pair in zip(a, b)", "for pair in list(zip(a, b))[:-1]"),
    "the factors of different terms": ("for pair in zip(a, b)", "for pair in zip(a, reversed(list(b)))"),
    "one summand twice": ("[Part(ITSELF, (x,)), Part(ITSELF, (y,))]", "[Part(ITSELF, (x,)), Part(ITSELF, (x,))]"),
    "the values of another position": (
        "[b.at(i, column) for i in range(len(b))]",
        "[b.at(i and i - 1, column) for i in range(len(b))]",
    ),
    "not divided": ("[Part(QUOTIENT, (value, by))]", "[Part(ITSELF, (value,))]"),
    "divided by another number": (
        "value, by = x.at(*index), KnownNumber(divisor",
        "value, by = x.at(*index), KnownNumber(divisor + 1",
    ),
    "the mean of one less": (
        "values, count = x.row(row), KnownNumber(x.shape[1]",
        "values, count = x.row(row), KnownNumber(x.shape[1] - 1",
    ),
    "the mean of another row": (
        "values, middle, count = x.row(row), mean.at(row, 0)",
        "values, middle, count = x.row(row), mean.at(0, 0)",
    ),
    "epsilon left out": ('KnownNumber(epsilon, "ε")', 'KnownNumber(0.0, "ε")'),
    "the mean added": ("Part(TAKEN_OFF, (middle, size))", "Part(QUOTIENT, (middle, size))"),
    "gain and shift exchanged": ("gamma.at(column), beta.at(column)", "beta.at(column), gamma.at(column)"),
    "the mask one further": ("column <= last else", "column <= last + 1 else"),
    "the mask computed from the wrong row": (
        "[[[value] * columns] * (columns - last)]",
        "[[[value] * columns] * (columns - last + 1)]",
    ),
    "the share of another key": ("operands = row[column], largest", "operands = row[column - 1], largest"),
    "the sum of another row": ("totals.at(*index[:-1])", "totals.at(index[0], 0)"),
    "another dimension of the embedding": (
        "value, chosen = matrix.at(rows[row], column)",
        "value, chosen = matrix.at(rows[row], 0)",
    ),
    "another head": ("x.at(row, head * width + column)", "x.at(row, column * n_head + head)"),
    "q, k and v interleaved": ("x.at(row, number * width + column)", "x.at(row, column * parts + number)"),
    "heads put together in another order": (
        "x.at(row, *divmod(column, width))",
        "x.at(row, *divmod(column, heads)[::-1])",
    ),
    "rows in another order": (
        "lambda number, *rest: matrices[number].at(*rest)",
        "lambda number, *rest: matrices[-1 - number].at(*rest)",
    ),
    "nothing exchanged": ("x.at(b, a, *others)", "x.at(a % first, b % second, *others)"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_description_is_noticed(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate(monkeypatch, operations, *MUTANTS[mutant])
    assert noticed()


@pytest.mark.parametrize(
    ("name", "wrong"),
    {
        "PRODUCT": How(lambda a, b: a + b, "{} · {}"),
        "SQUARE": How(lambda a, mean, count: (a - mean) / count, "({} − {})² / {}"),
        "TAKEN_OFF": How(lambda a, b: a / b, "−{} / {}"),
        "SHARE": How(lambda a, largest, total: math.exp(a) / total, "exp({} − {}) / {}"),
        "EXPONENTIAL": How(lambda a, largest: math.exp(a), "exp({} − {})"),
        "ROOT": How(lambda a, epsilon: math.sqrt(a) + epsilon, "√({} + {})"),
        "HIDDEN": How(lambda: 0.0, "−∞, the key comes later than the query"),
    }.items(),
)
def test_a_wrong_formula_is_noticed(name: str, wrong: How, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, name, wrong)
    assert noticed()


def noticed() -> list[str]:
    """The first that is wrong with a run, its residual streams taken apart as well."""
    subject = small(SAMPLING)
    computed = (cell for cell in every_cell(subject) if cell.name not in subject.stored)
    return first(faults(subject, computed), 1) or first(faults_of_streams(subject), 1)


def test_what_is_not_broken_is_not_noticed() -> None:
    assert not noticed()


# There is one forward pass: a change of the model changes its explanations


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (gpt.attention, "queries, keys, values = (", "queries, values, keys = ("),
        (gpt.attention, "run.ops.divide(raw, run.config.score_divisor(run.layer))", "run.ops.divide(raw, 3.0)"),
        (gpt.attention, "ops.matmul(p, v)", "ops.matmul(p, v[::-1])"),
        (gpt.mlp, "run.ops.activate(pre, run.config.activation_function)", 'run.ops.activate(pre, "silu")'),
        (gpt.block, "weights.ln_2", "weights.ln_1"),
    ],
    ids=["values for keys", "scale", "order of values", "activation", "norm"],
)
def test_explanations_follow_the_model(module: Any, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate(monkeypatch, module, old, new)
    subject = small(SAMPLING)
    assert first(faults(subject, some_cells(subject, 4))) == []
