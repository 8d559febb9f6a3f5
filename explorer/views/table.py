"""A view that is a table of places: its cursor stands on what matters most until a key or a click has chosen."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from explorer.views.view import View
from explorer.walk.session import Session


class TableView(View):
    """A view whose state has a layout, a row and a column."""

    looks = ("mode", "row", "column", "placed")

    def __init__(self, session: Session) -> None:
        self.row = 0
        self.column = 0
        self.placed = False  # before a key or a click has chosen, it stands on what matters most
        super().__init__(session)

    def state(self) -> Any:
        """Everything known; None where there is no table."""
        raise NotImplementedError

    def put(self, state: Any, ranked: Callable[[Any, int], list[tuple[float, Any]]]) -> Any:
        """The state with the cursor where it is: on the largest effect that is known, until something is chosen."""
        best = [] if self.placed else ranked(state, 1)
        row, column = state.layout.at(best[0][1]) if best else _within(state, self.row, self.column)
        return replace(state, row=row, column=column)

    def move(self, across: int, down: int) -> None:
        state = self.state()
        if state is not None:
            self.row, self.column = _within(state, state.row + down, state.column + across)
            self.placed = True

    def click(self, *numbers: int) -> None:
        _, self.row, self.column = numbers
        self.placed = True


def _within(state: Any, row: int, column: int) -> tuple[int, int]:
    """The nearest place of the table."""
    rows, columns = state.layout.shape
    return max(0, min(row, rows - 1)), max(0, min(column, columns - 1))


def clicked(state: Any, numbers: tuple[int, ...]) -> Any:
    """The state as it would be after a click; None where there is no such place."""
    _, row, column = numbers
    if state is None or row >= state.layout.shape[0] or column >= state.layout.shape[1]:
        return None
    return replace(state, row=row, column=column)
