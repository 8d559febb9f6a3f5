"""Places in plain words: "block 5 pattern head 2 token Lily", "logits", "3.2"; from a text and back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from explorer.stages import Stage
from explorer.teaching.errors import FactError
from explorer.walk.cursor import Cursor
from explorer.walk.session import Session


@dataclass(frozen=True)
class Place:
    """A place in the walk; None is not said."""

    layer: int | None = None
    stage: str | None = None  # its local id: "pattern"
    part: str | None = None  # of the stage: "q", "after"
    head: int | None = None
    position: int | str | None = None  # a number, or the token's text
    column: int | None = None  # a dimension, a neuron, a key's position, the rank of a token


_COUNTED = {
    "block": "layer",
    "layer": "layer",
    "head": "head",
    "token": "position",
    "position": "position",
    "neuron": "column",
    "dimension": "column",
    "key": "column",
    "rank": "column",
}
_HEAD = re.compile(r"(\d+)\.(\d+)")


def parse(text: str, session: Session) -> Place:
    """The place that a text names; FactError names the word that is not understood, or what there is not."""
    place, words = Place(), _words(text, session.cursor.stages)
    known = _names(session.cursor.stages)
    while words:
        word = words.pop(0)
        if pair := _HEAD.fullmatch(word):
            place = replace(place, layer=int(pair[1]), head=int(pair[2]), stage=place.stage or "pattern")
        elif word in _parts(place, session.cursor.stages) and (word not in _COUNTED or words[:1] == ["token"]):
            place = replace(place, part=word)
        elif word in _COUNTED and words:
            place = _counted(place, word, words.pop(0))
        elif word in known:
            stage, part = known[word]
            place = replace(place, stage=stage or place.stage, part=part or place.part)
        else:
            stages = ", ".join(dict.fromkeys(stage.local_id for stage in session.cursor.stages))
            raise FactError(f"{word!r} is no place. There are: block N, head N, token N or its text, {stages}.")
    _check(place, session)
    return place


def go(place: Place, session: Session) -> None:
    """Put the cursor there. What is not said: the first stage (of the block), the last token, head 0."""
    cursor = session.cursor
    stage = place.stage if place.stage or place.layer is None else "ln1"
    cursor.go_to_stage(_stage(stage or "tokens", place.layer, cursor))
    if place.part is not None:
        cursor.go_to_part([part.label for part in cursor.stage.parts].index(place.part))
    elif cursor.part:
        cursor.go_to_part(len(cursor.stage.parts) - 1)
    cursor.go_to_head(place.head or 0)
    cursor.overview = False
    cursor.go_to_position(position_of(place, session))
    cursor.forget_columns()
    if place.column is not None:
        cursor.go_to_column(place.column)


def in_words(session: Session) -> str:
    """The place where the cursor stands, as `parse` reads it."""
    cursor = session.cursor
    words = [] if cursor.stage.layer is None else [f"block {cursor.stage.layer}"]
    words.append(cursor.stage.local_id)
    if cursor.part and len(cursor.stage.parts) > 1:
        words.append(cursor.part.label)
    if "H" in cursor.axes:
        words.append(f"head {cursor.head}")
    words.append(f"token {cursor.position}")
    noun = {"m": "neuron", "S": "key", "V": "rank"}.get(cursor.axes[-1:], "dimension")
    return " ".join([*words, f"{noun} {cursor.column}"] if cursor.part else words)


def _words(text: str, stages: tuple[Stage, ...]) -> list[str]:
    """The words; a stage's title with a space in it counts as one."""
    lowered = f" {' '.join(text.replace(',', ' ').split())} "
    for title in sorted({stage.title for stage in stages if " " in stage.title}, key=len, reverse=True):
        lowered = re.sub(f" {re.escape(title)} ", f" {title.replace(' ', '_')} ", lowered, flags=re.IGNORECASE)
    return lowered.split()


def _names(stages: tuple[Stage, ...]) -> dict[str, tuple[str | None, str | None]]:
    """The words for stages and their parts: a stage's local id, a part's label."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for stage in reversed(stages):
        for part in stage.parts if len(stage.parts) > 1 else ():
            found[part.label] = ("qkv" if part.label in "qkv" else None, part.label)
    for stage in reversed(stages):
        found[stage.title.replace(" ", "_")] = (stage.local_id, None)
    return found | {stage.local_id: (stage.local_id, None) for stage in stages}


def _parts(place: Place, stages: tuple[Stage, ...]) -> list[str]:
    """The parts of the stage that was named: a word may be one of them, and also the name of another stage."""
    return next(([part.label for part in stage.parts] for stage in stages if stage.local_id == place.stage), [])


def _counted(place: Place, word: str, number: str) -> Place:
    what = _COUNTED[word]
    if what == "position":
        return replace(place, position=int(number) if number.isdecimal() else number)
    if not number.isdecimal():
        raise FactError(f"{word} needs a number, not {number!r}.")
    if what == "column" and place.stage is None:
        place = replace(place, stage={"neuron": "activation", "key": "pattern", "rank": "logits"}.get(word))
    match what:
        case "layer":
            return replace(place, layer=int(number))
        case "head":
            return replace(place, head=int(number), stage=place.stage or "pattern")
    return replace(place, column=int(number))


def _check(place: Place, session: Session) -> None:
    """FactError where there is no such block, head, token, part or number in a row."""
    config, cursor = session.config, Cursor(session.config)
    for noun, number, count in (("block", place.layer, config.n_layer), ("head", place.head, config.n_head)):
        if number is not None and number >= count:
            raise FactError(f"there is no {noun} {number}: they go from 0 to {count - 1}.")
    position_of(place, session)
    cursor.length = len(session.ids)
    cursor.go_to_stage(_stage(place.stage or "tokens", place.layer, cursor))
    labels = [part.label for part in cursor.stage.parts]
    if place.part is not None and place.part not in labels:
        raise FactError(f"{cursor.stage.title} has no part {place.part!r}: it has {', '.join(labels) or 'none'}.")
    if place.column is not None and place.column >= (cursor.columns if cursor.part else 0):
        raise FactError(f"there is no number {place.column} in a row of {cursor.stage.title}.")


def position_of(place: Place, session: Session) -> int:
    """The position that is meant; of a text the last time that it stands there. FactError where there is none."""
    position, count = place.position, len(session.ids)
    if position is None:
        return count - 1
    if isinstance(position, int):
        if position >= count:
            raise FactError(f"there is no token {position}: they go from 0 to {count - 1}.")
        return position
    found = [i for i, label in enumerate(session.labels()) if label.strip("·") == position.strip("·")]
    if not found:
        raise FactError(f"there is no token {position!r} in this prompt: {' '.join(session.labels())}.")
    return found[-1]


def _stage(id: str, layer: int | None, cursor: Cursor) -> int:
    """The number of a stage, of that block where it has one."""
    return next(_candidates(id, layer, cursor))


def _candidates(id: str, layer: int | None, cursor: Cursor) -> Iterator[int]:
    named = [index for index, stage in enumerate(cursor.stages) if stage.local_id == id]
    yield from (index for index in named if cursor.stages[index].layer == (layer or 0))
    yield from named
