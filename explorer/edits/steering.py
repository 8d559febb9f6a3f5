"""Steering vectors: directions of the residual stream that are taken from runs, saved, loaded, and added to others.

A file is safetensors with one tensor, `vector` [d], and in its metadata where it was taken ("activation") and a title.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from explorer.edits.what import Add
from explorer.engine.engines import plain
from explorer.errors import EditError, TraceError
from explorer.files import replacing
from explorer.runs.trace import Trace
from gpt import activation_shapes

_VECTOR, _ACTIVATION, _TITLE = "vector", "activation", "title"


@dataclass(frozen=True)
class Steering:
    """A direction, the activation that it was taken from, and what to call it."""

    vector: tuple[float, ...] = field(repr=False)  # [d]
    activation: str
    title: str

    def add(self, strength: float = 1.0) -> Add:
        """The edit that adds it with a strength."""
        return Add(self.vector, strength, self.title)


def contrast_of_means(name: str, runs: Sequence[Trace], versus: Sequence[Trace], title: str, position: int) -> Steering:
    """The mean of an activation over runs, each at the same position, less that over other runs.

    Position -1 is each run's last. Source: Turner et al. 2023, arXiv:2308.10248; Rimsky et al. 2023, arXiv:2312.06681.
    """
    mean = _mean(name, runs, position)
    if versus:
        mean = mean - _mean(name, versus, position)
    return Steering(tuple(mean.tolist()), name, title)


def _mean(name: str, runs: Sequence[Trace], position: int) -> np.ndarray:  # [d]
    if not runs:
        raise EditError("there is no run to take a direction from: give at least one.")
    rows = []
    for run in runs:
        if dict(activation_shapes(run.config)).get(name) != ("T", "d"):
            raise EditError(f"{name} is no residual stream: take one such as blocks.2.hook_resid_pre.")
        if not -run.positions(name) <= position < run.positions(name):
            raise EditError(f"{name} has no position {position} in this run: it has {run.positions(name)}.")
        rows.append(np.asarray(plain(run.values[name][position]), dtype=np.float64))
    return np.asarray(np.mean(rows, axis=0))


def save(path: Path, steering: Steering) -> None:
    """Write a steering vector; WriteError, and what was there stays, if it cannot be written."""
    metadata = {_ACTIVATION: steering.activation, _TITLE: steering.title}
    with replacing(path) as part:
        try:
            save_file({_VECTOR: np.asarray(steering.vector, dtype=np.float64)}, part, metadata=metadata)
        except SafetensorError as error:  # no room, for instance
            raise OSError(str(error)) from error


def load(path: Path) -> Steering:
    """A steering vector from a file; TraceError where it holds none."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata, names = file.metadata() or {}, list(file.keys())
            vector = file.get_tensor(_VECTOR) if _VECTOR in names else None
    except (OSError, SafetensorError) as error:
        raise TraceError(f"{path}: this file cannot be read as a steering vector: {error}.") from error
    if vector is None or vector.ndim != 1 or not vector.size or _ACTIVATION not in metadata:
        raise TraceError(
            f"{path}: this is no steering vector: it must hold one tensor, vector [d], and name its activation."
        )
    if not np.isfinite(vector).all():
        raise TraceError(f"{path}: the vector must hold finite numbers, and some are not.")
    return Steering(tuple(vector.astype(np.float64).tolist()), metadata[_ACTIVATION], metadata.get(_TITLE, path.stem))
