"""The number under the cursor: where it is, its exact value, and how it was made."""

from explorer.paint.number import number_under_cursor
from explorer.paint.spans import Line, clipped
from explorer.screen.panes.pane import Pane
from explorer.walk.session import Session


class NumberPane(Pane):
    """The strip at the bottom. While a view is open it speaks of the view's cursor."""

    ID = "number"
    TITLE = "This number"

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        view = None if session.why or session.code else self.host.view
        if view and view.session is session:
            return [clipped(line, cells) for line in view.about(cells)[:height]]
        return number_under_cursor(session, cells, height)
