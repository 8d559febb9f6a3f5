"""Edits in plain words: "head 3.3: zero", "neuron 4.12: set 3", "5.2:10-2: cut"; from a text and back."""

import re
from collections.abc import Callable, Iterable

from explorer.edits import Add, Cut, Edit, Edits, Mean, Patch, Scale, Set, What, Zero, where
from explorer.edits.where import Where
from explorer.errors import EditError
from explorer.terminal.glyphs import LONGEST_NUMBER, quoted
from gpt import GPTConfig

_EDIT = re.compile(r"(?P<place>.+):\s*(?P<what>[a-z]+)(?:\s+(?P<amount>[-+\d.e]+))?\s*")
_PAIR = re.compile(r"(head|neuron)\s+(\d+)\.(\d+)")
_LAYER = re.compile(r"(mlp|block)\s+(\d+)", re.IGNORECASE)
_EDGE = re.compile(r"(?:(\d+)(?:\.(\d+))?:)?(\d+)-(\d+)")
_TOO_LONG = re.compile(rf"\d{{{LONGEST_NUMBER + 1}}}")
_AT = re.compile(r"(.*\S)\s+at\s+(\d+(?:/\d+)*)")
_PLAIN: dict[str, Callable[[], What]] = {"zero": Zero, "mean": Mean, "cut": Cut}
_WITH_A_NUMBER: dict[str, Callable[[float], What]] = {"set": Set, "scale": Scale}
ADD, PATCH = "add", "patch"
"""Edits that a text cannot hold whole: along a direction, or from another run."""

Given = Callable[[str, float | None], What]
"""(ADD and a strength, or PATCH and None) -> the edit; EditError."""


def add(text: str, edits: Edits, length: int | None = None) -> None:
    """Put the edit that a text names on the stack; EditError where it is not understood, or cannot be made."""
    edits.add(*read(text, edits.config), length)


def add_all(texts: Iterable[str], edits: Edits, length: int | None = None) -> None:
    """The same for several, in their order."""
    for text in texts:
        add(text, edits, length)


def read(text: str, config: GPTConfig, given: Given | None = None) -> tuple[Where, What]:
    """The place that a text names, and what is done there; `given` makes what no text can hold. EditError."""
    found = _EDIT.fullmatch(text.strip())
    if not found or _TOO_LONG.search(text):
        raise EditError(f"{quoted(text)} is no edit: write a place and what is done, such as 'head 3.3: zero'.")
    return _place(found["place"], config), _what(text, found["what"], found["amount"], given)


def in_words(edit: Edit) -> str | None:
    """The edit as `add` reads it; None for one that has no words: from another run, or towards a token."""
    return None if isinstance(edit.what, Add | Patch) else in_words_with_given(edit)


def in_words_with_given(edit: Edit) -> str | None:
    """The same, also for what `read` makes only with something that is given: a direction, another run."""
    what, place = edit.what, _place_in_words(edit.where)
    for word, kind in _PLAIN.items():
        if type(what) is kind:
            return f"{place}: {word}"
    match what:
        case Set():
            return f"{place}: set {what.value!r}"
        case Scale():
            return f"{place}: scale {what.factor!r}"
        case Add():
            return f"{place}: {ADD} {what.strength!r}"
        case Patch():
            return f"{place}: {PATCH}"
    return None


def _place(text: str, config: GPTConfig) -> Where:
    text, at = text.strip(), None
    if found := _AT.fullmatch(text):
        text, at = found[1], tuple(map(int, found[2].split("/")))
    if pair := _PAIR.fullmatch(text):
        kind = where.head if pair[1] == "head" else where.neuron
        return kind(int(pair[2]), int(pair[3]), at)
    if layer := _LAYER.fullmatch(text):
        return (where.mlp if layer[1].lower() == "mlp" else where.block)(int(layer[2]), at)
    if edge := _EDGE.fullmatch(text):
        block, head, query, key = (None if part is None else int(part) for part in edge.groups())
        assert query is not None
        assert key is not None
        return where.edge(config, query, key, block, head)
    return where.parse(text)


def _what(text: str, word: str, amount: str | None, given: Given | None = None) -> What:
    if word in _PLAIN and amount is None:
        return _PLAIN[word]()
    try:
        number = None if amount is None else float(amount)
        if word in _WITH_A_NUMBER and number is not None:
            return _WITH_A_NUMBER[word](number)
    except ValueError:
        number = None
    if given and (word, amount is None) in ((ADD, False), (PATCH, True)):
        return given(word, number)
    raise EditError(f"{quoted(text)}: what is done is zero, mean, cut, set X or scale X.")


def _place_in_words(place: Where) -> str:
    if place.edge:
        query, key = place.edge
        layers = {part.name.split(".")[1] for part in place.places}
        head = place.places[0].index[0]
        block = "" if len(layers) > 1 else layers.pop() + ("" if head is None else f".{head[0]}") + ":"
        return f"{block}{query}-{key}"
    known = (_PAIR, _LAYER)
    if any(pattern.fullmatch(place.title) for pattern in known):
        return place.title + (f" at {'/'.join(map(str, place.at))}" if place.at else "")
    part = place.places[0]
    index = ",".join("*" if axis is None else "/".join(map(str, axis)) for axis in part.index)
    return f"{part.name}[{index}]"
