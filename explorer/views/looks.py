"""A view's own state as a text, "mode=1,row=3", and from it: for copied commands and for saved sessions.

It has the numbers that the view's `looks` name, and what was chosen in its dialog: the number of an option, or the text
that was typed, in the characters of a web address.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from explorer.errors import UsageError
from explorer.terminal.glyphs import quoted
from explorer.views.choices import Choice
from explorer.views.view import View

_NUMBERS = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,6})?")
_NONE = -1
_ANY_SIZE = (80, 24)


def look(view: View) -> str:
    """The state of a view, as `take_look` reads it; "" where it is as it opens."""
    if follow := getattr(view, "follow_walk", None):
        follow()
    opened, now = type(view)(view.session), {key: getattr(view, key) for key in view.looks}
    told = [key for key in view.looks if key in view.taken_from_the_walk or now[key] != getattr(opened, key)]
    return ",".join([*_chosen(view, opened), *(f"{key}={_written(now[key])}" for key in told)])


def _chosen(view: View, opened: View) -> Iterator[str]:
    if not view.dialog(view).is_asked():
        return
    before = {choice.id: choice for choice in opened.dialog(opened).lines()}
    for choice in view.dialog(view).lines():
        if choice.id not in before or _value(choice) != _value(before[choice.id]):
            yield f"{choice.id}={quote(str(_value(choice)), safe='')}"


def _value(choice: Choice) -> int | str:
    return choice.current if choice.options else choice.text


def take_look(view: View, text: str) -> None:
    """Let a view look as a text says; UsageError for what there is not."""
    view.follow(*_ANY_SIZE)  # what it takes from the walk comes first, and is then chosen
    asked = view.dialog(view)
    choices = {choice.id: choice for choice in asked.lines()}
    chosen: dict[str, int | str] = {}
    numbers: dict[str, list[int]] = {}
    for part in text.split(",") if text else ():
        key, _, value = part.strip().partition("=")
        if key in choices:
            chosen[key] = _option(choices[key], unquote(value), part)
        else:
            numbers[key] = _checked(view, part, key, value, choices)
    if chosen:
        asked.take({id: _value(choice) for id, choice in choices.items()} | chosen)
    for key, found in numbers.items():
        setattr(view, key, _read(view, key, found))


def _option(choice: Choice, value: str, part: str) -> int | str:
    if not choice.options:
        return value
    if not value.isascii() or not value.isdigit() or len(value) > 6 or int(value) >= len(choice.options):
        there = ", ".join(f"{number} {option}" for number, option in enumerate(choice.options))
        raise UsageError(f"{quoted(part)}: for {choice.id} there are {there}.")
    return int(value)


def _checked(view: View, part: str, key: str, value: str, choices: dict[str, Choice]) -> list[int]:
    """The numbers of a part of the state; UsageError where the view has no such part or number."""
    if key not in view.looks or not _NUMBERS.fullmatch(value):
        there = [*view.looks, *choices]
        known = f"there are {', '.join(there)}, each =N" if there else "it has none"
        raise UsageError(f"{quoted(part)} is no look of this view: {known}.")
    numbers, sizes = [int(number) for number in value.split(".")], _sizes(view).get(key, (None,))
    if len(numbers) != len(sizes):
        raise UsageError(f"{quoted(part)}: {key} needs {'a number' if len(sizes) == 1 else 'two, such as 5.2'}.")
    for number, size in zip(numbers, sizes):
        if size is not None and not 0 <= number < size and not (number == _NONE and key in view.may_be_none):
            raise UsageError(f"there is no {key} {value} in this view: they go from 0 to {size - 1}.")
    return numbers


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    return str(_NONE if value is None else int(value))


def _read(view: View, key: str, numbers: list[int]) -> Any:
    kind: Any = type(getattr(view, key))
    if issubclass(kind, tuple):
        return kind(numbers) if kind is tuple else kind(*numbers)
    return None if key in view.may_be_none and numbers[0] == _NONE else numbers[0]


def _sizes(view: View) -> dict[str, tuple[int | None, ...]]:
    """How many values each part of a state can have; None where that depends on what is listed."""
    from explorer.analysis import lens  # only now: they need NumPy, and the screen begins without it
    from explorer.views.attribution.state import RIVALS
    from explorer.views.flow.state import THRESHOLDS

    config = view.session.config
    return {
        "mode": (len(view.modes),),
        "measure": (len(view.measures),),
        "level": (len(THRESHOLDS),),
        "against": (RIVALS + 1,),
        "layer": (config.n_layer,),
        "part": (len(lens.rows(config.n_layer)),),
        "chosen": (config.n_layer, config.n_head),
        "token": (config.vocab_size,),
    }
