"""Where a run is edited: a head, a neuron, an edge, any part of any activation; and whether there is such a place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from explorer.engine.axes import axis_sizes, letters
from explorer.errors import EditError
from explorer.terminal.glyphs import LONGEST_NUMBER, quoted, shortened
from gpt import GPTConfig

Axis = tuple[int, ...] | None
"""The indices that are edited along one axis, counted from 0; None: all of them."""

SCORES = "blocks.{}.attn.hook_attn_scores"
Z = "blocks.{}.attn.hook_z"
POST = "blocks.{}.mlp.hook_post"
ATTENTION_WRITES = "blocks.{}.hook_attn_out"
MLP_WRITES = "blocks.{}.hook_mlp_out"

_AXES = {"T": "position", "S": "position", "H": "head", "V": "token", "d": "dimension", "m": "neuron", "e": "dimension"}
_NAMED = re.compile(r"\s*([\w.]+)\s*(?:\[([\d\s,*/]*)\])?\s*")


@dataclass(frozen=True)
class ActivationPart:
    """A part of one activation."""

    name: str
    index: tuple[Axis, ...]  # one for each axis of the activation


@dataclass(frozen=True)
class Where:
    """A place of the model, or several that are edited alike, and what to call it."""

    title: str
    places: tuple[ActivationPart, ...]
    at: Axis = None  # the positions that are said after the title
    edge: tuple[int, int] | None = None  # query and key


def head(layer: int, head: int, at: int | Sequence[int] | None = None) -> Where:
    """One head, at its z: what it mixes of the values, before that is projected into the residual stream.

    As that projection is linear, editing z equally edits what the head writes.
    """
    positions = _axis(at)
    return Where(f"head {layer}.{head}", (ActivationPart(Z.format(layer), (positions, (head,), None)),), positions)


def neuron(layer: int, neuron: int, at: int | Sequence[int] | None = None) -> Where:
    """One neuron of an MLP, after its activation."""
    positions = _axis(at)
    return Where(f"neuron {layer}.{neuron}", (ActivationPart(POST.format(layer), (positions, (neuron,))),), positions)


def mlp(layer: int, at: int | Sequence[int] | None = None) -> Where:
    """The output of a whole MLP."""
    positions = _axis(at)
    return Where(f"MLP {layer}", (ActivationPart(MLP_WRITES.format(layer), (positions, None)),), positions)


def block(layer: int, at: int | Sequence[int] | None = None) -> Where:
    """The outputs of a block: those of its attention and of its MLP. The residual stream goes on beside them."""
    positions = _axis(at)
    names = (ATTENTION_WRITES.format(layer), MLP_WRITES.format(layer))
    return Where(f"block {layer}", tuple(ActivationPart(name, (positions, None)) for name in names), positions)


def edge(config: GPTConfig, query: int, key: int, layer: int | None = None, head: int | None = None) -> Where:
    """The attention of position `query` to position `key`: in one head, in all heads of a block, or in all blocks."""
    layers = range(config.n_layer) if layer is None else (layer,)
    index = (_axis(head), (query,), (key,))
    title = "every block" if layer is None else f"block {layer}" if head is None else f"head {layer}.{head}"
    return Where(title, tuple(ActivationPart(SCORES.format(number), index) for number in layers), edge=(query, key))


def activation(name: str, *index: int | Sequence[int] | None) -> Where:
    """Any part of any activation: a number for each axis, several, or None for all; what is left out is all.

    activation("blocks.2.hook_resid_post", 7, 17) is one cell, (..., 7) a position, (..., None, 17) a dimension.
    """
    return Where("", (ActivationPart(name, tuple(map(_axis, index))),))


def parse(text: str) -> Where:
    """The same from text: parse("blocks.2.hook_resid_post[7,17]"), where `*` is all of an axis, 3/5 two of it."""
    found = _NAMED.fullmatch(text)
    parts = [part.strip() for part in (found[2] or "").split(",")] if found else []
    if not found or not all(part == "*" or all(map(_is_number, part.split("/"))) for part in parts if parts != [""]):
        raise EditError(
            f"{quoted(text)} names no activation: give a name and an index for each axis, * for all of it, "
            "such as 'blocks.2.hook_resid_post[7,*]'."
        )
    return activation(found[1], *[None if part == "*" else list(map(int, part.split("/"))) for part in parts if part])


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= LONGEST_NUMBER


def _axis(given: int | Sequence[int] | None) -> Axis:
    if given is None:
        return None
    return (given,) if isinstance(given, int) else tuple(given)


# Checks


def checked(where: Where, config: GPTConfig, length: int | None = None) -> Where:
    """The place with an index for every axis; EditError unless the model has it, and `length` tokens reach it."""
    shapes = letters(config)
    places = tuple(_checked(place, shapes, config, length) for place in where.places)
    title = where.title or _title(places[0], shapes[places[0].name])
    return Where(title, places, where.at, where.edge)


def _checked(place: ActivationPart, shapes: Mapping[str, str], config: GPTConfig, length: int | None) -> ActivationPart:
    if place.name not in shapes:
        raise EditError(_no_such_name(place.name, list(shapes), config))
    axes = shapes[place.name]
    if len(place.index) > len(axes):
        raise EditError(f"{place.name} has {len(axes)} axes, [{', '.join(axes)}], not {len(place.index)}.")
    index = (*place.index, *[None] * (len(axes) - len(place.index)))
    sizes = axis_sizes(config, length or config.n_positions)
    for axis, numbers in zip(axes, index):
        _check_numbers(_AXES.get(axis, "number"), numbers, sizes[axis])
    if axes[0] == "H" and index[1] and index[2] and min(index[2]) > max(index[1]):
        raise EditError(f"position {max(index[1])} cannot read position {min(index[2])}: it comes later.")
    return ActivationPart(place.name, index)


def _check_numbers(word: str, numbers: Axis, size: int) -> None:
    if numbers is None:
        return
    if not numbers:
        raise EditError(f"no {word} is named: give at least one, or leave it out for all.")
    for number in numbers:
        if not 0 <= number < size:
            raise EditError(f"there is no {word} {shortened(number)}: they go from 0 to {size - 1}.")


def _no_such_name(name: str, names: list[str], config: GPTConfig) -> str:
    layer = name.split(".")[1] if name.startswith("blocks.") else ""
    if _is_number(layer) and int(layer) >= config.n_layer:
        return f"there is no block {shortened(int(layer))}: they go from 0 to {config.n_layer - 1}."
    if name.endswith("attn.hook_result"):
        return f"{name} is computed on request only: edit the head at its z, {name.replace('result', 'z')}."
    if likely := get_close_matches(name, names, 1):
        return f"there is no activation {quoted(name)}: did you mean {likely[0]}?"
    return f"there is no activation {quoted(name)}: the names are {names[0]}, {names[2]} and so on."


def _title(place: ActivationPart, axes: str) -> str:
    """The name and the index as `parse` reads them: all of the last axes left out."""
    parts = ["*" if axis is None else "/".join(map(str, axis)) for axis in place.index]
    while parts and parts[-1] == "*":
        parts.pop()
    return place.name + (f"[{','.join(parts)}]" if parts else "")


def moved(where: Where, by: int, config: GPTConfig) -> Where | None:
    """The same place in a text whose positions are moved by a number; None where it had positions, and none is left."""
    shapes = letters(config)
    places = []
    for place in where.places:
        axes = [_further(numbers, by if axis in "TS" else 0) for axis, numbers in zip(shapes[place.name], place.index)]
        if () in axes:
            return None
        places.append(ActivationPart(place.name, tuple(axes)))
    title = where.title
    if title == _title(where.places[0], shapes[where.places[0].name]):  # an activation is called by its index
        title = _title(places[0], shapes[places[0].name])
    edge = where.edge and (where.edge[0] + by, where.edge[1] + by)
    return Where(title, tuple(places), _further(where.at, by), edge)


def _further(numbers: Axis, by: int) -> Axis:
    return None if numbers is None else tuple(number + by for number in numbers if number + by >= 0)


# How far it reaches


def first_position(where: Where, config: GPTConfig) -> int:
    """The first position that is different for an edit there."""
    shapes = letters(config)
    return min(_first_position(place, shapes[place.name]) for place in where.places)


def _first_position(place: ActivationPart, axes: str) -> int:
    if axes[0] == "H":  # what a query reads of a key: neither comes before the other
        return max(min(axis or (0,)) for axis in place.index[1:])
    return min(place.index[0] or (0,))


def first_layer(where: Where, config: GPTConfig) -> int:
    """The first block that is different for an edit there; L where it is only the read-out."""
    return min(_layer(place.name, config) for place in where.places)


def _layer(name: str, config: GPTConfig) -> int:
    if name.startswith("blocks."):
        return int(name.split(".")[1])
    return 0 if name in ("hook_embed", "hook_pos_embed") else config.n_layer
