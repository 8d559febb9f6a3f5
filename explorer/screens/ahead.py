"""Read and imported before anybody asks: what the screen's thread would otherwise wait for while a model computes.

Whoever asks for a file gives the interpreter's lock away and gets it back when the computing thread lets go of it. An
import asks dozens of times: done on the screen's thread, it keeps the first key that needs it waiting.
"""

from importlib import import_module
from pkgutil import iter_modules

from explorer.screens.turns import give_way

_PACKAGES = ("explorer.code", "explorer.paint", "explorer.views")
_MODULES = ("explorer.screens.models", "textual.scrollbar", "textual.system_commands")  # Textual's come with their use


def prepare() -> None:
    """Import what keys open, and read the model's source."""
    for name in _PACKAGES:
        for module in iter_modules(import_module(name).__path__, f"{name}."):
            give_way()
            import_module(module.name)
    for name in _MODULES:
        import_module(name)
    import_module("explorer.code.source").read_ahead()
