"""Breaks a function on purpose: its source with one piece of text replaced, put in place of the original."""

import inspect
from types import FunctionType, ModuleType
from typing import Any

import pytest


def mutate(patch: pytest.MonkeyPatch, module: ModuleType, old: str, new: str) -> None:
    """Replace `old`, which must stand in the module's source once, in every function that holds it.

    Only the code of the functions is exchanged, so whoever has imported one of them gets the broken one too.
    """
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {module.__name__}"
    mutated = dict(vars(module))
    exec(compile(source.replace(old, new), str(module.__file__), "exec"), mutated)
    changed = 0
    for name, function in _functions(module).items():
        broken = _find(mutated, name).__code__
        if _differs(function.__code__, broken):
            patch.setattr(function, "__code__", broken)
            changed += 1
    assert changed, f"{old!r} is not in a function of {module.__name__}"


def _functions(module: ModuleType) -> dict[str, FunctionType]:
    """Every function and method that the module defines, by its qualified name."""
    found = {}
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        members = vars(value).values() if inspect.isclass(value) else [value]
        for member in members:
            if isinstance(member, FunctionType) and member.__code__.co_filename == module.__file__:
                found[member.__qualname__] = member
    return found


def _find(names: dict[str, Any], qualified: str) -> Any:
    first, *rest = qualified.split(".")
    value = names[first]
    for name in rest:
        value = vars(value)[name]
    return value


def _differs(a: Any, b: Any) -> bool:
    """Whether two functions do something else; where their lines stand is no difference."""
    return (a.co_code, a.co_names) != (b.co_code, b.co_names) or any(
        _differs(x, y) if inspect.iscode(x) and inspect.iscode(y) else x != y
        for x, y in zip(a.co_consts, b.co_consts, strict=False)
    )
