"""Expressions in texts: `{probability(" Lily"):.0%}` is replaced by a number of the run."""

import ast
import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from simpleeval import FunctionNotDefined, InvalidExpression, NameNotDefined, SimpleEval

from explorer.errors import CellError
from explorer.teaching.errors import FactError, NotKnownError
from explorer.teaching.facts import functions, names
from explorer.teaching.here import Here

UNKNOWN = "…"
"""Stands for a number that is not computed yet."""

_HOLE = re.compile(
    r"""(?P<brace>\{\{|\}\})|\{(?P<expression>(?:[^{}:"']|"[^"]*"|'[^']*')+)(?::(?P<format>[^{}]*))?\}|[{}]"""
)
_WRONG = (InvalidExpression, SyntaxError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
_SIGNS = str.maketrans({"-": "−"})


def evaluate(expression: str, here: Here, given: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """The value of an expression: Python's arithmetic, comparisons, and the functions of `facts`.

    `given` are names beside those of `facts`, or in their place. FactError where it cannot be evaluated; NotKnownError,
    a kind of it, where a number is not computed yet.
    """
    evaluator = SimpleEval(
        functions={name: partial(function, here) for name, function in functions().items()},
        names={**names(here), **given},
    )
    try:
        return evaluator.eval(expression.strip())
    except FactError:
        raise
    except FunctionNotDefined as error:
        known = ", ".join(functions())
        raise FactError(f"{expression!r}: there is no function {error.func_name}. There are: {known}.") from error
    except NameNotDefined as error:
        known = ", ".join({**names(here), **given})
        raise FactError(f"{expression!r}: there is no name {error.name}. There are: {known}.") from error
    except CellError as error:
        raise FactError(f"{expression!r}: {error}") from error
    except (
        InvalidExpression,
        SyntaxError,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise FactError(f"{expression!r} cannot be worked out: {error}.") from error


def fill(text: str, here: Here, given: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The text with its expressions replaced; one that is not computed yet is "…". `given` as in `evaluate`."""
    filled = []
    for before, expression, form in holes(text):
        filled.append(before)
        if expression is None:
            continue
        try:
            filled.append(formatted(evaluate(expression, here, given), form))
        except NotKnownError:
            filled.append(UNKNOWN)
    return "".join(filled)


def holes(text: str) -> list[tuple[str, str | None, str]]:
    """The pieces of a text: what stands before an expression, the expression, and its format.

    The last piece has no expression. A brace that is meant is written twice.
    """
    found: list[tuple[str, str | None, str]] = []
    before, end = "", 0
    for hole in _HOLE.finditer(text):
        before += text[end : hole.start()]
        end = hole.end()
        if hole["brace"]:
            before += hole["brace"][0]
        elif hole["expression"] is None:
            raise FactError(f"{text[hole.start() :][:40]!r}: a brace without its other half. A brace is written twice.")
        else:
            found.append((before, hole["expression"], hole["format"] or ""))
            before = ""
    return [*found, (before + text[end:], None, "")]


def formatted(value: Any, form: str) -> str:
    """A value in words: its format is Python's, its minus sign is a minus sign."""
    try:
        words = format(value, form)
    except (TypeError, ValueError) as error:
        raise FactError(f"{value!r} cannot be written as {form!r}: {error}.") from error
    return words if isinstance(value, str) else words.translate(_SIGNS)


def check_expression(expression: str) -> None:
    """FactError unless it is well formed and uses known functions only."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise FactError(f"{expression!r} is no expression: {error}.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in functions()):
            raise FactError(
                f"{expression!r}: {ast.unparse(node.func)} is no function. There are: {', '.join(functions())}."
            )
