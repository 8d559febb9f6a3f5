"""The number under the cursor: where it is, its exact value, and how it was made."""

from explorer.paint.number import number_under_cursor
from explorer.paint.spans import Line
from explorer.screen.panes.pane import Pane
from explorer.walk.session import Session


class NumberPane(Pane):
    """The strip at the bottom."""

    ID = "number"
    TITLE = "This number"

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return number_under_cursor(session, cells, height)
