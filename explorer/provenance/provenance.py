"""Explanations of a run's numbers, and the numbers themselves by name."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from explorer.engine.weights import leaves
from explorer.errors import CellError
from explorer.provenance import operations
from explorer.provenance.explanation import Explanation, Factor, Term
from explorer.provenance.graph import Graph
from explorer.provenance.ledger import Ledger
from explorer.provenance.names import DRAWN, TOKENS, axes_of, similar
from explorer.provenance.nodes import (
    Computed,
    KnownNumber,
    Lazy,
    Made,
    Named,
    Number,
    Part,
    Read,
    Shape,
    ValueNode,
    Weight,
)
from explorer.provenance.run import Run
from explorer.runs.cells import Cell, misfit
from explorer.terminal.glyphs import quoted
from gpt import draw, ops
from gpt.hooks import HEAD_RESULTS

_REMEMBERED = 50  # explanations: one may have thousands of terms


class Provenance:
    """Where the numbers of a run came from. Only what is asked for is worked out."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._graphs: dict[bool, tuple[list[int], Graph]] = {}
        self._weights: dict[str, Any] = {}
        self._weights_of: object = None
        self._state: object = None  # what the explanations below are of
        self._explained: dict[tuple[Cell, bool], Explanation] = {}
        self.ledger = Ledger(run, lambda position, token: self._graph().nodes["logits"].at(position, token))

    # What there is

    def node(self, name: str) -> ValueNode:
        """The tensor of that name; CellError if there is none."""
        node = self._graph().nodes.get(name) or self.ledger.nodes.get(name)
        if node is None and HEAD_RESULTS in name:
            node = self._graph(by_head=True).nodes.get(name)
        if node is None:
            names = [*self._graph(by_head=True).nodes, *self.ledger.nodes]
            raise CellError(f"there is no {quoted(name)} in this model: {similar(name, names)}")
        return node

    def shape(self, name: str) -> Shape:
        """The shape of the value of that name in this run; CellError if there is none."""
        node = self.node(name)
        if name in self.ledger.nodes:
            return (len(self.run.ids), *node.shape[1:])
        return node.stored(node.shape) if isinstance(node, Weight) else node.shape

    def check(self, cell: Cell) -> None:
        """CellError unless there is such a number in this run."""
        shape = self.shape(cell.name)
        if wrong := misfit(cell, shape, axes_of(cell.name, self.run.trace.axes)):
            raise CellError(f"there is no {cell}: {wrong}")

    def value(self, cell: Cell) -> float | None:
        """The number at that place; None where it is not computed, recorded or loaded."""
        return self._reader()(self._number(cell))

    def _number(self, cell: Cell) -> Number:
        node = self.node(cell.name)
        return Number(node, node.stored(cell.index) if isinstance(node, Weight) else cell.index)

    def _graph(self, by_head: bool = False) -> Graph:
        ids, graph = self._graphs.get(by_head, ([], None))
        if graph is None or ids != self.run.ids:
            ids = list(self.run.ids)
            graph = Graph(self.run.trace.config, ids, head_results=by_head)
            self._graphs[by_head] = ids, graph
        return graph

    def _reader(self) -> Read:
        """A function that looks numbers up, each tensor only once."""
        tensors = _Tensors(self._tensor)

        def read(operand: Number | KnownNumber) -> float | None:
            if isinstance(operand, KnownNumber):
                return operand.value
            node, index = operand
            value = tensors[node]
            if value is None:  # on the way to what was recorded
                assert isinstance(node, Computed)
                return node.made(read, *index).compute(read)
            try:
                for i in index:
                    value = value[i]
            except (IndexError, KeyError):
                return None
            return None if value is None else float(value)

        return read

    def _tensor(self, node: ValueNode) -> Any:
        """The values of a node; () where there are none, None where it was not recorded."""
        trace, name = self.run.trace, node.name
        if isinstance(node, Weight):
            return self._all_weights().get(name, ())
        if name == TOKENS:
            return self.run.ids
        if name in self.ledger.nodes:
            return _Rows(lambda position: self.ledger.values(name, position))
        if isinstance(node, Computed):
            return None
        if name.endswith(HEAD_RESULTS):
            layer = int(name.split(".")[1])
            return _Rows(lambda position: trace.head_writes(layer, position))
        return trace.value(name) if trace.positions(name) else ()

    def _all_weights(self) -> dict[str, Any]:
        """The model's vectors and matrices under the checkpoint's names; none in a recorded run."""
        weights = self.run.trace.weights
        if self._weights_of is not weights:
            names = [leaf.name for leaf in leaves(self._graph().weights)]
            self._weights = dict(zip(names, leaves(weights))) if weights is not None else {}
            self._weights_of = weights
        return self._weights

    # What it was made of

    def explain(self, cell: Cell, unrolled: bool = False) -> Explanation:
        """Why the number has its value; CellError if there is no such number.

        `unrolled` takes a sum of sums apart: a residual stream into all that was written into it, by embedding, head
        and MLP.
        """
        run = self.run
        state = (run.trace, run.trace.version, run.draws.sampling, run.draws.seed, len(run.ids))
        if state != self._state:
            self._state = state
            self._explained.clear()
        if (cell, unrolled) not in self._explained:
            if len(self._explained) >= _REMEMBERED:
                del self._explained[next(iter(self._explained))]
            self._explained[cell, unrolled] = self._explain(cell, unrolled)
        return self._explained[cell, unrolled]

    def _explain(self, cell: Cell, unrolled: bool) -> Explanation:
        self.check(cell)
        read = self._reader()
        value = read(self._number(cell))
        unrolled = unrolled and self.can_unroll(cell)
        made = self._unrolled(cell, read) if unrolled else self._made(cell, read) if value is not None else None
        if made is None:
            return Explanation(cell, value, Lazy(_no_term, ()), None, None)
        parts = made.parts
        values: Sequence[float | None] = made.values or [operations.value_of(part, read) for part in parts]
        terms = Lazy(lambda number: _term(parts[number], values[number], read), range(len(parts)))
        return Explanation(cell, value, terms, made.compute(read), made.function, values, unrolled)

    def _made(self, cell: Cell, read: Read) -> Made | None:
        """How the number was made; None if it was typed or learned."""
        if cell.name == TOKENS:
            return self._token(*cell.index)
        source = self._source(self._number(cell))
        if isinstance(source.node, Named):  # the same number under a second name
            part, origin = Part(operations.ITSELF, (source,)), self._made(source.node.cell(source.index), read)
            return origin and Made(origin.function, (part,), lambda read: read(source))
        return source.node.made(read, *source.index) if isinstance(source.node, Computed) else None

    def _token(self, position: int) -> Made | None:
        if position < self.run.prompt_length:
            return None
        drawn = self.ledger.nodes[DRAWN].at(position - 1)
        return Made(draw, (Part(operations.ITSELF, (drawn,)),), lambda read: read(drawn))

    def _source(self, number: Number) -> Number:
        """The value of that name."""
        return number.node.node.at(*number.index) if isinstance(number.node, Named) else number

    def can_unroll(self, cell: Cell) -> bool:
        """Whether the number is a sum of others, which may be sums themselves."""
        if "hook_" not in cell.name:
            return False
        source = self._graph(by_head=True).nodes[cell.name].at(*cell.index)
        while isinstance(source.node, Named):
            source = self._source(source)
        return isinstance(source.node, Computed) and source.node.is_sum

    def _unrolled(self, cell: Cell, read: Read) -> Made:
        """All that the number is the sum of, in the order in which it was written."""
        numbers = list(self._summands(self._graph(by_head=True).nodes[cell.name].at(*cell.index), read))
        parts = tuple(Part(operations.ITSELF, (number,)) for number in numbers)
        return Made(ops.add, parts, lambda read: operations.sum_of(parts, read))

    def _summands(self, number: Number, read: Read) -> Iterator[Number]:
        source = self._source(number)
        if isinstance(source.node, Named):
            yield from self._summands(source, read)
        elif isinstance(source.node, Computed) and source.node.is_sum:
            for part in source.node.made(read, *source.index).parts:
                (summand,) = part.operands
                assert isinstance(summand, Number)
                yield from self._summands(summand, read)
        else:
            yield number


class _Tensors(dict[ValueNode, Any]):
    """The values of nodes, each looked for when it is first asked for."""

    def __init__(self, find: Callable[[ValueNode], Any]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, node: ValueNode) -> Any:
        self[node] = self._find(node)
        return self[node]


class _Rows(dict[int, Any]):
    """Values by position, each worked out when it is first asked for; no key where there is none."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, position: int) -> Any:
        row = self._find(position)
        if row is None:
            raise KeyError(position)
        self[position] = row
        return row


def _term(part: Part, value: float | None, read: Read) -> Term:
    return Term(value, tuple(_factor(operand, read(operand)) for operand in part.operands), part.how)


def _no_term(number: int) -> Term:
    raise IndexError(number)


def _factor(operand: Number | KnownNumber, value: float | None) -> Factor:
    if isinstance(operand, KnownNumber):
        return Factor(value, None, operand.label)
    return Factor(value, operand.node.cell(operand.index))
