"""Steering vectors for scripts and notebooks: made of runs, saved, loaded; `place.add(vector, strength)` uses them."""

from collections.abc import Sequence
from pathlib import Path

from explorer.api.run import Run
from explorer.edits import steering as vectors
from explorer.edits.steering import Steering


def steering(
    name: str, runs: Sequence[Run], versus: Sequence[Run] = (), *, title: str = "steering", position: int = -1
) -> Steering:
    """The mean of an activation over runs, at the same position of each, less its mean over others."""
    return vectors.contrast_of_means(name, [run.trace for run in runs], [run.trace for run in versus], title, position)


def save_steering(path: str | Path, vector: Steering) -> None:
    """Write a vector as safetensors."""
    vectors.save(Path(path), vector)


def load_steering(path: str | Path) -> Steering:
    """A vector from a file; TraceError where it holds none."""
    return vectors.load(Path(path))
