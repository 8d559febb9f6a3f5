"""The number under the cursor: where it is, its exact value, and how it was made."""

from explorer.paint.number import number_under_cursor
from explorer.paint.pointed import pointed
from explorer.paint.spans import Action, Line, Span, clipped
from explorer.screen.panes.pane import Host, Pane
from explorer.walk.session import Session


class NumberPane(Pane):
    """The strip at the bottom. While a view is open it speaks of the view's cursor."""

    ID = "number"
    TITLE = "This number"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._pointed: Action | None = None
        self._canvas: str | None = None  # that the mouse is over

    def point_at(self, action: Action | None, canvas: str | None) -> None:
        """Tell about what is under the mouse on a canvas, or about the cursor again once the mouse has left it."""
        if action or canvas == self._canvas:
            self._pointed, self._canvas = action, canvas
            self.repaint()

    def forget(self) -> None:
        """The cursor has moved: tell about it, wherever the mouse rests."""
        self._pointed = None

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        view = None if session.why or session.code else self.host.view
        view = view if view and view.session is session else None
        if self._pointed:
            told = pointed(session, self._pointed, cells)
            if not told and view:
                told = [clipped([Span("› ", "dim"), *line], cells) for line in view.pointed(self._pointed, cells)]
            if told:
                return told[:height]
        if view:
            return [clipped(line, cells) for line in view.about(cells)[:height]]
        return number_under_cursor(session, cells, height)
