"""Choices that a view offers in its dialog: one of several things, or a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Chosen = Mapping[str, "int | str"]
"""By the id of each choice: the number of its option, or the text."""


@dataclass(frozen=True)
class Choice:
    """A line of the dialog."""

    id: str
    label: str
    options: Sequence[str] = ()  # none where a text is typed
    current: int = 0
    text: str = ""
    hint: str = ""  # what no text stands for
    where: tuple[str, tuple[int, ...]] | None = None  # another choice, and at which of its options this one is shown


class Dialog:
    """The choices of one view."""

    def __init__(self, view: Any) -> None:
        self.view = view

    def lines(self) -> list[Choice]:
        """The lines, as things are now; none where nothing can be chosen."""
        return []

    def is_asked(self) -> bool:
        """Whether there is something to choose from by now: what belongs to a view's state is then said."""
        return True

    def take(self, chosen: Chosen) -> None:
        """Let the view ask what was chosen; GPTError where that cannot be done, and nothing changes."""


def shown(choice: Choice, chosen: Chosen) -> bool:
    """Whether a line is shown, with what is chosen in the others."""
    if choice.where is None:
        return True
    other, numbers = choice.where
    return chosen.get(other) in numbers
