"""The operations of `gpt.ops` on nodes: the same names, the same shapes, and for every number how it is made.

Handed to the model's own forward pass, `GPT(config, weights, ops=operations)`, they describe a whole run without
computing any of it. Each description says two things of a number: the parts that it is the sum of, and how the function
of `gpt` itself computes it from the operands that those parts name. The tests hold the two against each other, and both
against what was recorded.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from explorer.provenance.nodes import (
    Computed,
    How,
    KnownNumber,
    Made,
    Number,
    Part,
    Read,
    Rearranged,
    TokenId,
    ValueNode,
)
from gpt import ops

ITSELF = How(lambda a: a, "{}")
PRODUCT = How(lambda a, b: a * b, "{} · {}")
QUOTIENT = How(lambda a, b: a / b, "{} / {}")
TAKEN_OFF = How(lambda a, b: -a / b, "−{} / {}")
SQUARE = How(lambda a, mean, count: (a - mean) * (a - mean) / count, "({} − {})² / {}")
ROOT = How(lambda a, epsilon: math.sqrt(a + epsilon), "√({} + {})")
EXPONENTIAL = How(lambda a, largest: math.exp(a - largest), "exp({} − {})", ("score", "the largest score"))
SHARE = How(
    lambda a, largest, total: math.exp(a - largest) / total,
    "exp({} − {}) / {}",
    ("score", "the largest score", "sum of exponentials"),
)
HIDDEN = How(lambda: -math.inf, "−∞, the key comes later than the query")
LOOKED_UP = How(lambda token, value: value, "row {} of the table: {}")

ACTIVATIONS: dict[Callable[[float], float], str] = {
    ops.gelu_new: "½ · {0} · (1 + tanh(√(2/π) · ({0} + 0.044715 · {0}³)))",
    ops.gelu: "½ · {0} · (1 + erf({0} / √2))",
    ops.relu: "max({0}, 0)",
    ops.silu: "{0} · sigmoid({0})",
    ops.tanh: "tanh({0})",
}
"""Each activation in writing."""


def made(function: Callable[..., Any], arguments: tuple[Any, ...], pick: Sequence[int], parts: Iterable[Part]) -> Made:
    """The number at that index of the result of `function`, given its arguments (numbers in nested lists)."""

    def compute(read: Read) -> float | None:
        try:
            result = function(*(_filled(argument, read) for argument in arguments))
        except _NotThereError:
            return None
        for index in pick:
            result = result[index]
        return float(result)

    return Made(function, tuple(parts), compute)


class _NotThereError(Exception):
    """An operand is not known."""


def _filled(argument: Any, read: Read) -> Any:
    if isinstance(argument, Number | KnownNumber):
        value = read(argument)
        if value is None:
            raise _NotThereError
        return value
    return [_filled(inner, read) for inner in argument] if isinstance(argument, list) else argument


def _products(a: Iterable[Number], b: Iterable[Number]) -> list[Part]:
    return [Part(PRODUCT, pair) for pair in zip(a, b)]


# Products of matrices


def matmul_transposed(a: ValueNode, b: ValueNode) -> ValueNode:  # [n, k], [m, k] -> [n, m]
    def how(read: Read, row: int, column: int) -> Made:
        x, y = a.row(row), b.row(column)
        return made(ops.matmul_transposed, ([x], [y]), (0, 0), _products(x, y))

    return Computed((len(a), len(b)), how)


def matmul(a: ValueNode, b: ValueNode) -> ValueNode:  # [n, k], [k, m] -> [n, m]
    def how(read: Read, row: int, column: int) -> Made:
        # the rows of b are what is mixed, a says how much of each: the way on leads to b
        x, y = a.row(row), [b.at(i, column) for i in range(len(b))]
        return made(ops.matmul, ([x], [[value] for value in y]), (0, 0), _products(y, x))

    return Computed((len(a), b.shape[1]), how)


def linear(x: ValueNode, weight: ValueNode, bias: ValueNode) -> ValueNode:  # [T, n], [m, n], [m] -> [T, m]
    def how(read: Read, row: int, column: int) -> Made:
        inputs, weights, shift = x.row(row), weight.row(column), bias.at(column)
        parts = [*_products(inputs, weights), Part(ITSELF, (shift,))]
        return made(ops.linear, ([inputs], [weights], [shift]), (0, 0), parts)

    return Computed((len(x), len(weight)), how)


# Sums and scalings


def add(a: ValueNode, b: ValueNode) -> ValueNode:  # [T, d], [T, d] -> [T, d]
    def how(read: Read, row: int, column: int) -> Made:
        x, y = a.at(row, column), b.at(row, column)
        return made(ops.add, ([[x]], [[y]]), (0, 0), [Part(ITSELF, (x,)), Part(ITSELF, (y,))])

    return Computed(a.shape, how, is_sum=True)


def add_all(parts: ValueNode, bias: ValueNode) -> ValueNode:  # [T, H, d], [d] -> [T, d]
    def how(read: Read, row: int, column: int) -> Made:
        summands, shift = [part.at(column) for part in parts[row]], bias.at(column)
        arguments = ([[[value] for value in summands]], [shift])
        return made(ops.add_all, arguments, (0, 0), [Part(ITSELF, (value,)) for value in (*summands, shift)])

    return Computed((parts.shape[0], parts.shape[2]), how, is_sum=True)


def divide(x: ValueNode, divisor: float) -> ValueNode:  # [H, T, S] -> [H, T, S]
    def how(read: Read, *index: int) -> Made:
        value, by = x.at(*index), KnownNumber(divisor, "divisor")
        return made(ops.divide, ([[[value]]], by), (0, 0, 0), [Part(QUOTIENT, (value, by))])

    return Computed(x.shape, how)


# Layer norm


def mean(x: ValueNode) -> ValueNode:  # [T, d] -> [T, 1]
    def how(read: Read, row: int, _: int) -> Made:
        values, count = x.row(row), KnownNumber(x.shape[1], "dimensions")
        return made(ops.mean, ([values],), (0, 0), [Part(QUOTIENT, (value, count)) for value in values])

    return Computed((len(x), 1), how)


def variance(x: ValueNode, mean: ValueNode) -> ValueNode:  # [T, d], [T, 1] -> [T, 1]
    def how(read: Read, row: int, _: int) -> Made:
        values, middle, count = x.row(row), mean.at(row, 0), KnownNumber(x.shape[1], "dimensions")
        parts = [Part(SQUARE, (value, middle, count)) for value in values]
        return made(ops.variance, ([values], [[middle]]), (0, 0), parts)

    return Computed((len(x), 1), how)


def standard_deviation(variance: ValueNode, epsilon: float) -> ValueNode:  # [T, 1] -> [T, 1]
    def how(read: Read, row: int, _: int) -> Made:
        value, little = variance.at(row, 0), KnownNumber(epsilon, "ε")
        return made(ops.standard_deviation, ([[value]], little), (0, 0), [Part(ROOT, (value, little))])

    return Computed(variance.shape, how)


def normalize(x: ValueNode, mean: ValueNode, scale: ValueNode) -> ValueNode:  # [T, d], [T, 1], [T, 1] -> [T, d]
    def how(read: Read, row: int, column: int) -> Made:
        value, middle, size = x.at(row, column), mean.at(row, 0), scale.at(row, 0)
        parts = [Part(QUOTIENT, (value, size)), Part(TAKEN_OFF, (middle, size))]
        return made(ops.normalize, ([[value]], [[middle]], [[size]]), (0, 0), parts)

    return Computed(x.shape, how)


def scale_and_shift(x: ValueNode, gamma: ValueNode, beta: ValueNode) -> ValueNode:  # [T, d], [d], [d] -> [T, d]
    def how(read: Read, row: int, column: int) -> Made:
        value, gain, shift = x.at(row, column), gamma.at(column), beta.at(column)
        parts = [Part(PRODUCT, (value, gain)), Part(ITSELF, (shift,))]
        return made(ops.scale_and_shift, ([[value]], [gain], [shift]), (0, 0), parts)

    return Computed(x.shape, how)


# Attention


def causal_mask(scores: ValueNode) -> ValueNode:  # [H, T, S] -> [H, T, S]
    def how(read: Read, head: int, row: int, column: int) -> Made:
        _, rows, columns = scores.shape
        value, last = scores.at(head, row, column), row + columns - rows
        # the last row that the mask is given belongs to the last column
        below = [[[value] * columns] * (columns - last)]
        parts = [Part(ITSELF, (value,)) if column <= last else Part(HIDDEN, ())]
        return made(ops.causal_mask, (below,), (0, 0, column), parts)

    return Computed(scores.shape, how)


def softmax(scores: ValueNode) -> ValueNode:  # [H, T, S] -> [H, T, S]
    def total(read: Read, *index: int) -> Made:
        row = scores.row(*index)
        top = largest(row, read)
        parts = tuple(Part(EXPONENTIAL, (score, top)) for score in row)
        return Made(ops.softmax_row, parts, lambda read: sum_of(parts, read))

    def share(read: Read, *index: int) -> Made:
        row, column = scores.row(*index[:-1]), index[-1]
        operands = row[column], largest(row, read), totals.at(*index[:-1])
        return made(ops.softmax_row, (row,), (column,), [Part(SHARE, operands)])

    totals, shares = Computed(scores.shape[:-1], total), Computed(scores.shape, share)
    shares.inner["total"] = totals
    return shares


def largest(numbers: Sequence[Number], read: Read) -> Number:
    """The index of the largest number; of several, the first."""
    values = [read(number) for number in numbers]
    return max(zip(numbers, values), key=lambda pair: -math.inf if pair[1] is None else pair[1])[0]


def sum_of(parts: Iterable[Part], read: Read) -> float | None:
    """The sum of the parts, one after the other from the first; None where one is not known."""
    total: float | None = None
    for part in parts:
        value = value_of(part, read)
        if value is None:
            return None
        total = value if total is None else total + value  # `sum` begins with 0, which turns -0.0 into 0.0
    return 0.0 if total is None else float(total)


def value_of(part: Part, read: Read) -> float | None:
    """The value of a part; None where an operand is not known."""
    values = [read(operand) for operand in part.operands]
    return None if None in values else part.how.value(*values)


# Activations


def activate(x: ValueNode, activation: str) -> ValueNode:  # [T, m] -> [T, m]
    function = ops.ACTIVATIONS[activation]
    how_in_writing = How(function, ACTIVATIONS[function])

    def how(read: Read, row: int, column: int) -> Made:
        value = x.at(row, column)
        return made(function, (value,), (), [Part(how_in_writing, (value,))])

    return Computed(x.shape, how)


# Looking up and rearranging


def take(matrix: ValueNode, rows: Sequence[int]) -> ValueNode:  # [V, d], [T] -> [T, d]
    def how(read: Read, row: int, column: int) -> Made:
        value, chosen = matrix.at(rows[row], column), rows[row]
        number = chosen.number if isinstance(chosen, TokenId) else KnownNumber(chosen, "position")
        return made(ops.take, ([[value]], [0]), (0, 0), [Part(LOOKED_UP, (number, value))])

    return Computed((len(rows), matrix.shape[1]), how)


def transpose(matrix: ValueNode) -> ValueNode:  # [n, m] -> [m, n]
    return Rearranged(matrix.shape[::-1], lambda row, column: matrix.at(column, row))


def concatenate(a: ValueNode, b: ValueNode) -> ValueNode:  # [P, ...], [T, ...] -> [P + T, ...]
    def where(row: int, *rest: int) -> Number:
        return a.at(row, *rest) if row < len(a) else b.at(row - len(a), *rest)

    return Rearranged((len(a) + len(b), *a.shape[1:]), where)


def split_heads(x: ValueNode, n_head: int) -> ValueNode:  # [T, H·e] -> [T, H, e]
    width = x.shape[1] // n_head
    return Rearranged((len(x), n_head, width), lambda row, head, column: x.at(row, head * width + column))


def merge_heads(x: ValueNode) -> ValueNode:  # [T, H, e] -> [T, H·e]
    rows, heads, width = x.shape
    return Rearranged((rows, heads * width), lambda row, column: x.at(row, *divmod(column, width)))


def split_columns(x: ValueNode, parts: int) -> list[ValueNode]:  # [T, parts·d] -> parts x [T, d]
    width = x.shape[1] // parts

    def part(number: int) -> ValueNode:
        return Rearranged((len(x), width), lambda row, column: x.at(row, number * width + column))

    return [part(number) for number in range(parts)]


def swap(x: ValueNode) -> ValueNode:  # [A, B, e] -> [B, A, e]
    first, second, *rest = x.shape
    return Rearranged((second, first, *rest), lambda a, b, *others: x.at(b, a, *others))


def stack(matrices: Sequence[ValueNode]) -> ValueNode:  # H x [T, S] -> [H, T, S]
    return Rearranged((len(matrices), *matrices[0].shape), lambda number, *rest: matrices[number].at(*rest))
