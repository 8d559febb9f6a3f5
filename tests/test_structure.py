"""The classes of the model and of the explorer stay small."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import explorer
import gpt

MOST = 25  # methods of a class, those inherited from our own classes counted


def classes() -> Iterator[type]:
    """All classes of the two packages."""
    for package in (explorer, gpt):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".__main__"):  # it would start the program
                continue
            try:
                imported = importlib.import_module(module.name)
            except ModuleNotFoundError as missing:  # it needs an extra that is not installed here
                if (missing.name or "").startswith(("explorer", "gpt")):
                    raise
                continue
            for _, found in inspect.getmembers(imported, inspect.isclass):
                if found.__module__ == module.name:
                    yield found


def methods(of: type) -> set[str]:
    """The methods and properties that our own code gives a class."""
    return {
        name
        for base in of.__mro__
        if base.__module__.startswith(("explorer.", "gpt."))
        for name, member in vars(base).items()
        if inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod)
    }


def test_no_class_has_too_many_methods() -> None:
    found = {f"{of.__module__}.{of.__qualname__}": len(methods(of)) for of in classes()}
    assert found["explorer.screen.main.screen.MainScreen"] > 10
    assert found["explorer.views.lens.view.LensView"] > found["explorer.views.view.View"] > 5, "inherited ones count"
    assert {name: count for name, count in found.items() if count > MOST} == {}
