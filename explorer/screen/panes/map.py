"""The map of the forward pass: a pane at the left, or one line where there is no room for it."""

from explorer.paint.map import map_of, rail
from explorer.paint.predictions import next_in_brief
from explorer.paint.spans import Line, Span, length
from explorer.screen.panes.pane import Pane
from explorer.walk.session import Session


class MapPane(Pane):
    """All stages, one below the other."""

    ID = "map"
    TITLE = "Map"
    WHEEL = "stage"

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return map_of(session, cells, height)


class RailPane(Pane):
    """The map in one line, and the next token."""

    ID = "rail"
    WHEEL = "stage"

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        told = next_in_brief(session, cells // 2)
        return [
            [*line, Span(" " * (cells - length(line) - length(told))), *told]
            for line in rail(session, cells - length(told) - 2)
        ]
