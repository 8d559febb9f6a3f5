"""A view's own state as a text, "mode=1,row=3", and from it: for commands that open the screen in that state."""

import re
from typing import Any

from explorer.analysis import lens
from explorer.errors import UsageError
from explorer.views.attribution.state import RIVALS
from explorer.views.flow.state import THRESHOLDS
from explorer.views.view import View

_NUMBERS = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,6})?")
_NONE = -1
_MAY_BE_NONE = ("layer", "token")
"""Parts of a state that can be nothing in particular: all blocks, the answer."""

_ANY_SIZE = (80, 24)


def next_measure(view: View) -> None:
    """Let a view show the next of its measures, if it has some."""
    if view.measures:
        view.click(view.chooses_measure, (view.measure + 1) % len(view.measures))


def look(view: View) -> str:
    """The state of a view, as `take_look` reads it; "" where it is as it opens."""
    opened, now = type(view)(view.session), {key: getattr(view, key) for key in view.looks}
    told = [key for key in view.looks if key in view.taken_from_the_walk or now[key] != getattr(opened, key)]
    return ",".join(f"{key}={_written(now[key])}" for key in told)


def take_look(view: View, text: str) -> None:
    """Let a view look as a text says; UsageError for what there is not."""
    view.follow(*_ANY_SIZE)  # what it takes from the walk comes first, and is then chosen
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        if key not in view.looks or not _NUMBERS.fullmatch(value):
            there = f"there are {', '.join(view.looks)}, each =N" if view.looks else "it has none"
            raise UsageError(f"{part!r} is no look of this view: {there}.")
        numbers, sizes = [int(number) for number in value.split(".")], _sizes(view).get(key, (None,))
        if len(numbers) != len(sizes):
            raise UsageError(f"{part!r}: {key} needs {'a number' if len(sizes) == 1 else 'two, such as 5.2'}.")
        for number, size in zip(numbers, sizes):
            if size is not None and not 0 <= number < size and not (number == _NONE and key in _MAY_BE_NONE):
                raise UsageError(f"there is no {key} {value} in this view: they go from 0 to {size - 1}.")
        setattr(view, key, _read(view, key, numbers))


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    return str(_NONE if value is None else value)


def _read(view: View, key: str, numbers: list[int]) -> Any:
    kind: Any = type(getattr(view, key))
    if issubclass(kind, tuple):
        return kind(*numbers)
    return None if key in _MAY_BE_NONE and numbers[0] == _NONE else numbers[0]


def _sizes(view: View) -> dict[str, tuple[int | None, ...]]:
    """How many values each part of a state can have; None where that depends on what is listed."""
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
