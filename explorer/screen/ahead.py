"""Read and imported before anybody asks: what the screen's thread would otherwise wait for while a model computes.

Whoever asks for a file gives the interpreter's lock away and gets it back when the computing thread lets go of it. An
import asks dozens of times: done on the screen's thread, it keeps the first key that needs it waiting.
"""

from importlib import import_module
from pkgutil import walk_packages

from explorer.screen.turns import give_way

_PACKAGES = ("explorer.code", "explorer.paint", "explorer.views")
# Textual's own modules come with their use
_MODULES = ("explorer.screen.dialogs.models", "textual.scrollbar", "textual.system_commands")


def prepare() -> None:
    """Import what keys open, and read the model's source."""
    for name in _PACKAGES:
        for module in walk_packages(import_module(name).__path__, f"{name}."):
            give_way()
            import_module(module.name)
    for name in _MODULES:
        import_module(name)
    import_module("explorer.code.source").read_ahead()
