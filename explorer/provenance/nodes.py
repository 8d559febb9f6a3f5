"""Tensors that have a shape and no values, and a rule for how each of their numbers is made of others.

The model's own forward pass, run on these instead of numbers, says how everything in it hangs together. Nothing about
the model's wiring is written down a second time.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, overload

from explorer.runs.cells import Cell

Shape = tuple[int, ...]
Read = Callable[[Any], float | None]
"""The value of a Number or of a KnownNumber; None where it is not there."""

T = TypeVar("T")


class Lazy(Sequence[T]):
    """A sequence whose items are made when they are looked at: a sum over the vocabulary has tens of thousands."""

    def __init__(self, make: Callable[[int], T], order: Sequence[int]) -> None:
        self._make = make
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, key: int) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> "Lazy[T]": ...
    def __getitem__(self, key: int | slice) -> "T | Lazy[T]":
        return Lazy(self._make, self.order[key]) if isinstance(key, slice) else self._make(self.order[key])


class How(NamedTuple):
    """How a few numbers become one: as a function, and as text with a {} for each of them."""

    value: Callable[..., float]
    text: str
    roles: tuple[str, ...] = ()  # what each of them is in it, where that needs saying


class KnownNumber(NamedTuple):
    """A number that no operation computed, such as a count or a setting."""

    value: float
    label: str


class Part(NamedTuple):
    """A term of a sum: a few operands, and how they become one number. An explanation goes on at the first operand."""

    how: How
    operands: tuple["Number | KnownNumber", ...]


class Made(NamedTuple):
    """How one number is made: it is the sum of its parts, and what a function of `gpt` computes."""

    function: Callable[..., Any]
    parts: Sequence[Part]
    compute: Callable[[Read], float | None]  # by that very function, from this number's operands alone
    values: Sequence[float] | None = None  # of the parts, where they need not be worked out one by one


class ValueNode:
    """A tensor by its shape. Rows can be taken from it as from a list."""

    name = ""  # what it is called in the run, where it has a name

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def at(self, *index: int) -> "Number":
        """One of its numbers."""
        return Number(self, index)

    def cell(self, index: tuple[int, ...]) -> Cell:
        """The cell of one of its numbers."""
        return Cell(self.name, index)

    def row(self, *index: int) -> list["Number"]:
        """The numbers along the last axis."""
        return [self.at(*index, i) for i in range(self.shape[-1])]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator["ValueNode"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: int | slice) -> "ValueNode":
        if isinstance(key, slice):
            rows = range(len(self))[key]
            return Rearranged((len(rows), *self.shape[1:]), lambda i, *rest: self.at(rows[i], *rest))
        position = range(len(self))[key]
        return Rearranged(self.shape[1:], lambda *rest: self.at(position, *rest))


class Number(NamedTuple):
    """One number of a node that is not a rearrangement of others."""

    node: ValueNode
    index: tuple[int, ...]  # type: ignore[assignment] # a tuple's own `index` is not missed


class Rearranged(ValueNode):
    """The same numbers in another order: nothing is computed."""

    def __init__(self, shape: Shape, where: Callable[..., Number]) -> None:
        super().__init__(shape)
        self._where = where

    def at(self, *index: int) -> Number:
        return self._where(*index)


class Computed(ValueNode):
    """The result of an operation; `made(read, *index)` says how one of its numbers is made."""

    def __init__(self, shape: Shape, made: Callable[..., Made], is_sum: bool = False) -> None:
        super().__init__(shape)
        self.made = made
        self.is_sum = is_sum  # its parts are whole numbers of other nodes
        self.inner: dict[str, Computed] = {}  # what comes up on the way to it


class Named(ValueNode):
    """The value that a hook sees under that name."""

    def __init__(self, name: str, node: ValueNode) -> None:
        super().__init__(node.shape)
        self.name = name
        self.node = node


class Weight(ValueNode):
    """A tensor of the checkpoint. A transposed one is kept the other way round than it is stored."""

    def __init__(self, name: str, shape: Shape, transposed: bool = False) -> None:
        super().__init__(shape[::-1] if transposed else shape)
        self.name = name
        self.transposed = transposed

    def cell(self, index: tuple[int, ...]) -> Cell:
        return Cell(self.name, self.stored(index))

    def stored(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """From the index here to the one in the checkpoint, and back."""
        return index[::-1] if self.transposed else index


class TokenId(int):
    """A token id that knows where it stands in the prompt."""

    number: Number
