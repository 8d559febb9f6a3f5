"""Where models are: quick to ask, before anything heavy is imported."""

import os
import re
from pathlib import Path

import explorer
from explorer.errors import CheckpointError


def find_model(path: Path | str | None = None) -> Path:
    """The directory that was named, or the embedded model's; CheckpointError if there is none."""
    return embedded() if path is None else _directory(Path(os.path.expanduser(path)))


def is_directory_name(text: str) -> bool:
    """Whether a model's name is a place on this machine: "./gpt2", "models/mine/gpt2", or anything that is there."""
    return (
        os.path.exists(os.path.expanduser(text))
        or text in (".", "..")
        or text.startswith(("./", "../", "/", "~", "." + os.sep, ".." + os.sep, os.sep))
        or re.match(r"[A-Za-z]:[\\/]", text) is not None
        or text.count("/") > 1
        or (os.sep != "/" and os.sep in text)
    )


def embedded() -> Path:
    """The directory of the model that comes with the program: inside the installed package, or in a clone's assets."""
    package = Path(explorer.__file__).resolve().parent
    for place in (package, package.parent):
        if (place / "assets" / "stories" / "config.json").is_file():
            return place / "assets" / "stories"
    raise CheckpointError(
        f"{package / 'assets' / 'stories'}: the model that comes with GPT Explorer is missing. Install GPT Explorer "
        "again, or name a directory with a GPT-2."
    )


def _directory(path: Path) -> Path:
    if os.path.isdir(path):  # a name that is too long is no error to it
        return path
    if os.path.exists(path):
        raise CheckpointError(f"{path}: this is a file. Name the directory it is in: {path.parent}")
    raise CheckpointError(f"{path}: there is no such directory. Name one with a GPT-2 as Hugging Face stores it.")
