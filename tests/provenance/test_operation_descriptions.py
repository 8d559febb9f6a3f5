"""Each operation as it is described on nodes: its result, its parts, and what its text says, on random numbers."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from explorer.provenance import operations
from explorer.provenance.nodes import Computed, KnownNumber, Named, Number, Part, TokenId, ValueNode
from gpt import GPT, ops
from tests.helpers.models import small_model

LEAVES: dict[str, Callable[..., Any]] = {
    "matmul_transposed": lambda make: (make(3, 5), make(4, 5)),
    "matmul": lambda make: (make(3, 5), make(5, 4)),
    "linear": lambda make: (make(3, 5), make(4, 5), make(4)),
    "add": lambda make: (make(3, 5), make(3, 5)),
    "add_all": lambda make: (make(3, 2, 5), make(5)),
    "divide": lambda make: (make(2, 3, 4), 2.5),
    "mean": lambda make: (make(3, 5),),
    "variance": lambda make: (make(3, 5), make(3, 1)),
    "standard_deviation": lambda make: (make(3, 1, positive=True), 0.01),
    "normalize": lambda make: (make(3, 5), make(3, 1), make(3, 1)),
    "scale_and_shift": lambda make: (make(3, 5), make(5), make(5)),
    "causal_mask": lambda make: (make(2, 3, 5),),
    "softmax": lambda make: (make(2, 3, 5),),
    **{f"activate {name}": lambda make, name=name: (make(4, 5), name) for name in ops.ACTIVATIONS},
    "take": lambda make: (make(4, 5), [2, 0, 2]),
    "transpose": lambda make: (make(3, 5),),
    "concatenate": lambda make: (make(2, 3, 4), make(4, 3, 4)),
    "split_heads": lambda make: (make(3, 6), 2),
    "merge_heads": lambda make: (make(3, 2, 4),),
    "split_columns": lambda make: (make(3, 6), 3),
    "swap": lambda make: (make(3, 2, 4),),
    "stack": lambda make: ([make(3, 4), make(3, 4)],),
}
"""For each operation arguments of random numbers, made by a function from shapes to them."""


class Both:
    """Random arguments twice: as numbers, and as nodes from which they can be read."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.known: dict[ValueNode, Any] = {}

    def make(self, *shape: int, positive: bool = False) -> ValueNode:
        node = Named(f"argument {len(self.known)}", ValueNode(shape))
        values = self.random.normal(0, 2, shape)
        self.known[node] = (np.abs(values) if positive else values).tolist()
        return node

    def numbers(self, argument: Any) -> Any:
        if isinstance(argument, list):
            return [self.numbers(part) for part in argument]
        return self.known[argument] if isinstance(argument, ValueNode) else argument

    def read(self, operand: Any) -> float | None:
        if isinstance(operand, KnownNumber):
            return operand.value
        if isinstance(operand.node, Computed):
            return operand.node.made(self.read, *operand.index).compute(self.read)
        value = self.known[operand.node]
        for i in operand.index:
            value = value[i]
        return float(value)


def results(found: Any, expected: Any, *index: int) -> Iterator[tuple[Number, float]]:
    """Every number of a result, as a node has it and as a list."""
    if not hasattr(expected, "__len__"):
        yield found.at(*index), expected
        return
    for i, inner in enumerate(expected):
        if isinstance(found, list):
            yield from results(found[i], inner)
        else:
            yield from results(found, inner, *index, i)


@pytest.mark.parametrize("operation", LEAVES)
def test_an_operation_is_described_as_it_is(operation: str) -> None:
    """Its result, from its operands; its sum, from its parts; and each part as its text says."""
    name = operation.split()[0]
    both = Both(len(operation))
    arguments = LEAVES[operation](both.make)
    expected = getattr(ops, name)(*map(both.numbers, arguments))
    for number, value in results(getattr(operations, name)(*arguments), expected):
        if not isinstance(number.node, Computed):
            assert both.read(number) == value
            continue
        made = number.node.made(both.read, *number.index)
        assert made.compute(both.read) == value
        assert made.function.__module__ == "gpt.ops"
        found = operations.sum_of(made.parts, both.read)
        assert found == pytest.approx(value, rel=1e-12, abs=1e-12)
        for part in made.parts:
            assert_says_what_it_is(part, both.read)


ARITHMETIC = str.maketrans({"−": "-", "·": "*", "∞": "inf", "½": "0.5", "π": "pi", "²": "**2", "³": "**3", "√": "sqrt"})
NAMES: dict[str, Any] = {name: getattr(math, name) for name in ("exp", "sqrt", "tanh", "erf", "inf", "pi")}
NAMES |= {"max": max, "sigmoid": lambda x: 1 / (1 + math.exp(-x)), "__builtins__": {}}


def assert_says_what_it_is(part: Part, read: Callable[[Any], float | None]) -> None:
    """The text, taken as arithmetic, is the value."""
    values = [read(operand) for operand in part.operands]
    text = part.how.text.partition(", the key")[0].replace("row {} of the table: ", "0 · {} + ")
    formula = text.format(*(f"({value!r})" for value in values)).replace("√2", "√(2)").translate(ARITHMETIC)
    assert eval(formula, NAMES) == pytest.approx(part.how.value(*values), rel=1e-9, abs=1e-15), part.how.text


def test_every_operation_of_a_run_is_described() -> None:
    """None is missing, and all that are described are tried above."""
    used: set[str] = set()

    class Noting:
        def __getattr__(self, name: str) -> Any:
            used.add(name)
            return getattr(ops, name)

    plain = small_model()
    for head_results in (False, True):
        GPT(plain.config, plain.weights, ops=Noting()).forward([1, 2, 3], head_results=head_results)
    described = {
        name for name in vars(operations) if hasattr(ops, name) and callable(getattr(ops, name)) and name.islower()
    }
    assert used <= described
    assert used <= {name.split()[0] for name in LEAVES}
    assert set(operations.ACTIVATIONS) == set(ops.ACTIVATIONS.values())


def test_a_token_is_looked_up_by_its_id() -> None:
    token = TokenId(2)
    token.number = Number(ValueNode((1,)), (0,))
    both = Both(0)
    (part,) = operations.take(both.make(4, 5), [token]).at(0, 3).node.made(both.read, 0, 3).parts
    assert part.operands[0] is token.number
