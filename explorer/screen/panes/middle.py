"""The panes side by side, and which of them is open."""

from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Horizontal

from explorer.screen.panes.code import CodePane
from explorer.screen.panes.map import MapPane
from explorer.screen.panes.next_token import NextTokenPane
from explorer.screen.panes.pane import Host
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.view import ViewPane
from explorer.screen.panes.why import WhyPane
from explorer.walk.session import Session
from explorer.walk.why import Look


class Opened(StrEnum):
    """The pane in the middle, by its id; also a class of the row, for the stylesheet."""

    PICTURE = PicturePane.ID
    WHY = WhyPane.ID
    CODE = CodePane.ID
    VIEW = ViewPane.ID


class Middle(Horizontal):
    """The map, the pane that is open, and the next token."""

    def __init__(self, host: Host, view: ViewPane) -> None:
        super().__init__(id="panes", classes=f"-{Opened.PICTURE}")
        self.opened = Opened.PICTURE
        self._place: object = None  # which pane is open, and at which stage
        self._map, self._next = MapPane(host), NextTokenPane(host)
        self.picture, self.why, self.code, self.view = PicturePane(host), WhyPane(host), CodePane(host), view

    def compose(self) -> ComposeResult:
        yield from (self._map, self.picture, self.why, self.code, self.view, self._next)

    def update_opened(self, session: Session) -> bool:
        """Show the pane that is open now in place of the picture. True where it, or the stage, is another one."""
        opened = self._open_in(session)
        place = (opened, self.view.view, session.cursor.stage_index)
        moved, self._place = place != self._place, place
        if opened is not self.opened:
            had_focus = self.opened is not Opened.PICTURE or self.picture.has_focus
            self.opened = opened
            self.update_classes({f"-{name}": name is opened for name in Opened})
            if had_focus or opened is not Opened.PICTURE:
                self.screen.set_focus(None if opened is Opened.PICTURE else self.get_child_by_id(opened))
        self.set_class(session.what_if.edited or bool(session.what_if.showing), "-edited")
        self.set_class(opened is Opened.WHY and session.why is not None and session.why.look is Look.PATH, "-path")
        return moved

    def _open_in(self, session: Session) -> Opened:
        if session.code:
            return Opened.CODE
        if session.why:
            return Opened.WHY
        return Opened.VIEW if self.view.view else Opened.PICTURE
