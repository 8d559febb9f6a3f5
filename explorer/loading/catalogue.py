"""The models that can be opened by name: the embedded one, directories, and those of the hub, cached or not."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.loading.hub_names import KNOWN, Reference, parse
from explorer.loading.places import embedded, find_model, is_directory_name
from gpt import GPTConfig

if TYPE_CHECKING:  # the hub's files are read after the first frame, or not at all
    from explorer.loading.hub import Progress

EMBEDDED = "stories"

ModelPlace = Path | Reference


@dataclass(frozen=True)
class ModelEntry:
    """A line in a list of models."""

    name: str  # what opens it
    state: str  # "embedded", "cached" or "can be fetched"
    size: int  # bytes: on disk, or of the weights to be fetched
    layers: int
    heads: int
    width: int
    parameters: int
    path: Path | None  # None where it is not on this machine


def locate(name: str | None) -> ModelPlace:
    """Where a model is, without using the network; CheckpointError or ModelNameError if no model has that name."""
    if name is None:
        return embedded()
    if is_directory_name(name):
        return find_model(name)
    return embedded() if name == EMBEDDED else parse(name)


def namesake(name: str | None) -> list[str]:
    """A note where a folder has the name of a model that it hides, and no other path to it."""
    if name is None or not is_directory_name(name):
        return []
    if name == EMBEDDED:
        return [f"the folder {name} is opened. Without --model it is the embedded model of that name."]
    if name in KNOWN:
        return [f"the folder {name} is opened. The model of the hub is --model {KNOWN[name].repo}."]
    return []


def lasting_name(name: str | None) -> str:
    """The name that opens the same model from any folder."""
    if name is None:
        return EMBEDDED
    return os.path.abspath(os.path.expanduser(name)) if is_directory_name(name) else name


def short_name(place: ModelPlace) -> str:
    """A model's name for people: "stories", "gpt2@main"."""
    return place.name if isinstance(place, Reference) else place.resolve().name


def resolve(
    name: str | ModelPlace | None,
    progress: "Progress" = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    ids_alone: bool = False,
) -> Path:
    """The directory of a model, fetched from the hub if needed; `progress` gets the bytes done, and their total.

    With `ids_alone` a model without a tokenizer is fetched too.
    """
    place = locate(name) if name is None or isinstance(name, str) else name
    if isinstance(place, Path):
        return place
    from explorer.loading import hub

    return hub.fetch(place, progress, cancelled, ids_alone)


def listing() -> list[ModelEntry]:
    """The embedded model, those in the hub's cache, and the known ones that can be fetched."""
    from explorer.loading import hub

    path = embedded()
    config = GPTConfig.from_json((path / hub.CONFIG).read_bytes())
    size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    name = str(path) if namesake(EMBEDDED) else EMBEDDED  # what opens it, whatever folders stand here
    entries = [_entry(name, "embedded", size, config, path)]
    for model in hub.cached():
        name = f"{model.name}@{model.revision}" if model.revision else _unhidden(model.name)
        entries.append(_entry(name, "cached", model.size_on_disk, model.config, model.path))
    there = {entry.name for entry in entries}
    for short, known in KNOWN.items():
        name = _unhidden(short)
        if name not in there:
            entries.append(_entry(name, "can be fetched", known.size, known.config, None))
    return entries


def _unhidden(name: str) -> str:
    """The name, or the whole name of a known model that a folder hides."""
    return KNOWN[name].repo if name in KNOWN and namesake(name) else name


def _entry(name: str, state: str, size: int, config: GPTConfig, path: Path | None) -> ModelEntry:
    return ModelEntry(name, state, size, config.n_layer, config.n_head, config.n_embd, config.parameters, path)
