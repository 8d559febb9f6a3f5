"""The code behind every name: where the model hands it to the hook, and the functions of `gpt` that compute it."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from inspect import getsource, getsourcelines, unwrap
from operator import attrgetter
from types import FrameType, FunctionType
from typing import Any, NamedTuple

from explorer.code.source import calculating_line, source_of, where_computed
from explorer.errors import CellError
from explorer.provenance.graph import Graph
from explorer.provenance.names import DRAWN, LEDGER, TOKENS, TOTAL, axes_of, similar
from explorer.provenance.nodes import Computed, Named, ValueNode
from explorer.terminal.glyphs import quoted
from gpt import Distribution, GPTConfig, activation_shapes, draw, load_weights, ops, sampling, tensor_shapes
from gpt.hooks import HEAD_RESULTS, Run

_CONFIG = GPTConfig(vocab_size=11, n_positions=13, n_embd=14, n_layer=2, n_head=2, n_inner=5, tie_word_embeddings=False)
_LETTERS = {11: "V", 13: "C", 14: "d", 42: "3d", 5: "m"}
"""Sizes by which an axis of the checkpoint's tensors is recognised."""

_BLOCK = re.compile(r"^(blocks|h)\.(\d+)\.")


class Lit(NamedTuple):
    """A function of `gpt`, and its line that matters."""

    function: Callable[..., Any]
    line: int

    @property
    def place(self) -> str:
        return f"{source_of(self.function).file}:{self.line}"


@dataclass(frozen=True)
class Listing:
    """The code behind a name."""

    name: str
    axes: tuple[str, ...]  # the letters of its shape
    handed: Lit  # what hands it over
    functions: tuple[Lit, ...]  # what computes it

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "name": self.name,
            "shape": list(self.axes),
            "handed": _as_json(self.handed),
            "functions": list(map(_as_json, self.functions)),
        }


def _as_json(lit: Lit) -> dict[str, Any]:
    code = source_of(lit.function)
    lines = ["".join(text for text, _ in line) for line in code.lines]
    return {"file": code.file, "function": code.function, "line": lit.line, "first": code.first, "code": lines}


@cache
def all_names() -> dict[str, tuple[str, ...]]:
    """Every name with the letters of its shape: of the blocks the first, which stands for all of them."""
    activations = {name: axes for name, axes in activation_shapes(_CONFIG, True) if not name.startswith("blocks.1.")}
    letters = {name: "".join(axes) for name, axes in activations.items()}
    found = {TOKENS: ("T",), **activations}
    others = [f"blocks.0.attn.hook_pattern{TOTAL}", *LEDGER, *(f"{name}{TOTAL}" for name in LEDGER[1::3]), DRAWN]
    found |= {name: tuple(axes_of(name, letters)) for name in others}
    tensors = {name: shape for name, shape in tensor_shapes(_CONFIG).items() if not name.startswith("h.1.")}
    return found | {name: tuple(_LETTERS[size] for size in shape) for name, shape in tensors.items()}


def listing(name: str) -> Listing:
    """The code behind a name, of whichever block; CellError if there is no such name."""
    known = _BLOCK.sub(r"\1.0.", name)
    if known not in all_names():
        raise CellError(f"there is no {quoted(name)}: {similar(known, all_names())}")
    functions = tuple(Lit(function, calculating_line(function)) for function in _functions(known))
    handed = _handed(known)
    return Listing(name, all_names()[known], handed, tuple(lit for lit in functions if lit.function != handed.function))


def listings() -> Iterator[Listing]:
    """All of them."""
    return map(listing, all_names())


# Where it is handed over


def _handed(name: str) -> Lit:
    if name in (TOKENS, DRAWN):
        return Lit(draw, calculating_line(draw))
    if name.endswith(TOTAL):
        return Lit(ops.softmax_row, _line_in(ops.softmax_row, _summing(ops.softmax_row)))
    if name in LEDGER:
        return Lit(sampling.distribution, _line_in(sampling.distribution, _giving(name)))
    if name in tensor_shapes(_CONFIG):
        return _loading()[name]
    place = where_computed(_CONFIG)[name]
    module = import_module(place.file.removesuffix(".py").replace("/", "."))
    return Lit(unwrap(attrgetter(place.function)(module)), place.line)


def _line_in(function: Callable[..., Any], statement: ast.stmt) -> int:
    return getsourcelines(function)[1] + statement.lineno - 1


def _statements(function: Callable[..., Any]) -> list[ast.Assign | ast.Return]:
    return [node for node in ast.walk(ast.parse(getsource(function))) if isinstance(node, ast.Assign | ast.Return)]


def _summing(function: Callable[..., Any]) -> ast.stmt:
    """The statement that adds up."""
    return next(
        node
        for node in _statements(function)
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == sum.__name__
    )


def _giving(name: str) -> ast.stmt:
    """The statement of `distribution` that computes a field of the Distribution which it returns.

    Whatever its variables are called: the field's place among the arguments says which of them it is.
    """
    statements = _statements(sampling.distribution)
    last = next(node for node in statements if isinstance(node, ast.Return))
    assert isinstance(last.value, ast.Call)
    place = [field.name for field in fields(Distribution)].index(name)
    variable = ast.unparse(last.value.args[place])
    return next((node for node in statements if variable in map(ast.unparse, getattr(node, "targets", ()))), last)


@cache
def _loading() -> dict[str, Lit]:
    """For every tensor of a checkpoint the line that asks for it."""
    lines: dict[str, Lit] = {}

    class Noting:
        def vector(self, name: str) -> None:
            lines[name] = Lit(load_weights, _asking(sys._getframe(1)))

        def matrix(self, name: str, *, transpose: bool = False) -> None:
            self.vector(name)

    load_weights(_CONFIG, Noting())  # type: ignore[arg-type]
    return lines


def _asking(frame: FrameType | None) -> int:
    """The line of `load_weights` itself, or of the part of it that reads a block."""
    while frame and frame.f_code.co_name not in (load_weights.__name__, "block"):
        frame = frame.f_back
    assert frame
    return frame.f_lineno


# What computes it


def _functions(name: str) -> list[Callable[..., Any]]:
    """Those that the line calls for this value, and the one that computes a single number of it."""
    if name in tensor_shapes(_CONFIG) or name in (TOKENS, DRAWN):
        return []
    if name.endswith(TOTAL):
        return []
    if name in LEDGER:
        called = ast.walk(_giving(name))
        return list(dict.fromkeys(filter(None, (_function(part, vars(sampling)) for part in called))))
    return list(dict.fromkeys([*_called(name), _of_a_number(name)]))


def _called(name: str) -> Iterator[Callable[..., Any]]:
    """The functions of `gpt` in what is handed to the hook under that name."""
    lit = _handed(name)
    names: dict[str, Any] = unwrap(lit.function).__globals__
    last = name.rpartition(".")[2]
    for call in ast.walk(ast.parse(_dedented(lit.function))):
        if isinstance(call, ast.Call) and len(call.args) == 2 and _says(call.args[0], last, names):
            yield from filter(None, (_function(part, names) for part in _within(call.args[1])))


def _dedented(function: Callable[..., Any]) -> str:
    from textwrap import dedent

    return dedent(getsource(function))


def _says(node: ast.expr, text: str, names: dict[str, Any]) -> bool:
    return (names.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)) == text


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """The functions that an expression calls; a function that is only passed on is left out."""
    if isinstance(node, ast.Call):
        yield node.func
        if getattr(node.func, "attr", "") == Run.see.__name__:
            return
    for inner in ast.iter_child_nodes(node):
        yield from _within(inner)


def _function(node: ast.AST, names: dict[str, Any]) -> Callable[..., Any] | None:
    """`ops.linear`, or a function of the module; `ops` is a parameter there."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("ops"):
        return getattr(ops, node.attr, None)
    found = names.get(node.id) if isinstance(node, ast.Name) else None
    return found if isinstance(found, FunctionType) and found.__module__.startswith("gpt.") else None


def _of_a_number(name: str) -> Callable[..., Any]:
    """The function that makes one number of an activation."""
    node: ValueNode = _graph(HEAD_RESULTS in name).nodes[name]
    index = (0,) * len(node.shape)
    while not isinstance(node, Computed):
        node, index = (node.node if isinstance(node, Named) else node).at(*index)
    return node.made(lambda operand: None, *index).function


@cache
def _graph(by_head: bool) -> Graph:
    return Graph(_CONFIG, [0, 0], by_head)
