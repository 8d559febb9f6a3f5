"""Prompts of so many tokens, and the largest numbers that a picture has to name."""

import re
from functools import cache

import numpy as np

from explorer.stages import Kind
from explorer.walk.session import Session
from tests.helpers.models import embedded

LENGTHS = (1, 8, 11, 27, 60, 250)
VECTORS = (Kind.VECTORS, Kind.NORM, Kind.HEADS_OUT, Kind.NEURONS)
_STORY = "Tom and Lily went to the park. Tom said to Lily that they could play with a big red ball near the pond. "


@cache
def prompt_of(tokens: int) -> str:
    """The beginning of a story, so many tokens of the embedded vocabulary long."""
    tokenizer = embedded()[1].tokenizer
    ids = tokenizer.encode(_STORY * 20)[:tokens]
    text = tokenizer.decode(ids)
    assert len(tokenizer.encode(text)) == tokens
    return text


def row_of(session: Session) -> np.ndarray:
    """The recorded numbers of the row that the cursor is in."""
    cursor = session.cursor
    assert cursor.part
    value = np.asarray(session.trace.value(cursor.part.activation), dtype=float)[session.position]
    return value[cursor.head] if cursor.axes == "THe" else value


def largest_of(session: Session) -> tuple[str, int, float]:
    """The number of the row that is farthest from zero, or the highest before an activation: noun, place, value."""
    row = row_of(session)
    assert session.cursor.part
    before = session.cursor.part.activation.endswith("hook_pre")
    column = int(np.argmax(row if before else np.abs(row)))
    return "neuron" if session.cursor.axes[-1] == "m" else "dimension", column, float(row[column])


def numbers_of(text: str, label: str) -> list[float]:
    """The numbers that stand behind a label in the text of a picture."""
    found = re.findall(rf"(?<!\w){re.escape(label)} +([+−]\d+\.\d{{2,}}(?:e[+−]\d+)?)", text)
    return [float(number.replace("−", "-")) for number in found]
