"""Edited runs: each is computed anew from its first edit on, and shares the rest with its base."""

from collections.abc import Iterator, Sequence
from typing import Any

from explorer.edits.edit import Edit, check, check_together
from explorer.edits.what import ActivationRow, Change
from explorer.edits.where import ActivationPart, Axis, first_layer, first_position
from explorer.engine.engines import like, plain
from explorer.errors import EditError
from explorer.runs.trace import LiveRun, Trace


class Editor:
    """The editor of a trace: it changes values, after the edits of the run that it is based on (unless `alone`)."""

    def __init__(self, edits: Sequence[Edit], base: Trace, prompt: int, *, alone: bool = False) -> None:
        self.edits = tuple(edits)
        self._before = None if alone else base.editor
        self._axes = base.axes
        self.effective: set[int] = set()  # the numbers of the edits that have changed a value
        self._changes: dict[str, list[tuple[int, ActivationPart, Change]]] = {}
        for number, edit in enumerate(edits):
            for place in edit.where.places:
                change = edit.what.change(place.name, base, prompt)
                self._changes.setdefault(place.name, []).append((number, place, change))

    @property
    def names(self) -> frozenset[str] | None:
        """The activations that it may change; None where that cannot be said."""
        if self._before is None:
            return frozenset(self._changes)
        before = self._before.names if isinstance(self._before, Editor) else None
        return None if before is None else before | frozenset(self._changes)

    def __call__(self, name: str, value: Any, first: int) -> Any:
        """The edited value, whose first row belongs to position `first`; the same object where there is no edit."""
        if self._before:
            value = self._before(name, value, first)
        edited = value
        for number, place, change in self._changes.get(name, ()):
            edited, different = _changed(edited, place, self._axes[name], first, change)
            if different:
                self.effective.add(number)
        return value if edited is value else like(value, edited)


def edited(base: Trace, edits: Sequence[Edit], prompt: int | None = None) -> LiveRun:
    """The run of the same tokens with these edits, on top of any that `base` has; to be completed (running.complete).

    It shares with `base` everything that is not different. `prompt` says how many of the tokens were typed: a mean is
    taken over these (by default over all). Tokens may be appended as to any trace; the edits stay in force.
    """
    if not isinstance(base, LiveRun):
        raise EditError("this is a recorded run without its model: it cannot be run with edits.")
    edits = [check(edit, base.config) for edit in edits]
    check_together(edits, base.config)
    if not edits:
        return base
    layer = min(first_layer(edit.where, base.config) for edit in edits)
    position = min(first_position(edit.where, base.config) for edit in edits)
    return base.branch(layer, position, Editor(edits, base, len(base.ids) if prompt is None else prompt))


# Rows


def _changed(value: Any, place: ActivationPart, axes: str, first: int, change: Change) -> tuple[Any, bool]:
    """Another activation, with some of the rows changed (never in place), and whether any number is different in it."""
    changed, different = None, False
    for inner, index in list(_rows(value, place, axes, first)):
        if changed is None:
            changed = _copy(value, axes)
        matrix = changed[inner[0]] if len(inner) == 2 else changed
        old = list(plain(matrix[inner[-1]]))
        new = _merged(old, change(old, index), _columns(place, axes, index))
        matrix[inner[-1]] = new
        different = different or new != old
    return (value if changed is None else changed), different


def _copy(value: Any, axes: str) -> Any:
    """A copy in which rows can be replaced."""
    if hasattr(value, "shape"):
        return value.copy()
    return [list(matrix) for matrix in value] if len(axes) == 3 else list(value)


def _rows(
    value: Any, place: ActivationPart, axes: str, first: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The rows that are edited: each with its place in this value, and its index in the whole activation."""
    for i in range(len(value)):
        if len(axes) == 2:
            if _means(place.index[0], first + i):
                yield (i,), (first + i,)
            continue
        for j in range(len(value[i])):
            index = (i, first + j) if axes == "HTS" else (first + i, j)
            if _means(place.index[0], index[0]) and _means(place.index[1], index[1]):
                yield (i, j), index


def _means(axis: Axis, number: int) -> bool:
    return axis is None or number in axis


def _columns(place: ActivationPart, axes: str, index: tuple[int, ...]) -> Axis:
    """The columns that are edited. In scores never those after the query: no edit lets a position read a later one."""
    columns = place.index[-1]
    if axes != "HTS":
        return columns
    visible = range(index[-1] + 1)
    return tuple(visible) if columns is None else tuple(key for key in columns if key in visible)


def _merged(old: ActivationRow, new: ActivationRow, columns: Axis) -> list[float]:
    if columns is None:
        return list(new)
    merged = list(old)
    for column in columns:
        merged[column] = new[column]
    return merged
