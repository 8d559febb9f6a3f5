"""The source of `gpt/` as Python itself reads it: where a function stands, its statements, its loops, its colours."""

import ast
import dis
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import gpt
from gpt import GPT, GPTConfig, RandomTensors, activation_shapes, hooks, load_weights

Coloured = tuple[tuple[str, str], ...]
"""A line of source: texts, each with "keyword", "string", "comment", "number-literal" or ""."""

_PACKAGE = str(Path(gpt.__file__).parent)


class SourceLine(NamedTuple):
    """Where in `gpt/` a value is computed."""

    file: str
    function: str
    line: int


@dataclass(frozen=True)
class Source:
    """A function as it is written."""

    file: str  # "gpt/ops.py"
    function: str
    first: int  # the number of its first line
    lines: tuple[Coloured, ...]


@dataclass(frozen=True)
class Statement:
    """A statement's own lines: of one that holds others, the lines before them."""

    first: int
    last: int
    targets: tuple[str, ...]  # the names it gives a value to
    names: frozenset[str]  # all names that stand in it
    returns: bool


@dataclass(frozen=True, eq=False)
class Loop:
    """One `for` of a comprehension."""

    inner: frozenset[str]  # the names that are bound further in
    element: CodeType | None  # what is computed in each pass; none where another `for` or an `if` follows


@dataclass(frozen=True)
class Outline:
    """The statements of a file by each of their lines, its loops by where their targets are written.

    And the lines of its functions, decorators too, by the first of them.
    """

    statements: dict[int, Statement]
    loops: dict[tuple[int, int], Loop]
    functions: dict[int, range]


# Functions


@cache
def is_model_file(path: str) -> bool:
    """Whether a file is one of `gpt/`, the hooks left out: they compute nothing."""
    return str(Path(path).parent) == _PACKAGE and path != hooks.__file__


@cache
def short(path: str) -> str:
    """A file's name from the package on: "gpt/ops.py"."""
    return "/".join(Path(path).parts[-2:])


def source_of(function: Callable[..., Any]) -> Source:
    """The source of a function."""
    return source_of_code(inspect.unwrap(function).__code__)


@cache
def source_of_code(code: CodeType) -> Source:
    """The source of the function that was compiled to this."""
    lines = _lines(code)
    text = linecache.getlines(code.co_filename)[lines.start - 1 : lines.stop - 1]
    return Source(short(code.co_filename), code.co_qualname, lines.start, coloured("".join(text)))


def _lines(code: CodeType) -> range:
    """The lines of a function. `inspect` would ask the file system about every module that is loaded."""
    return outline(code.co_filename).functions[code.co_firstlineno]


def place_of(function: Callable[..., Any]) -> str:
    """The line that does a function's calculating: "gpt/ops.py:142 softmax_row"."""
    code = inspect.unwrap(function).__code__
    return f"{short(code.co_filename)}:{calculating_line(function)} {code.co_qualname}"


def calculating_line(function: Callable[..., Any]) -> int:
    """The line of the function's last `return`."""
    code = inspect.unwrap(function).__code__
    statements = outline(code.co_filename).statements
    return max(statements[line].first for line in _lines(code) if line in statements and statements[line].returns)


def read_ahead() -> None:
    """Read the files of the model, so that nothing here asks for a file later."""
    coloured("")
    for module in [module for name, module in sys.modules.items() if name.startswith(f"{gpt.__name__}.")]:
        if path := module.__file__:
            outline(path)


# Colours


def coloured(text: str) -> tuple[Coloured, ...]:
    """The lines of some Python, in the few colours that a pane needs."""
    lexers: Any = import_module("pygments.lexers.python")  # not before it is needed
    lines: list[list[tuple[str, str]]] = [[]]
    for token, piece in lexers.PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        style = _style(token)
        for number, part in enumerate(piece.split("\n")):
            if number:
                lines.append([])
            if part and lines[-1] and lines[-1][-1][1] == style:
                lines[-1][-1] = (lines[-1][-1][0] + part, style)
            elif part:
                lines[-1].append((part, style))
    return tuple(map(tuple, lines if lines[-1] else lines[:-1]))


def _style(token: Any) -> str:
    kinds: Any = import_module("pygments.token")
    for kind, style in (
        (kinds.Keyword, "keyword"),
        (kinds.Operator.Word, "keyword"),
        (kinds.String, "string"),
        (kinds.Comment, "comment"),
        (kinds.Number, "number-literal"),
    ):
        if token in kind:
            return style
    return ""


# Statements and loops


@cache
def outline(path: str) -> Outline:
    """The outline of a file."""
    tree = ast.parse("".join(linecache.getlines(path)))
    statements: dict[int, Statement] = {}
    functions: dict[int, range] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            statement = _statement(node)
            statements |= dict.fromkeys(range(statement.first, statement.last + 1), statement)
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
            functions[first] = range(first, (node.end_lineno or node.lineno) + 1)
    return Outline(statements, dict(_loops(tree, path)), functions)


def _statement(node: ast.stmt) -> Statement:
    body = getattr(node, "body", None)
    last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
    return Statement(
        node.lineno,
        last,
        tuple(_targets(node)),
        frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.lineno <= last),
        returns=isinstance(node, ast.Return),
    )


def _targets(node: ast.stmt) -> Iterator[str]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    return (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))


Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def _loops(tree: ast.AST, path: str) -> Iterator[tuple[tuple[int, int], Loop]]:
    """Every loop of every comprehension, by where its target is written."""
    for node in ast.walk(tree):
        if not isinstance(node, Comprehension):
            continue
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        bound = {name for element in elements for part in ast.walk(element) for name in _bound(part)}
        plain = len(elements) == 1
        for generator in reversed(node.generators):
            computed = plain and not generator.ifs
            element = compile(ast.Expression(elements[0]), path, "eval") if computed else None
            yield (generator.target.lineno, generator.target.col_offset), Loop(frozenset(bound), element)
            bound |= set(_bound(generator))
            plain = False


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.comprehension):
        yield from (part.id for part in ast.walk(node.target) if isinstance(part, ast.Name))


class Spot(NamedTuple):
    """An instruction: the loops that it is in, the outermost first, and the one of which it ends a pass."""

    loops: tuple[Loop, ...]
    closes: Loop | None


@cache
def spots(code: CodeType) -> dict[int, Spot]:
    """Every instruction of some compiled code that is in a loop of a comprehension, by its offset.

    Python 3.11 gives a comprehension code of its own, later ones put it into the function's.
    """
    known = outline(code.co_filename).loops
    instructions = list(dis.get_instructions(code))
    within: dict[int, tuple[Loop, ...]] = {}
    closes: dict[int, Loop] = {}
    for instruction, binding in pairwise(instructions):
        target = binding.positions
        loop = known.get((target.lineno or 0, target.col_offset or 0)) if target else None
        if instruction.opname != "FOR_ITER" or loop is None:
            continue
        start, end = instruction.offset, instruction.argval
        for offset in range(start, end, 2):  # two bytes each; a call is noted at the last of the caches behind it
            within[offset] = (*within.get(offset, ()), loop)
        closes[start] = loop
        jumps = (other.offset for other in instructions if "JUMP" in other.opname and other.argval == start)
        closes |= dict.fromkeys(jumps, loop)
    return {offset: Spot(loops, closes.get(offset)) for offset, loops in within.items()}


# Activations


def handing_frame() -> FrameType:
    """Called from within a hook: the frame that handed its value over, by calling `Run.see`."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename != hooks.__file__:
        frame = frame.f_back
    while frame and frame.f_code.co_filename == hooks.__file__:
        frame = frame.f_back
    if frame is None:
        raise LookupError("no hook is running")
    return frame


@cache
def where_computed(config: GPTConfig) -> dict[str, SourceLine]:
    """For every activation the line that hands it to the hook, found by running a tiny model."""
    tiny = replace(config, vocab_size=2, n_positions=2, n_embd=1, n_layer=1, n_head=1, n_inner=1)
    places: dict[str, SourceLine] = {}

    def note(name: str, value: Any) -> None:
        frame = handing_frame()
        line = outline(frame.f_code.co_filename).statements[frame.f_lineno].first
        places[name] = SourceLine(short(frame.f_code.co_filename), frame.f_code.co_qualname, line)

    GPT(tiny, load_weights(tiny, RandomTensors(tiny))).forward([0], hook=note, head_results=True)
    return {name: places[_in_first_block(name)] for name, _ in activation_shapes(config, True)}


def _in_first_block(name: str) -> str:
    """The same activation of block 0: where it is computed is the same in all of them."""
    block, _, rest = name.partition(".")[2].partition(".")
    return f"blocks.0.{rest}" if block.isdecimal() else name
