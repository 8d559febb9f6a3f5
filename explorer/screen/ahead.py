"""Modules and files read early, so that the screen's thread does not wait for them while a model computes.

A thread that reads a file releases the interpreter's lock, and waits for it until the computing thread releases it in
turn. An import reads dozens of files: on the screen's thread, it would delay the first key that needs it.
"""

from importlib import import_module
from pkgutil import walk_packages

from explorer.screen.turns import give_way

_PACKAGES = (
    "explorer.code",
    "explorer.paint",
    "explorer.screen.dialogs",
    "explorer.sessions",
    "explorer.teaching",
    "explorer.views",
)
# Textual's own modules come with their use
_MODULES = ("explorer.screen.main.actions", "textual.scrollbar", "textual.system_commands")


def prepare() -> None:
    """Import what keys open, and read the model's source."""
    for name in _PACKAGES:
        for module in walk_packages(import_module(name).__path__, f"{name}."):
            give_way()
            import_module(module.name)
    for name in _MODULES:
        import_module(name)
    import_module("explorer.code.source").read_ahead()
    import_module("explorer.teaching.tours").shipped()
