"""The places of a module that can be changed, and its source with one of them changed."""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_TEXT = ast.Constant | ast.JoinedStr


@dataclass(frozen=True)
class Mutant:
    """A source with one place changed."""

    line: int
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class _Place:
    """A node that is changed, and the node around it whose text is written anew."""

    node: ast.AST
    written: ast.AST
    change: Callable[[], None] | None  # changes the node; None: the statement is left out


def count(source: str) -> int:
    """How many places can be changed."""
    return sum(1 for _ in _places(ast.parse(source)))


def mutant(source: str, number: int) -> Mutant | None:
    """The source with that place changed; None where it cannot be written."""
    place = next(found for index, found in enumerate(_places(ast.parse(source))) if index == number)
    start, end = _span(source, place.written)
    before = source.encode()[start:end].decode()
    if place.change is None:
        after = "pass"
    else:
        place.change()
        try:
            written = place.node.test if isinstance(place.node, ast.If) else place.written
            after = f"({ast.unparse(written)})"
        except ValueError:  # a string within a string, with the quotation marks of both
            return None
    changed = (source.encode()[:start] + after.encode() + source.encode()[end:]).decode()
    try:
        ast.parse(changed)
    except SyntaxError:
        return None
    return Mutant(getattr(place.node, "lineno", 0), before, after, changed)


def _span(source: str, node: ast.AST) -> tuple[int, int]:
    """Where a node begins and ends, in bytes of UTF-8."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    return starts[first - 1] + getattr(node, "col_offset", 0), starts[last - 1] + getattr(node, "end_col_offset", 0)


def _places(tree: ast.AST, text: ast.AST | None = None) -> Iterator[_Place]:
    """Every place, in the order of the source; `text` is the formatted string that it is in, if it is in one."""
    for node in _children(tree):
        inside = node if isinstance(node, ast.JoinedStr) and text is None and sys.version_info < (3, 12) else text
        for change in _changes(node):
            yield _Place(node, inside or (node.test if isinstance(node, ast.If) else node), change)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield _Place(node, node, None)
        yield from _places(node, inside)


def _children(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes within a node that do something when the program runs: no annotations, decorators or imports."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases", "keywords") and isinstance(
            tree, ast.arg | ast.AnnAssign | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.AST):
                yield node


def _changes(node: ast.AST) -> Iterator[Callable[[], None]]:
    """The ways to change a node; each is applied to a tree of its own."""
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if type(operator) in _COMPARED:
                yield partial(node.ops.__setitem__, index, _COMPARED[type(operator)]())
    elif isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED and not isinstance(node.left, _TEXT):
        yield lambda: setattr(node, "op", _COMPUTED[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node)
    elif isinstance(node, ast.If | ast.IfExp):
        yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))


def _other_constants(node: ast.Constant) -> Iterator[Callable[[], None]]:
    value = node.value
    if isinstance(value, bool):
        yield lambda: setattr(node, "value", not value)
    elif isinstance(value, int):
        yield lambda: setattr(node, "value", value + 1)
    elif isinstance(value, float):
        yield lambda: setattr(node, "value", value * 2 + 1)
