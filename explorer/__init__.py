"""Look inside GPT-2 while it runs; for scripts and notebooks: `import explorer as gx`.

run = gx.load("stories").run("Tom and Lily went to the park. Tom said to")
run["blocks.5.attn.hook_pattern"][2, -1]
cut = run.edit(gx.head(3, 3).zero())
cut.kl, cut.changes

What is named here is loaded when it is first used: the command line starts without NumPy. The types are in
`__init__.pyi`.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "explorer.api.asked": ("copy_score", "neurons"),
    "explorer.api.model": ("Model", "load"),
    "explorer.api.run": ("Answer", "Run"),
    "explorer.api.places": ("activation", "block", "edge", "head", "mlp", "neuron"),
    "explorer.api.metrics": ("kl", "logit", "logit_difference", "probability"),
    "explorer.api.results": ("Numbers", "Table"),
    "explorer.api.steering": ("load_steering", "save_steering", "steering"),
    "explorer.edits.path_patching": ("Receiver", "receiver"),
    "explorer.edits.steering": ("Steering",),
    "gpt.errors": ("GPTError",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]


def foreign_gpt() -> str | None:
    """A message where the package `gpt` that Python finds is another distribution's: some own that name as well."""
    spec = find_spec("gpt")
    home = Path(__file__).resolve().parent.parent / "gpt"
    if spec and spec.origin and Path(spec.origin).resolve().parent == home:
        return None
    place = spec.origin if spec and spec.origin else "nowhere"
    return (
        f"the package gpt of GPT Explorer is hidden by another one: Python finds {place} instead of {home}. "
        "Install GPT Explorer as a tool of its own: uv tool install gpt2-explorer, or pipx install gpt2-explorer."
    )


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        from difflib import get_close_matches

        likely = get_close_matches(name, _HOME, 1)
        hint = f" Did you mean {likely[0]!r}?" if likely else f" There are {', '.join(sorted(_HOME))}."
        raise AttributeError(f"module 'explorer' has no attribute {name!r}.{hint if not name.startswith('_') else ''}")
    if message := foreign_gpt():
        raise ImportError(message)
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
