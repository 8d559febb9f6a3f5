"""Places by name: "3.2", "block 3 head 2 pattern", "token 4", "neuron 17", "logits"; and how they can go on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from explorer.errors import CellError, PlaceError
from explorer.runs.cells import misfit, parse
from explorer.stages import Kind, Stage
from explorer.walk.cursor import Cursor
from explorer.walk.session import Session


@dataclass(frozen=True)
class Place:
    """Where to go; None stays as it is."""

    layer: int | None = None
    stage: str | None = None  # within a block, or of the whole walk: "pattern", "logits"
    part: str | None = None  # of the stage: "q", "after"
    head: int | None = None
    position: int | None = None
    column: int | None = None  # a neuron, a dimension, a key
    cell: str = ""  # a number by its name and index, in place of all of these


_WORD = re.compile(r"[a-z]+|\d+\.\d+|\d+|\S")
_COUNTED = {
    "block": "layer", "layer": "layer", "b": "layer", "l": "layer",
    "head": "head", "h": "head",
    "token": "position", "position": "position", "t": "position", "row": "position",
    "neuron": "neuron", "n": "neuron", "dimension": "column", "dim": "column", "d": "column",
    "key": "key", "column": "column",
}  # fmt: skip
"""The words before a number, and what is counted."""

_ALIASES = {
    "attention": "pattern", "softmax": "pattern", "scores": "raw", "q·k": "raw", "mask": "masked",
    "gelu": "activation", "relu": "activation", "neurons": "activation", "expand": "pre", "contract": "mlp_out",
    "mlp": "mlp_out", "heads": "out", "residual": "resid_post", "resid": "resid_post",
    "embedding": "embed", "final": "ln_final", "ledger": "probabilities", "p": "probabilities",
    "end": "draw", "start": "tokens", "text": "tokens",
}  # fmt: skip
"""Other words for stages, by the last part of their ids; those that a model does not have are left out."""

_MOST = 6  # completions


def understand(text: str, session: Session) -> Place:
    """The place that a text names; PlaceError says which word is not understood, or what there is not."""
    if "[" in text:
        return _cell(text, session)
    place, words = Place(), _words(text, session)
    if not words:
        raise PlaceError("type a place, such as 3.2, block 3 head 2 pattern, token 4, neuron 17 or logits.")
    while words:
        place = _next(place, words, session)
    _check(place, session)
    return place


def _words(text: str, session: Session) -> list[str]:
    """The words, where a name of a stage with a space in it counts as one."""
    lowered = f" {' '.join(text.lower().replace(',', ' ').split())} "
    phrases = _phrases(session.cursor.stages)
    for phrase in sorted(phrases, key=len, reverse=True):
        lowered = lowered.replace(f" {phrase} ", f" {phrases[phrase]} ")
    found: list[str] = []
    for word in lowered.split():
        found += [word] if word in _names(session) or not word[0].isalnum() else _split(word)
    return found


def _split(word: str) -> list[str]:
    """A letter and its number are two words: "b3" is "b 3"."""
    joined = re.fullmatch(r"([a-z]+)(\d+)", word)
    return [joined[1], joined[2]] if joined and joined[1] in _COUNTED else [word]


def _key(title: str) -> str:
    return title.replace(" ", "_")


def _phrases(stages: Sequence[Stage]) -> dict[str, str]:
    """Titles of several words, also without their signs ("heads out", "residual attention"), each as one word."""
    found: dict[str, str] = {}
    for title in dict.fromkeys(stage.title.lower() for stage in stages):
        bare = title.removeprefix("+ ")
        for phrase in (title, bare, title.replace("→ ", ""), bare.replace("(", "").replace(")", "")):
            if " " in phrase:
                found[phrase] = _key(title)
    return found


def _names(session: Session) -> dict[str, tuple[str, str | None]]:
    """All words for stages and their parts: the stage's local id, and the part."""
    return _names_of(tuple(session.cursor.stages))


@cache
def _names_of(stages: tuple[Stage, ...]) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    for stage in reversed(stages):
        found[stage.local_id] = found[_key(stage.title.lower())] = (stage.local_id, None)
    for stage in stages:
        if stage.local_id == "qkv":
            found |= {part.label: (stage.local_id, part.label) for part in stage.parts}
    ids = {stage.local_id for stage in stages}
    return {word: (id, None) for word, id in _ALIASES.items() if id in ids} | found


def _next(place: Place, words: list[str], session: Session) -> Place:
    """The place with the next word, or the next two, taken in; they are removed from the words."""
    word = words.pop(0)
    if pair := re.fullmatch(r"(\d+)\.(\d+)", word):
        return replace(place, layer=int(pair[1]), head=int(pair[2]))
    if word.isdigit() and words and words[0] in _names(session):  # "5 gelu" is in block 5
        return replace(place, layer=int(word))
    if word in _COUNTED and (not words or word not in _names(session) or words[0].isdigit()):
        return _counted(place, word, words, session)
    if word in _names(session):
        stage, part = _names(session)[word]
        return replace(place, stage=stage, part=part)
    near = [name for name in candidates(session) if name.startswith(word[:2])][:3]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise PlaceError(f"“{word}” is no place here.{hint}")


def _counted(place: Place, word: str, words: list[str], session: Session) -> Place:
    what = _COUNTED[word]
    if not words:
        raise PlaceError(f"{word} needs a number: {word} 0, for instance.")
    text = words.pop(0)
    if not text.isdigit():
        if what not in ("position", "key"):
            raise PlaceError(f"{word} needs a number, not “{text}”.")
        number = _spelled(text, session)
    else:
        number = int(text)
    if what == "neuron":
        return replace(place, column=number, stage=place.stage or "activation")
    if what == "key":
        return replace(place, column=number, stage=place.stage or "pattern")
    match what:
        case "layer":
            return replace(place, layer=number)
        case "head":
            return replace(place, head=number)
        case "position":
            return replace(place, position=number)
    return replace(place, column=number)


def _spelled(text: str, session: Session) -> int:
    """The last position of a token that is spelled like that, whatever its case and its space."""
    wanted = text.strip("·").lower()
    found = [i for i, label in enumerate(session.labels()) if label.strip("·").lower() == wanted]
    if not found:
        raise PlaceError(f"there is no token “{text}” in this text.")
    return found[-1]


def _check(place: Place, session: Session) -> None:
    """PlaceError where there is no such block, head, token, neuron or dimension."""
    config, cursor = session.config, session.cursor
    counts = (
        ("block", place.layer, config.n_layer),
        ("head", place.head, config.n_head),
        ("token", place.position, len(session.ids)),
    )
    for noun, number, count in counts:
        if number is not None and number >= count:
            raise PlaceError(f"there is no {noun} {number}: they are 0 to {count - 1} here.")
    if place.column is not None:
        there = _cursor_at(place, cursor)
        if there.part is None:
            raise PlaceError("there are no numbers at this stage.")
        if place.column >= there.columns:
            raise PlaceError(f"there is no number {place.column} in a row there: they are 0 to {there.columns - 1}.")


def _cell(text: str, session: Session) -> Place:
    try:
        cell = parse(text)
    except CellError as error:
        raise PlaceError(str(error)) from None
    axes = session.trace.axes.get(cell.name)
    if axes is None:
        raise PlaceError(f"there is no {cell.name}: names are as in blocks.0.attn.hook_pattern.")
    if wrong := misfit(cell, session.provenance.shape(cell.name), "".join(axes)):
        raise PlaceError(wrong)
    return Place(cell=text)


def go(place: Place, session: Session) -> None:
    """Put the session's cursor there."""
    if place.cell:
        session.go_to(parse(place.cell))
    else:
        _move(place, session.cursor)


def _cursor_at(place: Place, cursor: Cursor) -> Cursor:
    """A cursor that has gone there."""
    there = Cursor(cursor.config)
    there.stage_index, there.position, there.length = cursor.stage_index, cursor.position, cursor.length
    _move(replace(place, column=None), there)
    return there


def _move(place: Place, cursor: Cursor) -> None:
    stage = place.stage
    layer = cursor.stage.layer if place.layer is None else place.layer
    if stage is None and (place.layer is not None or place.head is not None):
        stage = cursor.stage.local_id if cursor.stage.layer is not None else ""
        if place.head is not None and "H" not in cursor.axes:
            stage = "pattern"
    if stage is not None:
        cursor.go_to_stage(_index(stage, layer, cursor))
    if place.part is not None:
        cursor.go_to_part([part.label for part in cursor.stage.parts].index(place.part))
    if place.head is not None:
        cursor.go_to_head(place.head)
        cursor.overview = False
    if place.position is not None:
        cursor.go_to_position(place.position)
    if place.column is not None:
        cursor.go_to_column(place.column)


def _index(stage: str, layer: int | None, cursor: Cursor) -> int:
    """The number of a stage in the walk: that of the block, or the only one, or the block's first."""
    named = [i for i, each in enumerate(cursor.stages) if not stage or each.local_id == stage]
    in_block = [i for i in named if cursor.stages[i].layer == (layer or 0)]
    outside = [i for i in named if cursor.stages[i].layer is None]
    return (in_block or outside or named or [0])[0] if stage or layer is not None else cursor.stage_index


def candidates(session: Session) -> list[str]:
    """Words that a place can be named with, the most useful first."""
    cursor, config = session.cursor, session.config
    heads = [f"{layer}.{head}" for layer in range(config.n_layer) for head in range(config.n_head)]
    stages = [stage.local_id for stage in cursor.stages if stage.layer in (0, None)]
    parts = [word for word, (_, part) in _names(session).items() if part]
    words = ["block ", "head ", "token ", "neuron ", "dimension ", "key "]
    sums = [stage.title.removeprefix("+ ") for stage in cursor.stages if stage.layer == 0 and stage.title[0] == "+"]
    others = sorted(_ALIASES.keys() & _names(session).keys())
    return list(dict.fromkeys([*words, *sums, *stages, *parts, *others, *heads]))


def completions(text: str, session: Session) -> list[str]:
    """Texts that begin with this one and name a place, or will; the shortest word first."""
    before, _, word = text.rpartition(" ")
    start, word = f"{before} " if before else "", word.lower()
    last = before.split()[-1].lower() if before else ""
    options = _numbers(_COUNTED[last], session) if last in _COUNTED else candidates(session)
    fitting = [option for option in options if option.lower().startswith(word) and option != word]
    return [start + option for option in fitting[:_MOST]]


def _numbers(what: str, session: Session) -> list[str]:
    """The numbers that may follow a word that counts; of neurons and dimensions there are too many."""
    counts = {"layer": session.config.n_layer, "head": session.config.n_head, "position": len(session.ids)}
    numbers = list(map(str, range(counts.get(what, len(session.ids) if what == "key" else 0))))
    return [*numbers, *session.labels()] if what in ("position", "key") else numbers


def described(place: Place, session: Session) -> str:
    """The place in words: "block 3 · pattern, head 2, at ·Lily (4)"."""
    if place.cell:
        return place.cell
    cursor = _cursor_at(place, session.cursor)
    words = [cursor.stage.place]
    if cursor.stage.kind is Kind.VECTORS and len(cursor.stage.parts) > 1 and cursor.part:
        words.append(cursor.part.label)
    if place.head is not None:
        words.append(f"head {place.head}")
    if place.column is not None:
        words.append(f"{ {'m': 'neuron', 'S': 'key'}.get(cursor.axes[-1:], 'dimension') } {place.column}")
    position = cursor.position
    return ", ".join(words) + f", at {session.label(session.ids[position])} ({position})"
